"""Makes files-keras.br and files-keras.json: `.keras` and `.weights.h5` files that Keras 3 saves, for
all optimizers and the options that add variables or change the rule, with what their models predict
and their weights after one more step.

    python tools/golden/files.py
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras

from files_cases import Files, chain, ends, merges, stack

HERE = Path(__file__).resolve().parent
O = keras.optimizers
S = O.schedules

OPTIMIZERS = {
    "sgd": lambda: O.SGD(0.1),
    "sgd-nesterov": lambda: O.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=0.5),
    "rmsprop": lambda: O.RMSprop(0.05),
    "rmsprop-all": lambda: O.RMSprop(0.05, momentum=0.9, centered=True, weight_decay=0.1),
    "adam": lambda: O.Adam(0.05),
    "adam-amsgrad": lambda: O.Adam(0.05, amsgrad=True, global_clipnorm=0.5),
    "adam-ema": lambda: O.Adam(0.05, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2),
    "adam-accumulating": lambda: O.Adam(0.05, gradient_accumulation_steps=2),
    "adam-both": lambda: O.Adam(0.05, use_ema=True, gradient_accumulation_steps=4, amsgrad=True),
    "adamw": lambda: O.AdamW(0.05, weight_decay=0.1),
    "nadam": lambda: O.Nadam(0.05),
    "nadam-accumulating": lambda: O.Nadam(0.05, gradient_accumulation_steps=2, clipvalue=0.1),
    "adamax": lambda: O.Adamax(0.05),
    "adagrad": lambda: O.Adagrad(0.1),
    "adadelta": lambda: O.Adadelta(1.0),
    "ftrl": lambda: O.Ftrl(0.1, l1_regularization_strength=0.01),
    "lion": lambda: O.Lion(0.01),
    "scaled": lambda: O.SGD(0.1, momentum=0.5, loss_scale_factor=16.0),
    "exponential": lambda: O.Adam(S.ExponentialDecay(0.05, 2, 0.5)),
    "piecewise": lambda: O.SGD(S.PiecewiseConstantDecay([1, 3], [0.2, 0.1, 0.05]), momentum=0.9),
    "polynomial": lambda: O.Nadam(S.PolynomialDecay(0.1, 5, 0.01, power=2.0)),
    "inverse": lambda: O.RMSprop(S.InverseTimeDecay(0.1, 2, 0.5, staircase=True)),
    "cosine": lambda: O.SGD(S.CosineDecay(0.01, 10, warmup_target=0.2, warmup_steps=2)),
    "restarts": lambda: O.SGD(S.CosineDecayRestarts(0.1, 2)),
}


def rms(K):
    L = K.layers
    return K.Sequential([K.Input((3,)), L.RMSNormalization(), L.Dense(3, "softmax")])


def built_by_its_data(K):
    model = K.Sequential([K.layers.Dense(4, "tanh"), K.layers.Dense(3, "softmax")])
    model.build((None, 3))
    return model


def shared(K):
    """Twice the same class with other names, one layer used twice, and one output of them."""
    L = K.layers
    x = K.Input((3,), name="x")
    block = L.Dense(3, "tanh", name="z_block")
    y = L.Dense(3, "elu", name="a_other")(block(x))
    return K.Model(x, L.Dense(3, "softmax", name="m_last")(L.Average()([block(y), x])), name="shared")


def unused(K):
    """Compiled, and saved before the first step: Keras has no state of its optimizer."""
    model = stack(K)
    model.compile(O.Nadam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def weights_only(model, path):
    model.save_weights(path)


def main():
    files = Files(keras, "files-keras")
    for seed, (name, make) in enumerate(OPTIMIZERS.items()):
        files.add(f"{name}.keras", stack, make(), seed=100 + seed)
    files.add("frozen.keras", stack, O.Adam(0.05), seed=140, frozen=True)
    files.add("ends.keras", ends, O.Nadam(0.05), seed=141)
    files.add("rms.keras", rms, O.SGD(0.1), seed=142)
    files.add("by-data.keras", built_by_its_data, O.Adam(0.05), seed=143)
    files.add("shared.keras", shared, O.Adam(0.05), seed=144)
    files.add("unused.keras", unused, seed=145)
    files.add("chain.keras", chain, seed=146)
    files.add("merges.keras", merges, seed=147)
    files.add("trained.weights.h5", stack, O.Adam(0.05), save=weights_only, seed=148)
    files.add("plain.weights.h5", shared, save=weights_only, seed=149)
    files.write(HERE, "keras", "jax", "numpy", "h5py")


if __name__ == "__main__":
    main()
