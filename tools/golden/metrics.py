"""Makes metrics.json: every metric over three batches, with and without sample weights, from real
Keras 3 on JAX.

    python tools/golden/metrics.py

`plain` and `weighted` hold the result after each batch. What to know of Keras 3.15.1
(keras/src/metrics/*.py), read there and seen in these numbers:
- A mean is sum(weight value) / sum(weight) over all samples of all batches; values of one sample
  are averaged first.
- Thresholds that are evenly spread over [0, 1] compare p (T - 1) > t, others p > threshold.
- `SparseCategoricalCrossentropy(ignore_class)` as a metric counts ignored samples (value 0) where
  no weights are given, and does not where they are.
- `R2Score` keeps float32 sums of squares; its `num_samples` counts numbers, not rows.
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np

import numbers_json
from losses import draw, labels, one_hot, simplex, snake

HERE = Path(__file__).resolve().parent

SIZES = (5, 4, 2)

KERAS_NAMES = {
    "auc": "AUC",
    "klDivergence": "KLDivergence",
    "exactAccuracy": "Accuracy",
}


def batches(make_true, make_pred, weight_shape=()):
    """Three batches of different sizes."""
    made = []
    for i, n in enumerate(SIZES):
        weight = np.round(draw(900 + i, (n, *weight_shape), 0, 2), 2)
        if i == 1:
            weight[0] = 0
        made.append({"yTrue": make_true(i, n), "yPred": make_pred(i, n), "sampleWeight": weight})
    return made


def scores(seed, shape):
    """Probabilities of two decimals: some fall on thresholds; 0, 0.5 and 1 are among them."""
    values = np.round(draw(seed, shape, 0, 1), 2)
    flat = values.reshape(-1)
    flat[: min(3, flat.size)] = np.array([0.5, 0, 1], np.float32)[: flat.size]
    return values


def inputs():
    return {
        "real": batches(lambda i, n: draw(100 + i, (n, 3)), lambda i, n: draw(110 + i, (n, 3))),
        "real [n, 1]": batches(
            lambda i, n: draw(120 + i, (n, 1)), lambda i, n: draw(130 + i, (n, 1))
        ),
        "real [n] to [n, 1]": batches(
            lambda i, n: draw(120 + i, (n,)), lambda i, n: draw(130 + i, (n, 1))
        ),
        "real [n, t, k]": batches(
            lambda i, n: draw(140 + i, (n, 2, 3)), lambda i, n: draw(150 + i, (n, 2, 3))
        ),
        "real [n, t, k], weights [n, t]": batches(
            lambda i, n: draw(140 + i, (n, 2, 3)), lambda i, n: draw(150 + i, (n, 2, 3)), (2,)
        ),
        "counts": batches(
            lambda i, n: labels(160 + i, (n, 3), 4), lambda i, n: draw(170 + i, (n, 3), 0.1, 4)
        ),
        "signs": batches(
            lambda i, n: 2 * labels(180 + i, (n, 3)) - 1, lambda i, n: draw(190 + i, (n, 3))
        ),
        "binary [n]": batches(
            lambda i, n: labels(200 + i, (n,)), lambda i, n: scores(210 + i, (n,))
        ),
        "binary": batches(
            lambda i, n: labels(200 + i, (n, 1)), lambda i, n: scores(210 + i, (n, 1))
        ),
        "binary [n] to [n, 1]": batches(
            lambda i, n: labels(200 + i, (n,)), lambda i, n: scores(210 + i, (n, 1))
        ),
        "multi-label": batches(
            lambda i, n: labels(220 + i, (n, 3)), lambda i, n: scores(230 + i, (n, 3))
        ),
        "multi-label [n, t, k]": batches(
            lambda i, n: labels(240 + i, (n, 2, 3)), lambda i, n: scores(250 + i, (n, 2, 3))
        ),
        "binary logits": batches(
            lambda i, n: labels(260 + i, (n, 3)), lambda i, n: draw(270 + i, (n, 3), -4, 4)
        ),
        "only negatives": batches(
            lambda i, n: np.zeros((n, 1), np.float32), lambda i, n: scores(210 + i, (n, 1))
        ),
        "distributions": batches(
            lambda i, n: simplex(280 + i, (n, 4)), lambda i, n: simplex(290 + i, (n, 4))
        ),
        "one-hot": batches(
            lambda i, n: one_hot(labels(300 + i, (n,), 4), 4),
            lambda i, n: simplex(310 + i, (n, 4)),
        ),
        "one-hot, ties": batches(
            lambda i, n: one_hot(labels(300 + i, (n,), 4), 4),
            lambda i, n: np.round(draw(310 + i, (n, 4), 0, 1), 1),
        ),
        "one-hot [n, t, k]": batches(
            lambda i, n: one_hot(labels(320 + i, (n, 2), 4), 4),
            lambda i, n: simplex(330 + i, (n, 2, 4)),
        ),
        "classes": batches(
            lambda i, n: labels(300 + i, (n,), 4), lambda i, n: simplex(310 + i, (n, 4))
        ),
        "classes, ties": batches(
            lambda i, n: labels(300 + i, (n, 1), 4),
            lambda i, n: np.round(draw(310 + i, (n, 4), 0, 1), 1),
        ),
        "classes [n, t]": batches(
            lambda i, n: labels(320 + i, (n, 2), 4), lambda i, n: simplex(330 + i, (n, 2, 4))
        ),
        "rounded": batches(
            lambda i, n: labels(340 + i, (n, 3), 3), lambda i, n: labels(350 + i, (n, 3), 3)
        ),
    }


EVEN = [0, 0.25, 0.5, 0.75, 1]

CONFUSION = ["truePositives", "trueNegatives", "falsePositives", "falseNegatives"]

BINARY = ["binary [n]", "binary", "binary [n] to [n, 1]", "multi-label", "multi-label [n, t, k]"]
# Keras takes the [n] weights of these for weights of the last axis.
UNWEIGHTED = {"multi-label [n, t, k]"}

REGRESSION = [
    "meanSquaredError",
    "rootMeanSquaredError",
    "meanAbsoluteError",
    "meanAbsolutePercentageError",
    "logCoshError",
    "cosineSimilarity",
]

CASES = [
    *((name, {}, "real") for name in REGRESSION),
    *(
        (name, {}, key)
        for name in ("meanSquaredError", "rootMeanSquaredError")
        for key in [
            "real [n, 1]",
            "real [n] to [n, 1]",
            "real [n, t, k]",
            "real [n, t, k], weights [n, t]",
        ]
    ),
    ("cosineSimilarity", {"axis": 1}, "real [n, t, k]"),
    ("meanSquaredLogarithmicError", {}, "counts"),
    ("poisson", {}, "counts"),
    ("hinge", {}, "signs"),
    ("hinge", {}, "multi-label"),
    ("squaredHinge", {}, "signs"),
    ("categoricalHinge", {}, "one-hot"),
    ("klDivergence", {}, "distributions"),
    ("binaryCrossentropy", {}, "binary"),
    ("binaryCrossentropy", {"labelSmoothing": 0.2}, "multi-label"),
    ("binaryCrossentropy", {"fromLogits": True}, "binary logits"),
    ("categoricalCrossentropy", {}, "one-hot"),
    ("categoricalCrossentropy", {"labelSmoothing": 0.2}, "one-hot [n, t, k]"),
    ("categoricalCrossentropy", {"fromLogits": True}, "distributions"),
    ("sparseCategoricalCrossentropy", {}, "classes"),
    ("sparseCategoricalCrossentropy", {"fromLogits": True}, "classes, ties"),
    ("sparseCategoricalCrossentropy", {"ignoreClass": 1}, "classes"),
    ("sparseCategoricalCrossentropy", {}, "classes [n, t]"),
    ("exactAccuracy", {}, "rounded"),
    ("binaryAccuracy", {}, "binary"),
    ("binaryAccuracy", {}, "binary [n] to [n, 1]"),
    ("binaryAccuracy", {"threshold": 0.3}, "multi-label"),
    ("categoricalAccuracy", {}, "one-hot"),
    ("categoricalAccuracy", {}, "one-hot, ties"),
    ("categoricalAccuracy", {}, "one-hot [n, t, k]"),
    ("sparseCategoricalAccuracy", {}, "classes"),
    ("sparseCategoricalAccuracy", {}, "classes, ties"),
    ("sparseCategoricalAccuracy", {}, "classes [n, t]"),
    ("topKCategoricalAccuracy", {}, "one-hot"),
    ("topKCategoricalAccuracy", {"k": 2}, "one-hot, ties"),
    ("topKCategoricalAccuracy", {"k": 2}, "one-hot [n, t, k]"),
    ("sparseTopKCategoricalAccuracy", {"k": 2}, "classes"),
    ("sparseTopKCategoricalAccuracy", {"k": 1}, "classes, ties"),
    ("sparseTopKCategoricalAccuracy", {"k": 3}, "classes [n, t]"),
    *((name, {}, key) for name in CONFUSION for key in BINARY),
    *((name, {"thresholds": 0.3}, "binary") for name in CONFUSION),
    *((name, {"thresholds": [0.2, 0.5, 0.7]}, "multi-label") for name in CONFUSION),
    *((name, {"thresholds": EVEN}, "multi-label") for name in CONFUSION),
    *((name, {}, key) for name in ("precision", "recall") for key in BINARY + ["only negatives"]),
    *(
        (name, options, "multi-label")
        for name in ("precision", "recall")
        for options in [
            {"thresholds": [0.1, 0.9]},
            {"thresholds": EVEN},
            {"classId": 1},
            {"classId": 2, "thresholds": [0.25, 0.6]},
        ]
    ),
    *(
        (name, options, "one-hot, ties")
        for name in ("precision", "recall")
        for options in [{"topK": 2}, {"topK": 1, "classId": 2}, {"topK": 3, "thresholds": 0.4}]
    ),
    *(
        ("auc", {"curve": curve, "summationMethod": method}, "binary")
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "minoring", "majoring")
    ),
    *(("auc", {}, key) for key in BINARY + ["only negatives"]),
    ("auc", {"numThresholds": 3}, "multi-label"),
    ("auc", {"numThresholds": 10, "curve": "PR"}, "multi-label"),
    ("auc", {"thresholds": [0.9, 0.1, 0.35, 0.5]}, "multi-label"),
    ("auc", {"thresholds": [0.25, 0.5, 0.75], "curve": "PR"}, "multi-label"),
    ("auc", {"fromLogits": True}, "binary logits"),
    ("auc", {"labelWeights": [1, 0, 2.5]}, "multi-label"),
    ("auc", {"multiLabel": True}, "multi-label"),
    ("auc", {"multiLabel": True, "curve": "PR", "numLabels": 3}, "multi-label"),
    ("auc", {"multiLabel": True, "labelWeights": [1, 0, 2.5]}, "multi-label"),
    (
        "auc",
        {"multiLabel": True, "labelWeights": [1, 0.5, 2], "curve": "PR", "thresholds": [0.3, 0.6]},
        "multi-label",
    ),
    *(
        (name, {value: at, "numThresholds": count}, "binary")
        for name, value in (
            ("precisionAtRecall", "recall"),
            ("recallAtPrecision", "precision"),
            ("sensitivityAtSpecificity", "specificity"),
            ("specificityAtSensitivity", "sensitivity"),
        )
        for at, count in ((0.5, 200), (0.75, 5), (0.9, 1))
    ),
    ("precisionAtRecall", {"recall": 0.4, "classId": 1}, "multi-label"),
    *(
        ("f1Score", {"average": average, "threshold": threshold}, "multi-label")
        for average in (None, "micro", "macro", "weighted")
        for threshold in (None, 0.5)
    ),
    ("f1Score", {}, "one-hot, ties"),
    ("f1Score", {}, "binary"),
    *(
        ("fBetaScore", {"average": average, "beta": beta, "threshold": 0.4}, "multi-label")
        for average in (None, "micro", "macro", "weighted")
        for beta in (0.5, 2.0)
    ),
    *(
        ("r2Score", {"classAggregation": how}, "real")
        for how in (None, "uniform_average", "variance_weighted_average")
    ),
    ("r2Score", {"numRegressors": 2}, "real"),
    ("r2Score", {"numRegressors": 40}, "real"),
    ("r2Score", {}, "real [n, 1]"),
    ("pearsonCorrelation", {}, "real"),
    ("pearsonCorrelation", {"axis": 1}, "real [n, t, k]"),
    ("concordanceCorrelation", {}, "real"),
]

VALUE_CASES = [("mean", ()), ("sum", ()), ("mean", (3,)), ("sum", (3,)), ("mean", (2, 3))]


def make(name, options):
    keras_class = getattr(keras.metrics, KERAS_NAMES.get(name, name[0].upper() + name[1:]))
    given = {snake(key): value for key, value in options.items()}
    return keras_class(**given)


def results(metric, given, weighted):
    made = []
    for batch in given:
        weight = batch["sampleWeight"] if weighted else None
        metric.update_state(batch["yTrue"], batch["yPred"], sample_weight=weight)
        made.append(np.asarray(metric.result()))
    return made


def entry(name, options, key, given):
    plain = make(name, options)
    made = {"name": name, "options": options, "input": key, "plain": results(plain, given, False)}
    if key not in UNWEIGHTED:
        made["weighted"] = results(make(name, options), given, True)
    # After a reset a metric counts as a new one.
    plain.reset_state()
    np.testing.assert_array_equal(results(plain, given, False)[-1], made["plain"][-1])
    return made


def of_values(name, shape):
    given = [
        {
            "values": draw(800 + i, (n, *shape)),
            "sampleWeight": np.round(draw(900 + i, (n,), 0, 2), 2),
        }
        for i, n in enumerate(SIZES)
    ]
    made = {"name": name, "batches": given}
    for how in ("plain", "weighted"):
        metric, found = make(name, {}), []
        for batch in given:
            weight = batch["sampleWeight"] if how == "weighted" else None
            metric.update_state(batch["values"], sample_weight=weight)
            found.append(np.asarray(metric.result()))
        made[how] = found
    return made


def chosen():
    """What the strings "accuracy" and "crossentropy" mean in compile, by the shapes."""
    from keras.src.trainers.compile_utils import get_loss, get_metric

    made = []
    for target, output in [
        ([3], [3, 1]),
        ([3, 1], [3, 1]),
        ([3], [3, 4]),
        ([3, 1], [3, 4]),
        ([3, 4], [3, 4]),
        ([3, 2], [3, 2, 4]),
        ([3, 2, 1], [3, 2, 4]),
        ([3, 2, 4], [3, 2, 4]),
        ([3, 2, 1], [3, 2, 1]),
    ]:
        shapes = np.zeros(target, np.float32), np.zeros(output, np.float32)
        loss = get_loss("crossentropy", *shapes)
        made.append(
            {
                "target": target[1:],
                "output": output[1:],
                "accuracy": type(get_metric("accuracy", *shapes)).__name__,
                "crossentropy": loss.fn.__name__,
            }
        )
        assert get_metric("acc", *shapes).name == "acc"
    return made


def main():
    given = inputs()
    cases = [entry(name, options, key, given[key]) for name, options, key in CASES]
    used = {case["input"] for case in cases}
    numbers_json.write(
        HERE / "metrics.json",
        {
            "versions": numbers_json.versions("keras", "jax", "numpy"),
            "inputs": {key: value for key, value in given.items() if key in used},
            "cases": cases,
            "values": [of_values(*case) for case in VALUE_CASES],
            "chosen": chosen(),
        },
    )


if __name__ == "__main__":
    main()
