"""Makes schedules.json: values of learning rate schedules step by step, from real Keras 3 on JAX
(float32), PyTorch's OneCycleLR, fastai's `combined_cos` and the book's OneCycleScheduler (doubles).

    python tools/golden/schedules.py [FASTAI_SCHEDULE]

FASTAI_SCHEDULE is fastai/callback/schedule.py of `pip download fastai --no-deps` (2.8.12): only its
functions of numbers are run, the rest of fastai is not needed. Without it the values are those of
the same formula, which must be equal.
"""

import ast
import functools
import math
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np
import torch

import numbers_json

HERE = Path(__file__).resolve().parent

# (name, class, Keras's arguments, count of steps)
KERAS = [
    ("exponentialDecay", "ExponentialDecay", (0.1, 7, 0.5), {}, 24),
    ("exponentialDecay", "ExponentialDecay", (0.1, 7, 0.5), {"staircase": True}, 24),
    ("piecewiseConstantDecay", "PiecewiseConstantDecay", ([5, 9], [0.1, 0.05, 0.01]), {}, 14),
    ("polynomialDecay", "PolynomialDecay", (0.1, 10), {}, 24),
    ("polynomialDecay", "PolynomialDecay", (0.1, 10, 0.01, 2.0), {}, 24),
    ("polynomialDecay", "PolynomialDecay", (0.1, 10, 0.01, 0.5), {"cycle": True}, 33),
    ("inverseTimeDecay", "InverseTimeDecay", (0.1, 5, 0.7), {}, 24),
    ("inverseTimeDecay", "InverseTimeDecay", (0.1, 5, 0.7), {"staircase": True}, 24),
    ("cosineDecay", "CosineDecay", (0.1, 20), {}, 24),
    ("cosineDecay", "CosineDecay", (0.1, 20), {"alpha": 0.2}, 24),
    (
        "cosineDecay",
        "CosineDecay",
        (0.01, 20),
        {"alpha": 0.1, "warmup_target": 0.2, "warmup_steps": 5},
        30,
    ),
    ("cosineDecayRestarts", "CosineDecayRestarts", (0.1, 5), {}, 40),
    (
        "cosineDecayRestarts",
        "CosineDecayRestarts",
        (0.1, 6),
        {"t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1},
        40,
    ),
    ("cosineDecayRestarts", "CosineDecayRestarts", (0.1, 6), {"t_mul": 1.0, "m_mul": 0.5}, 24),
]

TORCH = [
    ({"totalSteps": 30}, {}),
    ({"totalSteps": 37, "pctStart": 0.2, "anneal": "linear"}, {"anneal_strategy": "linear"}),
    ({"totalSteps": 40, "threePhase": True}, {"three_phase": True}),
    (
        {"totalSteps": 33, "threePhase": True, "anneal": "linear", "pctStart": 0.4},
        {"three_phase": True, "anneal_strategy": "linear"},
    ),
    (
        {
            "totalSteps": 25,
            "startRate": 0.02,
            "finalRate": 0.001,
            "baseMomentum": 0.7,
            "maxMomentum": 0.9,
        },
        {
            "div_factor": 5.0,
            "final_div_factor": 20.0,
            "base_momentum": 0.7,
            "max_momentum": 0.9,
        },
    ),
    ({"totalSteps": 20, "cycleMomentum": False}, {"cycle_momentum": False}),
]


def keras_cases():
    cases = []
    for name, kind, positional, named, count in KERAS:
        schedule = getattr(keras.optimizers.schedules, kind)(*positional, **named)
        cases.append(
            {
                "name": name,
                "serialized": keras.optimizers.schedules.serialize(schedule),
                "values": np.array([np.float32(schedule(step)) for step in range(count)]),
            }
        )
    return cases


def torch_cases():
    cases = []
    for options, named in TORCH:
        parameter = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.5)
        steps = options["totalSteps"]
        if "pctStart" in options:
            named = {**named, "pct_start": options["pctStart"]}
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps, **named)
        values, momenta = [], []
        for step in range(steps):
            values.append(optimizer.param_groups[0]["lr"])
            momenta.append(optimizer.param_groups[0]["momentum"])
            optimizer.step()
            if step + 1 < steps:
                scheduler.step()
        case = {"preset": "pytorch", "options": {"maxRate": 0.1, **options}, "values": values}
        if options.get("cycleMomentum", True):
            case["momenta"] = momenta
        cases.append(case)
    return cases


def fastai_functions(path):
    """The functions of numbers in fastai's file, without importing fastai."""
    wanted = {"_Annealer", "sched_cos", "SchedCos", "combine_scheds", "combined_cos"}
    tree = ast.parse(Path(path).read_text(encoding="utf8"))
    tree.body = [node for node in tree.body if getattr(node, "name", None) in wanted]

    def store_attr(_):
        frame = sys._getframe(1)
        names = frame.f_locals
        for name in ("f", "start", "end"):
            setattr(names["self"], name, names[name])

    space = {
        "math": math,
        "functools": functools,
        "torch": torch,
        "L": list,
        "tensor": functools.partial(torch.tensor, dtype=torch.float64),
        "store_attr": store_attr,
    }
    exec(compile(tree, str(path), "exec"), space)
    return space["combined_cos"]


def combined_cos(pct, start, middle, end):
    """fastai's rule: half a cosine from start to middle over `pct`, then one to end."""

    def value(position):
        first, last = (start, middle) if position < pct else (middle, end)
        at = position / pct if position < pct else (position - pct) / (1 - pct)
        return first + (1 + math.cos(math.pi * (1 - at))) * (last - first) / 2

    return value


def fastai_cases(path):
    real = fastai_functions(path) if path else combined_cos
    cases = []
    for steps, pct, high, low in ((30, 0.25, 0.95, 0.85), (41, 0.4, 0.9, 0.8)):
        options = {"maxRate": 0.1, "totalSteps": steps}
        if pct != 0.25:
            options = {**options, "pctStart": pct, "maxMomentum": high, "baseMomentum": low}
        arguments = {"values": (pct, 0.1 / 25, 0.1, 0.1 / 1e5), "momenta": (pct, high, low, high)}
        case = {"preset": "fastai", "options": options}
        for key, given in arguments.items():
            # `pct_train` is the count of batches done by the count of all.
            case[key] = [float(real(*given)(step / steps)) for step in range(steps)]
            plain = [combined_cos(*given)(step / steps) for step in range(steps)]
            assert np.allclose(case[key], plain, rtol=1e-12, atol=0), key
        cases.append(case)
    return cases


def book_cases():
    """The book's callback (github.com/ageron/handson-ml3, chapter 11), per batch."""
    cases = []
    for steps, options in (
        (100, {}),
        (37, {}),
        (50, {"startRate": 0.01, "finalRate": 1e-4, "lastSteps": 12}),
    ):
        high = 0.05
        start = options.get("startRate") or high / 10
        last = options.get("lastSteps") or steps // 10 + 1
        half = (steps - last) // 2
        final = options.get("finalRate") or start / 1000
        values = []
        for step in range(steps):

            def between(step1, step2, rate1, rate2):
                return (rate2 - rate1) * (step - step1) / (step2 - step1) + rate1

            if step < half:
                values.append(between(0, half, start, high))
            elif step < 2 * half:
                values.append(between(half, 2 * half, high, start))
            else:
                values.append(between(2 * half, steps, start, final))
        given = {"maxRate": high, "totalSteps": steps, **options}
        cases.append({"preset": "book", "options": given, "values": values})
    power = [0.1 / (1 + step / 6) ** 1.5 for step in range(20)]
    options = {"initialLearningRate": 0.1, "decaySteps": 6, "power": 1.5}
    return cases, {"options": options, "values": power}


def main():
    book, power = book_cases()
    fastai = fastai_cases(sys.argv[1] if len(sys.argv) > 1 else None)
    numbers_json.write(
        HERE / "schedules.json",
        {
            "versions": {**numbers_json.versions("keras", "jax", "torch"), "fastai": "2.8.12"},
            "keras": keras_cases(),
            "oneCycle": [*book, *fastai, *torch_cases()],
            "power": power,
        },
    )


if __name__ == "__main__":
    main()
