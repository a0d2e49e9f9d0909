"""Makes activations.json: every activation of real Keras 3, with its slope, in doubles.

    python tools/golden/activations.py

Keras runs twice, on JAX and (in a process of its own) on PyTorch: the values are the same, the
slopes at kinks not always. Each case has

- `options`, and `config`: how Keras writes it in a file;
- `x`: numbers on both sides of all kinks and on them, or a matrix for those along a dimension;
- `y` and `gradient`, on JAX: the gradient of sum(upstream y), upstream_i = sin(i + 1);
- `elsewhere`: [position, gradient on PyTorch] where that is another one;
- `special`: what becomes of -infinity, infinity and NaN, on JAX and on PyTorch.

Keras 3.15.1's sparsemax adds the partial sums of the whole support where the last one is meant, on
all backends: its results do not sum to 1 where the support has several elements. `y` there is
Martins and Astudillo's algorithm 1; `keras` what Keras gives.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import numbers_json

HERE = Path(__file__).resolve().parent

POINTWISE = [
    ("linear", {}, []),
    ("relu", {}, [0]),
    ("relu", {"negative_slope": 0.1}, [0]),
    ("relu", {"max_value": 3.0}, [0, 3]),
    ("relu", {"max_value": 6.0}, [0, 6]),
    ("relu", {"threshold": 1.0}, [0, 1]),
    ("relu", {"threshold": -1.0, "negative_slope": 0.5}, [-1, 0]),
    ("relu", {"threshold": -1.0, "max_value": 3.0}, [-1, 0, 3]),
    ("relu", {"negative_slope": 0.2, "max_value": 3.0, "threshold": 1.0}, [0, 1, 3]),
    ("relu6", {}, [0, 6]),
    ("leaky_relu", {}, [0]),
    ("leaky_relu", {"negative_slope": 0.3}, [0]),
    ("elu", {}, [0]),
    ("elu", {"alpha": 0.5}, [0]),
    ("elu", {"alpha": -1.5}, [0]),
    ("selu", {}, [0]),
    ("celu", {}, [0]),
    ("celu", {"alpha": 2.0}, [0]),
    ("tanh", {}, []),
    ("hard_tanh", {}, [-1, 1]),
    ("tanh_shrink", {}, []),
    ("sigmoid", {}, []),
    ("hard_sigmoid", {}, [-3, 3]),
    ("log_sigmoid", {}, []),
    ("sparse_sigmoid", {}, [-1, 1]),
    ("softplus", {}, []),
    ("squareplus", {}, []),
    ("squareplus", {"b": 1.0}, []),
    ("sparse_plus", {}, [-1, 1]),
    ("softsign", {}, [0]),
    ("silu", {}, []),
    ("hard_silu", {}, [-3, 3]),
    ("gelu", {}, []),
    ("gelu", {"approximate": True}, []),
    ("mish", {}, []),
    ("exponential", {}, []),
    ("threshold", {"threshold": 1.0, "default_value": -2.0}, [1]),
    ("soft_shrink", {}, [-0.5, 0.5]),
    ("soft_shrink", {"threshold": 1.0}, [-1, 1]),
    ("hard_shrink", {}, [-0.5, 0.5]),
    ("hard_shrink", {"threshold": 1.0}, [-1, 1]),
]
GRID = [-100, -80, -20, -6, -4.5, -2, -1.25, -0.75, -0.3, -1e-3, -1e-6]
GRID = np.array(GRID + [0.0] + [-x for x in GRID], dtype=np.float64)
# Derived from powers: the largest float32 that exp keeps finite is at 88.7.
LARGEST = {"exponential": 80}
MATRICES = [
    [[1, 2, 3.25, 4], [0, 0, 0, 0], [-1, 2, 2, 0.5], [80, -80, 0, 1], [0.1, 0.2, 0.15, 0.3]],
    [[[1000, 999.5], [-3, -3.25]], [[0.5, 0.5], [2, -7]]],
]
ALONG = [
    ("softmax", {}), ("softmax", {"axis": 0}), ("softmax", {"axis": 1}), ("log_softmax", {}),
    ("log_softmax", {"axis": 0}), ("sparsemax", {}), ("sparsemax", {"axis": 0}),
    ("glu", {}), ("glu", {"axis": 1}),
]
SPECIAL = np.array([-np.inf, np.inf, np.nan])


def points(name, kinks):
    x = np.unique(np.concatenate([GRID, np.array(kinks, dtype=np.float64)]))
    return x[x <= LARGEST.get(name, np.inf)]


def inputs():
    """All cases: name, options, x."""
    pointwise = [(name, options, points(name, kinks)) for name, options, kinks in POINTWISE]
    along = [
        (name, options, np.array(matrix, dtype=np.float64))
        for name, options in ALONG
        for matrix in MATRICES
        if not (name == "glu" and matrix is MATRICES[0] and options.get("axis") == 0)
    ]
    return pointwise + along


def upstream(x, y_shape):
    return np.sin(np.arange(np.prod(y_shape)) + 1.0).reshape(y_shape)


def martins_astudillo(jnp):
    def sparsemax(x, axis=-1):
        last = jnp.moveaxis(x, axis, -1)
        ordered = -jnp.sort(-last, axis=-1)
        sums = jnp.cumsum(ordered, axis=-1)
        ranks = jnp.arange(1, last.shape[-1] + 1)
        count = jnp.sum(1 + ranks * ordered > sums, axis=-1, keepdims=True)
        threshold = (jnp.take_along_axis(sums, count - 1, axis=-1) - 1) / count
        return jnp.moveaxis(jnp.maximum(last - threshold, 0), -1, axis)

    return sparsemax


def by_jax():
    os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", JAX_ENABLE_X64="1")
    import jax
    import jax.numpy as jnp
    import keras

    keras.config.set_floatx("float64")
    cases = []
    for name, options, x in inputs():
        named = getattr(keras.activations, name)
        call = martins_astudillo(jnp) if name == "sparsemax" else named
        y = np.asarray(call(jnp.asarray(x), **options))
        flow = upstream(x, y.shape)
        gradient = jax.grad(lambda v: jnp.sum(call(v, **options) * flow))(jnp.asarray(x))
        case = {
            "name": name, "options": options, "config": keras.activations.serialize(named),
            "x": x, "y": y, "gradient": np.asarray(gradient),
        }
        if name == "sparsemax":
            case["keras"] = np.asarray(named(jnp.asarray(x), **options))
        elif x.ndim == 1:
            case["special"] = {"jax": np.asarray(named(jnp.asarray(SPECIAL), **options))}
        cases.append(case)
    return cases


def by_torch():
    """The same on PyTorch, as JSON on standard output: gradients and specials."""
    import keras
    import torch

    keras.config.set_floatx("float64")
    found = []
    for name, options, x in inputs():
        named = getattr(keras.activations, name)
        if name == "sparsemax":
            found.append(None)
            continue
        given = torch.tensor(x, requires_grad=True)
        y = named(given, **options)
        (y * torch.tensor(upstream(x, y.shape))).sum().backward()
        special = named(torch.tensor(SPECIAL), **options) if x.ndim == 1 else None
        found.append({
            "gradient": given.grad.tolist(), "y": y.tolist(),
            "special": None if special is None else special.tolist(),
        })
    print(json.dumps(found))


def main():
    cases = by_jax()
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    command = [sys.executable, __file__, "torch"]
    output = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    for case, other in zip(cases, json.loads(output.stdout.splitlines()[-1])):
        if other is None:
            continue
        np.testing.assert_allclose(other["y"], case["y"], rtol=1e-6, atol=1e-9)
        pairs = zip(case["gradient"].ravel(), np.ravel(other["gradient"]))
        case["elsewhere"] = [[i, b] for i, (a, b) in enumerate(pairs) if abs(a - b) > 1e-6]
        if "special" in case:
            case["special"]["torch"] = np.array(other["special"])
    versions = numbers_json.versions("keras", "jax", "torch", "numpy")
    numbers_json.write(HERE / "activations.json", {"versions": versions, "activations": cases})


if __name__ == "__main__":
    by_torch() if sys.argv[1:] == ["torch"] else main()
