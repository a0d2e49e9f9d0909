"""What Keras 3's callbacks do over sequences of logs -> callbacks.json.

A model of nothing but an optimizer and metrics takes the place of a trained one: its weights are the
number of the epoch, so that what is restored tells where it comes from.
"""

import inspect
import os
import pathlib
import tempfile
import warnings

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

import numbers_json

OUTPUT = pathlib.Path(__file__).with_name("callbacks.json")
NAN, INF = float("nan"), float("inf")


class Dummy:
    def __init__(self, rate=0.01, metrics=()):
        self.optimizer = keras.optimizers.SGD(rate)
        self.metrics = [keras.src.trainers.compile_utils.MetricsList(list(metrics))]
        self.stop_training = False
        self.weights = -1
        self.restored = None

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.restored = weights


def replay(callback, model, rows, first=0):
    """Calls the hooks as fit does; yields the epoch after each."""
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, row in enumerate(rows, first):
        model.weights = epoch
        callback.on_epoch_begin(epoch)
        logs = dict(row)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            callback.on_epoch_end(epoch, logs)
        yield epoch, logs
        if model.stop_training:
            break
    callback.on_train_end()


SEQUENCES = {
    "dip": [1.0, 0.8, 0.7, 0.75, 0.72, 0.71, 0.69, 0.9, 0.8, 0.85, 0.7, 0.6],
    "slow": [1.0, 0.99, 0.985, 0.98, 0.979, 0.9785, 0.978, 0.9779, 0.9778, 0.9777, 0.9776, 0.9775],
    "rise": [0.1, 0.2, 0.15, 0.3, 0.3, 0.29, 0.31, 0.28, 0.27, 0.26, 0.25, 0.5],
    # In doubles each is less than the one before; in float32 they are equal.
    "hair": [0.5, 0.5 - 1e-9, 0.5 - 2e-9, 0.5 - 3e-9, 0.5 - 4e-9, 0.5 - 5e-9, 0.4, 0.41, 0.42, 0.43],
    "nan": [0.9, NAN, 0.8, NAN, NAN, 0.7, 0.75, 0.76, 0.77, INF],
    "nanFirst": [NAN, 0.9, 0.8, 0.7, 0.6, 0.5],
    "holes": [1.0, None, 0.9, None, 0.95, None, 0.96, 0.97, 0.98, 0.5],
    # Improvements of about minDelta: 0.1 is no float32.
    "delta": [1.0, 0.9, 0.8, 0.7, 0.65, 0.6, 0.5, 0.45, 0.44, 0.43, 0.42, 0.41],
    "flat": [0.5] * 10,
}


def rows_of(name, key):
    return [{"loss": 1.0} if v is None else {"loss": 1.0, key: v} for v in SEQUENCES[name]]


STOPPING = [
    ("dip", {}),
    ("dip", {"patience": 1}),
    ("dip", {"patience": 2, "restore_best_weights": True}),
    ("dip", {"patience": 3, "restore_best_weights": True}),
    ("dip", {"patience": 4}),
    ("dip", {"patience": 3, "min_delta": 0.05, "restore_best_weights": True}),
    ("dip", {"patience": 3, "min_delta": -0.05, "restore_best_weights": True}),
    ("dip", {"patience": 2, "start_from_epoch": 4, "restore_best_weights": True}),
    ("dip", {"patience": 2, "start_from_epoch": 20, "restore_best_weights": True}),
    ("dip", {"patience": 4, "baseline": 0.5, "restore_best_weights": True}),
    ("dip", {"patience": 3, "baseline": 0.75, "restore_best_weights": True}),
    ("dip", {"patience": 3, "baseline": 0.75, "min_delta": 0.04, "restore_best_weights": True}),
    ("dip", {"patience": 20, "restore_best_weights": True}),
    ("dip", {"patience": 2, "mode": "max", "restore_best_weights": True}),
    ("slow", {"patience": 2, "min_delta": 0.01}),
    ("slow", {"patience": 3, "min_delta": 0.001, "restore_best_weights": True}),
    ("slow", {"patience": 2}),
    ("rise", {"monitor": "val_accuracy", "patience": 2, "restore_best_weights": True}),
    ("rise", {"monitor": "val_accuracy", "patience": 3, "min_delta": 0.02, "restore_best_weights": True}),
    ("rise", {"monitor": "val_accuracy", "patience": 4, "baseline": 0.4, "restore_best_weights": True}),
    ("rise", {"monitor": "val_accuracy", "mode": "min", "patience": 3, "restore_best_weights": True}),
    ("hair", {"patience": 3, "restore_best_weights": True}),
    ("hair", {"patience": 6, "restore_best_weights": True}),
    ("nan", {"patience": 2, "restore_best_weights": True}),
    ("nan", {"patience": 3, "restore_best_weights": True}),
    ("nanFirst", {"patience": 3, "restore_best_weights": True}),
    ("holes", {"patience": 2, "restore_best_weights": True}),
    ("delta", {"patience": 1, "min_delta": 0.1, "restore_best_weights": True}),
    ("delta", {"patience": 3, "min_delta": 0.05, "restore_best_weights": True}),
    ("flat", {"patience": 0, "restore_best_weights": True}),
]


def stopping(sequence, options):
    key = options.get("monitor", "val_loss")
    callback = keras.callbacks.EarlyStopping(**options)
    model = Dummy(metrics=[keras.metrics.Accuracy()])
    waits, last = [], None
    for last, _ in replay(callback, model, rows_of(sequence, key)):
        waits.append(callback.wait)
    return {
        "sequence": sequence,
        "options": options,
        "last": last,
        "stopped": callback.stopped_epoch,
        "best": callback.best,
        "bestEpoch": callback.best_epoch,
        "waits": waits,
        "restored": model.restored,
    }


PLATEAU = [
    ("dip", {"patience": 1}),
    ("dip", {"patience": 2, "factor": 0.5}),
    ("dip", {"patience": 3, "factor": 0.5}),
    ("dip", {"patience": 1, "factor": 0.5, "cooldown": 1}),
    ("dip", {"patience": 1, "factor": 0.5, "cooldown": 2}),
    ("dip", {"patience": 0, "factor": 0.9}),
    ("dip", {"patience": 2, "mode": "max", "factor": 0.2}),
    ("slow", {"patience": 2, "factor": 0.5}),
    ("slow", {"patience": 2, "factor": 0.5, "min_delta": 0.01, "cooldown": 2}),
    ("slow", {"patience": 1, "factor": 0.5, "min_delta": 0}),
    ("rise", {"monitor": "val_accuracy", "patience": 2, "factor": 0.3}),
    ("rise", {"monitor": "val_accuracy", "patience": 1, "factor": 0.3, "cooldown": 3}),
    ("hair", {"patience": 2, "factor": 0.5, "min_delta": 0}),
    ("nan", {"patience": 1, "factor": 0.5}),
    ("holes", {"patience": 1, "factor": 0.5, "cooldown": 1}),
    ("flat", {"patience": 1, "factor": 0.1, "min_lr": 0.0003}),
    ("flat", {"patience": 1, "factor": 0.25, "min_lr": 0.0025, "cooldown": 1}),
    ("flat", {"patience": 2, "factor": 0.5, "min_lr": 0.02}),
    ("flat", {"patience": 2, "factor": 0.5, "cooldown": 2}),
]


def plateau(sequence, options):
    key = options.get("monitor", "val_loss")
    callback = keras.callbacks.ReduceLROnPlateau(**options)
    model = Dummy(metrics=[keras.metrics.Accuracy()])
    logged, rates, waits, cooldowns = [], [], [], []
    for _, logs in replay(callback, model, rows_of(sequence, key)):
        logged.append(np.float32(logs["learning_rate"]))
        rates.append(np.float32(model.optimizer.learning_rate))
        waits.append(callback.wait)
        cooldowns.append(callback.cooldown_counter)
    return {
        "sequence": sequence,
        "options": options,
        "logged": logged,
        "rates": rates,
        "waits": waits,
        "cooldowns": cooldowns,
    }


SCHEDULES = {
    "halved": lambda epoch, rate: rate * 0.5,
    "late": lambda epoch, rate: rate if epoch < 3 else rate * 0.9,
    "fixed": lambda epoch, rate: 0.1 / (epoch + 1),
}


def scheduler(name):
    model = Dummy()
    callback = keras.callbacks.LearningRateScheduler(SCHEDULES[name])
    rows = [{"loss": 1.0}] * 6
    logged = [np.float32(logs["learning_rate"]) for _, logs in replay(callback, model, rows)]
    return {"name": name, "logged": logged}


ROWS = [
    {"loss": 2.302585, "accuracy": 0.1, "val_loss": 2.5, "val_accuracy": 0.0625},
    {"loss": 1e-5, "accuracy": 1.0, "val_loss": 1e16, "val_accuracy": 123456789.0},
    {"loss": NAN, "accuracy": 0.0001, "val_loss": INF, "val_accuracy": -INF},
    {"loss": 0.1 + 0.2, "accuracy": 1.5e-7, "val_loss": 9999999999999998.0, "val_accuracy": 1e22},
]
PLAIN = [{"loss": 1.5, "accuracy": 0.25, "learning_rate": 0.001}, {"loss": 1.25, "accuracy": 0.5}]
LATE = [
    {"loss": 1.5, "val_loss": 2.0},
    {"loss": 1.25},
    {"loss": 1.0, "val_loss": 1.75, "f1_score": 0.5},
]

# Options, what is in the file before, the fits.
TABLES = [
    ({}, None, [ROWS]),
    ({"separator": ";"}, None, [ROWS]),
    ({"separator": "\t"}, None, [PLAIN]),
    ({"separator": "."}, None, [PLAIN]),
    ({"separator": "_"}, None, [PLAIN]),
    ({}, None, [PLAIN]),
    ({}, None, [LATE]),
    ({}, "old,file\n1,2\n", [PLAIN]),
    ({"append": True}, None, [PLAIN, PLAIN]),
    ({"append": True}, "", [PLAIN]),
    ({"append": False}, None, [PLAIN, LATE]),
]


def table(options, before, fits):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "log.csv"
        if before is not None:
            path.write_text(before)
        first = 0
        for rows in fits:
            callback = keras.callbacks.CSVLogger(str(path), **options)
            for _ in replay(callback, Dummy(), rows, first):
                pass
            first += len(rows)
        text = path.read_bytes().decode()
    return {"options": options, "before": before, "fits": fits, "text": text}


def terminating(losses):
    """At which batch it stops, or None."""
    callback = keras.callbacks.TerminateOnNaN()
    model = Dummy()
    callback.set_model(model)
    for batch, loss in enumerate(losses):
        callback.on_train_batch_end(batch, {"loss": loss})
        if model.stop_training:
            return {"losses": losses, "batch": batch}
    return {"losses": losses, "batch": None}


def directions():
    """Of each metric by its name: where auto mode goes; None where Keras does not know."""
    found = {}
    for name, cls in inspect.getmembers(keras.metrics, inspect.isclass):
        for arguments in [(), (3,), (0.5,), (2, [0])]:
            try:
                made = cls(*arguments)
                break
            except (TypeError, ValueError):
                continue
        direction = getattr(made, "_direction", None)
        found[name] = {"up": "max", "down": "min", None: None}[direction]
    return found


if __name__ == "__main__":
    numbers_json.write(
        OUTPUT,
        {
            "versions": numbers_json.versions("keras", "jax", "numpy"),
            "sequences": SEQUENCES,
            "earlyStopping": [stopping(*case) for case in STOPPING],
            "reduceLROnPlateau": [plateau(*case) for case in PLATEAU],
            "learningRateScheduler": [scheduler(name) for name in SCHEDULES],
            "csvLogger": [table(*case) for case in TABLES],
            "terminateOnNaN": [
                terminating(losses)
                for losses in ([1.0, NAN, 1.0], [1.0, 0.5, INF], [-INF], [1.0, 1e38, 2.0])
            ],
            "directions": directions(),
        },
    )
