"""Golden values of losses and accuracy, from real Keras on JAX (float32).

What Keras 3.15.1 does with probabilities, read in its sources:
- JAX and PyTorch backends (keras/src/backend/{jax,torch}/nn.py, sparse_categorical_crossentropy):
  p = p / sum(p), then clip to [1e-7, 1 - 1e-7], then -log p[label]. In float32 the upper bound is
  1 - 2^-23, so a sure hit costs 1.19e-7. The gradient is 0 where the clip holds.
- TensorFlow backend: clips first, then sparse_softmax_cross_entropy_with_logits of log p, which
  normalises afterwards; and where the probabilities come from a softmax activation it goes back to
  the logits (`_keras_logits`), unclipped. The JAX backend never goes back.
"""

import jax
import jax.numpy as jnp
import keras
import numpy as np

from part_layers import random


def case(name, label, config, function, y_true, y_pred):
    """Values per sample, their mean (Keras's reduction) and the mean's gradient."""

    def mean(y_pred):
        return keras.ops.mean(function(y_true, y_pred))

    y_pred = jnp.asarray(y_pred)
    loss, gradient = jax.value_and_grad(mean)(y_pred)
    return {
        "name": name,
        "case": label,
        "config": config,
        "yTrue": y_true,
        "yPred": np.asarray(y_pred),
        "perSample": np.asarray(function(y_true, y_pred)),
        "mean": np.asarray(loss),
        "gradient": np.asarray(gradient),
    }


def crossentropy(label, from_logits, y_true, y_pred):
    def function(y_true, y_pred):
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits)

    made = case(
        "sparseCategoricalCrossentropy",
        label,
        {"fromLogits": from_logits},
        function,
        np.array(y_true, np.int32),
        np.array(y_pred, np.float32),
    )
    class_form = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    np.testing.assert_allclose(made["mean"], class_form(made["yTrue"], made["yPred"]), rtol=1e-6)
    return made


def squared_error(label, y_true, y_pred):
    """Through the class, which also matches ranks ([n] against [n, 1])."""
    loss = keras.losses.MeanSquaredError(reduction="none")
    y_true, y_pred = np.array(y_true, np.float32), np.array(y_pred, np.float32)
    return case("meanSquaredError", label, {}, loss, y_true, y_pred)


def saturated():
    """The same sure and wrong predictions as logits (unclipped) and as softmax's probabilities,
    clipped: what the two ways differ by."""
    logits = np.array([[40, 0, 0], [40, 0, 0], [0, 12, 0], [3, 1, 2]], np.float32)
    y_true = np.array([0, 1, 2, 0], np.int32)
    scce = keras.losses.sparse_categorical_crossentropy

    def clipped(logits):
        return scce(y_true, keras.activations.softmax(logits))

    def unclipped(logits):
        return scce(y_true, logits, from_logits=True)

    values = {"logits": logits, "yTrue": y_true}
    for name, function in (("fromProbabilities", clipped), ("fromLogits", unclipped)):
        gradient = jax.grad(lambda x, f=function: keras.ops.mean(f(x)))(jnp.asarray(logits))
        values[name] = {
            "perSample": np.asarray(function(jnp.asarray(logits))),
            "gradient": np.asarray(gradient),
        }
    return values


def losses():
    logits = random(60, (6, 4), 2.0)
    labels = [0, 3, 1, 2, 3, 0]
    softmax = np.asarray(keras.activations.softmax(jnp.asarray(logits)))
    hard = [[100, -100, 0], [-100, 100, 0], [88, 88, 88], [1e4, -1e4, 0], [0, 0, 0]]
    hard += [[1e-30, -0.0, 0]]
    loose = [[0.2, 0.2, 0.2], [1, 2, 5], [3, 0.5, 0.25], [0.001, 0.001, 0.004], [10, 0, 0]]
    zeros = [[0, 0.5, 0.5], [1, 0, 0], [1, 0, 0], [0, 0, 1], [1e-9, 1 - 1e-9, 0], [0.5, 0, 0.5]]
    return {
        "cases": [
            crossentropy("logits", True, labels, logits),
            crossentropy("logits, labels [n, 1]", True, [[label] for label in labels], logits),
            crossentropy("logits, extremes", True, [0, 0, 2, 1, 1, 0], hard),
            crossentropy("probabilities", False, labels, softmax),
            crossentropy("probabilities, zeros and ones", False, [0, 0, 1, 2, 0, 2], zeros),
            crossentropy("probabilities, rows not summing to 1", False, [0, 2, 1, 0, 0], loose),
            squared_error("[n, 3]", random(61, (5, 3)), random(62, (5, 3))),
            squared_error("[n, 1]", random(63, (4, 1)), random(64, (4, 1))),
            squared_error("labels [n], predictions [n, 1]", random(65, (4,)), random(66, (4, 1))),
            squared_error("[n, 2, 2]", random(67, (2, 2, 2)), random(68, (2, 2, 2))),
            squared_error("large", [[1e10, -1e10]], [[-1e10, 1e-10]]),
        ],
        "saturated": saturated(),
    }


def accuracies():
    """Sparse categorical accuracy: the first of equal maxima is the prediction."""
    rows = [[0.1, 0.7, 0.2], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2], [1 / 3, 1 / 3, 1 / 3]]
    rows += [[0, 0.5, 0.5], [0, 0.5, 0.5], [-1, -2, -0.5], [-0.0, 0.0, -1]]
    y_pred = np.array(rows, np.float32)
    y_true = np.array([1, 0, 1, 0, 1, 2, 2, 1], np.int32)
    made = []
    for labels in (y_true, y_true[:, None]):
        matches = np.asarray(keras.metrics.sparse_categorical_accuracy(labels, y_pred))
        metric = keras.metrics.SparseCategoricalAccuracy()
        # Two updates of different size: the mean is over samples.
        metric.update_state(labels[:3], y_pred[:3])
        metric.update_state(labels[3:], y_pred[3:])
        made.append(
            {
                "yTrue": labels,
                "yPred": y_pred,
                "perSample": matches,
                "mean": np.float32(metric.result()),
            }
        )
    return made
