"""Small fits from given weights, without shuffle, and printed summaries: real Keras on JAX, and
PyTorch for the Nadam with momentum decay 0.004, which Keras 3 has not."""

import keras
import numpy as np
import torch
from torch.nn.functional import cross_entropy

from part_layers import random

EPOCHS = 4
KEYS = {
    "loss": "loss",
    "accuracy": "accuracy",
    "val_loss": "valLoss",
    "val_accuracy": "valAccuracy",
}


def classes_data():
    """22 pictures [2, 3, 2] of 3 classes (a batch of 8 leaves a last one of 6) and 7 to validate,
    the class being a rule of the pixels, so that there is something to learn."""
    x, val_x = random(70, (22, 2, 3, 2)), random(71, (7, 2, 3, 2))

    def label(x):
        sums = x.reshape(len(x), 3, 4).sum(axis=2)
        return sums.argmax(axis=1).astype(np.int32)

    return x, label(x), val_x, label(val_x)


def regression_data():
    """19 points in four dimensions with two targets each."""
    x, val_x = random(72, (19, 4)), random(73, (6, 4))

    def target(x):
        wide = x.astype(np.float64)
        both = np.stack([wide[:, 0] * wide[:, 1], np.sin(wide[:, 2]) - wide[:, 3]], axis=1)
        return both.astype(np.float32)

    return x, target(x), val_x, target(val_x)


def weights_of(sizes, seed):
    """[kernel, bias, ...] for a stack of dense layers."""
    made = []
    for index, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
        made.append(random(seed + 2 * index, (fan_in, fan_out), (1 / fan_in) ** 0.5))
        made.append(random(seed + 2 * index + 1, (fan_out,), 0.1))
    return made


def dense_layers(widths, activations):
    """Our options of a stack of dense layers."""
    return [
        {"layer": "dense", "units": units, "activation": activation}
        for units, activation in zip(widths, activations)
    ]


def keras_model(input_shape, layers):
    model = keras.Sequential([keras.Input(input_shape)])
    for entry in layers:
        if entry["layer"] == "flatten":
            model.add(keras.layers.Flatten())
        else:
            model.add(keras.layers.Dense(entry["units"], activation=entry["activation"]))
    return model


def keras_optimizer(name, config):
    if name == "sgd":
        return keras.optimizers.SGD(
            config["learningRate"],
            momentum=config.get("momentum", 0.0),
            nesterov=config.get("nesterov", False),
        )
    assert config["momentumDecay"] == 1
    return keras.optimizers.Nadam(config["learningRate"], epsilon=config["epsilon"])


def keras_fit(name, layers, initial, data, optimizer, loss, batch):
    x, y, val_x, val_y = data
    model = keras_model(x.shape[1:], layers)
    model.set_weights(initial)
    metrics = [] if loss["name"] == "meanSquaredError" else ["accuracy"]
    made_loss = (
        keras.losses.MeanSquaredError()
        if loss["name"] == "meanSquaredError"
        else keras.losses.SparseCategoricalCrossentropy(from_logits=loss["fromLogits"])
    )
    model.compile(keras_optimizer(*optimizer), made_loss, metrics=metrics)
    history = model.fit(
        x,
        y,
        batch_size=batch,
        epochs=EPOCHS,
        validation_data=(val_x, val_y),
        shuffle=False,
        verbose=0,
    ).history
    # In any order that Keras reports them in, in ours.
    history = {ours: np.array(history[key]) for key, ours in KEYS.items() if key in history}
    evaluation = model.evaluate(val_x, val_y, batch_size=4, verbose=0)
    evaluation = np.atleast_1d(evaluation)
    return {
        "library": "keras",
        "name": name,
        "inputShape": list(x.shape[1:]),
        "layers": layers,
        "optimizer": {"name": optimizer[0], **optimizer[1]},
        "loss": loss,
        "metrics": metrics,
        "batchSize": batch,
        "epochs": EPOCHS,
        "initialWeights": initial,
        "history": history,
        "finalWeights": [np.asarray(w) for w in model.get_weights()],
        "evaluate": dict(zip(["loss", "accuracy"], evaluation)),
        "predict": model.predict(val_x, verbose=0),
    }


def torch_fit(name, layers, initial, data, config, batch):
    """The exercise's net in small: flatten, dense elu, logits; figures as Keras reckons them."""
    x, y, val_x, val_y = (torch.from_numpy(array) for array in data)
    x, val_x = x.flatten(1), val_x.flatten(1)
    y, val_y = y.long(), val_y.long()
    weights = [torch.nn.Parameter(torch.from_numpy(w.copy())) for w in initial]
    activations = [entry["activation"] for entry in layers if entry["layer"] == "dense"]

    def forward(x):
        for index, activation in enumerate(activations):
            x = x @ weights[2 * index] + weights[2 * index + 1]
            if activation == "elu":
                x = torch.nn.functional.elu(x)
        return x

    def figures(x, y):
        with torch.no_grad():
            logits = forward(x)
            hits = (logits.argmax(1) == y).double().mean().item()
            return cross_entropy(logits, y).item(), hits, torch.softmax(logits, 1).numpy()

    optimizer = torch.optim.NAdam(
        weights, lr=config["learningRate"], eps=config["epsilon"], momentum_decay=0.004
    )
    history = {ours: [] for ours in KEYS.values()}
    for _ in range(EPOCHS):
        loss_sum, hits = 0.0, 0
        for first in range(0, len(x), batch):
            rows, labels = x[first : first + batch], y[first : first + batch]
            optimizer.zero_grad()
            logits = forward(rows)
            loss = cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(rows)
            hits += (logits.argmax(1) == labels).sum().item()
        val_loss, val_accuracy, predictions = figures(val_x, val_y)
        row = (loss_sum / len(x), hits / len(x), val_loss, val_accuracy)
        for key, value in zip(history, row):
            history[key].append(value)
    return {
        "library": "torch",
        "name": name,
        "inputShape": list(data[0].shape[1:]),
        "layers": layers,
        "optimizer": {"name": "nadam", **config},
        "loss": {"name": "sparseCategoricalCrossentropy", "fromLogits": False},
        "metrics": ["accuracy"],
        "batchSize": batch,
        "epochs": EPOCHS,
        "initialWeights": initial,
        "history": history,
        "finalWeights": [w.detach().numpy() for w in weights],
        "evaluate": {"loss": val_loss, "accuracy": val_accuracy},
        "predict": predictions,
    }


def fits():
    pictures, points = classes_data(), regression_data()
    flat = [{"layer": "flatten"}]
    softmax = flat + dense_layers([5, 4, 3], ["elu", "elu", "softmax"])
    logits = flat + dense_layers([6, 3], ["elu", "linear"])
    line = dense_layers([6, 2], ["relu", "linear"])
    scce = {"name": "sparseCategoricalCrossentropy", "fromLogits": False}
    from_logits = {**scce, "fromLogits": True}
    mse = {"name": "meanSquaredError"}
    nadam = {"learningRate": 0.01, "epsilon": 1e-7, "momentumDecay": 1}
    default_nadam = {**nadam, "momentumDecay": 0.004}
    momentum = {"learningRate": 0.05, "momentum": 0.9}
    first, second, third = (
        weights_of([12, 5, 4, 3], 80),
        weights_of([12, 6, 3], 90),
        weights_of([4, 6, 2], 100),
    )
    names = ("x", "y", "valX", "valY")
    return {
        "classes": dict(zip(names, pictures)),
        "regression": dict(zip(names, points)),
        "cases": [
            {"data": "classes", **fit}
            for fit in (
                keras_fit("sgd", softmax, first, pictures, ("sgd", {"learningRate": 0.1}), scce, 8),
                keras_fit("sgd momentum", softmax, first, pictures, ("sgd", momentum), scce, 8),
                keras_fit("nadam", softmax, first, pictures, ("nadam", nadam), scce, 8),
                keras_fit("logits", logits, second, pictures, ("nadam", nadam), from_logits, 5),
                torch_fit("default nadam", softmax, first, pictures, default_nadam, 8),
            )
        ]
        + [
            {"data": "regression", **fit}
            for fit in (
                keras_fit(
                    "regression",
                    line,
                    third,
                    points,
                    ("sgd", {**momentum, "learningRate": 0.02, "nesterov": True}),
                    mse,
                    8,
                ),
                keras_fit("regression nadam", line, third, points, ("nadam", nadam), mse, 19),
            )
        ],
    }


def summary_text(model):
    lines = []
    model.summary(print_fn=lambda text, line_break=True: lines.append(text))
    return "".join(lines)


def summaries():
    """{name: text}: Keras's tables at its default width on a wide terminal, 88 characters."""
    made = {}
    keras.utils.clear_session()
    elu = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten()])
    for _ in range(20):
        elu.add(keras.layers.Dense(100, activation="elu", kernel_initializer="he_normal"))
    elu.add(keras.layers.Dense(10, activation="softmax"))
    made["elu"] = summary_text(elu)

    keras.utils.clear_session()
    small = keras.Sequential(
        [
            keras.Input((2, 3, 2)),
            keras.layers.Flatten(),
            keras.layers.Dense(5),
            keras.layers.Activation("relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(4, activation="elu", name="a_name_that_is_longer_than_its_column"),
            keras.layers.Dense(3, activation="softmax"),
        ],
        name="small",
    )
    made["small"] = summary_text(small)
    # Once trained, the table counts the optimizer's variables too.
    small.compile(keras.optimizers.Nadam(0.01), "sparse_categorical_crossentropy")
    x, y, _, _ = classes_data()
    small.fit(x, y, epochs=1, verbose=0)
    made["small-trained"] = summary_text(small)
    return made
