"""Makes layers-legacy.json: configs of layers as tf_keras (Keras 2) writes them, built and used.

    python tools/golden/layers_legacy.py
"""

import json
import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tf_keras
from tf_keras.src.saving.legacy.saved_model import json_utils

import numbers_json

HERE = Path(__file__).resolve().parent
L = tf_keras.layers


def config_of(layer, *shapes):
    """As `model.to_json` has it, and as the .keras format does."""
    inputs = [np.ones(shape, np.float32) for shape in shapes]
    layer(inputs if len(inputs) > 1 else inputs[0])
    config = {"class_name": type(layer).__name__, "config": layer.get_config()}
    text = json.dumps(config, default=json_utils.get_json_type)
    return {
        "toJson": json.loads(text),
        "keras": tf_keras.saving.serialize_keras_object(layer),
        "inputs": [list(shape[1:]) for shape in shapes],
    }


def main():
    flat, cube = (2, 3), (2, 3, 4)
    options = dict(kernel_regularizer="l2", bias_constraint="non_neg", activation="elu")
    layers = [
        config_of(L.Dense(4), flat),
        config_of(L.Dense(4, kernel_initializer="he_normal", input_shape=(3,), **options), flat),
        config_of(L.Flatten(), cube),
        config_of(L.Reshape((4, -1)), cube),
        config_of(L.Permute((2, 1)), cube),
        config_of(L.Activation("softmax"), flat),
        config_of(L.ReLU(max_value=6), flat),
        config_of(L.LeakyReLU(alpha=0.1), flat),
        config_of(L.PReLU(shared_axes=[1]), cube),
        config_of(L.ELU(alpha=0.5), flat),
        config_of(L.Softmax(), flat),
        config_of(L.Dropout(0.2, noise_shape=(None, 1)), flat),
        config_of(L.AlphaDropout(0.2), flat),
        config_of(L.GaussianNoise(0.2), flat),
        config_of(L.GaussianDropout(0.2), flat),
        config_of(L.BatchNormalization(momentum=0.9, gamma_regularizer="l2"), flat),
        config_of(L.BatchNormalization(axis=1, scale=False), cube),
        config_of(L.LayerNormalization(axis=[1, 2]), cube),
        config_of(L.UnitNormalization(), flat),
        config_of(L.Rescaling(0.5, offset=-1.0), flat),
        config_of(L.Normalization(axis=-1), flat),
        config_of(L.Normalization(axis=-1, mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0]), flat),
        config_of(L.Normalization(axis=None, mean=1.0, variance=2.0), flat),
        config_of(L.ActivityRegularization(l1=0.1), flat),
        config_of(L.Add(), flat, flat),
        config_of(L.Subtract(), flat, flat),
        config_of(L.Multiply(), flat, flat),
        config_of(L.Average(), flat, flat),
        config_of(L.Maximum(), flat, flat),
        config_of(L.Minimum(), flat, flat),
        config_of(L.Concatenate(), flat, flat),
        config_of(L.Dot(axes=1), flat, flat),
    ]
    versions = numbers_json.versions("tf_keras", "tensorflow", "numpy")
    numbers_json.write(HERE / "layers-legacy.json", {"versions": versions, "layers": layers})


if __name__ == "__main__":
    main()
