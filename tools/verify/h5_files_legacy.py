"""Opens the `.h5` files that Antler writes with tf_keras (Keras 2), as `h5_files.py` with Keras 3.

    npm run build && python tools/verify/h5_files_legacy.py

Needs node in the path, and TensorFlow. Ends with an error where something differs.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tf_keras

from _h5_files import main


@tf_keras.utils.register_keras_serializable("mine")
class Shift(tf_keras.layers.Layer):
    def build(self, shape):
        self.offset = self.add_weight("offset", shape[-1:], initializer="ones")

    def call(self, x):
        return x + self.offset


# What its older optimizers have not, which it makes of what a `.h5` says.
LACKS = {
    "rmsprop": "weight_decay",
    "coupled": "weight_decay",
    "adamw": "AdamW",
    "lion": "Lion",
    "ema": "use_ema",
    "both": "use_ema",
    "scaled": "loss_scale_factor",
    "accumulating": "gradient_accumulation_steps",
    "polynomial": "LearningRateSchedules",
}

if __name__ == "__main__":
    # Keras 2 has no RMSNormalization.
    main(tf_keras, tf_keras.models.load_model, LACKS, skipped=["chain"])
