"""Opens the `.h5` files that Antler writes with real Keras 3: predictions, and that it trains on with a
fresh optimizer.

    npm run build && python tools/verify/h5_files.py

Needs node in the path. Ends with an error where something differs.
"""

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras

import keras_files  # noqa: F401: registers the layer of its own
from _h5_files import main

if __name__ == "__main__":
    main(keras, keras.models.load_model)
