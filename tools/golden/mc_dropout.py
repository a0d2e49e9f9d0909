"""Makes mc-dropout.json: mean, spread and entropies of probabilities that many draws gave.

Run: python mc_dropout.py. The formulas are NumPy's and SciPy's, in doubles: predictive entropy H[mean_s p_s],
expected entropy mean_s H[p_s] and their difference, the mutual information (Smith and Gal, 2018).
"""

from pathlib import Path

import numpy as np
from scipy.stats import entropy

from numbers_json import versions, write

SAMPLES, ROWS, CLASSES = 7, 5, 4


def draws(generator):
    """Probabilities [samples, rows, classes] in float32, with certain rows among them."""
    logits = 3 * generator.standard_normal((SAMPLES, ROWS, CLASSES))
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    p = p.astype(np.float32)
    # Sure and always the same; sure and never the same: 0 log 0 in every sample.
    p[:, 0] = np.eye(CLASSES)[1]
    p[:, 1] = np.eye(CLASSES)[np.arange(SAMPLES) % CLASSES]
    return p


def facts(p):
    exact = p.astype(np.float64)
    return {
        "samples": p,
        "mean": exact.mean(axis=0),
        "standardDeviation": exact.std(axis=0),
        "predictiveEntropy": entropy(exact.mean(axis=0), axis=-1),
        "expectedEntropy": entropy(exact, axis=-1).mean(axis=0),
    }


def binary(p):
    """Probabilities [samples, rows, 1] of one thing: those of p and 1 - p."""
    exact = p.astype(np.float64)
    both = np.concatenate([exact, 1 - exact], axis=-1)
    return {
        "samples": p,
        "mean": exact.mean(axis=0),
        "standardDeviation": exact.std(axis=0),
        "predictiveEntropy": entropy(both.mean(axis=0), axis=-1),
        "expectedEntropy": entropy(both, axis=-1).mean(axis=0),
    }


def main():
    generator = np.random.default_rng(11)
    one = generator.random((SAMPLES, ROWS, 1)).astype(np.float32)
    one[:, 0] = 0
    one[:, 1] = (np.arange(SAMPLES) % 2)[:, None]
    write(
        Path(__file__).parent / "mc-dropout.json",
        {
            "versions": versions("numpy", "scipy"),
            "classes": facts(draws(generator)),
            "binary": binary(one),
        },
    )


if __name__ == "__main__":
    main()
