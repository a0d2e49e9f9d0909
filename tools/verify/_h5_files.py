"""What `h5_files.py` and `h5_files_legacy.py` share."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent


def array(value):
    return np.array(value["data"], np.float32).reshape(value["shape"])


def one(values):
    arrays = [array(value) for value in values]
    return arrays[0] if len(arrays) == 1 else arrays


def check(K, load_model, fact, folder, lacking):
    """What differs, as texts. An optimizer that the library lacks is left out."""
    K.backend.clear_session()
    path = folder / f"{fact['name']}.h5"
    wrong = []
    if lacking:
        try:
            load_model(path)
            wrong.append(f"loads, although {lacking} is not known")
        except Exception as error:  # noqa: BLE001: of any class, if it names what is lacking
            if lacking not in str(error):
                raise
    model = load_model(path, compile=not lacking)
    names = [layer.name for layer in model.layers]
    if [name for name in names if name in fact["layers"]] != fact["layers"]:
        wrong.append(f"layers {names}, not {fact['layers']}")
    if bool(getattr(model, "optimizer", None)) != (fact["isTrained"] and not lacking):
        wrong.append("compiled or not")
    found = model.predict(one(fact["inputs"]), verbose=0)
    outputs = zip(fact["outputs"], found if isinstance(found, list) else [found], strict=True)
    far = max(float(np.abs(array(a) - b).max()) for a, b in outputs)
    if not far < 1e-5:
        wrong.append(f"predictions {far} off")
    if fact.get("step") and not lacking:
        before = model.get_weights()
        step = fact["step"]
        model.fit(one(step["x"]), one(step["y"]), verbose=0)
        if all(np.array_equal(a, b) for a, b in zip(before, model.get_weights())):
            wrong.append("does not train")
    return wrong


def main(K, load_model, lacks={}, skipped=()):
    """Checks all models; of those in `lacks` the library must name what its optimizers have not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        script = os.environ.get("WRITE_KERAS_FILES", str(HERE / "write_keras_files.mjs"))
        subprocess.run(["node", script, name], check=True)
        facts = json.loads((folder / "models.json").read_text())
        failed = 0
        for fact in facts:
            if fact["name"] in skipped:
                continue
            lacking = lacks.get(fact["name"])
            try:
                wrong = check(K, load_model, fact, folder, lacking)
            except Exception as error:  # noqa: BLE001: it is reported, with the model's name
                wrong = [f"{type(error).__name__}: {error}"[:800]]
            verdict = f"as here, without {lacking}" if lacking else "as here"
            print(f"{fact['name']}: {'' if wrong else verdict}", flush=True)
            for text in wrong:
                print(f"  {text}")
            failed += bool(wrong)
    print(f"{K.__name__} {K.__version__}: {len(facts) - len(skipped) - failed} models as here, {failed} not")
    sys.exit(failed > 0 or not facts)
