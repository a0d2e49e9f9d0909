"""Opens the `.keras` and `.weights.h5` files that Antler writes with real Keras 3: predictions, weights,
warnings, and the next step of training.

    npm run build && python tools/verify/keras_files.py

Needs node in the path. Ends with an error where something differs.
"""

import json
import os
import subprocess
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np

HERE = Path(__file__).resolve().parent


@keras.saving.register_keras_serializable("mine")
class Shift(keras.layers.Layer):
    def build(self, shape):
        self.offset = self.add_weight(shape=(shape[-1],), initializer="ones", name="offset")

    def call(self, x):
        return x + self.offset


def array(value):
    return np.array(value["data"], np.float32).reshape(value["shape"])


def one(values):
    arrays = [array(value) for value in values]
    return arrays[0] if len(arrays) == 1 else arrays


def farthest(mine, theirs):
    pairs = zip(mine, theirs, strict=True)
    return max([0.0, *(float(np.abs(array(a) - np.asarray(b)).max()) for a, b in pairs)])


def far_outputs(fact, model):
    found = model.predict(one(fact["inputs"]), verbose=0)
    return farthest(fact["outputs"], found if isinstance(found, list) else [found])


def check(fact, folder):
    """What differs, as texts."""
    keras.utils.clear_session()
    wrong = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        path = folder / f"{fact['name']}.keras"
        model = keras.models.load_model(path)
        # A fresh model of the same config takes the weights alone.
        other = keras.models.model_from_json(zipfile.ZipFile(path).read("config.json").decode())
        other.load_weights(folder / f"{fact['name']}.weights.h5")
    texts = {str(one.message) for one in told}
    if fact["warns"]:
        wrong += [] if any(fact["warns"] in text for text in texts) else ["did not warn"]
        texts = {text for text in texts if fact["warns"] not in text}
    wrong += [f"warns: {text}" for text in texts]
    if [layer.name for layer in model.layers] != fact["layers"]:
        wrong.append(f"layers {[layer.name for layer in model.layers]}, not {fact['layers']}")
    if model.compiled != fact["isTrained"]:
        wrong.append("compiled or not")
    far = far_outputs(fact, model)
    if not far < 1e-5:
        wrong.append(f"predictions {far} off")
    far = far_outputs(fact, other)
    if not far < 1e-5:
        wrong.append(f"predictions with .weights.h5 {far} off")
    if fact.get("step"):
        for which in [model, other]:
            which.train_on_batch(one(fact["step"]["x"]), one(fact["step"]["y"]))
            far = farthest(fact["step"]["weights"], which.get_weights())
            if not far < 1e-5:
                wrong.append(f"{'a' if which is model else 'another'} step {far} off")
    elif fact["isTrained"]:
        model.fit(one(fact["inputs"]), np.arange(5) % 3, verbose=0)
    return wrong


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = os.environ.get("WRITE_KERAS_FILES", str(HERE / "write_keras_files.mjs"))
        subprocess.run(["node", script, name], check=True)
        facts = json.loads((folder / "models.json").read_text())
        failed = 0
        for fact in facts:
            try:
                wrong = check(fact, folder)
            except Exception as error:  # noqa: BLE001: it is reported, with the model's name
                wrong = [f"{type(error).__name__}: {error}"[:800]]
            print(f"{fact['name']}: {'as here' if not wrong else ''}", flush=True)
            for text in wrong:
                print(f"  {text}")
            failed += bool(wrong)
    print(f"keras {keras.__version__}: {len(facts) - failed} models as here, {failed} not")
    sys.exit(failed > 0 or not facts)


if __name__ == "__main__":
    main()
