"""Who speaks? Recurrent networks on the recordings of nine speakers, and plain baselines that know no time.

Cells, summaries of the states, seeds and frameworks; the steps of each recording in their order or shuffled. "last",
"mean" and "max" are taken over the real steps; "end" is the state after the padding was read, too. Each framework runs
in a process of its own. The recipe was fixed on the validation part, for all networks the same. With ``--log FILE`` each
row is written down at once, and a run that was stopped goes on from there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from experiments import stamp

SEEDS = (0, 1, 2)
CELLS = ("rnn", "lstm", "gru")
RECIPE = {"epochs": 30, "batch_size": 32, "lr": 3e-3, "clip": 1.0, "verbose": False}
LONGER = 60  # steps, when the test recordings get more padding than any had in training
Point = tuple[str, str, str, int]  # cell, summary, order, seed


def points(framework: str) -> list[Point]:
    """Return what is run; Keras starts slowly, so it shuffles for the LSTM only."""
    kept = [(cell, summary, "kept", seed) for cell in CELLS for summary in ("last", "mean", "max") for seed in SEEDS]
    kept += [(cell, "end", "kept", seed) for cell in CELLS if framework == "torch" or cell == "lstm" for seed in SEEDS]
    shuffled = [(cell, summary, "shuffled", seed) for cell, summary, _, seed in kept if summary in ("last", "mean")]
    return kept + [point for point in shuffled if framework == "torch" or point[0] == "lstm"]


def shuffled(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shuffle the real steps of each recording; the padding stays at the end."""
    from gpulab.data import lengths

    out = x.copy()
    for row, steps in zip(out, lengths(x), strict=True):
        row[:steps] = row[rng.permutation(steps)]
    return out


def prepared(order: str, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the three parts, each channel with mean 0 and spread 1 over the real steps of the training part."""
    from gpulab.data import load

    data = load("vowels")
    steps = data.train.x[(data.train.x != 0).any(axis=2)]
    mean, spread = steps.mean(axis=0), steps.std(axis=0)
    rng = np.random.default_rng(seed)
    parts = []
    for part in (data.train, data.valid, data.test):
        x = np.where((part.x != 0).any(axis=2, keepdims=True), (part.x - mean) / spread, 0).astype(np.float32)
        parts.append((shuffled(x, rng) if order == "shuffled" else x, part.y))
    return parts


def network(framework: str, cell: str, summary: str, seed: int) -> Any:
    """Return a reference network whose dense layer sees a summary of the states."""
    from gpulab.models import reference_rnn

    if framework == "torch":
        import torch

        torch.manual_seed(seed)
        return _torch(reference_rnn("torch", cell, features=12, outputs=9), summary)
    import keras

    keras.utils.set_random_seed(seed)
    return _keras(reference_rnn("keras", cell, features=12, outputs=9), summary)


def _torch(base: Any, summary: str) -> Any:
    import torch
    from torch import nn

    class Reader(nn.Module):
        """The state of each step, then a summary, then the dense layer."""

        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = base.rnn, base.head

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            states = self.rnn(x)[0]
            real = (x != 0).any(dim=2)
            steps = real.sum(dim=1)
            if summary == "mean":
                seen = (states * real[:, :, None]).sum(dim=1) / steps[:, None]
            elif summary == "max":
                seen = states.masked_fill(~real[:, :, None], -2).amax(dim=1)
            else:
                seen = states[torch.arange(len(x)), -1 if summary == "end" else steps - 1]
            return self.head(seen)

    return Reader()


def _keras(base: Any, summary: str) -> Any:
    import keras
    from keras import layers, ops

    kind = {"SimpleRNN": layers.SimpleRNN, "LSTM": layers.LSTM, "GRU": layers.GRU}[type(base.get_layer("rnn_l0")).__name__]
    x = keras.Input((None, 12))
    states = kind(64, return_sequences=True)(x)
    real = ops.cast(ops.any(ops.not_equal(x, 0), axis=2, keepdims=True), "float32")
    steps = ops.sum(real, axis=1)
    if summary == "mean":
        seen = ops.sum(states * real, axis=1) / steps
    elif summary == "max":
        seen = ops.max(states * real - 2 * (1 - real), axis=1)
    elif summary == "end":
        seen = states[:, -1]
    else:
        seen = ops.take_along_axis(states, ops.cast(steps, "int32")[:, :, None] - 1, axis=1)[:, 0]
    model = keras.Model(x, layers.Dense(9)(seen))
    model.set_weights(base.get_weights())
    return model


def point(framework: str, cell: str, summary: str, order: str, seed: int) -> dict[str, object]:
    """Train one network; return one row."""
    from gpulab.train import evaluate, fit, predict

    train, valid, (x, y) = prepared(order, seed)
    model = network(framework, cell, summary, seed)
    history = fit(model, train, valid, seed=seed, **RECIPE)
    padded = np.pad(x, ((0, 0), (0, LONGER - x.shape[1]), (0, 0)))
    return {
        **row(framework, cell, summary, order, seed, predict(model, x).argmax(axis=1), y),
        "valid": history["valid_accuracy"][-1],
        "loss": round(history["loss"][-1], 4),
        "longer": evaluate(model, (padded, y))["accuracy"],
    }


def row(
    framework: str, cell: str, summary: str, order: str, seed: int, answers: np.ndarray, y: np.ndarray
) -> dict[str, object]:
    """Return what all rows have; "wrong" holds the number and the answer of each test recording that was missed."""
    return {
        "framework": framework,
        "cell": cell,
        "summary": summary,
        "order": order,
        "seed": seed,
        "test": round(float((answers == y).mean()), 4),
        "wrong": [[int(i), int(answers[i])] for i in np.flatnonzero(answers != y)],
    }


def features(kind: str, x: np.ndarray) -> np.ndarray:
    """Return a fixed number of features of each recording, (n, features)."""
    from gpulab.data import lengths

    steps = lengths(x)
    mean = x.sum(axis=1) / steps[:, None]
    if kind == "length":
        return steps[:, None].astype(np.float64)
    if kind == "mean":
        return mean
    if kind == "mean and spread":
        square = (x**2).sum(axis=1) / steps[:, None]
        return np.hstack([mean, np.sqrt(np.maximum(square - mean**2, 0))])
    if kind == "first and last":
        return np.hstack([x[:, 0], x[np.arange(len(x)), steps - 1]])
    return x.reshape(len(x), -1)  # all steps, side by side, and their padding


def baselines() -> Iterator[dict[str, object]]:
    """Yield the rows of logistic regression on a few numbers of each recording: one a kind, and shuffled ones."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    for kind in ("length", "mean", "mean and spread", "first and last", "all steps"):
        for order, seeds in (("kept", (0,)), ("shuffled", SEEDS)):
            for seed in seeds if kind in ("first and last", "all steps") or order == "kept" else ():
                train, valid, (x, y) = prepared(order, seed)
                model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
                model.fit(features(kind, train[0]), train[1])
                made = row("none", "logistic regression", kind, order, seed, model.predict(features(kind, x)), y)
                yield {**made, "valid": round(float(model.score(features(kind, valid[0]), valid[1])), 4)}


def compute(log: Path | None) -> list[dict[str, object]]:
    """Return every row, each framework's from a process of its own."""
    done = [json.loads(line) for line in log.read_text().splitlines()] if log and log.exists() else []
    rows = list(baselines())
    for framework in ("torch", "keras"):
        have = {(r["cell"], r["summary"], r["order"], r["seed"]): r for r in done if r["framework"] == framework}
        missing = [p for p in points(framework) if p not in have]
        command = [sys.executable, "-m", "experiments.vowels", "--framework", framework]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            process.stdin.write(json.dumps(missing))
            process.stdin.close()
            for line in process.stdout:
                if line.startswith("{"):
                    found = json.loads(line)
                    have[found["cell"], found["summary"], found["order"], found["seed"]] = found
                    if log:
                        with log.open("a") as stream:
                            stream.write(line)
        if process.returncode:
            raise SystemExit(f"The process of {framework} failed.")
        rows += [have[p] for p in points(framework)]
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log", type=Path, help="a file of rows: written at once, and read when the run goes on")
    parser.add_argument("--framework", choices=("torch", "keras"), help="internal: read points, print rows")
    options = parser.parse_args()
    if options.framework:
        for one in json.load(sys.stdin):
            print(json.dumps(point(options.framework, *one)), flush=True)
    else:
        packages = ["numpy", "scikit-learn", "torch", "tensorflow", "keras"]
        stamp.run("vowels", lambda: compute(options.log), SEEDS, packages)
