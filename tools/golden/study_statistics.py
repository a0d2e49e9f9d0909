"""Golden values of what a study reports: quantiles of Student's distribution, t-intervals, SciPy's.

    python tools/golden/study_statistics.py
"""

from pathlib import Path

import numpy as np
from scipy import stats

from numbers_json import versions, write

FREEDOMS = [1, 2, 3, 4, 5, 7, 9, 14, 24, 29, 30, 60, 99, 120, 1000]
PROBABILITIES = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999]

SAMPLES = {
    # Validation accuracies of five seeds.
    "accuracies": [0.4724, 0.4636, 0.4706, 0.4662, 0.4672],
    "two": [0.5, 0.75],
    "equal": [0.25, 0.25, 0.25],
    # Almost all digits are equal: squares of sums would lose them.
    "close": [1000000.1, 1000000.2, 1000000.4, 1000000.3],
}


def summary(values):
    low, high = stats.t.interval(
        0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values) or np.nan
    )
    deviation = np.std(values, ddof=1)
    # SciPy has no interval without spread: it is the mean.
    interval = [np.mean(values)] * 2 if deviation == 0 else [low, high]
    return {
        "values": values,
        "mean": float(np.mean(values)),
        "standardDeviation": float(deviation),
        "interval": [float(end) for end in interval],
    }


if __name__ == "__main__":
    write(
        Path(__file__).with_name("study-statistics.json"),
        {
            "versions": versions("scipy", "numpy"),
            "quantiles": [
                {"probability": p, "freedom": n, "t": float(stats.t.ppf((1 + p) / 2, n))}
                for p in PROBABILITIES
                for n in FREEDOMS
            ],
            "samples": {name: summary(values) for name, values in SAMPLES.items()},
        },
    )
