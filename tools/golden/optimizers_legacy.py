"""Makes optimizers-legacy.json: 30 steps of the optimizers of tf_keras.optimizers.legacy, on the
gradients of sequences.py, and their configs (tf_keras's newer ones too). It needs TensorFlow, so an
environment of its own: requirements-legacy.txt.

    python tools/golden/optimizers_legacy.py

Where they differ from Keras 3: RMSprop without momentum and Adagrad have epsilon outside of the
root, and `decay` divides the rate by 1 + decay * step (Nadam's `decay` is its momentum's).
"""

import os
import re
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
import tf_keras

import numbers_json
from sequences import STEPS, sequences

PARTS = ("kernel", "bias")
WEIGHTS_AT = (1, 2, 3, 6, 12, 30)
CLASSES = {"sgd": "SGD", "rmsprop": "RMSprop", "adamW": "AdamW"}
OUTSIDE = {"epsilonPlace": "outside"}

# (name, options that both have, options that only Antler has, `decay`)
CASES = [
    ("sgd", {"learningRate": 0.1, "momentum": 0.9, "nesterov": True}, {}, 0.0),
    ("sgd", {"learningRate": 0.1, "momentum": 0.9, "clipnorm": 0.5}, {}, 0.1),
    ("rmsprop", {"learningRate": 0.05}, OUTSIDE, 0.0),
    ("rmsprop", {"learningRate": 0.05, "centered": True, "epsilon": 1e-3}, OUTSIDE, 0.0),
    ("rmsprop", {"learningRate": 0.05, "momentum": 0.9, "rho": 0.8}, {}, 0.05),
    (
        "rmsprop",
        {"learningRate": 0.05, "momentum": 0.9, "centered": True, "epsilon": 1e-3},
        {},
        0.0,
    ),
    ("adam", {"learningRate": 0.05, "beta1": 0.8, "beta2": 0.9}, {}, 0.1),
    ("adam", {"learningRate": 0.05, "amsgrad": True, "beta2": 0.8, "clipvalue": 0.5}, {}, 0.0),
    ("nadam", {"learningRate": 0.05, "beta1": 0.8}, {"momentumDecay": 0.004}, 0.004),
    ("nadam", {"learningRate": 0.05}, {"momentumDecay": 0.1}, 0.1),
    ("adamax", {"learningRate": 0.05, "beta2": 0.9, "globalClipnorm": 1.0}, {}, 0.0),
    ("adagrad", {"learningRate": 0.05, "epsilon": 1e-3}, OUTSIDE, 0.0),
    ("adadelta", {"learningRate": 1.0, "epsilon": 1e-3}, {}, 0.0),
    (
        "ftrl",
        {
            "learningRate": 0.1,
            "learningRatePower": -0.7,
            "initialAccumulatorValue": 0.2,
            "l1RegularizationStrength": 0.05,
            "l2RegularizationStrength": 0.1,
            "l2ShrinkageRegularizationStrength": 0.2,
            "beta": 0.3,
        },
        {},
        0.0,
    ),
]


def snake(name):
    """Keras's key: beta1 is beta_1, l1RegularizationStrength l1_regularization_strength."""
    name = re.sub(r"^beta(\d)", r"beta_\1", name)
    return re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), name)


def class_of(module, name):
    return getattr(module, CLASSES.get(name, name.capitalize()))


def run(name, options, own, decay, initial, gradients):
    variables = [tf.Variable(initial[part], name=part) for part in PARTS]
    arguments = {snake(key): value for key, value in options.items()}
    optimizer = class_of(tf_keras.optimizers.legacy, name)(**arguments, decay=decay)
    if name == "nadam":
        # Its own argument has another name than the config's key.
        optimizer = tf_keras.optimizers.legacy.Nadam(**arguments, schedule_decay=decay)
    weights = {}
    for step in range(STEPS):
        optimizer.apply_gradients(
            [(tf.constant(gradients[p][step]), variable) for p, variable in zip(PARTS, variables)]
        )
        if step + 1 in WEIGHTS_AT:
            weights[str(step + 1)] = {p: v.numpy() for p, v in zip(PARTS, variables)}
    return {
        "name": name,
        "options": {**options, **own},
        "decay": decay,
        "weights": weights,
        "serialized": tf_keras.optimizers.serialize(optimizer),
    }


def main():
    initial, gradients = sequences()
    names = ("sgd", "rmsprop", "adam", "adamW", "nadam", "adamax", "adagrad", "adadelta", "ftrl")
    newer = [class_of(tf_keras.optimizers, name)() for name in (*names, "lion")]
    decays = tf_keras.optimizers.schedules
    schedules = [
        decays.ExponentialDecay(0.1, 7, 0.5, staircase=True),
        decays.PiecewiseConstantDecay([5, 9], [0.1, 0.05, 0.01]),
        decays.PolynomialDecay(0.1, 10, 0.01, 2.0, cycle=True),
        decays.InverseTimeDecay(0.1, 5, 0.7),
        decays.CosineDecay(0.01, 20, alpha=0.1, warmup_target=0.2, warmup_steps=5),
        decays.CosineDecayRestarts(0.1, 6, t_mul=1.5, m_mul=0.8),
    ]
    numbers_json.write(
        Path(__file__).resolve().parent / "optimizers-legacy.json",
        {
            "versions": numbers_json.versions("tensorflow", "tf_keras", "numpy"),
            "cases": [run(*case, initial, gradients) for case in CASES],
            "newer": [tf_keras.optimizers.serialize(one) for one in newer],
            "schedules": [
                {
                    "serialized": decays.serialize(one),
                    "values": [float(one(step)) for step in range(24)],
                }
                for one in schedules
            ],
        },
    )


if __name__ == "__main__":
    main()
