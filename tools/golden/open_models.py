"""Opens configs that Antler writes with real Keras 3, and compares names, shapes and predictions.

    npm run build && python tools/golden/open_models.py

Needs node in the path. Ends with an error where one differs.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras
import numpy as np

HERE = Path(__file__).resolve().parent


def array(value):
    return np.array(value["data"], np.float32).reshape(value["shape"])


def check(one):
    """What differs, as texts."""
    model = keras.models.model_from_json(one["config"])
    weights = [array(weight) for weight in one["weights"]]
    wrong = []
    if [layer.name for layer in model.layers] != one["layers"]:
        wrong.append(f"layers {[layer.name for layer in model.layers]}, not {one['layers']}")
    if [weight.shape for weight in model.weights] != [weight.shape for weight in weights]:
        return [*wrong, f"weights {[weight.path for weight in model.weights]}"]
    model.set_weights(weights)
    inputs = [array(x) for x in one["inputs"]]
    found = model.predict(inputs[0] if len(inputs) == 1 else inputs, verbose=0)
    outputs = [array(y) for y in one["outputs"]]
    for mine, theirs in zip(outputs, found if isinstance(found, list) else [found], strict=True):
        far = np.abs(mine - theirs).max()
        if not far < 1e-5:
            wrong.append(f"predictions {far} off")
    # Fits and writes again what it trains with.
    written = json.loads(one["config"]).get("compile_config")
    if (written is not None) != model.compiled:
        wrong.append("compiled or not")
    if written:
        model.fit(inputs[0] if len(inputs) == 1 else inputs, targets(model), verbose=0)
        again = json.loads(model.to_json())["compile_config"]
        wrong += differences(written, again, "compile_config")
    return wrong


def targets(model):
    made = []
    losses = model.loss if isinstance(model.loss, dict) else {None: model.loss}
    names = getattr(model, "output_names", [None])
    for name, output in zip(names, model.outputs):
        loss = losses.get(name, losses.get(None))
        sparse = isinstance(loss, str) and loss.startswith("sparse")
        made.append(np.arange(3) % 3 if sparse else np.full((3, *output.shape[1:]), 0.25))
    return made if len(made) > 1 else made[0]


# Keras's own choice for its backend.
IGNORED = {"jit_compile"}


def differences(ours, theirs, where):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        # Names of losses are left to Keras; its Huber loses its delta.
        keys = (ours.keys() & theirs.keys()) - IGNORED
        return [text for key in sorted(keys) for text in differences(ours[key], theirs[key], f"{where}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [text for i, pair in enumerate(zip(ours, theirs)) for text in differences(*pair, f"{where}[{i}]")]
    if isinstance(ours, float) and isinstance(theirs, float) and abs(ours - theirs) <= 1e-6 * abs(ours):
        return []
    return [] if ours == theirs else [f"{where}: {ours!r}, Keras has {theirs!r}"]


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "models.json"
        script = os.environ.get("WRITE_MODELS", str(HERE / "write_models.mjs"))
        subprocess.run(["node", script, str(path)], check=True)
        models = json.loads(path.read_text())
    failed = False
    for one in models:
        keras.utils.clear_session()
        try:
            wrong = check(one)
        except Exception as error:  # noqa: BLE001: it is reported, with the model's name
            wrong = [f"{type(error).__name__}: {error}"[:600]]
        print(f"{one['name']}: {'as here' if not wrong else ''}")
        for text in wrong:
            print(f"  {text}")
        failed = failed or bool(wrong)
    sys.exit(failed)


if __name__ == "__main__":
    main()
