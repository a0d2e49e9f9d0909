"""Makes files-torch.safetensors and files-torch.json: the `state_dict` of a `torch.nn.Sequential`, with
what it predicts.

    python tools/golden/files_torch.py
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

import numbers_json

HERE = Path(__file__).resolve().parent
N = torch.nn


def main():
    torch.manual_seed(5)
    model = N.Sequential(
        N.Flatten(),
        N.Linear(6, 5),
        N.BatchNorm1d(5),
        N.ELU(),
        N.Dropout(0.1),
        N.Linear(5, 5, bias=False),
        N.LayerNorm(5),
        N.PReLU(5),
        *(N.Identity() for _ in range(3)),
        N.Linear(5, 3),
        N.Softmax(dim=1),
    )
    # Statistics that are not those of the beginning.
    model(torch.randn(7, 2, 3))
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.eval()
    x = torch.randn(4, 2, 3)
    save_file(model.state_dict(), HERE / "files-torch.safetensors", {"format": "pt"})
    numbers_json.write(
        HERE / "files-torch.json",
        {
            "versions": numbers_json.versions("torch", "safetensors"),
            "names": {name: list(value.shape) for name, value in model.state_dict().items()},
            "inputs": x.numpy(),
            "outputs": model(x).detach().numpy(),
        },
    )


if __name__ == "__main__":
    main()
