"""Which learning rate does the reference CNN need? Range tests, and runs over optimizers, schedules and batch sizes.

Each run learns from 500 digits, in PyTorch and in Keras, with three seeds; a seed draws the digits, the first weights
and the order. A run sees each digit 8 times, whatever its batch size. Each framework runs in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from gpulab.train import Callback, Run, TrainError

from experiments import stamp

SEEDS = (0, 1, 2)
FRAMEWORKS = ("torch", "keras")
DIGITS, EPOCHS, BATCH = 500, 8, 32
RANGES = {"adam": (1e-5, 1.0), "sgd": (1e-4, 10.0)}  # of the range tests
RATES = {
    "adam": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "sgd": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0),
}
SCHEDULE_RATES = RATES["adam"][2:6]
BATCH_RATES = RATES["sgd"][:6]
BATCHES = (8, 128)


class StepLosses(Callback):
    """Keep the loss of every step, and stop when it is far above the best or no number any more."""

    def __init__(self, limit: float | None = None) -> None:
        self.limit = limit
        self.values: list[float] = []

    def on_step(self, run: Run) -> None:
        """Add the loss of the step that just ended."""
        self.values.append(float(run.losses()[-1]))
        worse = self.limit is not None and not self.values[-1] < self.limit * min(self.values)
        if worse and len(self.values) > 5:
            run.stop("the loss exploded")


def seed_framework(framework: str, seed: int) -> None:
    """Seed the fresh weights of the next network."""
    if framework == "torch":
        import torch

        torch.manual_seed(seed)
    else:
        import keras

        keras.utils.set_random_seed(seed)


def some_digits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the training digits of a seed."""
    from gpulab.data import load

    chosen = np.random.default_rng(seed).permutation(3500)[:DIGITS]
    train = load("digits").train
    return train.x[chosen], train.y[chosen]


def rounded(values: list[float]) -> list[float | None]:
    """Return losses with four digits; None for what is no number."""
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in values]


def range_test(framework: str, optimizer: str, seed: int) -> dict[str, object]:
    """Raise the rate from step to step; return the rates and the loss of each batch."""
    from gpulab.models import reference_cnn
    from gpulab.train import fit

    low, high = RANGES[optimizer]
    seed_framework(framework, seed)
    seen = StepLosses(limit=6)
    how: dict[str, Any] = {"optimizer": optimizer, "lr": low, "seed": seed, "verbose": False, "callbacks": [seen]}
    factor = lambda step, total: (high / low) ** (step / max(total - 1, 1))  # noqa: E731
    try:
        fit(reference_cnn(framework), some_digits(seed), epochs=6, batch_size=BATCH, schedule=factor, **how)
    except TrainError:
        pass  # not a number any more: the losses up to there are kept
    total = 6 * -(-DIGITS // BATCH)
    rates = [low * factor(step, total) for step in range(len(seen.values))]
    row = {"part": "range", "framework": framework, "optimizer": optimizer, "seed": seed}
    return row | {"rates": rounded(rates), "losses": rounded(seen.values)}


def point(framework: str, optimizer: str, schedule: str, batch: int, lr: float, seed: int) -> dict[str, object]:
    """Train one network; return one row."""
    from gpulab.data import load
    from gpulab.models import reference_cnn
    from gpulab.train import evaluate, fit

    digits = load("digits")
    seed_framework(framework, seed)
    model, seen = reference_cnn(framework), StepLosses()
    how: dict[str, Any] = {"optimizer": optimizer, "lr": lr, "schedule": schedule, "batch_size": batch, "seed": seed}
    row: dict[str, object] = {"part": "run", "framework": framework} | how | {"finite": True}
    try:
        fit(model, some_digits(seed), epochs=EPOCHS, verbose=False, callbacks=[seen], **how)
    except TrainError:
        row["finite"] = False
    valid = evaluate(model, digits.valid)
    steps = -(-DIGITS // batch)
    epochs = [float(np.mean(seen.values[i : i + steps])) for i in range(0, len(seen.values), steps)]
    row |= {"valid": valid["accuracy"], "valid_loss": rounded([valid["loss"]])[0], "losses": rounded(epochs)}
    return row


def plan() -> Iterator[tuple[str, str, int, float]]:
    """Yield the optimizer, schedule, batch size and rate of every run."""
    for optimizer, rates in RATES.items():
        yield from ((optimizer, "constant", BATCH, lr) for lr in rates)
    for schedule in ("cosine", "one_cycle"):
        yield from (("adam", schedule, BATCH, lr) for lr in SCHEDULE_RATES)
    for batch in BATCHES:
        yield from (("sgd", "constant", batch, lr) for lr in BATCH_RATES)


def rows_of(framework: str) -> Iterator[dict[str, object]]:
    """Yield the rows of one framework."""
    for seed in SEEDS:
        for optimizer in RANGES:
            yield range_test(framework, optimizer, seed)
        for how in plan():
            yield point(framework, *how, seed)


def compute() -> list[dict[str, object]]:
    """Return every row, each framework's from a process of its own."""
    rows = []
    for framework in FRAMEWORKS:
        command = [sys.executable, "-m", "experiments.learning_rates", framework]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for row in rows_of(sys.argv[1]):
            print(json.dumps(row), flush=True)
    else:
        stamp.run("learning_rates", compute, SEEDS, ["numpy", "torch", "tensorflow", "keras"])
