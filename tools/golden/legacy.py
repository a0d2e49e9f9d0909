"""Makes legacy.json: 30 steps of tf_keras.optimizers.legacy.Nadam, the optimizer that the book's
numbers were made with (our `momentumDecay: 0.004`). It needs TensorFlow, so an environment of its
own: requirements-legacy.txt.

    python tools/golden/legacy.py
"""

import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
import tf_keras

import numbers_json
from sequences import STEPS, check_close, nadam64, rates, sequences

BASE = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7, "momentumDecay": 0.004}
CASES = [{"learningRate": 1e-3, **BASE}, {"learningRate": 0.05, **BASE}]


def run(config, initial, gradients):
    parts = ("kernel", "bias")
    variables = [tf.Variable(initial[part], name=part) for part in parts]
    optimizer = tf_keras.optimizers.legacy.Nadam(
        config["learningRate"],
        beta_1=config["beta1"],
        beta_2=config["beta2"],
        epsilon=config["epsilon"],
    )
    steps = {part: [] for part in parts}
    for step in range(STEPS):
        optimizer.apply_gradients(
            [(tf.constant(gradients[p][step]), variable) for p, variable in zip(parts, variables)]
        )
        for part, variable in zip(parts, variables):
            steps[part].append(variable.numpy())
    exact = {part: nadam64(config, initial[part], gradients[part])["weight"] for part in parts}
    check_close("legacy Nadam", {part: steps[part][-1] for part in parts}, exact, initial)
    slots = {
        name: {part: optimizer.get_slot(v, slot).numpy() for part, v in zip(parts, variables)}
        for name, slot in (("momentum", "m"), ("velocity", "v"))
    }
    slots["momentumProduct"] = np.float32(optimizer.get_weights()[1])
    return {
        "library": "tf_keras legacy",
        "name": "nadam",
        "config": config,
        "learningRates": np.array(rates(config)),
        **steps,
        "slots": slots,
        "exact": exact,
    }


def main():
    initial, gradients = sequences()
    numbers_json.write(
        Path(__file__).resolve().parent / "legacy.json",
        {
            "versions": numbers_json.versions("tensorflow", "tf_keras", "numpy"),
            "initial": initial,
            "gradients": gradients,
            "cases": [run(config, initial, gradients) for config in CASES],
        },
    )


if __name__ == "__main__":
    main()
