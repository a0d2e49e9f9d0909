"""Makes files-h5.br and files-h5.json: whole models that Keras 3 saves as `.h5`, with what they
predict and their weights after one more step.

    python tools/golden/files_h5.py
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras

from files_cases import Files, chain, ends, merges, stack

HERE = Path(__file__).resolve().parent
O = keras.optimizers

OPTIMIZERS = {
    "sgd": lambda: O.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: O.RMSprop(0.05, momentum=0.9, centered=True),
    "adam": lambda: O.Adam(O.schedules.ExponentialDecay(0.05, 2, 0.5), amsgrad=True),
    "adamw": lambda: O.AdamW(0.05, weight_decay=0.1, use_ema=True),
    "nadam": lambda: O.Nadam(0.05),
    "adamax": lambda: O.Adamax(0.05),
    "adagrad": lambda: O.Adagrad(0.1),
    "adadelta": lambda: O.Adadelta(1.0),
    "ftrl": lambda: O.Ftrl(0.1),
    "lion": lambda: O.Lion(0.01),
}


def rms(K):
    L = K.layers
    return K.Sequential([K.Input((3,)), L.RMSNormalization(), L.Dense(3, "softmax")])


def main():
    files = Files(keras, "files-h5")
    for seed, (name, make) in enumerate(OPTIMIZERS.items()):
        files.add(f"{name}.h5", stack, make(), seed=60 + seed)
    files.add("frozen.h5", stack, O.Adam(0.05), seed=80, frozen=True)
    files.add("ends.h5", ends, O.Nadam(0.05), seed=81)
    files.add("rms.h5", rms, O.SGD(0.1), seed=82)
    files.add("chain.h5", chain, seed=83)
    files.add("merges.h5", merges, seed=84)
    files.write(HERE, "keras", "jax", "numpy", "h5py")


if __name__ == "__main__":
    main()
