"""Makes elu-epochs.json: PyTorch training the ELU net on real CIFAR-10, five seeds, five epochs.

    python tools/golden/epochs.py --data DIR [--seeds 5] [--epochs 5]

Runs bench/pytorch/step.py (command `epochs`) in a process of its own: float32, one thread, NAdam at
5e-5. The draws are torch's, so only means over seeds can be compared, with an interval.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numbers_json

HERE = Path(__file__).resolve().parent
STEP = HERE.parents[1] / "bench" / "pytorch" / "step.py"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of the CIFAR-10 binary files")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    runs = []
    for seed in range(options.seeds):
        command = {"cmd": "epochs", "data": options.data, "seed": seed, "epochs": options.epochs}
        process = subprocess.Popen(
            [sys.executable, str(STEP)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        process.stdin.write(json.dumps(command) + "\n")
        process.stdin.close()
        for line in process.stdout:
            answer = json.loads(line)
            if "error" in answer:
                sys.exit(f"step.py: {answer['error']}")
            if answer["event"] == "epoch":
                print(line.strip(), flush=True)
            else:
                runs.append({"seed": seed, **answer["history"]})
        process.wait()
    numbers_json.write(
        HERE / "elu-epochs.json",
        {
            "versions": numbers_json.versions("torch", "numpy"),
            "optimizer": {
                "name": "torch.optim.NAdam",
                "learningRate": 5e-5,
                "epsilon": 1e-7,
                "momentumDecay": 0.004,
            },
            "batch": 32,
            "train": 45000,
            "validation": 5000,
            "runs": runs,
        },
    )


if __name__ == "__main__":
    main()
