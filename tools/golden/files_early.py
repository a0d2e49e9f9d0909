"""Makes files-early.br and files-early.json: files of the first Keras 3. It goes with older packages, so
an environment of its own: keras==3.0.5 jax[cpu]==0.4.30 numpy<2 h5py brotli packaging.

    python tools/golden/files_early.py
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras

from files_cases import Files, chain, ends, merges

HERE = Path(__file__).resolve().parent
O = keras.optimizers


def stack(K):
    """Without penalties on weights, which have no gradient in this version on JAX."""
    L = K.layers
    return K.Sequential(
        [
            K.Input((3,)),
            L.Dense(4, "elu"),
            L.BatchNormalization(momentum=0.9),
            L.PReLU(),
            L.LayerNormalization(),
            L.Dense(3, "softmax", name="last"),
        ]
    )


def weights_only(model, path):
    model.save_weights(path)


def main():
    files = Files(keras, "files-early")
    files.add("nadam.keras", stack, O.Nadam(0.05), seed=200)
    files.add("adam-ema.keras", stack, O.Adam(0.05, amsgrad=True, use_ema=True), seed=201)
    files.add("rmsprop.keras", stack, O.RMSprop(0.05, momentum=0.9), seed=202)
    decay = O.schedules.CosineDecay(0.1, 10)
    files.add("cosine.keras", stack, O.SGD(decay, momentum=0.9, nesterov=True), seed=203)
    files.add("ends.keras", ends, O.AdamW(0.05), seed=204)
    files.add("chain.keras", chain, seed=205)
    files.add("merges.keras", merges, seed=206)
    files.add("stack.weights.h5", stack, O.Adam(0.05), save=weights_only, seed=207)
    files.write(HERE, "keras", "jax", "numpy", "h5py")


if __name__ == "__main__":
    main()
