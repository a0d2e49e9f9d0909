"""Three epochs of a functional model in Keras 3: makes functional.json.

Two inputs, a shared layer with a penalty, batch normalization, two outputs with weighted losses, sample
weights for each, metrics with and without them, a smaller last batch, validation. Also the order of
its layers and weights.
"""

import os

os.environ["KERAS_BACKEND"] = "jax"

import pathlib

import keras
import numpy as np

from numbers_json import versions, write

layers = keras.layers
ROWS, BATCH, EPOCHS = 12, 5, 3


def column(rows, columns, factor):
    numbers = np.sin(np.arange(1, rows * columns + 1) * factor)
    return np.round(numbers, 3).reshape(rows, columns).astype("float32")


def make():
    left = keras.Input((3,), name="left")
    right = keras.Input((3,), name="right")
    penalty = keras.regularizers.L2(0.02)
    shared = layers.Dense(4, activation="elu", kernel_regularizer=penalty, name="shared")
    joined = layers.Concatenate(name="joined")([shared(left), shared(right), left])
    normal = layers.BatchNormalization(name="normal")(joined)
    value = layers.Dense(1, name="value")(normal)
    kind = layers.Dense(3, activation="softmax", name="kind")(normal)
    return keras.Model([left, right], [value, kind])


def train(loss_weights):
    model = make()
    start = [
        np.round(column(1, w.size, 0.7 + i).reshape(w.shape) * 0.5, 3) for i, w in enumerate(model.get_weights())
    ]
    # Variances are positive.
    start = [
        np.abs(w) + 0.5 if v.path.endswith("moving_variance") else w for v, w in zip(model.weights, start)
    ]
    model.set_weights(start)
    model.compile(
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
        loss={"value": "mse", "kind": "sparse_categorical_crossentropy"},
        loss_weights=loss_weights,
        metrics={"value": ["mae"], "kind": ["accuracy"]},
        weighted_metrics={"value": ["mae"]},
    )
    x = [column(ROWS, 3, 1.3), column(ROWS, 3, 2.1)]
    y = [column(ROWS, 1, 0.9), (np.arange(ROWS) * 7 % 3).astype("uint8")]
    weights = [column(1, ROWS, f)[0] + 1 for f in (0.4, 1.7)]
    history = model.fit(
        x, y, sample_weight=weights, batch_size=BATCH, epochs=EPOCHS, shuffle=False,
        validation_data=(x, y), verbose=0,
    ).history
    return {
        "layers": [layer.name for layer in model.layers],
        "paths": [v.path for v in model.weights],
        "start": start,
        "x": x,
        "y": y,
        "sampleWeight": weights,
        "history": {name: [float(v) for v in values] for name, values in history.items()},
        "end": model.get_weights(),
    }


golden = {
    "versions": versions("keras", "jax", "numpy"),
    "fit": train({"value": 2.0, "kind": 0.5}),
    # What a test must tell apart: the losses weighted the other way round.
    "nearMiss": train({"value": 0.5, "kind": 2.0})["history"],
}
write(pathlib.Path(__file__).with_name("functional.json"), golden)
