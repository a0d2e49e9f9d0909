"""Golden values of activations, layers and initializers, from real Keras on JAX (float32)."""

import math

import jax
import jax.numpy as jnp
import keras
import numpy as np
from scipy.stats import truncnorm

# Zeros of both signs, where exp leaves float32 (88) and where it is 0 (-104), tiny and huge values.
EDGES = np.array(
    [0.0, -0.0, 1e-30, -1e-30, 1e-4, -1e-4, 0.5, -0.5, 1, -1, 3, -3, 10, -10, 20, -20]
    + [88, -88, 104, -104, 1e10, -1e10, 3e38, -3e38],
    dtype=np.float32,
)
SPECIAL = np.array([np.inf, -np.inf, np.nan], dtype=np.float32)


def random(seed, shape, scale=1.0):
    """Normal float32 numbers."""
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def with_gradient(function, inputs, upstream):
    """(y, gradients of sum(upstream * y) with respect to each input)."""
    y, pull = jax.vjp(function, *map(jnp.asarray, inputs))
    return np.asarray(y), [np.asarray(g) for g in pull(jnp.asarray(upstream))]


def elementwise(name, config, function, exact, exact_gradient):
    y, (gradient,) = with_gradient(function, [EDGES], np.ones_like(EDGES))
    wide = EDGES.astype(np.float64)
    return {
        "name": name,
        "config": config,
        "x": EDGES,
        "y": y,
        "gradient": gradient,
        "exact": exact(wide),
        "exactGradient": exact_gradient(wide),
        "special": {"x": SPECIAL, "y": np.asarray(function(jnp.asarray(SPECIAL)))},
    }


def elu(alpha):
    def exact(x):
        return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)

    def exact_gradient(x):
        return np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0)))

    return elementwise(
        "elu",
        {"alpha": alpha},
        lambda x: keras.activations.elu(x, alpha=alpha),
        exact,
        exact_gradient,
    )


def softmax():
    x = np.array(
        [
            [0, 0, 0, 0, 0],
            [1, 2, 3, 4, 5],
            [-0.5, 0.25, 1e-30, -0.0, 0.125],
            [1000, 0, -1000, 999, 998],
            [88, -88, 104, -104, 0],
            [-1e10, -1e10, -1e10, -1e10, -1e10],
            [3e38, -3e38, 0, 1, 2],
        ],
        dtype=np.float32,
    )
    upstream = random(1, x.shape)
    y, (gradient,) = with_gradient(keras.activations.softmax, [x], upstream)
    wide = np.exp(x.astype(np.float64) - x.max(axis=1, keepdims=True).astype(np.float64))
    exact = wide / wide.sum(axis=1, keepdims=True)
    inner = (upstream.astype(np.float64) * exact).sum(axis=1, keepdims=True)
    return {
        "name": "softmax",
        "config": {},
        "x": x,
        "upstream": upstream,
        "y": y,
        "gradient": gradient,
        "exact": exact,
        "exactGradient": exact * (upstream - inner),
    }


def activations():
    return [
        elu(1.0),
        elu(0.3),
        elementwise(
            "relu",
            {},
            keras.activations.relu,
            lambda x: np.maximum(x, 0),
            lambda x: (x > 0).astype(np.float64),
        ),
        elementwise("linear", {}, keras.activations.linear, lambda x: x, np.ones_like),
        softmax(),
    ]


def dense(seed, input_shape, units, activation, use_bias=True):
    layer = keras.layers.Dense(units, activation=activation, use_bias=use_bias)
    layer.build(input_shape)
    x = random(seed, input_shape)
    weights = [random(seed + 1, (input_shape[-1], units), 0.7)]
    if use_bias:
        weights.append(random(seed + 2, (units,), 0.3))
    upstream = random(seed + 3, (*input_shape[:-1], units))

    def run(x, *weights):
        return layer.stateless_call(list(weights), [], x)[0]

    y, gradients = with_gradient(run, [x, *weights], upstream)
    names = ["x", "kernel", "bias"][: len(gradients)]
    return {
        "name": "dense",
        "config": {"units": units, "activation": activation, "useBias": use_bias},
        "x": x,
        "kernel": weights[0],
        "bias": weights[1] if use_bias else None,
        "upstream": upstream,
        "y": y,
        "gradients": dict(zip(names, gradients)),
    }


def plain(name, layer, config, x):
    """A layer without weights, called as in training."""
    upstream = random(9, layer.compute_output_shape(x.shape))
    y, (gradient,) = with_gradient(lambda x: layer(x, training=True), [x], upstream)
    return {
        "name": name,
        "config": config,
        "x": x,
        "upstream": upstream,
        "y": y,
        "gradients": {"x": gradient},
    }


def dropout_values():
    """What Dropout makes of ones: each value is 0 or 1 / (1 - rate)."""
    layer = keras.layers.Dropout(0.25, seed=7)
    y = np.asarray(layer(np.ones((100, 100), np.float32), training=True))
    return {"rate": 0.25, "values": np.unique(y), "keptShare": float((y != 0).mean())}


def layers():
    elu_layer = keras.layers.Activation("elu")
    return {
        "cases": [
            dense(10, (5, 3), 4, "elu"),
            dense(14, (5, 3), 4, "softmax"),
            dense(18, (5, 3), 4, "linear"),
            dense(22, (3, 7), 2, "relu"),
            dense(26, (4, 3), 1, "linear", use_bias=False),
            dense(30, (2, 3, 4), 2, "elu"),
            plain("flatten", keras.layers.Flatten(), {}, random(40, (2, 2, 3, 2))),
            plain("dropout", keras.layers.Dropout(0.0), {"rate": 0}, random(50, (3, 4))),
            plain("activation", elu_layer, {"activation": "elu"}, random(51, (3, 4))),
        ],
        "dropoutOfOnes": dropout_values(),
    }


def initializer(name, instance, shape, fan_in, fan_out):
    sample = np.asarray(instance(shape)).astype(np.float64).ravel()
    if name == "heNormal":
        uncorrected = math.sqrt(2 / fan_in)
        # The deviation of the normal before truncation; afterwards it is `uncorrected`.
        deviation = uncorrected / 0.87962566103423978
        formula = {"deviation": deviation, "limit": 2 * deviation, "variance": 2 / fan_in}
        formula["uncorrectedVariance"] = (uncorrected * 0.87962566103423978) ** 2
    else:
        limit = math.sqrt(6 / (fan_in + fan_out))
        formula = {"limit": limit, "variance": limit**2 / 3}
    assert abs(sample).max() <= formula["limit"] * (1 + 1e-6)
    assert abs(sample.var() / formula["variance"] - 1) < 6 / math.sqrt(sample.size)
    return {
        "name": name,
        "shape": list(shape),
        "fanIn": fan_in,
        "fanOut": fan_out,
        **formula,
        "sample": {
            "count": sample.size,
            "min": sample.min(),
            "max": sample.max(),
            "mean": sample.mean(),
            "variance": sample.var(),
            "quantiles": np.quantile(sample, PROBABILITIES),
        },
    }


PROBABILITIES = np.array([0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999])


def initializers():
    cases = []
    shapes = [((3072, 100), 3072, 100), ((100, 100), 100, 100), ((100, 10), 100, 10)]
    for index, (shape, fan_in, fan_out) in enumerate(shapes):
        he = keras.initializers.HeNormal(seed=index)
        glorot = keras.initializers.GlorotUniform(seed=index)
        cases.append(initializer("heNormal", he, shape, fan_in, fan_out))
        cases.append(initializer("glorotUniform", glorot, shape, fan_in, fan_out))
    return {
        "probabilities": PROBABILITIES,
        # A standard normal truncated at two standard deviations (SciPy, doubles).
        "truncatedNormal": {
            "deviation": float(truncnorm(-2, 2).std()),
            "quantiles": truncnorm(-2, 2).ppf(PROBABILITIES),
        },
        "cases": cases,
    }
