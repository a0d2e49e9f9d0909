"""Makes files-2-13.br and files-2-13.json: `.keras` files of the first version that wrote them by default.
It goes with older packages, so an environment of its own: tensorflow-cpu==2.13.1 brotli.

    python tools/golden/files_2_13.py
"""

import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras

from files_cases import Files, chain, ends, merges, stack

HERE = Path(__file__).resolve().parent
O = keras.optimizers
# Options have their older names, as in tf_keras.
keras.__name__ = "tf_keras"


def main():
    files = Files(keras, "files-2-13")
    files.add("adam.keras", stack, O.Adam(0.05), seed=300)
    files.add("sgd.keras", stack, O.SGD(0.05, momentum=0.9), seed=301)
    files.add("rmsprop.keras", stack, O.RMSprop(0.05, momentum=0.9, centered=True), seed=302)
    files.add("ends.keras", ends, O.Adam(0.05), seed=303)
    files.add("chain.keras", chain, seed=304)
    files.add("merges.keras", merges, seed=305)
    decay = O.schedules.CosineDecay(0.1, 10)
    files.add("cosine.keras", stack, O.Adam(decay), seed=306)
    files.write(HERE, "tensorflow-cpu", "keras", "numpy", "h5py")


if __name__ == "__main__":
    main()
