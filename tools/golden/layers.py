"""Makes layers-*.json: outputs, gradients, states and configs of every layer, from real Keras 3.

    python tools/golden/layers.py

Noise: where Keras draws, the script puts numbers of its own in the place of the generator, and the
case has them as `noise`; dropout's mask is read off the output.
"""

from pathlib import Path
from unittest import mock

from layers_cases import case, draw, jax, keras, np
from layers_merging import merging
from layers_normalization import adapted, batches, normalization

import numbers_json

HERE = Path(__file__).resolve().parent
L = keras.layers


def core():
    elu = keras.activations.elu
    regularized = dict(
        kernel_initializer="he_normal",
        bias_initializer="ones",
        kernel_regularizer=keras.regularizers.L2(0.02),
        bias_regularizer="l2",
        activity_regularizer=keras.regularizers.L2(0.05),
        kernel_constraint="non_neg",
        bias_constraint="non_neg",
    )
    return [
        case(L.Dense(3), (2, 4)),
        case(L.Dense(2, activation=elu, use_bias=False), (3, 3)),
        case(L.Dense(2, activation="softmax", **regularized), (3, 4), training=True),
        case(L.Dense(2, activation="relu", trainable=False), (2, 3, 2), note="frozen, three axes"),
        case(L.Activation("elu"), (2, 3)),
        case(L.Activation("softmax", activity_regularizer="l2"), (2, 3)),
        case(L.Flatten(), (2, 2, 3, 2)),
        case(L.Flatten(data_format="channels_first"), (2, 2, 3, 2)),
        case(L.Flatten(), (3,), note="no axis but the batch"),
        case(L.Reshape((3, 2)), (2, 6)),
        case(L.Reshape((2, -1, 3)), (2, 4, 3)),
        case(L.Reshape((-1,)), (1, 4, 2)),
        case(L.Permute((2, 1)), (2, 3, 4)),
        case(L.Permute((3, 1, 2)), (2, 2, 3, 4)),
        case(L.ActivityRegularization(l1=0.1, l2=0.3), (2, 3), training=True),
        case(L.ActivityRegularization(l2=0.3), (2, 3)),
    ]


def activations():
    edges = np.array([[0.0, -0.5, 0.5, 1.0, -1.0, 0.25, 3.0, -3.0, 6.0, 7.0]], np.float32)
    shape = (2, 3, 4)
    return [
        case(L.ReLU(), edges),
        case(L.ReLU(max_value=1.5), edges + 0.1),
        case(L.ReLU(negative_slope=0.2, threshold=0.4, max_value=5.0), edges),
        case(L.ReLU(threshold=0.6), edges),
        case(L.LeakyReLU(), edges),
        case(L.LeakyReLU(negative_slope=0.07), (2, 3)),
        case(L.ELU(), (2, 5)),
        case(L.ELU(alpha=0.4), (2, 5)),
        case(L.PReLU(), edges),
        case(L.PReLU(), shape),
        case(L.PReLU(shared_axes=1, alpha_regularizer="l2", alpha_constraint="non_neg"), shape),
        case(L.PReLU(shared_axes=[1, 2], alpha_initializer="ones"), shape),
        case(L.Softmax(), (2, 4)),
        case(L.Softmax(axis=1), shape),
        case(L.Softmax(axis=[1, 2]), shape),
        case(L.Softmax(axis=[-1]), shape),
    ]


def quiet():
    """Layers of noise where there is none: by inference, by a rate of 0, or all of it by 1."""
    shape = (2, 3)
    return [
        case(L.Dropout(0.3), shape),
        case(L.Dropout(0.0), shape, training=True),
        case(L.Dropout(1.0), shape, training=True),
        case(L.AlphaDropout(0.3, seed=5, noise_shape=(None, 1)), shape),
        case(L.AlphaDropout(0.0), shape, training=True),
        case(L.GaussianNoise(0.3, seed=3), shape),
        case(L.GaussianNoise(0.0), shape, training=True),
        case(L.GaussianDropout(0.3), shape),
        case(L.GaussianDropout(0.0), shape, training=True),
    ]


def noisy():
    shape = (3, 4)
    found = []

    def add(layer, noise, target, replacement, shape=shape):
        with mock.patch(target, replacement):
            found.append({**case(layer, shape, training=True, low=0.1), "noise": noise})

    for rate, noise_shape in [(0.1, None), (0.5, None), (0.4, (None, 1)), (0.4, (1, 4))]:
        drawn = tuple(n or m for n, m in zip(noise_shape or shape, shape))
        noise = draw(int(rate * 100), drawn, 0.0, 1.0)
        # Nothing lies on the edge.
        noise = np.where(np.abs(noise - rate) < 0.02, noise + 0.05, noise).astype(np.float32)
        layer = L.AlphaDropout(rate, noise_shape=noise_shape)
        add(layer, noise, "keras.src.ops.random.uniform", lambda s, seed, n=noise: jax.numpy.asarray(n))
        # Keras on JAX keeps where a uniform number is below 1 - rate.
        layer = L.Dropout(rate, noise_shape=noise_shape)
        mask = jax.numpy.asarray(noise >= rate)
        add(layer, noise, "jax.random.bernoulli", lambda s, p, shape, m=mask: m)
    z = draw(77, shape, -2.5, 2.5)

    def normal(shape, mean, stddev, dtype, seed):
        return mean + stddev * jax.numpy.asarray(z)

    target = "keras.src.backend.random.normal"
    add(L.GaussianNoise(0.2), z, target, normal)
    add(L.GaussianDropout(0.3), z, target, normal)
    return found


def main():
    versions = numbers_json.versions("keras", "jax", "numpy")
    parts = {
        "core": {"cases": core() + activations(), "quiet": quiet(), "noisy": noisy()},
        "normalization": {
            "cases": normalization(),
            "batches": batches(),
            "adapted": adapted(),
        },
        "merging": {"cases": merging()},
    }
    for name, part in parts.items():
        numbers_json.write(HERE / f"layers-{name}.json", {"versions": versions, **part})


if __name__ == "__main__":
    main()
