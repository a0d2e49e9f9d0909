"""Makes fits.json: small fits of real Keras 3 on JAX, from given weights, without shuffle.

    python tools/golden/fits.py

Models, optimizers, losses and metrics are there as Keras's own configs, so whoever repeats the fits
reads those too. 22 samples in batches of 8 leave a last batch of 6.
"""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np
from keras.src.layers.normalization import batch_normalization

import numbers_json

HERE = Path(__file__).resolve().parent
L = keras.layers
R = keras.regularizers
C = keras.constraints
O = keras.optimizers
ROWS, FEATURES, BATCH, EPOCHS = 22, 4, 8, 3


def random(seed, shape, scale=1.0):
    return (np.random.default_rng(seed).standard_normal(shape) * scale).round(4).astype(np.float32)


X = random(1, (ROWS, FEATURES))
CLASSES = (np.abs(X[:, :3]).argmax(axis=1)).astype(np.int32)
SIGNS = (X[:, 0] * X[:, 1] > 0).astype(np.float32)
ONE_HOT = np.eye(3, dtype=np.float32)[CLASSES]
TARGETS = np.stack([X[:, 0] * X[:, 1], np.sin(X[:, 2]) - X[:, 3]], axis=1).round(4).astype(np.float32)
HELD = {"x": random(2, (7, FEATURES)), "y": np.array([0, 1, 2, 0, 2, 1, 1], dtype=np.int32)}
WEIGHTS = np.abs(random(3, (ROWS,))) + 0.1


def net(*layers):
    return keras.Sequential([keras.Input((FEATURES,)), *layers])


def dense(units=6, activation=None, **options):
    return L.Dense(units, activation=activation, **options)


def classifier(*hidden):
    return net(*hidden, dense(3, "softmax"))


def frozen():
    model = classifier(dense(activation="elu"), L.BatchNormalization(), dense(activation="tanh"))
    model.layers[0].trainable = False
    model.layers[1].trainable = False
    return model


def batch_normalized():
    return classifier(
        L.BatchNormalization(), dense(), L.BatchNormalization(momentum=0.8), L.ELU(), dense(), L.BatchNormalization(scale=False), L.ReLU()
    )


SPARSE = lambda: keras.losses.SparseCategoricalCrossentropy()
ACCURACY = ["accuracy"]

# name, model, optimizer, loss, targets, options of compile and fit
CASES = [
    ("elu, Keras 3's Nadam", classifier(dense(activation="elu"), dense(activation="elu")), O.Nadam(0.02), SPARSE(), CLASSES, {"metrics": ACCURACY}, {"validation_data": True}),
    ("batch normalization", batch_normalized(), O.SGD(0.05, momentum=0.9), SPARSE(), CLASSES, {"metrics": ACCURACY}, {"validation_data": True}),
    ("dropout of rate 0", classifier(dense(activation="relu"), L.Dropout(0.0), L.GaussianNoise(0.0)), O.Adam(0.02), SPARSE(), CLASSES, {"metrics": ACCURACY}, {}),
    ("regularizers", classifier(dense(activation="tanh", kernel_regularizer=R.L2(0.05), bias_regularizer=R.L1(0.02)), dense(kernel_regularizer=R.L1L2(0.01, 0.02))), O.SGD(0.1), SPARSE(), CLASSES, {"metrics": ACCURACY}, {"validation_data": True}),
    ("activity regularizers", classifier(dense(activation="tanh", activity_regularizer=R.L2(0.05)), L.ActivityRegularization(l1=0.01)), O.SGD(0.1), SPARSE(), CLASSES, {}, {"validation_data": True}),
    ("constraints", net(dense(kernel_constraint=C.MaxNorm(0.8), bias_constraint=C.NonNeg(), activation="softplus"), dense(2, kernel_constraint=C.UnitNorm())), O.SGD(0.1, nesterov=True, momentum=0.9), keras.losses.MeanSquaredError(), TARGETS, {"metrics": ["mae"]}, {}),
    ("class weights", classifier(dense(activation="elu")), O.Adam(0.03), SPARSE(), CLASSES, {"metrics": ACCURACY}, {"class_weight": {0: 2.0, 2: 0.25}}),
    ("sample weights", classifier(dense(activation="elu")), O.Adam(0.03), SPARSE(), CLASSES, {"metrics": ACCURACY, "weighted_metrics": ACCURACY}, {"sample_weight": True}),
    ("sample weights of a split", classifier(dense(activation="silu")), O.RMSprop(0.01), SPARSE(), CLASSES, {"weighted_metrics": ACCURACY}, {"sample_weight": True, "validation_split": 0.3}),
    ("clipnorm", net(dense(activation="elu"), dense(2)), O.Adam(0.03, clipnorm=0.05), keras.losses.MeanSquaredError(), TARGETS, {}, {}),
    ("globalClipnorm", net(dense(activation="elu"), dense(2)), O.SGD(0.1, momentum=0.5, global_clipnorm=0.3), keras.losses.MeanSquaredError(), TARGETS, {}, {}),
    ("clipvalue", net(dense(activation="gelu"), dense(2)), O.RMSprop(0.01, momentum=0.5, centered=True, clipvalue=0.02), keras.losses.MeanAbsoluteError(), TARGETS, {}, {}),
    ("average of weights", net(dense(activation="elu"), dense(2)), O.Adam(0.03, use_ema=True, ema_momentum=0.8), keras.losses.MeanSquaredError(), TARGETS, {}, {}),
    ("average that overwrites", net(dense(activation="elu"), dense(2)), O.SGD(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=4), keras.losses.MeanSquaredError(), TARGETS, {}, {}),
    ("accumulation", net(dense(activation="elu"), dense(2)), O.Adam(0.05, gradient_accumulation_steps=2), keras.losses.MeanSquaredError(), TARGETS, {}, {}),
    ("selu, AdamW", classifier(dense(activation="selu"), dense(activation="selu"), L.AlphaDropout(0.0)), O.AdamW(0.02, weight_decay=0.05), SPARSE(), CLASSES, {"metrics": ACCURACY}, {}),
    ("layer normalization, Adamax", classifier(dense(), L.LayerNormalization(), L.LeakyReLU()), O.Adamax(0.03), SPARSE(), CLASSES, {"metrics": ACCURACY}, {}),
    ("binary, Adagrad", net(dense(activation="relu"), dense(1, "sigmoid")), O.Adagrad(0.2), keras.losses.BinaryCrossentropy(), SIGNS, {"metrics": ["accuracy", keras.metrics.AUC(name="auc")]}, {}),
    ("label smoothing, Adadelta", classifier(dense(activation="mish")), O.Adadelta(1.0), keras.losses.CategoricalCrossentropy(label_smoothing=0.1), ONE_HOT, {"metrics": ["accuracy", keras.metrics.F1Score(average="macro", name="f1")]}, {}),
    ("frozen layers", frozen(), O.Adam(0.03), SPARSE(), CLASSES, {"metrics": ACCURACY}, {"validation_data": True}),
    ("a schedule", classifier(dense(activation="elu")), O.SGD(O.schedules.ExponentialDecay(0.3, 4, 0.5)), SPARSE(), CLASSES, {}, {}),
    ("huber, PReLU, Lion", net(dense(), L.PReLU(), L.RMSNormalization(), dense(2)), O.Lion(0.003), keras.losses.Huber(), TARGETS, {"metrics": ["mse"]}, {}),
    ("logits, amsgrad", net(dense(activation="softsign"), dense(3)), O.Adam(0.03, amsgrad=True), keras.losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES, {"metrics": ACCURACY}, {}),
    ("a sum, FTRL", net(dense(activation="tanh"), dense(2)), O.Ftrl(0.1), keras.losses.MeanSquaredError(reduction="sum"), TARGETS, {}, {}),
]


def start(model, seed):
    weights = []
    for i, weight in enumerate(model.weights):
        fresh = random(1000 * seed + i, weight.shape, 0.5)
        weights.append(np.abs(fresh) + 0.5 if "moving_variance" in weight.path else fresh)
    return weights


def written_option(key, value):
    if key == "class_weight":
        return {str(label): weight for label, weight in value.items()}
    return value if key == "validation_split" else True


def fit(seed, name, model, optimizer, loss, y, compiled, fitted):
    initial = start(model, seed)
    model.set_weights(initial)
    config = json.loads(model.to_json())
    written = keras.optimizers.serialize(optimizer)
    metrics = {
        key: [one if isinstance(one, str) else keras.metrics.serialize(one) for one in value]
        for key, value in compiled.items()
    }
    model.compile(optimizer, loss, **compiled)
    options = dict(fitted)
    if options.pop("sample_weight", False):
        options["sample_weight"] = WEIGHTS
    if options.pop("validation_data", False):
        options["validation_data"] = (HELD["x"], HELD["y"])
    history = model.fit(X, y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0, **options).history
    return {
        "name": name,
        "model": config,
        "optimizer": written,
        "loss": keras.losses.serialize(loss),
        "compile": metrics,
        "fit": {key: written_option(key, value) for key, value in fitted.items()},
        "y": y,
        "initialWeights": initial,
        "history": {key: np.array(value) for key, value in history.items()},
        "finalWeights": [np.asarray(weight) for weight in model.get_weights()],
        "predictions": np.asarray(model.predict(HELD["x"], verbose=0)),
    }


def with_sample_variance():
    """The fit with batch normalization by variances of n - 1: what a test must tell apart."""
    moments = keras.ops.moments

    def sample_moments(x, axes, **options):
        mean, variance = moments(x, axes, **options)
        return mean, variance * x.shape[0] / (x.shape[0] - 1)

    seed = [name for name, *_ in CASES].index("batch normalization")
    _, _, optimizer, *others = CASES[seed]
    again = O.deserialize(O.serialize(optimizer))
    batch_normalization.ops.moments = sample_moments
    try:
        return fit(seed, "sample variance", batch_normalized(), again, *others)["history"]
    finally:
        batch_normalization.ops.moments = moments


def main():
    fits = [fit(seed, *case) for seed, case in enumerate(CASES)]
    numbers_json.write(
        HERE / "fits.json",
        {"versions": numbers_json.versions("keras", "jax", "numpy"), "batchSize": BATCH, "epochs": EPOCHS,
         "x": X, "held": HELD, "sampleWeight": WEIGHTS, "fits": fits, "sampleVariance": with_sample_variance()},
    )


if __name__ == "__main__":
    main()
