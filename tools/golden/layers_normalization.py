"""Cases of the normalizing layers: see layers.py."""

from layers_cases import build, case, config_of, draw, fill, jax, keras, np

L = keras.layers


def bn(training, shape=(5, 3), **options):
    return case(L.BatchNormalization(**options), shape, training=training)


def normalization():
    image = (3, 2, 2, 3)
    regularized = dict(
        beta_regularizer="l2",
        gamma_regularizer=keras.regularizers.L2(0.1),
        beta_constraint="non_neg",
        gamma_constraint="non_neg",
        beta_initializer="ones",
        gamma_initializer="zeros",
    )
    off = draw(7, (4, 3)) + np.float32(8)
    return [
        bn(True),
        bn(False),
        bn(True, momentum=0.7, epsilon=0.5),
        bn(True, center=False),
        bn(True, scale=False),
        bn(True, center=False, scale=False),
        bn(False, center=False, scale=False),
        bn(True, shape=image),
        bn(True, shape=image, axis=1),
        bn(True, shape=image, axis=2),
        bn(False, shape=image, axis=1),
        bn(True, shape=(1, 4)),
        bn(True, **regularized),
        bn(True, moving_mean_initializer="ones", moving_variance_initializer="zeros"),
        case(L.BatchNormalization(trainable=False), (4, 2), training=True, note="frozen"),
        case(L.BatchNormalization(), off, training=True, note="far from 0"),
        bn(True, renorm=True),
        bn(False, renorm=True),
        bn(True, renorm=True, scale=False, renorm_momentum=0.8),
        bn(True, renorm=True, renorm_clipping={"rmax": 1.2, "rmin": 0.8, "dmax": 0.3}),
        bn(True, renorm=True, center=False, renorm_clipping={"dmax": 0.1}),
        case(L.LayerNormalization(), (3, 4)),
        case(L.LayerNormalization(center=False, epsilon=0.3), (3, 4)),
        case(L.LayerNormalization(scale=False), (3, 4)),
        case(L.LayerNormalization(center=False, scale=False), (3, 4)),
        case(L.LayerNormalization(axis=1), (2, 3, 4)),
        case(L.LayerNormalization(axis=[1, 2]), (2, 3, 4)),
        case(L.LayerNormalization(axis=[-1, 1], **regularized), (2, 3, 2, 2)),
        case(L.LayerNormalization(), (2, 1), note="one feature"),
        case(L.RMSNormalization(), (3, 4)),
        case(L.RMSNormalization(axis=[1, 2], epsilon=0.2), (2, 3, 2)),
        case(L.UnitNormalization(), (3, 4)),
        case(L.UnitNormalization(axis=1), (2, 3, 2)),
        case(L.UnitNormalization(axis=[1, 2]), (2, 3, 2)),
        case(L.Rescaling(1 / 255.0), (2, 3)),
        case(L.Rescaling(0.5, offset=-1.0), (2, 3)),
        case(L.Rescaling([0.5, 2.0, 3.0], offset=[1.0, 0.0, -1.0]), (2, 2, 3)),
        given(-1, [0.5, 1.0, -1.0], [2.0, 0.25, 0.0], (2, 3)),
        given(None, 0.5, 2.0, (2, 3)),
        given(-1, 0.5, 2.0, (2, 3), invert=True),
        given((1, 2), [[0.5, 1.0], [0.0, -1.0]], [[2.0, 1.0], [0.5, 4.0]], (3, 2, 2)),
        given((1, 2), [0.5, 1.0], [2.0, 4.0], (3, 2, 2)),
        given(1, [0.5, 1.0], [2.0, 4.0], (3, 2, 2), invert=True),
    ]


def given(axis, mean, variance, shape, **options):
    return case(L.Normalization(axis=axis, mean=mean, variance=variance, **options), shape)


def batches():
    """Three batches in training, then one in inference: the moving statistics after each."""
    found = []
    for options in [{}, {"momentum": 0.5, "axis": 1}, {"renorm": True, "momentum": 0.6}]:
        layer = L.BatchNormalization(**options)
        shape = (4, 2, 3) if "axis" in options else (4, 3)
        inputs = [draw(seed, shape) * np.float32(seed) for seed in (1, 2, 3)]
        build(layer, inputs[:1])
        start = fill(layer, 300)
        steps = []
        for x in inputs:
            y = layer(x, training=True)
            steps.append({"x": x, "y": np.asarray(y), "after": states(layer)})
        x = draw(9, shape)
        found.append(
            {
                **config_of(layer),
                "weights": start,
                "steps": steps,
                "x": x,
                "y": np.asarray(layer(x, training=False)),
            }
        )
    return found


def states(layer):
    return [np.asarray(weight) for weight in layer.non_trainable_weights]


def adapted():
    found = []
    data = draw(1, (7, 2, 3)) * np.float32(3) + np.float32(20)
    pixels = np.random.default_rng(2).integers(0, 256, (6, 2, 2, 3)).astype(np.uint8)
    pixels[:, 0, 0, 0] = 9
    for axis, values, x, invert in [
        (-1, data, data[:2], False),
        (None, data, data[:2], False),
        (1, data, data[:2], True),
        ((1, 2), data, data[:2], False),
        ((-1, 1), data, data[:2], True),
        ((1, 2, 3), pixels, pixels[:2], False),
        (-1, pixels, pixels[:2], False),
    ]:
        layer = L.Normalization(axis=axis, invert=invert)
        layer.adapt(values)
        one = case(layer, x, weights=[np.asarray(w) for w in layer.weights])
        found.append({**one, "data": values})
    return found
