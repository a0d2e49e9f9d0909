"""Makes optimizers-keras.json and optimizers-torch.json: 30 steps of every optimizer with its
options, on the gradients of sequences.py, from real Keras 3 on JAX and real PyTorch (float32).

    python tools/golden/optimizers.py

Options have Antler's names; `keras` and `torch` below say what they are there. Facts that the
numbers show (keras 3.15.1, keras/src/optimizers/base_optimizer.py; torch/optim/*.py):
- Keras: accumulate, clip, decay (decoupled, of all optimizers), update, average, constrain, count.
- With accumulation, Keras's schedules count calls; bias corrections and averages count updates, but
  averages are taken at every call.
- PyTorch's `weight_decay` is coupled (added to the gradients) in all but AdamW.
"""

import os
import re
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np
import torch

import numbers_json
from sequences import STEPS, sequences

HERE = Path(__file__).resolve().parent
PARTS = ("kernel", "bias")
# Steps after which weights and slots are kept.
WEIGHTS_AT = (1, 2, 3, 6, 12, 30)
SLOTS_AT = (1, 30)
CLASSES = {"sgd": "SGD", "rmsprop": "RMSprop", "adamW": "AdamW"}

DECAY = {
    "class_name": "ExponentialDecay",
    "config": {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.5},
}
ALL = ("sgd", "rmsprop", "adam", "adamW", "nadam", "adamax", "adagrad", "adadelta", "lion", "ftrl")

# (name, options, how the step differs: laterRate, exclude, constraint)
KERAS = [
    *[(name, {}, {}) for name in ALL],
    *[(name, {"learningRate": 0.05}, {}) for name in ALL if name != "sgd"],
    *[(name, {"learningRate": 0.05, "weightDecay": 0.1}, {}) for name in ALL if name != "adamW"],
    ("sgd", {"learningRate": 0.1, "momentum": 0.9}, {"laterRate": 0.01}),
    ("sgd", {"learningRate": 0.1, "momentum": 0.8, "nesterov": True}, {"laterRate": 0.01}),
    ("rmsprop", {"learningRate": 0.05, "momentum": 0.9}, {"laterRate": 0.01}),
    ("rmsprop", {"learningRate": 0.05, "centered": True, "rho": 0.8, "epsilon": 1e-3}, {}),
    ("rmsprop", {"learningRate": 0.05, "momentum": 0.5, "centered": True, "epsilon": 1e-3}, {}),
    ("adam", {"learningRate": 0.05, "amsgrad": True, "beta2": 0.8}, {}),
    ("adam", {"learningRate": 0.05, "beta1": 0.7, "beta2": 0.95, "epsilon": 1e-3}, {}),
    ("adamW", {"learningRate": 0.05, "weightDecay": 0.1, "amsgrad": True}, {"exclude": ["bias"]}),
    ("nadam", {"learningRate": 0.05, "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3}, {}),
    ("adamax", {"learningRate": 0.05, "beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3}, {}),
    ("adagrad", {"learningRate": 0.05, "initialAccumulatorValue": 0, "epsilon": 1e-3}, {}),
    ("adadelta", {"learningRate": 1.0, "rho": 0.8, "epsilon": 1e-3}, {}),
    ("lion", {"learningRate": 0.01, "beta1": 0.6, "beta2": 0.8}, {"laterRate": 0.001}),
    (
        "ftrl",
        {
            "learningRate": 0.1,
            "learningRatePower": -0.7,
            "initialAccumulatorValue": 0.2,
            "l1RegularizationStrength": 0.05,
            "l2RegularizationStrength": 0.1,
            "l2ShrinkageRegularizationStrength": 0.2,
            "beta": 0.3,
        },
        {},
    ),
    ("sgd", {"learningRate": 0.1, "clipnorm": 0.7}, {}),
    ("sgd", {"learningRate": 0.1, "clipvalue": 0.4}, {}),
    ("sgd", {"learningRate": 0.1, "globalClipnorm": 2.0}, {}),
    ("sgd", {"learningRate": 0.1, "lossScaleFactor": 8.0}, {}),
    ("sgd", {"learningRate": DECAY, "momentum": 0.9}, {}),
    ("adam", {"learningRate": DECAY, "clipnorm": 0.5, "weightDecay": 0.05}, {}),
    ("nadam", {"learningRate": DECAY, "gradientAccumulationSteps": 3}, {}),
    ("sgd", {"learningRate": 0.1, "useEma": True, "emaMomentum": 0.8}, {}),
    ("adam", {"learningRate": 0.05, "useEma": True, "emaOverwriteFrequency": 4}, {}),
    ("sgd", {"learningRate": 0.5, "useEma": True, "emaMomentum": 0.7}, {"constraint": "nonNeg"}),
    (
        "sgd",
        {"learningRate": 0.1, "momentum": 0.9, "gradientAccumulationSteps": 4, "clipvalue": 0.3},
        {},
    ),
    ("adam", {"learningRate": 0.05, "gradientAccumulationSteps": 2, "weightDecay": 0.1}, {}),
    ("ftrl", {"learningRate": 0.05, "gradientAccumulationSteps": 3, "weightDecay": 0.1}, {}),
    (
        "rmsprop",
        {
            "learningRate": 0.05,
            "gradientAccumulationSteps": 2,
            "useEma": True,
            "emaMomentum": 0.6,
            "emaOverwriteFrequency": 3,
            "globalClipnorm": 1.5,
            "weightDecay": 0.02,
            "momentum": 0.5,
        },
        {"constraint": "nonNeg"},
    ),
]


def snake(name):
    """Keras's key: beta1 is beta_1, l1RegularizationStrength l1_regularization_strength."""
    name = re.sub(r"^beta(\d)", r"beta_\1", name)
    return re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), name)


def rates(rate, later):
    return [rate] * 15 + [rate if later is None else later] * (STEPS - 15)


def run_keras(name, options, how, initial, gradients):
    constraint = keras.constraints.NonNeg() if "constraint" in how else None
    variables = []
    for part in PARTS:
        variable = keras.Variable(initial[part], name=part)
        variable.constraint = constraint if part == "kernel" else None
        variables.append(variable)
    arguments = {snake(key): value for key, value in options.items()}
    if isinstance(options.get("learningRate"), dict):
        arguments["learning_rate"] = keras.optimizers.schedules.deserialize(DECAY)
    if "initial_accumulator_value" in arguments:
        arguments["initial_accumulator_value"] = float(arguments["initial_accumulator_value"])
    optimizer = getattr(keras.optimizers, CLASSES.get(name, name.capitalize()))(**arguments)
    if "exclude" in how:
        optimizer.exclude_from_weight_decay(var_names=how["exclude"])
    optimizer.build(variables)
    later = how.get("laterRate")
    weights, slots = {}, {}
    for step in range(STEPS):
        if later is not None and step == 15:
            optimizer.learning_rate = later
        optimizer.apply([gradients[part][step] for part in PARTS], variables)
        if step + 1 in WEIGHTS_AT:
            weights[str(step + 1)] = {v.name: np.array(v.value) for v in variables}
        if step + 1 in SLOTS_AT:
            slots[str(step + 1)] = {
                v.name: np.array(v.value)
                for v in optimizer.variables
                if v.name not in ("iteration", "learning_rate")
            }
    # Nadam's product has no name of its own.
    for values in slots.values():
        for key in [key for key in values if key.startswith("variable")]:
            values["u_product"] = values.pop(key)
    names = [re.sub(r"^variable.*", "u_product", v.name) for v in optimizer.variables]
    case = {
        "name": name,
        "options": options,
        **how,
        "weights": weights,
        "slots": slots,
        "variables": names,
        "serialized": keras.optimizers.serialize(
            type(optimizer)(**{k: v for k, v in arguments.items()})
        ),
    }
    if options.get("useEma"):
        optimizer.finalize_variable_values(variables)
        case["finalized"] = {v.name: np.array(v.value) for v in variables}
    return case


# (name, options, PyTorch's class and arguments, laterRate)
COUPLED = {"weightDecay": 0.1, "weightDecayMode": "coupled"}
MOMENTS = {"biasCorrection": "moments"}
TORCH = [
    ("sgd", {"momentum": 0.9, "momentumOf": "gradients"}, "SGD", {"momentum": 0.9}, 0.01),
    (
        "sgd",
        {"momentum": 0.9, "momentumOf": "gradients", "nesterov": True, **COUPLED},
        "SGD",
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
        0.01,
    ),
    (
        "sgd",
        {"momentum": 0.9, "momentumOf": "gradients", "dampening": 0.3},
        "SGD",
        {"momentum": 0.9, "dampening": 0.3},
        None,
    ),
    ("rmsprop", {"rho": 0.99, "epsilon": 1e-8, "epsilonPlace": "outside"}, "RMSprop", {}, None),
    (
        "rmsprop",
        {
            "rho": 0.9,
            "epsilon": 1e-3,
            "epsilonPlace": "outside",
            "centered": True,
            "momentum": 0.8,
            "momentumOf": "gradients",
            **COUPLED,
        },
        "RMSprop",
        {"alpha": 0.9, "eps": 1e-3, "centered": True, "momentum": 0.8, "weight_decay": 0.1},
        0.01,
    ),
    ("adam", {"epsilon": 1e-8, **MOMENTS}, "Adam", {}, None),
    (
        "adam",
        {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3, "amsgrad": True, **MOMENTS, **COUPLED},
        "Adam",
        {"betas": (0.8, 0.9), "eps": 1e-3, "amsgrad": True, "weight_decay": 0.1},
        0.01,
    ),
    ("adamW", {"weightDecay": 0.01, "epsilon": 1e-8, **MOMENTS}, "AdamW", {}, 0.01),
    (
        "nadam",
        {"epsilon": 1e-8, "momentumDecay": 0.004, **COUPLED},
        "NAdam",
        {"weight_decay": 0.1},
        None,
    ),
    (
        "nadam",
        {"epsilon": 1e-8, "momentumDecay": 0.004, "weightDecay": 0.1},
        "NAdam",
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
        None,
    ),
    ("adamax", {"epsilon": 1e-8, "epsilonPlace": "inside"}, "Adamax", {}, None),
    (
        "adamax",
        {"beta2": 0.9, "epsilon": 1e-3, "epsilonPlace": "inside", **COUPLED},
        "Adamax",
        {"betas": (0.9, 0.9), "eps": 1e-3, "weight_decay": 0.1},
        None,
    ),
    (
        "adagrad",
        {"initialAccumulatorValue": 0, "epsilon": 1e-10, "epsilonPlace": "outside"},
        "Adagrad",
        {},
        None,
    ),
    (
        "adagrad",
        {"initialAccumulatorValue": 0.5, "epsilon": 1e-3, "epsilonPlace": "outside", **COUPLED},
        "Adagrad",
        {"initial_accumulator_value": 0.5, "eps": 1e-3, "weight_decay": 0.1},
        None,
    ),
    ("adadelta", {"rho": 0.9, "epsilon": 1e-6}, "Adadelta", {}, None),
    (
        "adadelta",
        {"rho": 0.8, "epsilon": 1e-3, **COUPLED},
        "Adadelta",
        {"rho": 0.8, "eps": 1e-3, "weight_decay": 0.1},
        None,
    ),
]
# The same with OneCycleLR over the 30 steps, which cycles the momentum too.
CYCLED = [
    ("sgd", {"momentum": 0.9, "momentumOf": "gradients"}, "SGD", {"momentum": 0.9}),
    (
        "rmsprop",
        {
            "rho": 0.99,
            "epsilon": 1e-8,
            "epsilonPlace": "outside",
            "momentum": 0.9,
            "momentumOf": "gradients",
        },
        "RMSprop",
        {"momentum": 0.9},
    ),
    ("adam", {"epsilon": 1e-8, **MOMENTS}, "Adam", {}),
    ("nadam", {"epsilon": 1e-8, "momentumDecay": 0.004}, "NAdam", {}),
    ("adamax", {"epsilon": 1e-8, "epsilonPlace": "inside"}, "Adamax", {}),
]
RATE = 0.05
TORCH_SLOTS = {
    "sgd": {"momentum_buffer": "momentum"},
    "rmsprop": {
        "square_avg": "velocity",
        "momentum_buffer": "momentum",
        "grad_avg": "average_gradient",
    },
    "adamax": {"exp_avg": "momentum", "exp_inf": "norm"},
    "adagrad": {"sum": "accumulator"},
    "adadelta": {"square_avg": "accumulated_grad", "acc_delta": "accumulated_delta_var"},
}
ADAM_SLOTS = {"exp_avg": "momentum", "exp_avg_sq": "velocity", "max_exp_avg_sq": "velocity_hat"}


def run_torch(name, options, kind, arguments, later, initial, gradients, cycled=False):
    parameters = [torch.nn.Parameter(torch.from_numpy(initial[part].copy())) for part in PARTS]
    optimizer = getattr(torch.optim, kind)(parameters, lr=RATE, foreach=False, **arguments)
    scheduler = None
    if cycled:
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
    weights, slots = {}, {}
    for step, rate in enumerate(rates(RATE, later)):
        if not cycled:
            optimizer.param_groups[0]["lr"] = rate
        for part, parameter in zip(PARTS, parameters):
            parameter.grad = torch.from_numpy(gradients[part][step].copy())
        optimizer.step()
        if scheduler and step + 1 < STEPS:
            scheduler.step()
        if step + 1 in WEIGHTS_AT:
            weights[str(step + 1)] = {
                part: parameter.detach().numpy().copy()
                for part, parameter in zip(PARTS, parameters)
            }
        if step + 1 in SLOTS_AT:
            slots[str(step + 1)] = {
                f"{part}_{ours}": optimizer.state[parameter][theirs].numpy().copy()
                for theirs, ours in TORCH_SLOTS.get(name, ADAM_SLOTS).items()
                for part, parameter in zip(PARTS, parameters)
                if optimizer.state[parameter].get(theirs) is not None
            }
    case = {"name": name, "options": {"learningRate": RATE, **options}}
    if later is not None:
        case["laterRate"] = later
    return {**case, "cycled": cycled, "weights": weights, "slots": slots}


def main():
    torch.set_num_threads(1)
    initial, gradients = sequences()
    cases = [run_keras(*case, initial, gradients) for case in KERAS]
    versions = numbers_json.versions("keras", "jax", "numpy")
    plain = {"learningRate", "weightDecay"}
    half = [case for case in cases if not set(case["options"]) - plain]
    rest = [case for case in cases if set(case["options"]) - plain]
    numbers_json.write(HERE / "optimizers-keras.json", {"versions": versions, "cases": half})
    path = HERE / "optimizers-keras-options.json"
    numbers_json.write(path, {"versions": versions, "cases": rest})
    numbers_json.write(
        HERE / "optimizers-torch.json",
        {
            "versions": numbers_json.versions("torch", "numpy"),
            "cases": [
                *[run_torch(*case, initial, gradients) for case in TORCH],
                *[run_torch(*case, None, initial, gradients, cycled=True) for case in CYCLED],
            ],
        },
    )


if __name__ == "__main__":
    main()
