"""Which recurrent cell wins on one budget: tanh RNN, LSTM or GRU, on three real tasks?

Tasks: the speaker of two vowels (``vowels``), the list a first name stands on (``names``), next year's sunspots
(``sunspots``). Two budgets: equal units (64), and equal parameters (those of the LSTM with 64 units). The learning rate
of each cell is the one of three with the lowest validation loss, tried with a seed of its own. Five seeds in PyTorch;
three in Keras, with equal units, for the two tasks that classify. Each framework runs in a process of its own.
Run it again with the same ``--log FILE``, and it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from experiments import stamp

CELLS = ("rnn", "lstm", "gru")
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
UNITS = 64
RATES = (1e-3, 3e-3, 1e-2)
SEEDS = {"torch": (0, 1, 2, 3, 4), "keras": (0, 1, 2)}
PILOT_SEED = 100
RECIPES = {
    "vowels": {"epochs": 40, "batch_size": 32},
    "names": {"epochs": 10, "batch_size": 64},
    "sunspots": {"epochs": 50, "batch_size": 32},
}
WINDOW = 24  # years that a forecast sees


@cache
def data(task: str) -> dict[str, Any]:
    """Return inputs (n, T, features) and targets of a task, for training, validation and test."""
    from gpulab.data import load, series

    if task == "sunspots":
        return sunspots(series("sunspots").values)
    found = load(task)
    parts = {name: getattr(found, name) for name in ("train", "valid", "test")}
    as_input = one_hot if task == "names" else (lambda x: x)
    made = {name: (as_input(part.x), part.y) for name, part in parts.items()}
    return {**made, "outputs": len(found.classes), "loss": "cross_entropy"}


def one_hot(letters: np.ndarray) -> np.ndarray:
    """Return letters 1..26 as vectors (n, T, 26); the padding 0 becomes a step of zeros."""
    return np.eye(27, dtype=np.float32)[letters][:, :, 1:]


def sunspots(values: np.ndarray) -> dict[str, Any]:
    """Return windows of square roots, in units of the training part, and the change that follows each of them."""
    root = np.sqrt(values)
    n = len(root)
    first, second = int(0.6 * n), int(0.75 * n)
    mean, std = root[:first].mean(), root[:first].std()
    z = ((root - mean) / std).astype(np.float32)
    at = np.arange(WINDOW, n)
    x = np.stack([z[i - WINDOW : i] for i in at])
    y = z[at] - z[at - 1]
    parts = {"train": at < first, "valid": (at >= first) & (at < second), "test": at >= second}
    made: dict[str, Any] = {name: (x[keep][:, :, None], y[keep][:, None]) for name, keep in parts.items()}
    made["true"] = {name: values[at[keep]] for name, keep in parts.items()}
    return {**made, "scale": (mean, std), "outputs": 1, "loss": "mse"}


def mean_error(change: np.ndarray, part: str = "test") -> float:
    """Return the mean absolute error of forecasts, in sunspots."""
    task = data("sunspots")
    mean, std = task["scale"]
    root = mean + std * (task[part][0][:, -1, 0] + change.ravel())
    return float(np.abs(np.maximum(root, 0) ** 2 - task["true"][part]).mean())


def parameters(cell: str, features: int, units: int, outputs: int) -> int:
    """Return how many parameters the network has in PyTorch, which gives each gate two biases."""
    return GATES[cell] * units * (features + units + 2) + units * outputs + outputs


def units_for(budget: str, cell: str, features: int, outputs: int) -> int:
    """Return the units of a cell on a budget."""
    if budget == "units":
        return UNITS
    goal = parameters("lstm", features, UNITS, outputs)
    return min(range(1, 400), key=lambda units: abs(parameters(cell, features, units, outputs) - goal))


def train(framework: str, task: str, cell: str, budget: str, rate: float, seed: int) -> dict[str, Any]:
    """Train one network; return its row."""
    from gpulab.models import parameter_count, reference_rnn
    from gpulab.train import evaluate, fit, predict

    if framework == "torch":
        import torch

        torch.manual_seed(seed)
    else:
        import keras

        keras.utils.set_random_seed(seed)
    parts = data(task)
    features, outputs, loss = parts["train"][0].shape[2], parts["outputs"], parts["loss"]
    units = units_for(budget, cell, features, outputs)
    padded = task != "sunspots"
    model = reference_rnn(framework, cell, features=features, units=units, outputs=outputs, masked=padded)
    recipe = RECIPES[task]
    history = fit(model, parts["train"], lr=rate, loss=loss, clip=1.0, seed=seed, verbose=False, **recipe)
    row = {
        "framework": framework,
        "task": task,
        "cell": cell,
        "budget": budget,
        "seed": seed,
        "rate": rate,
        "units": units,
        "parameters": parameter_count(model),
        "valid_loss": evaluate(model, parts["valid"], loss=loss)["loss"],
        "seconds": round(statistics.median(history["seconds"][1:]) * recipe["epochs"], 3),
    }
    out = predict(model, parts["test"][0])
    if task == "sunspots":
        return {**row, "score": mean_error(out)}
    truth, answers = parts["test"][1], out.argmax(axis=1)
    by_class = [float((answers[truth == k] == k).mean()) for k in range(outputs)]
    return {**row, "score": float((answers == truth).mean()), "balanced": float(np.mean(by_class))}


def baselines() -> list[dict[str, Any]]:
    """Return rows of answers that need no recurrent network."""
    rows = []
    for task in ("vowels", "names"):
        parts = data(task)
        most = np.bincount(parts["train"][1]).argmax()
        rows.append({"task": task, "cell": "most frequent class", "score": float((parts["test"][1] == most).mean())})
    (x, y), (seen, _) = data("sunspots")["train"], data("sunspots")["test"]
    x, seen = x[:, :, 0].astype(np.float64), seen[:, :, 0].astype(np.float64)
    x, seen = x - x[:, -1:], seen - seen[:, -1:]  # as the networks, from the last value on
    weights = np.linalg.solve(x.T @ x + 0.3 * np.eye(WINDOW), x.T @ y)
    rows.append({"task": "sunspots", "cell": "as last year", "score": mean_error(np.zeros(len(seen)))})
    rows.append({"task": "sunspots", "cell": "linear", "score": mean_error(seen @ weights)})
    return [{"framework": "none", "budget": "none", **row} for row in rows]


def plan(framework: str) -> list[tuple[str, str, str, int]]:
    """Return what to train: (task, cell, budget, seed), the cells of one seed beside each other."""
    tasks = RECIPES if framework == "torch" else ("vowels", "names")
    budgets = ("units", "parameters") if framework == "torch" else ("units",)
    points = [(task, budget, seed) for task in tasks for budget in budgets for seed in SEEDS[framework]]
    return [
        (task, cell, budget, seed)
        for task, budget, seed in points
        for cell in CELLS
        if (cell, budget) != ("lstm", "parameters")  # the LSTM sets that budget: the same run again
    ]


def work(framework: str, log: Path) -> None:
    """Train what the log does not have yet."""
    rows = read(log)
    done = {(r["framework"], r["task"], r["cell"], r["budget"], r["seed"], r["rate"]) for r in rows}

    def once(task: str, cell: str, budget: str, rate: float, seed: int, side: str) -> None:
        if (side, task, cell, budget, seed, rate) not in done:
            row = train(side, task, cell, budget, rate, seed)
            rows.append(row)
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)

    if framework == "torch":
        for task in RECIPES:
            for cell in CELLS:
                for rate in RATES:
                    once(task, cell, "units", rate, PILOT_SEED, "torch")
    for task, cell, budget, seed in plan(framework):
        tried = [r for r in rows if (r["task"], r["cell"], r["seed"]) == (task, cell, PILOT_SEED)]
        rate = min(tried, key=lambda r: r["valid_loss"])["rate"]
        once(task, cell, budget, rate, seed, framework)


def read(log: Path) -> list[dict[str, Any]]:
    """Return the rows of a log."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("framework", nargs="?", choices=("torch", "keras"))
    parser.add_argument("--log", type=Path, default=Path("three_cells.log"))
    parser.add_argument("--before", type=float, default=0.0, help="seconds that the earlier parts of a stopped run took")
    given = parser.parse_args()
    if given.framework:
        work(given.framework, given.log)
        return
    start = time.perf_counter() - given.before
    for framework in ("torch", "keras"):
        command = [sys.executable, "-m", "experiments.three_cells", framework, "--log", str(given.log)]
        subprocess.run(command, check=True)
    seconds = time.perf_counter() - start
    path = stamp.store("three_cells", [*baselines(), *read(given.log)], SEEDS["torch"], PACKAGES, seconds)
    print(f"stored in {path.relative_to(stamp.ROOT)}")


PACKAGES = ("numpy", "torch", "tensorflow", "keras")


if __name__ == "__main__":
    main()
