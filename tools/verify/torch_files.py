"""Loads the safetensors file that Antler writes into a `torch.nn.Sequential` with the layers' names,
strictly, and compares predictions.

    npm run build && python tools/verify/torch_files.py

Needs node in the path. Ends with an error where something differs.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
N = torch.nn


def array(value):
    return torch.tensor(value["data"], dtype=torch.float32).reshape(value["shape"])


def main():
    model = N.Sequential(
        OrderedDict(
            [
                ("flat", N.Flatten()),
                ("first", N.Linear(6, 5)),
                ("elu", N.ELU()),
                ("bn", N.BatchNorm1d(5)),
                ("square", N.Linear(5, 5, bias=False)),
                ("no_gamma", N.BatchNorm1d(5)),
                ("no_beta", N.BatchNorm1d(5)),
                ("prelu", N.PReLU(5)),
                ("ln", N.LayerNorm(5)),
                ("rms", N.RMSNorm(5, eps=1e-5)),
                ("drop", N.Dropout(0.1)),
                ("last", N.Linear(5, 3)),
            ]
        )
    )
    with tempfile.TemporaryDirectory() as name:
        script = os.environ.get("WRITE_TORCH_FILES", str(HERE / "write_torch_files.mjs"))
        subprocess.run(["node", script, name], check=True)
        path = Path(name) / "model.safetensors"
        facts = json.loads((Path(name) / "models.json").read_text())
        tensors = load_file(path)
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
    model.load_state_dict(tensors, strict=True)
    model.eval()
    with torch.no_grad():
        far = float((model(array(facts["x"])) - array(facts["y"])).abs().max())
    wrong = []
    if not far < 1e-5:
        wrong.append(f"predictions {far} off")
    if int(model.bn.num_batches_tracked) != facts["steps"]:
        wrong.append(f"{model.bn.num_batches_tracked} batches")
    if metadata != {"format": "pt"}:
        wrong.append(f"metadata {metadata}")
    print(f"torch {torch.__version__}: {', '.join(wrong) or 'as here'}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
