"""Small models, saved by Keras 3 or tf_keras: what `files_legacy.py` and `files_h5.py` share.

Each file comes with what its model predicts and with its weights after one more step, both by the
library that wrote it. The files lie one behind the other in a `.br`: HDF5 is mostly zeros, and the
files are much alike.
"""

import tempfile
from pathlib import Path

import brotli
import numpy as np

import numbers_json

ROWS = 5
STEPS = 3


def random(seed, shape, scale=1.0):
    values = np.random.default_rng(seed).standard_normal(shape) * scale
    return values.round(3).astype(np.float32)


def set_weights(model, seed):
    """Weights that no initializer draws; variances are positive, counts stay."""
    weights = []
    for i, (weight, now) in enumerate(zip(model.weights, model.get_weights())):
        fresh = random(seed + i, weight.shape, 0.5)
        if "variance" in weight.name:
            fresh = np.abs(fresh) + np.float32(0.5)
        weights.append(now if "count" in weight.name else fresh)
    model.set_weights(weights)
    for layer in model.layers:
        # Normalization reckons with a copy of its statistics.
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


# ------------------------------------------------------------------------- models that are trained


def stack(K, frozen=False):
    """Layers with weights of every kind, without noise: the next step is a function of the file."""
    L = K.layers
    return K.Sequential(
        [
            K.Input((3,)),
            L.Dense(4, "elu", kernel_regularizer="l2", trainable=not frozen),
            L.BatchNormalization(momentum=0.9),
            L.PReLU(),
            L.LayerNormalization(trainable=not frozen),
            L.Dense(3, "softmax", name="last"),
        ]
    )


def ends(K):
    """Two inputs, two outputs, a layer that is used twice."""
    L = K.layers
    left, right = K.Input((3,), name="left"), K.Input((3,), name="right")
    shared = L.Dense(4, activation="elu", name="shared")
    after, before = shared(right), shared(left)
    added = L.Add(name="added")([L.Dense(4, name="deeper")(before), after])
    joined = L.Concatenate(name="joined")([added, left])
    value = L.Dense(2, name="value")(added)
    kind = L.Dense(3, activation="softmax", name="kind")(joined)
    return K.Model([left, right], [kind, value], name="ends")


def inputs_of(model, seed):
    shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
    return [random(seed + i, (ROWS, *shape[1:])) for i, shape in enumerate(shapes)]


def one(values):
    return values[0] if len(values) == 1 else values


def step_of(model, seed, is_two_ended):
    """The data of one step."""
    labels = np.random.default_rng(seed).integers(0, 3, ROWS).astype(np.int32)
    targets = [labels, random(seed + 1, (ROWS, 2))] if is_two_ended else [labels]
    return inputs_of(model, seed + 2), targets


def train(model, seed, is_two_ended):
    x, y = step_of(model, seed, is_two_ended)
    model.train_on_batch(one(x), one(y))
    return x, y


# ------------------------------------------------------------------------------ every other layer


def chain(K):
    """Layers in a row: what has options of its own, noise too."""
    L = K.layers
    slope = {"alpha": 0.1} if K.__name__ == "tf_keras" else {"negative_slope": 0.1}
    scales = L.Normalization(axis=-1)
    scales.adapt(random(3, (7, 2, 6)))
    return K.Sequential(
        [
            K.Input((2, 6)),
            scales,
            L.Rescaling(0.5, offset=0.1),
            L.Reshape((3, 4)),
            L.Permute((2, 1)),
            L.GaussianNoise(0.1),
            L.GaussianDropout(0.1),
            L.Dense(5, "selu", kernel_initializer="lecun_normal", kernel_constraint="max_norm"),
            L.AlphaDropout(0.1),
            L.PReLU(shared_axes=[1]),
            L.LeakyReLU(**slope),
            L.UnitNormalization(),
            L.LayerNormalization(axis=[1, 2], epsilon=0.01),
            L.ELU(0.7),
            L.ReLU(6.0, 0.1, 0.2),
            L.ActivityRegularization(l1=0.01, l2=0.02),
            L.BatchNormalization(axis=1, scale=False),
            L.Activation("tanh"),
            L.Flatten(),
            L.Dropout(0.2),
            L.Dense(4, use_bias=False),
            L.Softmax(),
        ],
        name="chain",
    )


def merges(K):
    """Layers of several inputs."""
    L = K.layers
    a, b = K.Input((4,), name="a"), K.Input((4,), name="b")
    x, y = L.Dense(4, "relu")(a), L.Dense(4, "tanh")(b)
    parts = [
        L.Subtract()([x, y]),
        L.Multiply()([x, y]),
        L.Average()([x, y]),
        L.Maximum()([x, y]),
        L.Minimum()([x, y]),
        L.Dot(axes=1, normalize=True)([x, y]),
    ]
    return K.Model([a, b], L.Dense(2)(L.Concatenate()(parts)), name="merges")


# ------------------------------------------------------------------------------------------- files


class Files:
    """Facts and files of one library."""

    def __init__(self, K, name):
        self.K = K
        self.name = name
        self.facts = []
        self.folder = Path(tempfile.mkdtemp())

    def add(self, file, make, optimizer=None, save=None, seed=0, eagerly=False, **options):
        """Trains a fresh model for some steps, saves it, and takes one more step."""
        self.K.backend.clear_session()
        model = make(self.K, **options)
        set_weights(model, 10 * seed)
        is_two_ended = len(model.outputs) > 1
        if optimizer is not None:
            losses = ["sparse_categorical_crossentropy", "mse"][: len(model.outputs)]
            metrics = [["accuracy"], ["mae"]] if is_two_ended else ["accuracy"]
            model.compile(optimizer, losses if is_two_ended else losses[0], metrics=metrics, run_eagerly=eagerly)
            for step in range(STEPS):
                train(model, 100 * seed + 10 * step, is_two_ended)
        path = self.folder / file
        save(model, path) if save else model.save(path)
        inputs = inputs_of(model, 7 * seed)
        outputs = model.predict(one(inputs), verbose=0)
        fact = {
            "file": file,
            "layers": [layer.name for layer in model.layers][:20],
            "weights": [list(value.shape) for value in model.get_weights()],
            "inputs": inputs,
            "outputs": outputs if isinstance(outputs, list) else [outputs],
        }
        if optimizer is not None:
            x, y = train(model, 100 * seed + 99, is_two_ended)
            fact["step"] = {"x": x, "y": y, "weights": model.get_weights()}
        self.facts.append(fact)
        return model

    def write(self, here, *packages):
        files = [(self.folder / fact["file"]).read_bytes() for fact in self.facts]
        for fact, file in zip(self.facts, files):
            fact["bytes"] = len(file)
        path = here / f"{self.name}.br"
        path.write_bytes(brotli.compress(b"".join(files), quality=11, lgwin=24))
        print(f"{path.name}: {path.stat().st_size:,} bytes")
        value = {"versions": numbers_json.versions(*packages), "files": self.facts}
        numbers_json.write(here / f"{self.name}.json", value)
