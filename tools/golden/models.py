"""Makes models.json and summary-*.txt: configs of whole models of real Keras 3 on JAX, with weights,
inputs and what they predict; tables of functional models.

    python tools/golden/models.py
"""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
# Keras's summary is 108 characters wide unless the terminal is narrower.
os.environ["COLUMNS"] = "200"

import keras
import numpy as np

import numbers_json

HERE = Path(__file__).resolve().parent
L = keras.layers
ROWS = 3


def random(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape).round(3).astype(np.float32)


def sequential():
    model = keras.Sequential(
        [
            keras.Input((4,), name="features"),
            L.Dense(5, "elu", kernel_initializer="he_normal", kernel_regularizer="l2", name="first"),
            L.BatchNormalization(momentum=0.9),
            L.Dropout(0.25),
            L.Dense(4, use_bias=False, kernel_constraint=keras.constraints.MaxNorm(1.5)),
            L.LeakyReLU(0.1),
            L.Dense(3, "softmax"),
        ],
        name="net",
    )
    model.compile(
        keras.optimizers.Nadam(0.01, beta_1=0.8, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy", keras.metrics.AUC(num_thresholds=50, name="area")],
        weighted_metrics=[keras.metrics.TopKCategoricalAccuracy(2)],
    )
    return model


def built_by_its_data():
    model = keras.Sequential([L.Flatten(), L.Dense(3, "tanh"), L.Dense(2)])
    model.compile(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 50)), "mse")
    model.build((None, 2, 3))
    return model


def views():
    return keras.Sequential(
        [
            keras.Input((2, 6)),
            L.Normalization(mean=1.0, variance=4.0),
            L.Permute((2, 1)),
            L.Reshape((3, -1)),
            L.PReLU(),
            L.LayerNormalization(),
            L.Dense(2, activation="gelu"),
            L.Flatten(),
        ]
    )


def two_ends():
    """Made in another order than Keras's, which is by depth; one layer is used twice."""
    last = L.Dense(2, name="value")
    kind = L.Dense(3, activation="softmax", name="kind")
    right = keras.Input((3,), name="right")
    left = keras.Input((3,), name="left")
    shared = L.Dense(4, activation="elu", name="shared")
    after = shared(right)
    before = shared(left)
    deeper = L.Dense(4, name="deeper")(before)
    added = L.Add(name="added")([deeper, after])
    joined = L.Concatenate(name="joined")([added, left])
    model = keras.Model([left, right], [kind(joined), last(added)], name="ends")
    model.compile(
        keras.optimizers.AdamW(keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)),
        loss={"kind": "sparse_categorical_crossentropy", "value": keras.losses.Huber(0.5)},
        loss_weights={"kind": 1.0, "value": 0.25},
        metrics={"kind": ["accuracy"], "value": ["mae", "mse"]},
        weighted_metrics={"kind": [keras.metrics.SparseCategoricalAccuracy(name="weighted")]},
    )
    return model


def chained_twice():
    """A layer whose second application hangs on its first."""
    x = keras.Input((3,))
    block = L.Dense(3, "tanh", name="block")
    other = L.Dense(3, name="other")
    y = block(other(block(x)))
    return keras.Model(x, L.Average()([y, x]))


def list_of_one():
    x = keras.Input((3,))
    y = L.Dense(2)(x)
    return keras.Model([x], [y])


def branches():
    """Branches of several lengths, an output in the middle."""
    x = keras.Input((4,), name="x")
    a = L.Dense(3, name="a")(x)
    skip = L.Dense(2, name="skip")(x)
    b = L.Dense(3, name="b")(a)
    c = L.Multiply(name="c")([b, a])
    d = L.Dense(2, name="d")(c)
    e = L.Maximum(name="e")([d, skip])
    return keras.Model(x, [e, c])


def named_inputs():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    both = L.Dot(axes=1, normalize=True)([a, L.Dense(2)(b)])
    return keras.Model({"a": a, "b": b}, both)


MODELS = [sequential, built_by_its_data, views, two_ends, chained_twice, list_of_one, branches, named_inputs]


def fact(seed, make):
    keras.utils.clear_session()
    model = make()
    weights = []
    for i, weight in enumerate(model.weights):
        fresh = random(100 * seed + i, weight.shape)
        positive = "variance" in weight.path or weight.path.endswith("count")
        weights.append(np.abs(fresh) + np.float32(0.5) if positive else fresh)
    model.set_weights(weights)
    inputs = [random(7 * seed + i, (ROWS, *x.shape[1:])) for i, x in enumerate(model.inputs)]
    given = inputs[0] if len(inputs) == 1 else inputs
    if make is named_inputs:
        given = dict(zip("ab", inputs))
    outputs = model.predict(given, verbose=0)
    return {
        "name": make.__name__,
        "config": json.loads(model.to_json()),
        "layers": [layer.name for layer in model.layers],
        "weights": weights,
        "inputs": inputs,
        "isList": isinstance(outputs, list),
        "outputs": outputs if isinstance(outputs, list) else [outputs],
    }


def refused():
    """What Keras writes and has no counterpart here."""
    x = keras.Input((3,), name="x")
    nested = keras.Sequential([keras.Input((3,)), L.Dense(2)], name="inner")
    normal = L.BatchNormalization(name="normal")
    configs = {
        "operation": keras.Model(x, x + L.Dense(3)(x)),
        "nested": keras.Model(x, nested(x)),
        "training": keras.Model(x, normal(x, training=False)),
        "convolution": keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(2, 3)]),
    }
    return {name: json.loads(model.to_json()) for name, model in configs.items()}


def summary_text(model):
    lines = []
    model.summary(print_fn=lambda text, line_break=True: lines.append(text))
    return "".join(lines)


def summaries():
    made = {}
    keras.utils.clear_session()
    ends = two_ends()
    made["ends"] = summary_text(ends)
    ends.get_layer("shared").trainable = False
    x = [random(1, (4, 3)), random(2, (4, 3))]
    ends.compile("adam", ["sparse_categorical_crossentropy", "mse"])
    ends.fit(x, [np.array([0, 1, 2, 0]), random(3, (4, 2))], verbose=0)
    made["ends-frozen"] = summary_text(ends)

    keras.utils.clear_session()
    x = keras.Input((4,))
    y = L.BatchNormalization()(L.Dense(300)(x))
    line = keras.Model(x, L.Dense(2, name="a_name_that_is_longer_than_its_column")(y), name="line")
    line.layers[1].trainable = False
    made["line"] = summary_text(line)

    keras.utils.clear_session()
    first, second = keras.Input((2, 3), name="a_long_name_of_an_input"), keras.Input((2, 3))
    block = L.Dense(3, name="a_shared_block_with_a_name_too_long_for_its_column")
    parts = [block(first), block(second), block(block(first)), second]
    joined = L.Concatenate(axis=1)(parts)
    made["wide"] = summary_text(keras.Model([first, second], L.BatchNormalization()(joined), name="wide"))

    keras.utils.clear_session()
    x = keras.Input((3,))
    block = L.Dense(3)
    made["twice"] = summary_text(keras.Model(x, block(block(x)), name="twice"))
    return made


def main():
    golden = {
        "versions": numbers_json.versions("keras", "jax", "numpy"),
        "models": [fact(seed, make) for seed, make in enumerate(MODELS)],
        "refused": refused(),
    }
    numbers_json.write(HERE / "models.json", golden)
    for name, text in summaries().items():
        (HERE / f"summary-{name}.txt").write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
