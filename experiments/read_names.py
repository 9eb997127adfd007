"""How well does a plain recurrent network of four units tell female from male first names?

It is trained in NumPy, with `gpulab.models.cells`, on the training names, letter by letter. The names of each class
weigh the same in the loss. The weights are rounded to two decimals, so that a page can show them and compute with them.
Those of the first seed go into `lib/gpulab/widgets/reading-rnn.json`, for the picture of the unrolled network.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from experiments import stamp

SEEDS = (0, 1, 2)
UNITS, LETTERS, EPOCHS, BATCH, RATE = 4, 26, 40, 32, 0.01


def one_hot(x: np.ndarray) -> np.ndarray:
    """Return letters (n, T), 1 to 26 and 0 after the end, as (n, T, 26)."""
    return np.eye(LETTERS + 1)[x][..., 1:]


def probability(weights: dict[str, np.ndarray], states: np.ndarray) -> np.ndarray:
    """Return how sure the network is of a male name, for states (..., units)."""
    return 1 / (1 + np.exp(-(states @ weights["out"] + weights["out_bias"])))


def rates(weights: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> list[float]:
    """Return the share of right answers among female, and among male names."""
    from gpulab.data import lengths
    from gpulab.models import cells

    record = cells.run("rnn", weights, one_hot(x), lengths(x))
    male = probability(weights, record.h[:, -1]) > 0.5
    return [float((male[y == k] == k).mean()) for k in (0, 1)]


def train(seed: int) -> dict[str, np.ndarray]:
    """Return trained weights: those of the cell, and `out` (units,) with `out_bias`."""
    from gpulab.data import lengths, load
    from gpulab.models import cells

    x, y = load("names").train
    inputs, ends, rng = one_hot(x), lengths(x), np.random.default_rng(seed)
    weighed = np.where(y == 1, 0.5 / (y == 1).mean(), 0.5 / (y == 0).mean())
    weights = {**cells.fresh("rnn", LETTERS, UNITS, seed), "out": rng.normal(size=UNITS), "out_bias": np.zeros(())}
    weights["bias_hh"] = np.zeros(UNITS)  # one bias is enough: only the sum of the two matters
    moments = {name: [np.zeros_like(array), np.zeros_like(array)] for name, array in weights.items()}
    step = 0
    for epoch in range(EPOCHS):
        order = rng.permutation(len(x))
        for chosen in np.split(order, range(BATCH, len(x), BATCH)):
            record = cells.run("rnn", weights, inputs[chosen], ends[chosen])
            last = record.h[:, -1]
            error = (probability(weights, last) - y[chosen]) * weighed[chosen] / len(chosen)
            dh = np.zeros_like(record.h)
            dh[:, -1] = error[:, None] * weights["out"]
            slopes = {**cells.gradients(record, dh), "out": error @ last, "out_bias": error.sum()}
            slopes["bias_hh"] = np.zeros(UNITS)
            step += 1
            for name, array in weights.items():  # Adam
                mean, square = moments[name]
                slope = slopes[name] + 1e-4 * array
                mean += 0.1 * (slope - mean)
                square += 0.001 * (slope**2 - square)
                size = RATE * (1 - epoch / EPOCHS) * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
                weights[name] = array - size * mean / (np.sqrt(square) + 1e-8)
    return weights


def compute() -> list[dict[str, object]]:
    """Train with each seed, store the first network, and return a row for each."""
    from gpulab.data import load
    from gpulab.widgets import reading

    names, rows = load("names"), []
    for seed in SEEDS:
        exact = train(seed)
        rounded = {name: np.round(array, 2) + 0.0 for name, array in exact.items()}
        if seed == SEEDS[0]:
            record = {
                "made_by": "python -m experiments.read_names",
                "network": "a plain recurrent network: 26 letters in, 4 units, the probability of a male name out",
                "weights": {name: array.tolist() for name, array in rounded.items()},
            }
            reading.FILE.write_text(json.dumps(record) + "\n", encoding="utf-8", newline="\n")
        row: dict[str, object] = {"seed": seed}
        for part in ("train", "valid", "test"):
            x, y = getattr(names, part)
            row[f"{part}_female"], row[f"{part}_male"] = rates(rounded, x, y)
        row["test_balanced_exact"] = float(np.mean(rates(exact, *names.test)))
        row["test_balanced"] = (row["test_female"] + row["test_male"]) / 2
        rows.append(row)
        print(row, flush=True)
    return rows


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    stamp.run("read_names", compute, list(SEEDS), ["numpy"])
