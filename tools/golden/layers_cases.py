"""What the layers' golden scripts share: one case of a layer, run in real Keras 3 on JAX (float32)."""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import keras
import numpy as np


def draw(seed, shape, low=-2.0, high=2.0):
    """Numbers of two decimals, so that the files stay small."""
    values = np.random.default_rng(seed).uniform(low, high, shape)
    return np.round(values, 2).astype(np.float32)


def plain(value):
    """A config as JSON has it: tuples as lists, no types of data."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "dtype"}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def config_of(layer):
    """Class and config as in Keras's files."""
    serialized = keras.saving.serialize_keras_object(layer)
    return {"class_name": serialized["class_name"], "config": plain(serialized["config"])}


def fill(layer, seed):
    """Other weights than the initial ones, deviations positive; returns them in Keras's order."""
    for index, weight in enumerate(layer.weights):
        positive = "variance" in weight.path or "stddev" in weight.path
        low = 0.3 if positive else -1.0
        weight.assign(draw(seed + index, weight.shape, low, 1.5))
    return [np.asarray(weight) for weight in layer.weights]


def build(layer, inputs, many=False):
    if not layer.built:
        layer.build([x.shape for x in inputs] if many else inputs[0].shape)


def case(layer, *inputs, training=False, weights=None, seed=100, note=None, low=-2.0, many=None):
    """
    Output, gradients of sum(upstream * output) with respect to the inputs and the trainable
    weights, what the weights without gradient become, and the sum of the layer's own losses.

    `inputs` are arrays or shapes; `many` says that the layer takes a list.
    """
    inputs = [
        draw(seed + 10 + i, x, low) if isinstance(x, tuple) else x for i, x in enumerate(inputs)
    ]
    many = len(inputs) > 1 if many is None else many
    build(layer, inputs, many)
    weights = fill(layer, seed + 50) if weights is None else weights
    trainable = [np.asarray(w) for w in layer.trainable_variables]
    own = {id(weight) for weight in layer.weights}
    states = [v for v in layer.non_trainable_variables if id(v) in own]
    seeds = [v for v in layer.non_trainable_variables if id(v) not in own]
    takes_training = layer._call_has_training_arg
    extra = {"training": training} if takes_training else {}

    def run(inputs, trainable):
        x = list(inputs) if many else inputs[0]
        held = [v.value for v in states + seeds]
        y, after = layer.stateless_call(trainable, held, x, **extra)
        return y, after[: len(states)]

    # Only a call outside of a stateless one shows what the layer adds to the loss.
    layer([jnp.asarray(x) for x in inputs] if many else jnp.asarray(inputs[0]), **extra)
    loss = np.float32(sum(layer.losses)) if layer.losses else np.float32(0)
    for weight, value in zip(layer.weights, weights):
        weight.assign(value)
    args = ([jnp.asarray(x, jnp.float32) for x in inputs], [jnp.asarray(w) for w in trainable])
    y, pull, after = jax.vjp(run, *args, has_aux=True)
    upstream = draw(seed + 90, y.shape)
    of_inputs, of_weights = pull(jnp.asarray(upstream))
    return {
        **({"note": note} if note else {}),
        **config_of(layer),
        "training": training,
        "inputs": inputs,
        "isList": many,
        "weights": [
            {"name": w.name, "trainable": bool(w.trainable), "value": value}
            for w, value in zip(layer.weights, weights)
        ],
        "upstream": upstream,
        "y": np.asarray(y),
        "inputGradients": [np.asarray(g) for g in of_inputs],
        "weightGradients": [np.asarray(g) for g in of_weights],
        "after": [np.asarray(v) for v in after],
        "loss": loss,
    }
