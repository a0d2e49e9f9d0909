"""What Keras 3's TensorBoard callback writes on TensorFlow -> tensorboard.json.

Each fit is recorded twice: the hooks that the callback was called with, and what TensorBoard's own
readers find in its files. Histograms and pictures of given weights, and a few files byte by byte.
"""

import base64
import os
import pathlib
import tempfile

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")

import keras
import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing import event_file_loader
from tensorboard.util import tensor_util

import numbers_json

OUTPUT = pathlib.Path(__file__).with_name("tensorboard.json")
LAYERS = keras.layers


def files_of(folder):
    """{run: [paths in the order of their numbers]}"""
    found = {}
    for path in pathlib.Path(folder).glob("*/events.out.tfevents.*"):
        found.setdefault(path.parent.name, []).append(path)
    number = lambda path: int(path.name.split(".")[-2])
    return {run: [str(path) for path in sorted(paths, key=number)] for run, paths in found.items()}


def events_of(path):
    return list(event_file_loader.LegacyEventFileLoader(path).Load())


def values_of(path):
    """[[step, tag, plugin, value]]; of texts and pictures no value."""
    rows = []
    for event in events_of(path):
        for value in event.summary.value:
            plugin = value.metadata.plugin_data.plugin_name
            array = tensor_util.make_ndarray(value.tensor)
            timed = "per_second" in value.tag
            shown = None if timed or array.dtype == object else array
            rows.append([event.step, value.tag, plugin, shown])
    return rows


class Recorder(keras.callbacks.Callback):
    """The hooks as a callback before TensorBoard sees them, and the optimizer's numbers."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def add(self, hook, number=None, logs=None):
        optimizer = self.model.optimizer
        numbers = {"rate": np.float32(optimizer.learning_rate), "done": int(optimizer.iterations)}
        call = {"hook": hook, "number": number, **numbers}
        if logs is not None:
            call["logs"] = {key: np.float32(value) for key, value in logs.items()}
        if hook == "onEpochEnd" and self.keeps_weights:
            call["weights"] = [np.array(weight) for weight in self.model.weights]
        self.calls.append(call)

    keeps_weights = False

    def on_train_begin(self, logs=None):
        self.add("onTrainBegin")

    def on_train_end(self, logs=None):
        self.add("onTrainEnd")

    def on_epoch_begin(self, epoch, logs=None):
        self.add("onEpochBegin", epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.add("onEpochEnd", epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self.add("onTrainBatchBegin", batch)

    def on_train_batch_end(self, batch, logs=None):
        self.add("onTrainBatchEnd", batch, logs)

    def on_test_begin(self, logs=None):
        self.add("onTestBegin")

    def on_test_end(self, logs=None):
        self.add("onTestEnd", logs=logs)


def sequential():
    parts = [
        keras.Input((4,)),
        LAYERS.Dense(5, name="hidden"),
        LAYERS.BatchNormalization(name="bn"),
        LAYERS.Dense(3, activation="softmax", name="out"),
    ]
    model = keras.Sequential(parts, name="net")
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, np.arange(24) % 3


def functional():
    inputs = keras.Input((4,), name="in")
    outputs = [LAYERS.Dense(1, name="left")(inputs), LAYERS.Dense(1, name="right")(inputs)]
    model = keras.Model(inputs, outputs, name="two")
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)
    sgd = keras.optimizers.SGD(rate)
    model.compile(sgd, ["mse", "mae"], metrics=[["mean_absolute_error"], []])
    return model, [np.ones((24, 1), "f"), np.zeros((24, 1), "f")]


def fit(name, options, make=sequential, fits=({},), validation=True, before=(), weights=False):
    keras.utils.set_random_seed(1)
    model, y = make()
    x = np.random.default_rng(0).normal(size=(24, 4)).astype("f")
    held = {"validation_data": (x, y)} if validation else {}
    with tempfile.TemporaryDirectory() as folder:
        board = keras.callbacks.TensorBoard(folder, **options)
        calls = []
        for given in fits:
            recorder = Recorder()
            recorder.keeps_weights = weights
            callbacks = [*before, recorder, board]
            given = {"epochs": 2, "batch_size": 4, "verbose": 0, **given}
            model.fit(x, y, callbacks=callbacks, **held, **given)
            calls.append(recorder.calls)
        runs = {
            run: [values_of(path) for path in paths] for run, paths in files_of(folder).items()
        }
    shown = {key: value for key, value in options.items()}
    return {"name": name, "options": shown, "fits": calls, "runs": runs}


def cases():
    plateau = keras.callbacks.ReduceLROnPlateau(patience=1, min_delta=10.0, factor=0.5)
    timed = {"write_steps_per_second": True}
    yield fit("epochs", {})
    yield fit("without a graph", {"write_graph": False}, validation=False)
    yield fit("a rate in the logs", {}, fits=({"epochs": 3},), before=[plateau])
    yield fit("some validations", timed, fits=({"epochs": 3, "validation_freq": 2},))
    yield fit("two outputs, a schedule", {}, functional)
    again = ({"epochs": 3, "initial_epoch": 1}, {"epochs": 1})
    yield fit("batches, twice", {"update_freq": "batch", **timed}, fits=again)
    # 6 batches an epoch: with 3, no epoch is lost.
    yield fit("every third batch", {"update_freq": 3, **timed})
    # With 4, Keras 3 loses the first epoch, because 6 is no multiple of it.
    yield fit("every fourth batch", {"update_freq": 4})
    options = {"histogram_freq": 2, "write_images": True}
    yield fit("weights", options, fits=({"epochs": 3},), validation=False, weights=True)


def arrays():
    random = np.random.default_rng(2)
    yield "normal", random.normal(size=(17, 7)).astype("f")
    yield "tall", random.normal(size=(3, 9)).astype("f")
    yield "column", random.uniform(-0.2, 1.2, size=(8, 1)).astype("f")
    yield "vector", np.linspace(-0.25, 1.25, 31).astype("f")
    yield "same", np.full((5,), 0.3, "f")
    yield "number", np.full((), 7, "f")
    yield "one number", np.full((1, 1), 0.5, "f")
    yield "two close", np.array([1, 1 + 2**-23], "f")
    yield "wide", np.array([-1e30, 1e-30, 1, 1e30], "f")
    yield "kernels", random.uniform(size=(3, 2, 1, 5)).astype("f")
    yield "kernels of colours", random.uniform(size=(4, 2, 3, 3)).astype("f")
    yield "kernels with alpha", random.uniform(size=(2, 3, 2, 4)).astype("f")
    yield "kernels of five", random.uniform(size=(2, 2, 2, 5)).astype("f")
    yield "halves", (np.arange(512) / 511).astype("f")


class Weight:
    """A layer and a model of one weight."""

    def __init__(self, array):
        self.weights = [keras.Variable(array, name="w")]
        self.layers = [self]


def weights():
    for name, array in arrays():
        with tempfile.TemporaryDirectory() as folder:
            board = keras.callbacks.TensorBoard(folder, write_images=True, write_graph=False)
            board._model = Weight(array)
            board._train_dir = os.path.join(folder, "train")
            board._log_weights(0)
            board._close_writers()
            events = events_of(files_of(folder)["train"][0])
        found = {"name": name, "shape": list(array.shape), "data": array.reshape(-1)}
        for value in (value for event in events for value in event.summary.value):
            tensor = tensor_util.make_ndarray(value.tensor)
            if value.tag.endswith("/histogram"):
                found["histogram"] = tensor
                continue
            width, height, *pictures = tensor
            pixels = [tf.io.decode_png(picture).numpy() for picture in pictures]
            found["image"] = {
                "width": width.decode(),
                "height": height.decode(),
                "channels": pixels[0].shape[-1],
                "pixels": [each.reshape(-1) for each in pixels],
            }
        yield found


def files():
    """Small files of TensorFlow's own writer, whole."""
    with tempfile.TemporaryDirectory() as folder:
        writer = tf.summary.create_file_writer(folder + "/x")
        with writer.as_default():
            tf.summary.scalar("epoch_loss", 0.1, step=0)
            tf.summary.scalar("epoch_loss", float("nan"), step=1)
            tf.summary.scalar("ä/b c", -2.5, step=2**40)
            tf.summary.histogram("w/histogram", np.arange(7.0), step=3)
            tf.summary.text("note", "two words", step=4)
        writer.close()
        path = files_of(folder)["x"][0]
        name = pathlib.Path(path).name
        return {"name": name, "bytes": base64.b64encode(pathlib.Path(path).read_bytes()).decode()}


numbers_json.write(
    OUTPUT,
    {
        "versions": numbers_json.versions("keras", "tensorflow", "tensorboard", "numpy"),
        "cases": list(cases()),
        "weights": list(weights()),
        "file": files(),
    },
)
