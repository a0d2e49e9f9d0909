"""Makes weights.json: Keras 3's initializers, regularizers and constraints, in doubles on JAX.

    python tools/golden/weights.py

- `fans`: of shapes with up to four dimensions, and with axes given.
- `initializers`: statistics of 120,000 draws, and the config.
- `regularizers`: value and gradient for several weights, and the config. At 0 the slope of |w| is 1
  on JAX, 0 on TensorFlow and PyTorch: there are no gradients for weights with zeros.
- `constraints`: what becomes of several weights, and the config.
- `names`: every text that Keras takes, and the class that it means.
- `seeds`: configs with seeds that are no whole number from 0 on.
"""

import os
from pathlib import Path

os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", JAX_ENABLE_X64="1")

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras.src import constraints as constraint_module
from keras.src import initializers as initializer_module
from keras.src import regularizers as regularizer_module
from keras.src.initializers.random_initializers import compute_fans

import numbers_json

HERE = Path(__file__).resolve().parent
keras.config.set_floatx("float64")

FANS = [
    {"shape": []}, {"shape": [7]}, {"shape": [7, 5]}, {"shape": [3, 7, 5]},
    {"shape": [2, 3, 7, 5]}, {"shape": [7, 5], "input_axes": [1], "output_axes": [0]},
    {"shape": [4, 3, 5], "input_axes": [0, 1], "output_axes": [-1]},
]

INITIALIZERS = [
    ("Zeros", {}), ("Ones", {}), ("Constant", {"value": 0.25}), ("Identity", {}),
    ("Identity", {"gain": 3.0}),
    ("RandomNormal", {}), ("RandomNormal", {"mean": 1.0, "stddev": 2.0}), ("RandomUniform", {}),
    ("RandomUniform", {"minval": 1.0, "maxval": 3.0}), ("TruncatedNormal", {}),
    ("TruncatedNormal", {"mean": 1.0, "stddev": 2.0}), ("VarianceScaling", {}),
    ("VarianceScaling", {"scale": 2.0, "mode": "fan_avg", "distribution": "uniform"}),
    ("VarianceScaling", {"mode": "fan_out", "distribution": "untruncated_normal"}),
    ("VarianceScaling", {"input_axes": [1], "output_axes": [0]}),
    ("GlorotNormal", {}), ("GlorotUniform", {}), ("HeNormal", {}), ("HeUniform", {}),
    ("HeNormal", {"input_axes": [1], "output_axes": [0]}),
    ("LecunNormal", {}), ("LecunUniform", {}), ("Orthogonal", {}), ("Orthogonal", {"gain": 2.0}),
]
SHAPE = (400, 300)
SHARES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]

PLAIN = [[0.5, -2.0], [1.5, 0.25], [-1.0, 3.0], [0.1, -0.4]]
WEIGHTS = {
    "plain": PLAIN,
    "with zeros": [[0.5, -2.0, 0.0], [1.5, 0.25, -0.0], [0.0, 0.0, 0.0], [0.1, -0.4, 0.0]],
    # Epsilons of 1e-7 show beside these.
    "tiny": [[3e-8, -4e-7], [1e-8, 2e-7], [-2e-8, 1e-6]],
    "nearly orthogonal": [[1.0, 1e-4, 2e-5], [-2e-4, 2.0, 1e-4], [1e-5, 3e-5, -0.5]],
    "a vector": [0.5, -3.0, 4.0],
    "three dimensions": [PLAIN, [[1.0, 2.0], [-3.0, 0.5], [0.2, 0.1], [-0.7, 2.5]]],
}

REGULARIZERS = [
    ("L1", {}), ("L1", {"l1": 0.5}), ("L2", {}), ("L2", {"l2": 0.5}), ("L1L2", {}),
    ("L1L2", {"l1": 0.1, "l2": 0.2}), ("L1L2", {"l1": 0.1}), ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]

CONSTRAINTS = [
    ("MaxNorm", {}), ("MaxNorm", {"max_value": 1.0, "axis": 1}),
    ("MaxNorm", {"max_value": 0.5, "axis": -1}), ("MaxNorm", {"axis": [0, 1]}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 2.0, "rate": 0.7, "axis": 1}),
    ("MinMaxNorm", {"min_value": 1.0, "max_value": 1.5, "rate": 0.0}),
    ("NonNeg", {}), ("UnitNorm", {}), ("UnitNorm", {"axis": 1}), ("UnitNorm", {"axis": [0, 1]}),
]


def fans():
    found = []
    for one in FANS:
        axes = {key: value for key, value in one.items() if key != "shape"}
        fan_in, fan_out = compute_fans(one["shape"], **axes)
        found.append({**one, "fanIn": fan_in, "fanOut": fan_out})
    return found


def initializers():
    cases = []
    for name, options in INITIALIZERS:
        maker = getattr(keras.initializers, name)
        seeded = {} if name in {"Zeros", "Ones", "Constant", "Identity"} else {"seed": 7}
        draw = np.asarray(maker(**options, **seeded)(SHAPE)).ravel()
        moments = [np.mean((draw - draw.mean()) ** k) for k in (2, 3, 4)]
        squared = moments[0] ** 2
        cases.append({
            "options": options,
            "config": keras.initializers.serialize(maker(**options)),
            "shape": SHAPE, "mean": draw.mean(), "deviation": draw.std(),
            # That of a normal is 3, of a uniform 1.8, of the truncated normal 2.37.
            "kurtosis": moments[2] / squared if squared > 0 else 0.0,
            "low": draw.min(), "high": draw.max(), "quantiles": np.quantile(draw, SHARES),
        })
    return cases


def regularizers():
    cases = []
    for name, options in REGULARIZERS:
        one = getattr(keras.regularizers, name)(**options)
        call = lambda w: jnp.asarray(one(w), dtype=jnp.float64)
        results = []
        for label, weight in WEIGHTS.items():
            weight = np.array(weight)
            if name == "OrthogonalRegularizer" and weight.ndim != 2:
                continue
            result = {"weight": label, "value": np.asarray(call(jnp.asarray(weight)))}
            if label != "with zeros":
                result["gradient"] = np.asarray(jax.grad(call)(jnp.asarray(weight)))
            results.append(result)
        cases.append({"config": keras.regularizers.serialize(one), "results": results})
    return cases


def constraints():
    cases = []
    for name, options in CONSTRAINTS:
        one = getattr(keras.constraints, name)(**options)
        axis = options.get("axis", 0)
        deepest = max(axis) if isinstance(axis, list) else axis
        results = [
            {"weight": label, "result": np.asarray(one(jnp.asarray(np.array(weight))))}
            for label, weight in WEIGHTS.items()
            if np.array(weight).ndim > deepest
        ]
        cases.append({"config": keras.constraints.serialize(one), "results": results})
    return cases


def names():
    left_out = {"Initializer", "Regularizer", "Constraint", "STFT"}
    modules = {
        "initializer": initializer_module, "regularizer": regularizer_module,
        "constraint": constraint_module,
    }
    return {
        kind: {
            text: one.__name__
            for text, one in module.ALL_OBJECTS_DICT.items()
            if one.__name__ not in left_out
        }
        for kind, module in modules.items()
    }


def seeds():
    of = [7, -7, keras.random.SeedGenerator(7)]
    return [keras.initializers.serialize(keras.initializers.HeNormal(seed=one)) for one in of]


def main():
    numbers_json.write(HERE / "weights.json", {
        "versions": numbers_json.versions("keras", "jax", "numpy"),
        "fans": fans(), "initializers": initializers(),
        "weights": {label: np.array(weight) for label, weight in WEIGHTS.items()},
        "regularizers": regularizers(), "constraints": constraints(), "names": names(),
        "seeds": seeds(),
    })


if __name__ == "__main__":
    main()
