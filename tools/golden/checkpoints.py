"""What Keras 3's ModelCheckpoint saves, when and under which name -> checkpoints.json.

As in callbacks.py, no model is trained: a dummy notes the paths it is to be saved to. Beside it, numbers
in the format language of Python, in which Keras fills in names of files.
"""

import contextlib
import io
import pathlib
import tempfile
import warnings

import keras

import callbacks
import numbers_json

OUTPUT = pathlib.Path(__file__).with_name("checkpoints.json")
NAN, INF = float("nan"), float("inf")


class Saved(callbacks.Dummy):
    def __init__(self):
        super().__init__(metrics=[keras.metrics.Accuracy()])
        self.paths = []

    def save(self, path, overwrite):
        self.paths.append(["model", path])

    def save_weights(self, path, overwrite):
        self.paths.append(["weights", path])


@contextlib.contextmanager
def noted():
    """What is printed, and how many warnings there are."""
    out = io.StringIO()
    found = {}
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(out):
        warnings.simplefilter("always")
        yield found
    found["printed"] = out.getvalue()
    found["warnings"] = sum("Can save best model only" in str(w.message) for w in caught)


WEIGHTS = {"save_weights_only": True}
BEST = {"save_best_only": True}
EPOCHS = [
    ("dip", "m.keras", {}),
    ("dip", "m.h5", {"verbose": 1}),
    ("dip", "m.weights.h5", WEIGHTS),
    ("dip", "{epoch}.keras", {}),
    ("dip", "{epoch:02d}-{val_loss:.2f}.keras", {}),
    ("dip", "{epoch:02d}-{val_loss:.2f}.keras", {**BEST, "verbose": 1}),
    ("dip", "at {loss}, {val_loss:+08.3f} {{x}}.weights.h5", {**WEIGHTS, **BEST}),
    ("dip", "m.keras", {**BEST, "mode": "max", "verbose": 1}),
    ("dip", "m.keras", {**BEST, "initial_value_threshold": 0.72, "verbose": 1}),
    ("dip", "m.keras", {**BEST, "initial_value_threshold": 0.1}),
    ("dip", "m.keras", {**BEST, "monitor": "loss"}),
    ("slow", "m.keras", {**BEST}),
    ("rise", "{epoch}-{val_accuracy:.1%}.keras", {**BEST, "monitor": "val_accuracy"}),
    ("rise", "m.keras", {**BEST, "monitor": "val_accuracy", "mode": "min"}),
    ("hair", "{epoch}-{val_loss:.3e}.keras", {**BEST}),
    ("nan", "{epoch}-{val_loss:.2f}.keras", {**BEST, "verbose": 1}),
    ("nanFirst", "{epoch}.keras", {**BEST, "verbose": 1}),
    ("holes", "{epoch}.keras", {**BEST, "verbose": 1}),
    ("flat", "{epoch}.keras", {**BEST}),
    ("delta", "{epoch}.keras", {**BEST}),
]


def epochs(sequence, filepath, options):
    key = options.get("monitor", "val_loss")
    key = "val_loss" if key == "loss" else key
    callback = keras.callbacks.ModelCheckpoint(filepath, **options)
    model = Saved()
    with noted() as found:
        for _ in callbacks_replay(callback, model, callbacks.rows_of(sequence, key)):
            pass
    return {
        "sequence": sequence,
        "key": key,
        "filepath": filepath,
        "options": options,
        "paths": model.paths,
        "best": callback.best,
        **found,
    }


def callbacks_replay(callback, model, rows):
    """As callbacks.replay, with the warnings."""
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, row in enumerate(rows):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, dict(row))
        yield epoch
    callback.on_train_end()


# Steps of each epoch, of one fit after the other.
STEPS = [
    ([[5, 5, 5]], "{epoch}-{batch:03d}.keras", {"save_freq": 2}),
    ([[5, 5, 5]], "{epoch}-{batch}-{loss:.3f}.keras", {"save_freq": 1}),
    ([[5, 5, 5]], "{epoch}-{batch}.keras", {"save_freq": 5}),
    ([[5, 5, 5]], "{epoch}-{batch}.keras", {"save_freq": 7, "verbose": 1}),
    ([[1, 1, 1, 1, 1]], "{epoch}-{batch}.keras", {"save_freq": 2}),
    ([[4, 2, 3]], "{epoch}-{batch}.weights.h5", {"save_freq": 3, **WEIGHTS}),
    ([[3, 3], [3, 3]], "{epoch}-{batch}.keras", {"save_freq": 4}),
    ([[3, 3, 3, 3]], "{epoch}-{batch}.keras", {"save_freq": 4, "monitor": "loss", **BEST}),
    ([[3, 3, 3, 3]], "{epoch}-{batch}.keras", {"save_freq": 4, **BEST}),
]


def loss_of(epoch, batch):
    return 1.0 / (1 + epoch) + 0.25 * ((batch * 7 + epoch) % 3)


def steps(fits, filepath, options):
    callback = keras.callbacks.ModelCheckpoint(filepath, **options)
    model = Saved()
    with noted() as found:
        for sizes in fits:
            callback.set_model(model)
            callback.on_train_begin()
            for epoch, size in enumerate(sizes):
                callback.on_epoch_begin(epoch)
                for batch in range(size):
                    callback.on_train_batch_end(batch, {"loss": loss_of(epoch, batch)})
                callback.on_epoch_end(epoch, {"loss": 0.0, "val_loss": 0.0})
    return {
        "fits": fits,
        "losses": [[loss_of(epoch, batch) for batch in range(8)] for epoch in range(6)],
        "filepath": filepath,
        "options": options,
        "paths": model.paths,
        "best": callback.best,
        **found,
    }


def endings():
    found = []
    for weights in (False, True):
        for path in ("a.keras", "a.h5", "a.weights.h5", "a", "a.hdf5", "a.keras.zip", "a.H5"):
            try:
                keras.callbacks.ModelCheckpoint(path, save_weights_only=weights)
                found.append([path, weights, True])
            except ValueError:
                found.append([path, weights, False])
    return found


FLOATS = [0.0, -0.0, 0.5, 1.5, 2.5, 0.125, 1e-5, 123456.789, 2 / 3, 1e16, 1e22, 9.995, -3.25]
FLOATS += [5e-324, 1.7976931348623157e308, NAN, INF, -INF, 999999.5, 12.0, 99999.95, 0.00012345]
FLOAT_FORMATS = ["", ".2f", ".0f", "f", "6.2f", "06.2f", "+.3f", " .1f", "<8.2f", "^9.1f", "*>10.3f"]
FLOAT_FORMATS += ["=+8.1f", ".2e", "e", ".0e", ".3E", "g", ".3g", ".0g", "G", ".1%", ".0%", ".3", ".1"]
FLOAT_FORMATS += ["10", "010", "-<12", ",.2f", "_.1f", "012,.1f", "0=8", "^+12.2e", "F", "<08.1f", ".17g"]
WHOLE = [0, 7, 12, 123, 1234567]
WHOLE_FORMATS = ["", "d", "02d", "03d", "5d", "<5d", "^7d", "+d", " d", "x=6d", "05", "3", ".1f"]
WHOLE_FORMATS += ["02.0f", ".2e", "g", ".1%", ",d", "09,d", "012,", "+05d", ">08d"]
BAD = ["q", "2.f", ".d", "05.3d", ".2f.", "<", "ff", "..2f", "1 2", "+-d", "2d2"]


def is_format(value, text):
    try:
        format(value, text)
        return True
    except ValueError:
        return False


def formats():
    return {
        "floats": [[text, [format(value, text) for value in FLOATS]] for text in FLOAT_FORMATS],
        "floatValues": FLOATS,
        "whole": [[text, [format(value, text) for value in WHOLE]] for text in WHOLE_FORMATS],
        "wholeValues": WHOLE,
        "good": [[text, is_format(0.5, text), is_format(3, text)] for text in BAD],
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        numbers_json.write(
            OUTPUT,
            {
                "versions": numbers_json.versions("keras", "jax", "numpy"),
                "sequences": callbacks.SEQUENCES,
                "epochs": [epochs(*case) for case in EPOCHS],
                "steps": [steps(*case) for case in STEPS],
                "endings": endings(),
                "formats": formats(),
            },
        )
