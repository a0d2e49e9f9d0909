"""Makes models-legacy.json: configs of whole models of tf_keras (Keras 2), with weights, inputs and
what they predict.

    python tools/golden/models_legacy.py
"""

import json
import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tf_keras

import numbers_json

HERE = Path(__file__).resolve().parent
L = tf_keras.layers
ROWS = 3


def random(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape).round(3).astype(np.float32)


def sequential():
    return tf_keras.Sequential(
        [
            L.Dense(5, "elu", kernel_initializer="he_normal", kernel_regularizer="l2", input_shape=(4,)),
            L.BatchNormalization(),
            L.Dropout(0.2),
            L.LeakyReLU(alpha=0.1),
            L.Dense(3, "softmax", dtype="float32"),
        ]
    )


def with_input():
    return tf_keras.Sequential([L.InputLayer((2, 3)), L.Flatten(), L.Dense(2, kernel_constraint="max_norm")])


def built_by_its_data():
    model = tf_keras.Sequential([L.Dense(3, activation="selu"), L.Dense(2)])
    model.build((None, 4))
    return model


def of_a_policy():
    policy = tf_keras.mixed_precision.Policy("float32")
    x = tf_keras.Input((4,))
    return tf_keras.Model(x, L.Dense(2, dtype=policy)(x))


def two_ends():
    last = L.Dense(2, name="value")
    kind = L.Dense(3, activation="softmax", name="kind")
    right = tf_keras.Input((3,), name="right")
    left = tf_keras.Input((3,), name="left")
    shared = L.Dense(4, activation="elu", name="shared")
    after = shared(right)
    before = shared(left)
    deeper = L.Dense(4, name="deeper")(before)
    added = L.Add(name="added")([deeper, after])
    joined = L.Concatenate(name="joined")([added, left])
    return tf_keras.Model([left, right], [kind(joined), last(added)], name="ends")


def chained_twice():
    x = tf_keras.Input((3,))
    block = L.Dense(3, "tanh", name="block")
    y = block(L.Dense(3, name="other")(block(x)))
    return tf_keras.Model(x, L.Average()([y, x]))


MODELS = [sequential, with_input, built_by_its_data, of_a_policy, two_ends, chained_twice]


def fact(seed, make):
    tf_keras.backend.clear_session()
    model = make()
    weights = []
    for i, weight in enumerate(model.weights):
        fresh = random(100 * seed + i, weight.shape)
        weights.append(np.abs(fresh) + np.float32(0.5) if "variance" in weight.name else fresh)
    model.set_weights(weights)
    shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
    inputs = [random(7 * seed + i, (ROWS, *shape[1:])) for i, shape in enumerate(shapes)]
    outputs = model.predict(inputs[0] if len(inputs) == 1 else inputs, verbose=0)
    return {
        "name": make.__name__,
        "config": json.loads(model.to_json()),
        "layers": [layer.name for layer in model.layers],
        "weights": weights,
        "inputs": inputs,
        "isList": isinstance(outputs, list),
        "outputs": outputs if isinstance(outputs, list) else [outputs],
    }


def main():
    numbers_json.write(
        HERE / "models-legacy.json",
        {
            "versions": numbers_json.versions("tf_keras", "tensorflow", "numpy"),
            "models": [fact(seed, make) for seed, make in enumerate(MODELS)],
        },
    )


if __name__ == "__main__":
    main()
