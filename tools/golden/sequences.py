"""The fixed sequences that every optimizer gets, and the rules in float64; NumPy alone, so that
legacy.py can use it in its own environment."""

import numpy as np

STEPS = 30


def sequences():
    """(initial, gradients): {"kernel": [3, 4], "bias": [4]} and the same with 30 steps in front.

    The columns of the kernel have scales from 1 down to 1e-6, where it shows whether epsilon stands
    inside or outside of the root; kernel[0, 0] has no gradient in any step, bias[1] in all but the
    first.
    """
    random = np.random.default_rng(2024)
    initial = {
        "kernel": random.standard_normal((3, 4)).astype(np.float32),
        "bias": random.standard_normal(4).astype(np.float32),
    }
    scales = np.array([1, 0.1, 1e-3, 1e-6])
    kernel = (random.standard_normal((STEPS, 3, 4)) + 0.3) * scales
    kernel[:, 0, 0] = 0
    bias = (random.standard_normal((STEPS, 4)) - 0.2) * np.array([1, 1, 1e-3, 10])
    bias[1:, 1] = 0
    gradients = {"kernel": kernel.astype(np.float32), "bias": bias.astype(np.float32)}
    return initial, gradients


def rates(config):
    """The learning rate of each step: constant, or from step 16 on `laterRate`."""
    rate = config["learningRate"]
    later = config.get("laterRate", rate)
    return [rate] * 15 + [later] * (STEPS - 15)


def sgd64(config, w, gradients, keras_rule=True):
    """SGD in float64: Keras m = mu m - lr g, w += m; PyTorch's a = mu a + g, w -= lr a differs from
    it where the rate changes."""
    mu = config.get("momentum", 0.0)
    nesterov = config.get("nesterov", False)
    w, m = w.astype(np.float64), np.zeros_like(w, np.float64)
    for g, lr in zip(gradients.astype(np.float64), rates(config)):
        if keras_rule:
            m = mu * m - lr * g
            w = w + (mu * m - lr * g if nesterov else m)
        else:
            m = mu * m + g
            w = w - lr * (g + mu * m if nesterov else m)
    return {"weight": w, "momentum": m}


def nadam64(config, w, gradients, epsilon_inside=False):
    """Nadam in float64, the rule of PyTorch (decay 0.004) and Keras 3 (decay 1):
    u_t = beta1 (1 - 0.5 * 0.96^(decay t)), m and v as Adam,
    mhat = u_{t+1} m / (1 - u_1...u_{t+1}) + (1 - u_t) g / (1 - u_1...u_t),
    vhat = v / (1 - beta2^t), w -= lr mhat / (sqrt(vhat) + epsilon)."""
    beta1, beta2 = config["beta1"], config["beta2"]
    epsilon, decay = config["epsilon"], config["momentumDecay"]
    w = w.astype(np.float64)
    m, v, product = np.zeros_like(w), np.zeros_like(w), 1.0
    for t, (g, lr) in enumerate(zip(gradients.astype(np.float64), rates(config)), start=1):
        u = beta1 * (1 - 0.5 * 0.96 ** (decay * t))
        after = beta1 * (1 - 0.5 * 0.96 ** (decay * (t + 1)))
        product *= u
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g * g - v)
        m_hat = after * m / (1 - product * after) + (1 - u) * g / (1 - product)
        v_hat = v / (1 - beta2**t)
        root = np.sqrt(v_hat + epsilon) if epsilon_inside else np.sqrt(v_hat) + epsilon
        w = w - lr * m_hat / root
    return {"weight": w, "momentum": m, "velocity": v, "momentumProduct": product}


def check_close(name, found, exact, start):
    """The real one must follow the rule: float32 noise only, measured against the way gone."""
    for part in ("kernel", "bias"):
        way = np.abs(exact[part] - start[part]) + np.abs(start[part]) * 1e-2 + 1e-12
        worst = (np.abs(found[part].astype(np.float64) - exact[part]) / way).max()
        assert worst < 1e-4, f"{name}: {part} is off its rule by {worst:.2e}"
