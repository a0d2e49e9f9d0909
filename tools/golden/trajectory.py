"""Makes trajectory.json: the losses of 100 train steps of the ELU net in PyTorch, in float32 and in
float64, from the same initial weights, without shuffle.

    python tools/golden/trajectory.py [--data DIR]      (DIR: the CIFAR-10 binary files)

The net: Flatten(3072) -> 20 x Dense(100, elu) -> Dense(10), loss from logits, mean over the batch
of 32, NAdam(lr 5e-5, betas 0.9 and 0.999, eps 1e-7, momentum_decay 0.004). The loss of a step is
the one before its update.

Weights and data come from the project's Philox bits (philox.py), so TypeScript makes the same ones,
bit for bit. With bits(path, step, e) = randomBits(SEED, path, step, ...)[e], SEED = 7:

  kernel of layer i (0 to 20), shape [fanIn, units], element e = row * units + column:
    u     = (bits("golden/kernel/<i>", 0, e) >>> 8) * 2^-24      exact in float32, in [0, 1)
    d     = u - 0.5                                              exact in float32
    scale = fround(2 * sqrt(6 / fanIn))                          in doubles, rounded once at the end
    w     = fround(d * scale)                                    one float32 multiplication
    which is uniform with limit sqrt(6 / fanIn), so its variance is 2 / fanIn. The same for the
    output layer. Biases are 0.
  label of image n (0 to 3199):     bits("golden/labels", 0, n) % 10
  pixel of image n, element j (0 to 3071), an integer in 0 .. 254, into the net as it is:
    (bits("golden/pattern", label, j) & 127) + (bits("golden/noise", 0, n * 3072 + j) & 127)
    (the pattern of a class takes the label as its step)
  step k (0 to 99) trains on the images 32 k to 32 k + 31.

These losses start in the hundreds, as those of raw pixels do, and such a net is chaotic: after some
ten steps two right float32 programs differ in the first digits. `calm` has the same weights and the
same images as floats, (pixel - 128) * 2^-7 (exact in float32): float32 and float64 stay close for
all 100 steps, so it tells a wrong rule from rounding. `calm.nearMiss` is float64 with
momentum_decay 1 (Keras 3's Nadam), which a test must be able to reject.

The variant on real data has the same weights, and the 3,200 training images after the 5,000 for
validation: records 5,000 to 8,199 of data_batch_1.bin, channels last, pixels 0 .. 255.

`checks` holds a few of these values and sums, to tell a wrong generator from a wrong engine.
float32Permuted is float32 once more with the hidden units and the pixels in another order, which
adds in another order: how far two right float32 programs lie apart.
"""

import argparse
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bench" / "pytorch"))

import nets
import numbers_json
import philox

SEED = 7
STEPS = 100
BATCH = 32
IMAGES = STEPS * BATCH
PIXELS = 3072


def kernel(index, fan_in, units):
    bits = philox.random_bits(SEED, f"golden/kernel/{index}", 0, fan_in * units)
    u = (bits >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    scale = np.float32(2 * math.sqrt(6 / fan_in))
    return ((u - np.float32(0.5)) * scale).reshape(fan_in, units)


def initial_kernels():
    sizes = nets.net_sizes(nets.ELU_NET)
    return [kernel(i, a, b) for i, (a, b) in enumerate(zip(sizes, sizes[1:]))]


def made_images():
    labels = (philox.random_bits(SEED, "golden/labels", 0, IMAGES) % 10).astype(np.int64)
    patterns = np.stack(
        [philox.random_bits(SEED, "golden/pattern", c, PIXELS) & 127 for c in range(10)]
    )
    noise = philox.random_bits(SEED, "golden/noise", 0, IMAGES * PIXELS) & 127
    pixels = patterns[labels] + noise.reshape(IMAGES, PIXELS)
    return pixels.astype(np.uint8), labels


def train(kernels, x, y, dtype, momentum_decay=4e-3):
    """The 100 losses."""
    model = nets.build_net(nets.ELU_NET).to(dtype)
    with torch.no_grad():
        for linear, weights in zip(nets.linears(model), kernels):
            linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights.T)))
            linear.bias.zero_()
    optimizer = nets.nadam(model.parameters(), 5e-5)
    optimizer.param_groups[0]["momentum_decay"] = momentum_decay
    losses = []
    for first in range(0, IMAGES, BATCH):
        rows = torch.from_numpy(x[first : first + BATCH]).to(dtype)
        optimizer.zero_grad()
        loss = cross_entropy(model(rows), torch.from_numpy(y[first : first + BATCH]))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses, dtype=np.float32 if dtype == torch.float32 else np.float64)


def permuted(kernels, x):
    """The same function, its sums in another order."""
    random = np.random.default_rng(1)
    order = random.permutation(PIXELS)
    x = x[:, order]
    made = []
    for index, weights in enumerate(kernels):
        weights = weights[order]
        order = random.permutation(weights.shape[1])
        made.append(weights if index == len(kernels) - 1 else weights[:, order])
    return made, x


def losses(kernels, x, y):
    made = {
        "float32": train(kernels, x, y, torch.float32),
        "float64": train(kernels, x, y, torch.float64),
        "float32Permuted": train(*permuted(kernels, x), y, torch.float32),
    }
    for name in ("float32", "float32Permuted"):
        gap = np.abs(made[name].astype(np.float64) - made["float64"])
        print(f"  {name}: gap to float64 at most {gap.max():.3g}, first {gap[0]:.3g}")
    print(f"  loss {made['float64'][0]:.4f} -> {made['float64'][-1]:.4f}")
    return made


def checks(kernels, x, y):
    return {
        "kernels": [
            {
                "path": f"golden/kernel/{index}",
                "shape": list(weights.shape),
                "first": weights.ravel()[:4],
                "sum": weights.astype(np.float64).sum(),
                "sumOfSquares": (weights.astype(np.float64) ** 2).sum(),
            }
            for index, weights in enumerate(kernels)
        ],
        "labels": y[:10],
        "pixels": x[0, :8],
        "pixelSum": int(x.sum(dtype=np.int64)),
        "lastPixels": x[-1, -8:],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of the CIFAR-10 binary files")
    options = parser.parse_args()
    philox.self_test()
    torch.set_num_threads(1)
    kernels = initial_kernels()
    x, y = made_images()
    print("made images")
    value = {
        "versions": numbers_json.versions("torch", "numpy"),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "seed": SEED,
        "steps": STEPS,
        "batch": BATCH,
        "optimizer": {
            "learningRate": 5e-5,
            "beta1": 0.9,
            "beta2": 0.999,
            "epsilon": 1e-7,
            "momentumDecay": 0.004,
        },
        "checks": checks(kernels, x, y),
        "made": losses(kernels, x, y),
    }
    calm = (x.astype(np.float32) - np.float32(128)) * np.float32(2.0**-7)
    print("calm")
    value["calm"] = losses(kernels, calm, y)
    value["calm"]["nearMiss"] = train(kernels, calm, y, torch.float64, momentum_decay=1)
    if options.data:
        (x, y), _ = nets.read_cifar_training(options.data)
        print("CIFAR-10")
        value["cifar10"] = losses(kernels, x[:IMAGES], y[:IMAGES])
    numbers_json.write(HERE / "trajectory.json", value)


if __name__ == "__main__":
    main()
