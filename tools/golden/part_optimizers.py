"""Golden values of optimizers over 30 steps, from real Keras on JAX and real PyTorch (float32)."""

import keras
import numpy as np
import torch

from sequences import STEPS, check_close, nadam64, rates, sequences, sgd64

NADAM = {"learningRate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-7}
KERAS_NADAM = {**NADAM, "momentumDecay": 1}
TORCH_NADAM = {**NADAM, "momentumDecay": 0.004}

CASES = [
    ("keras", "sgd", {"learningRate": 0.01}),
    ("keras", "sgd", {"learningRate": 0.01, "momentum": 0.9}),
    ("keras", "sgd", {"learningRate": 0.01, "momentum": 0.9, "nesterov": True}),
    ("keras", "sgd", {"learningRate": 0.01, "momentum": 0.9, "laterRate": 0.001}),
    ("keras", "nadam", KERAS_NADAM),
    ("keras", "nadam", {**KERAS_NADAM, "learningRate": 0.05}),
    ("keras", "nadam", {**KERAS_NADAM, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3}),
    ("torch", "nadam", TORCH_NADAM),
    ("torch", "nadam", {**TORCH_NADAM, "learningRate": 0.05}),
    ("torch", "nadam", {**TORCH_NADAM, "learningRate": 0.05, "laterRate": 0.005}),
    ("torch", "nadam", {**TORCH_NADAM, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-3}),
]


def run_keras(name, config, initial, gradients):
    variables = [keras.Variable(initial[part], name=part) for part in ("kernel", "bias")]
    rate = config["learningRate"]
    if name == "sgd":
        optimizer = keras.optimizers.SGD(
            rate, momentum=config.get("momentum", 0.0), nesterov=config.get("nesterov", False)
        )
    else:
        optimizer = keras.optimizers.Nadam(
            rate, beta_1=config["beta1"], beta_2=config["beta2"], epsilon=config["epsilon"]
        )
    steps = {"kernel": [], "bias": []}
    for step, rate in enumerate(rates(config)):
        optimizer.learning_rate = rate
        optimizer.apply([gradients["kernel"][step], gradients["bias"][step]], variables)
        for variable in variables:
            steps[variable.name].append(np.array(variable.value))
    slots = {}
    if name == "nadam":
        lists = {"momentum": optimizer._momentums, "velocity": optimizer._velocities}
        for slot, values in lists.items():
            slots[slot] = {part: np.array(v.value) for part, v in zip(("kernel", "bias"), values)}
        slots["momentumProduct"] = np.float32(optimizer._u_product.value)
    elif config.get("momentum"):
        pairs = zip(("kernel", "bias"), optimizer.momentums)
        slots["momentum"] = {part: np.array(v.value) for part, v in pairs}
    assert int(optimizer.iterations.value) == STEPS
    return steps, slots


def run_torch(config, initial, gradients):
    parts = ("kernel", "bias")
    parameters = [torch.nn.Parameter(torch.from_numpy(initial[part].copy())) for part in parts]
    optimizer = torch.optim.NAdam(
        parameters,
        lr=config["learningRate"],
        betas=(config["beta1"], config["beta2"]),
        eps=config["epsilon"],
        momentum_decay=config["momentumDecay"],
    )
    steps = {"kernel": [], "bias": []}
    for step, rate in enumerate(rates(config)):
        optimizer.param_groups[0]["lr"] = rate
        for part, parameter in zip(parts, parameters):
            parameter.grad = torch.from_numpy(gradients[part][step].copy())
        optimizer.step()
        for part, parameter in zip(parts, parameters):
            steps[part].append(parameter.detach().numpy().copy())
    states = {part: optimizer.state[parameter] for part, parameter in zip(parts, parameters)}
    slots = {
        "momentum": {part: state["exp_avg"].numpy() for part, state in states.items()},
        "velocity": {part: state["exp_avg_sq"].numpy() for part, state in states.items()},
        "momentumProduct": np.float32(states["bias"]["mu_product"].item()),
    }
    return steps, slots


def run(library, name, config, initial, gradients):
    if library == "keras":
        steps, slots = run_keras(name, config, initial, gradients)
    else:
        steps, slots = run_torch(config, initial, gradients)
    rule = sgd64 if name == "sgd" else nadam64
    parts = ("kernel", "bias")
    exact = {part: rule(config, initial[part], gradients[part])["weight"] for part in parts}
    last = {part: steps[part][-1] for part in parts}
    check_close(f"{library} {name} {config}", last, exact, initial)
    return {
        "library": library,
        "name": name,
        "config": {key: value for key, value in config.items() if key != "laterRate"},
        "learningRates": np.array(rates(config)),
        **steps,
        "slots": slots,
        "exact": exact,
    }


def near_misses(initial, gradients):
    """Last weights of wrong rules, in float64: a test of the right ones must reject them."""
    nadam = {**TORCH_NADAM, "learningRate": 0.05}
    changed = {"learningRate": 0.01, "momentum": 0.9, "laterRate": 0.001}
    nested = {"learningRate": 0.01, "momentum": 0.9, "nesterov": True}
    misses = [
        ("nadam", "epsilon inside the root", nadam, nadam64, {"epsilon_inside": True}),
        ("nadam", "momentumDecay 1", {**nadam, "momentumDecay": 1}, nadam64, {}),
        ("sgd", "PyTorch's momentum at a changing rate", changed, sgd64, {"keras_rule": False}),
        ("sgd", "momentum without nesterov", {**nested, "nesterov": False}, sgd64, {}),
    ]
    made = []
    for name, miss, config, rule, options in misses:
        last = {
            part: rule(config, initial[part], gradients[part], **options)["weight"]
            for part in ("kernel", "bias")
        }
        made.append({"name": name, "miss": miss, "learningRates": np.array(rates(config)), **last})
    return made


def optimizers():
    initial, gradients = sequences()
    return {
        "initial": initial,
        "gradients": gradients,
        "cases": [run(*case, initial, gradients) for case in CASES],
        "nearMisses": near_misses(initial, gradients),
    }
