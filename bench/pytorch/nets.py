"""The nets and data of the PyTorch side: what bench/pytorch and tools/golden share."""

import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

# The net of exercise 8 b: 32x32x3 -> Flatten -> 20 x Dense(100, elu) -> Dense(10).
ELU_NET = {"inputs": 3072, "hidden": 100, "layers": 20, "classes": 10, "activation": "elu"}

# The net of exercise 8 c: a batch normalization after the pixels and after each hidden layer, with
# Keras's momentum (torch's is 1 minus it) and epsilon.
BN_NET = {**ELU_NET, "batchNormalization": True}

ACTIVATIONS = {"elu": nn.ELU, "relu": nn.ReLU, "linear": nn.Identity}

# Standard deviation of a standard normal truncated at +-2 (Keras's VarianceScaling divides by it).
TRUNCATED_DEVIATION = 0.87962566103423978


def net_sizes(net):
    """The widths of a net's layers, input first: [3072, 100, ..., 100, 10]."""
    return [net["inputs"]] + [net["hidden"]] * net["layers"] + [net["classes"]]


def build_net(net):
    """A stack of Linear and activation, without softmax: the loss takes the logits."""
    sizes = net_sizes(net)
    activation = ACTIVATIONS[net["activation"]]
    normalizes = net.get("batchNormalization", False)
    normalization = lambda size: [nn.BatchNorm1d(size, eps=1e-3, momentum=0.01)] * normalizes
    modules = normalization(sizes[0])
    for fan_in, fan_out in zip(sizes[:-2], sizes[1:-1]):
        modules += [nn.Linear(fan_in, fan_out), *normalization(fan_out), activation()]
    modules.append(nn.Linear(sizes[-2], sizes[-1]))
    return nn.Sequential(*modules)


def linears(model):
    """The Linear modules in order."""
    return [module for module in model if isinstance(module, nn.Linear)]


def initialize(model, generator):
    """Keras's draws: hidden layers he_normal (truncated at two standard deviations and corrected
    for it), the output layer glorot_uniform, biases 0."""
    layers = linears(model)
    with torch.no_grad():
        for linear in layers[:-1]:
            deviation = math.sqrt(2 / linear.in_features) / TRUNCATED_DEVIATION
            nn.init.trunc_normal_(
                linear.weight, 0.0, deviation, -2 * deviation, 2 * deviation, generator=generator
            )
        nn.init.xavier_uniform_(layers[-1].weight, generator=generator)
        for linear in layers:
            nn.init.zeros_(linear.bias)


def nadam(parameters, learning_rate, foreach=None):
    """The optimizer of the exercise: torch's NAdam (momentum decay 0.004), epsilon as in Keras.
    `foreach` None is torch's choice: one tensor after the other on a CPU."""
    return torch.optim.NAdam(
        parameters, lr=learning_rate, eps=1e-7, momentum_decay=4e-3, foreach=foreach
    )


def read_cifar(folder, files):
    """Images [n, 3072] uint8 with channels last, and labels [n] int64, of files in the official
    binary layout (a label byte, then the red, green and blue planes)."""
    images, labels = [], []
    for name in files:
        records = np.fromfile(Path(folder) / name, dtype=np.uint8).reshape(-1, 3073)
        labels.append(records[:, 0].astype(np.int64))
        planes = records[:, 1:].reshape(-1, 3, 32, 32)
        images.append(planes.transpose(0, 2, 3, 1).reshape(-1, 3072))
    return np.concatenate(images), np.concatenate(labels)


def read_cifar_training(folder):
    """((train x, train y), (validation x, validation y)): validation is the first 5,000 images."""
    x, y = read_cifar(folder, [f"data_batch_{i}.bin" for i in range(1, 6)])
    return (x[5000:], y[5000:]), (x[:5000], y[:5000])
