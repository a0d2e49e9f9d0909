"""Makes losses.json: values, reductions and gradients of every loss, from real Keras 3 on JAX.

    python tools/golden/losses.py

Rules of Keras 3.15.1 that the numbers show (keras/src/losses/{loss,losses}.py):
- weights multiply the values; `sum_over_batch_size` and `mean` divide by the count of values,
  `mean_with_sample_weight` by the sum of the weights.
- `ignore_class` masks: `sum_over_batch_size` then divides by the count of what is left.
- probabilities: categorical ones are divided by their sum, then all are clipped to
  [1e-7, 1 - 1e-7]; the focal losses do so with `from_logits` too.
- For arrays [n] Keras takes the mean over the last axis, here the batch: only their mean is kept.
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import keras
import numpy as np

import numbers_json

HERE = Path(__file__).resolve().parent

REDUCTIONS = {
    "sumOverBatchSize": "sum_over_batch_size",
    "sum": "sum",
    "mean": "mean",
    "meanWithSampleWeight": "mean_with_sample_weight",
    "none": "none",
}

KERAS_NAMES = {"klDivergence": "KLDivergence"}


def draw(seed, shape, low=-2.0, high=2.0):
    """Numbers of three decimals, so that the file stays small."""
    values = np.random.default_rng(seed).uniform(low, high, shape)
    return np.round(values, 3).astype(np.float32)


def labels(seed, shape, count=2):
    return np.random.default_rng(seed).integers(0, count, shape).astype(np.float32)


def one_hot(classes, count):
    return np.eye(count, dtype=np.float32)[np.asarray(classes).astype(int)]


def simplex(seed, shape):
    """Rows that sum to about 1."""
    values = draw(seed, shape, 0.05, 1.0)
    return np.round(values / values.sum(-1, keepdims=True), 3).astype(np.float32)


def inputs():
    """Targets and predictions by name; `weight` is for each value of a loss over the last axis."""
    x34, x324 = draw(1, (3, 4)), draw(2, (3, 2, 4))
    classes = [2, 0, 3]
    steps = np.array([[2, 0], [3, 1], [1, 1]], np.float32)
    rows, cubes = np.array([0.5, 2, 0.25], np.float32), np.array(
        [[0.5, 1], [0, 2], [1.5, 0.25]], np.float32
    )
    probabilities = draw(20, (3, 4), 0.02, 0.98)
    return {
        "real [n]": {"yTrue": draw(3, (4,)), "yPred": draw(4, (4,))},
        "real [n, 1]": {"yTrue": draw(5, (3, 1)), "yPred": draw(6, (3, 1)), "weight": rows},
        "real [n] to [n, 1]": {"yTrue": draw(5, (3,)), "yPred": draw(6, (3, 1)), "weight": rows},
        "real [n, k]": {"yTrue": draw(7, (3, 4)), "yPred": x34, "weight": rows},
        "real [n, t, k]": {"yTrue": draw(8, (3, 2, 4)), "yPred": x324, "weight": cubes},
        "real, large": {
            "yTrue": np.array([[1e4, -200, 0, 30], [-1e4, 0, 1e-3, -30]], np.float32),
            "yPred": np.array([[-1e4, 200, 1e-4, 31.5], [1e4, 1e-8, -1e-3, -29]], np.float32),
        },
        "counts [n, k]": {
            "yTrue": labels(9, (3, 4), 5),
            "yPred": draw(10, (3, 4), 0.1, 4),
            "weight": rows,
        },
        "counts, extremes": {
            "yTrue": np.array([[0, 3, 0, 1]], np.float32),
            "yPred": np.array([[0, 0, 1e-8, 1e6]], np.float32),
        },
        "signs [n, k]": {
            "yTrue": 2 * labels(11, (3, 4)) - 1,
            "yPred": x34,
            "weight": rows,
        },
        "binary logits [n, 1]": {
            "yTrue": labels(12, (3, 1)),
            "yPred": draw(13, (3, 1), -5, 5),
            "weight": rows,
        },
        "binary logits [n, k]": {"yTrue": labels(14, (3, 4)), "yPred": x34, "weight": rows},
        "binary logits [n, t, k]": {
            "yTrue": labels(15, (3, 2, 4)),
            "yPred": x324,
            "weight": cubes,
        },
        "binary logits, extremes": {
            "yTrue": np.array([[1, 0, 1, 0, 1, 0, 1, 0]], np.float32),
            "yPred": np.array([[100, 100, -100, -100, 0, 0, 20, -20]], np.float32),
        },
        "binary probabilities [n]": {"yTrue": labels(16, (4,)), "yPred": draw(17, (4,), 0.1, 0.9)},
        "binary probabilities [n, 1]": {
            "yTrue": labels(18, (3, 1)),
            "yPred": draw(19, (3, 1), 0.1, 0.9),
            "weight": rows,
        },
        "binary probabilities [n, k]": {
            "yTrue": labels(21, (3, 4)),
            "yPred": probabilities,
            "weight": rows,
        },
        "soft probabilities [n, k]": {
            "yTrue": draw(22, (3, 4), 0, 1),
            "yPred": probabilities,
            "weight": rows,
        },
        "binary probabilities, extremes": {
            "yTrue": np.array([[1, 0, 1, 0, 1, 0]], np.float32),
            "yPred": np.array([[1, 1, 0, 0, 1e-8, 0.5]], np.float32),
        },
        "one-hot logits [n, k]": {"yTrue": one_hot(classes, 4), "yPred": x34, "weight": rows},
        "one-hot logits [n, t, k]": {"yTrue": one_hot(steps, 4), "yPred": x324, "weight": cubes},
        "soft logits [n, k]": {"yTrue": simplex(23, (3, 4)), "yPred": x34, "weight": rows},
        "one-hot logits, extremes": {
            "yTrue": one_hot([0, 1, 2, 0], 3),
            "yPred": np.array(
                [[100, -100, 0], [100, -100, 0], [88, 88, 88], [1e4, -1e4, 0]], np.float32
            ),
        },
        "one-hot probabilities [n, k]": {
            "yTrue": one_hot(classes, 4),
            "yPred": simplex(24, (3, 4)),
            "weight": rows,
        },
        "one-hot probabilities [n, t, k]": {
            "yTrue": one_hot(steps, 4),
            "yPred": simplex(25, (3, 2, 4)),
            "weight": cubes,
        },
        "one-hot probabilities [n, k, t]": {
            "yTrue": np.moveaxis(one_hot(steps, 4), -1, 1),
            "yPred": np.moveaxis(simplex(25, (3, 2, 4)), -1, 1),
            "weight": cubes,
        },
        "distributions [n, k]": {
            "yTrue": simplex(26, (3, 4)),
            "yPred": simplex(27, (3, 4)),
            "weight": rows,
        },
        "distributions [n, t, k]": {
            "yTrue": simplex(28, (3, 2, 4)),
            "yPred": simplex(29, (3, 2, 4)),
            "weight": cubes,
        },
        "one-hot probabilities, not summing to 1": {
            "yTrue": one_hot([0, 2, 1], 3),
            "yPred": np.array([[0.2, 0.2, 0.2], [1, 2, 5], [3, 0.5, 0.25]], np.float32),
        },
        "one-hot probabilities, extremes": {
            "yTrue": one_hot([0, 0, 1, 2], 3),
            "yPred": np.array([[0, 0.5, 0.5], [1, 0, 0], [1, 0, 0], [0.5, 0, 0.5]], np.float32),
        },
        "classes, logits [n, k]": {"yTrue": np.array(classes), "yPred": x34, "weight": rows},
        "classes [n, 1], logits [n, k]": {
            "yTrue": np.array(classes)[:, None],
            "yPred": x34,
            "weight": rows,
        },
        "classes, logits [n, t, k]": {"yTrue": steps, "yPred": x324, "weight": cubes},
        "classes, probabilities [n, k]": {
            "yTrue": np.array(classes),
            "yPred": simplex(24, (3, 4)),
            "weight": rows,
        },
        "classes, probabilities [n, t, k]": {
            "yTrue": steps,
            "yPred": simplex(25, (3, 2, 4)),
            "weight": cubes,
        },
        "distributions, extremes": {
            "yTrue": np.array([[1, 0, 0], [0, 1, 0], [0, 0.25, 0.75]], np.float32),
            "yPred": np.array([[0, 0.5, 0.5], [1e-8, 0.999, 1e-6], [0.5, 0.5, 0]], np.float32),
        },
        "vectors with zeros": {
            "yTrue": np.array([[1, 2, 2], [0, 0, 0], [1, 0, 0]], np.float32),
            "yPred": np.array([[2, 1, -2], [1, 2, 3], [1e-4, 1e-4, 0]], np.float32),
        },
    }


REAL = ["real [n]", "real [n, 1]", "real [n] to [n, 1]", "real [n, k]", "real [n, t, k]"]

CASES = [
    *(
        (name, {}, key)
        for name in ("meanSquaredError", "meanAbsoluteError", "meanAbsolutePercentageError")
        for key in REAL + ["real, large"]
    ),
    *(("meanSquaredLogarithmicError", {}, key) for key in ["counts [n, k]", *REAL[2:]]),
    ("meanSquaredLogarithmicError", {}, "counts, extremes"),
    *(("huber", {}, key) for key in REAL + ["real, large"]),
    ("huber", {"delta": 0.25}, "real [n, k]"),
    ("huber", {"delta": 3.5}, "real [n, t, k]"),
    *(("logCosh", {}, key) for key in REAL + ["real, large"]),
    *(("cosineSimilarity", {}, key) for key in REAL[3:] + ["vectors with zeros"]),
    ("cosineSimilarity", {"axis": 1}, "real [n, t, k]"),
    *((name, {}, "signs [n, k]") for name in ("hinge", "squaredHinge")),
    *((name, {}, "binary logits [n, 1]") for name in ("hinge", "squaredHinge")),
    *((name, {}, "binary logits [n, t, k]") for name in ("hinge", "squaredHinge")),
    *((name, {}, "binary logits, extremes") for name in ("hinge", "squaredHinge")),
    ("categoricalHinge", {}, "one-hot logits [n, k]"),
    ("categoricalHinge", {}, "one-hot logits [n, t, k]"),
    ("klDivergence", {}, "distributions [n, k]"),
    ("klDivergence", {}, "distributions [n, t, k]"),
    ("klDivergence", {}, "distributions, extremes"),
    ("poisson", {}, "counts [n, k]"),
    ("poisson", {}, "counts, extremes"),
    *(
        (name, {}, key)
        for name in ("binaryCrossentropy", "binaryFocalCrossentropy")
        for key in [
            "binary probabilities [n]",
            "binary probabilities [n, 1]",
            "binary probabilities [n, k]",
            "soft probabilities [n, k]",
            "binary probabilities, extremes",
        ]
    ),
    *(
        (name, {"fromLogits": True}, key)
        for name in ("binaryCrossentropy", "binaryFocalCrossentropy")
        for key in [
            "binary logits [n, 1]",
            "binary logits [n, k]",
            "binary logits [n, t, k]",
            "binary logits, extremes",
        ]
    ),
    ("binaryCrossentropy", {"labelSmoothing": 0.1}, "binary probabilities [n, k]"),
    ("binaryCrossentropy", {"fromLogits": True, "labelSmoothing": 0.3}, "binary logits [n, k]"),
    ("binaryCrossentropy", {"fromLogits": True, "axis": 1}, "binary logits [n, t, k]"),
    ("binaryFocalCrossentropy", {"labelSmoothing": 0.1}, "binary probabilities [n, k]"),
    (
        "binaryFocalCrossentropy",
        {"applyClassBalancing": True, "alpha": 0.75, "gamma": 3},
        "binary probabilities [n, k]",
    ),
    (
        "binaryFocalCrossentropy",
        {"applyClassBalancing": True, "gamma": 0.5, "fromLogits": True},
        "binary logits [n, k]",
    ),
    ("binaryFocalCrossentropy", {"gamma": 0}, "binary probabilities [n, k]"),
    *(
        (name, {}, key)
        for name in ("categoricalCrossentropy", "categoricalFocalCrossentropy")
        for key in [
            "one-hot probabilities [n, k]",
            "one-hot probabilities [n, t, k]",
            "distributions [n, k]",
            "one-hot probabilities, not summing to 1",
            "one-hot probabilities, extremes",
        ]
    ),
    *(
        (name, {"fromLogits": True}, key)
        for name in ("categoricalCrossentropy", "categoricalFocalCrossentropy")
        for key in [
            "one-hot logits [n, k]",
            "one-hot logits [n, t, k]",
            "soft logits [n, k]",
            "one-hot logits, extremes",
        ]
    ),
    ("categoricalCrossentropy", {"labelSmoothing": 0.1}, "one-hot probabilities [n, k]"),
    (
        "categoricalCrossentropy",
        {"fromLogits": True, "labelSmoothing": 0.3},
        "one-hot logits [n, t, k]",
    ),
    ("categoricalCrossentropy", {"axis": 1}, "one-hot probabilities [n, k, t]"),
    (
        "categoricalFocalCrossentropy",
        {"alpha": 0.5, "gamma": 1.5, "labelSmoothing": 0.2},
        "one-hot probabilities [n, k]",
    ),
    ("categoricalFocalCrossentropy", {"axis": 1}, "one-hot probabilities [n, k, t]"),
    ("categoricalFocalCrossentropy", {"gamma": 0}, "one-hot probabilities [n, k]"),
    *(
        ("sparseCategoricalCrossentropy", {"fromLogits": True}, key)
        for key in [
            "classes, logits [n, k]",
            "classes [n, 1], logits [n, k]",
            "classes, logits [n, t, k]",
        ]
    ),
    ("sparseCategoricalCrossentropy", {}, "classes, probabilities [n, k]"),
    ("sparseCategoricalCrossentropy", {}, "classes, probabilities [n, t, k]"),
    (
        "sparseCategoricalCrossentropy",
        {"fromLogits": True, "ignoreClass": 0},
        "classes, logits [n, k]",
    ),
    ("sparseCategoricalCrossentropy", {"ignoreClass": 1}, "classes, probabilities [n, t, k]"),
]


def snake(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def make(name, options, reduction):
    keras_class = getattr(keras.losses, KERAS_NAMES.get(name, name[0].upper() + name[1:]))
    return keras_class(
        reduction=reduction, **{snake(key): value for key, value in options.items()}
    )


def entry(name, options, key, given):
    y_true, y_pred = jnp.asarray(given["yTrue"]), jnp.asarray(given["yPred"])

    def run(reduction, weight=None):
        loss = make(name, options, reduction)
        return lambda y_pred: loss(y_true, y_pred, sample_weight=weight)

    made = {"name": name, "options": options, "input": key}
    mean, gradient = jax.value_and_grad(run("sum_over_batch_size"))(y_pred)
    if y_pred.ndim == 1:
        reduced = {"sumOverBatchSize": np.asarray(mean)}
        return {**made, "reduced": reduced, "gradient": np.asarray(gradient)}
    values = {ours: np.asarray(run(theirs)(y_pred)) for ours, theirs in REDUCTIONS.items()}
    made |= {"reduced": values, "gradient": np.asarray(gradient)}
    # Weights are for values over the last axis; another axis has none.
    if "weight" in given and values["none"].shape == given["weight"].shape:
        weight = jnp.asarray(given["weight"])
        made["weighted"] = {
            ours: np.asarray(run(theirs, weight)(y_pred)) for ours, theirs in REDUCTIONS.items()
        }
        weighted = jax.grad(run("mean_with_sample_weight", weight))(y_pred)
        made["weightedGradient"] = np.asarray(weighted)
    return made


def main():
    given = inputs()
    cases = [entry(name, options, key, given[key]) for name, options, key in CASES]
    used = {case["input"] for case in cases}
    numbers_json.write(
        HERE / "losses.json",
        {
            "versions": numbers_json.versions("keras", "jax", "numpy"),
            "inputs": {key: value for key, value in given.items() if key in used},
            "cases": cases,
        },
    )


if __name__ == "__main__":
    main()
