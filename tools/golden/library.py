"""Makes library.json and summary-*.txt: golden values of the library, from real Keras 3 (on JAX)
and real PyTorch, in float32.

    python tools/golden/library.py
"""

import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
# Keras's summary is 88 characters wide unless the terminal is narrower.
os.environ["COLUMNS"] = "120"

import torch

import numbers_json
from part_fits import fits, summaries
from part_layers import activations, initializers, layers
from part_losses import accuracies, losses
from part_optimizers import optimizers

HERE = Path(__file__).resolve().parent


def main():
    torch.set_num_threads(1)
    numbers_json.write(
        HERE / "library.json",
        {
            "versions": numbers_json.versions("keras", "jax", "torch", "numpy", "scipy"),
            "activations": activations(),
            "layers": layers(),
            "initializers": initializers(),
            "losses": losses(),
            "accuracy": accuracies(),
            "optimizers": optimizers(),
            "fits": fits(),
        },
    )
    for name, text in summaries().items():
        path = HERE / f"summary-{name}.txt"
        path.write_text(text, encoding="utf8")
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
