"""Makes weights-legacy.json: how tf_keras writes activations, initializers, regularizers and
constraints, in its newer form and in that of .h5 files.

    python tools/golden/weights_legacy.py

Needs TensorFlow: see requirements-legacy.txt.
"""

import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tf_keras as keras

import numbers_json

HERE = Path(__file__).resolve().parent

PARTS = {
    "initializers": [
        ("Zeros", {}), ("Ones", {}), ("Constant", {"value": 0.25}), ("Identity", {"gain": 2.0}),
        ("RandomNormal", {"mean": 1.0, "seed": 7}), ("RandomUniform", {}), ("TruncatedNormal", {}),
        ("VarianceScaling", {"scale": 2.0, "mode": "fan_avg", "distribution": "normal"}),
        ("VarianceScaling", {"distribution": "untruncated_normal"}), ("GlorotNormal", {}),
        ("GlorotUniform", {}), ("HeNormal", {}), ("HeUniform", {"seed": 3}), ("LecunNormal", {}),
        ("LecunUniform", {}), ("Orthogonal", {"gain": 0.5}),
    ],
    "regularizers": [
        ("L1", {"l1": 0.5}), ("L2", {"l2": 0.25}), ("L1L2", {"l1": 0.5, "l2": 0.25}),
        ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
    ],
    "constraints": [
        ("MaxNorm", {"max_value": 3.0, "axis": 1}), ("NonNeg", {}), ("UnitNorm", {"axis": [0, 1]}),
        ("MinMaxNorm", {"min_value": 0.5, "max_value": 2.0, "rate": 0.75}),
    ],
}
ACTIVATIONS = [
    "elu", "exponential", "gelu", "hard_sigmoid", "linear", "mish", "relu", "selu", "sigmoid",
    "softmax", "softplus", "softsign", "swish", "tanh",
]


def forms(module, part):
    return [module.serialize(part), module.serialize(part, use_legacy_format=True)]


def main():
    found = {"versions": numbers_json.versions("tf_keras", "tensorflow")}
    for kind, parts in PARTS.items():
        module = getattr(keras, kind)
        found[kind] = [
            {"options": options, "forms": forms(module, getattr(module, name)(**options))}
            for name, options in parts
        ]
    of = keras.activations
    found["activations"] = [
        {"name": name, "forms": forms(of, of.get(name))} for name in ACTIVATIONS
    ]
    numbers_json.write(HERE / "weights-legacy.json", found)


if __name__ == "__main__":
    main()
