"""Does attention over an LSTM's states beat its last state: on names, and on lists in which one name is marked?

Run from the root::

    python -m experiments.attention_pooling                  # about 6 minutes of one core, then stored
    python -m experiments.attention_pooling --log FILE       # keep each run at once, and go on from there

A list holds one name with a star before it and so many others, in a random order, with commas between them. The question
is the census sex of the marked name. The network is an embedding, an LSTM, and one dense layer, on one vector: the last
state, or a weighted mean of all states with weights from a learned query. Three seeds, each framework in a process of
its own. The recipe was fixed on the validation part.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from experiments import stamp

SEEDS = (0, 1, 2)
OTHERS = {"torch": (0, 3, 7), "keras": (0, 7)}  # names beside the marked one
POOLS = ("last", "attention")
STAR, COMMA, SYMBOLS = 27, 28, 29
FEATURES, UNITS = 16, 32
RECIPE = {"epochs": 12, "batch_size": 64, "lr": 5e-3}
SHOWN = 6  # lists whose weights are stored


def lists(split: Any, others: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return lists of names (n, T), the marked one among others of the same part, and the marked ones' classes."""
    from gpulab.data import lengths

    rng, ends = np.random.default_rng(seed), lengths(split.x)
    found = np.zeros((len(split.x), (others + 1) * (split.x.shape[1] + 1) + 1), np.int64)
    for i in range(len(found)):
        names = rng.integers(0, len(found), others + 1)
        place = rng.integers(0, others + 1)
        names[place] = i
        parts = [[*([STAR] if p == place else []), *split.x[n, : ends[n]], COMMA] for p, n in enumerate(names)]
        tokens = sum(parts, [])[:-1]
        found[i, : len(tokens)] = tokens
    return found[:, : lengths(found).max()], split.y


def data(others: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the three parts; the lists of each are the same for all runs."""
    from gpulab.data import load

    names = load("names")
    return {part: lists(getattr(names, part), others, seed) for seed, part in enumerate(("train", "valid", "test"))}


def torch_model(pool: str, seed: int) -> Any:
    """Return the network in PyTorch; ``model.weights(x)`` are the weights of the places."""
    import torch
    from torch import nn

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.lstm = nn.Embedding(SYMBOLS, FEATURES), nn.LSTM(FEATURES, UNITS, batch_first=True)
            self.query, self.dense = nn.Parameter(torch.zeros(UNITS)), nn.Linear(UNITS, 2)

        def both(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            h, real = self.lstm(self.embed(x))[0], x > 0
            if pool == "last":
                return h, (real & ~nn.functional.pad(real[:, 1:], (0, 1))).float()
            scores = (h @ self.query / UNITS**0.5).masked_fill(~real, -torch.inf)
            return h, scores.softmax(1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h, weights = self.both(x)
            return self.dense((weights[..., None] * h).sum(1))

        def weights(self, x: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return self.both(torch.from_numpy(x))[1].numpy()

    torch.manual_seed(seed)
    return Reader()


def keras_model(pool: str, seed: int) -> Any:
    """Return the same network in Keras."""
    import keras
    from keras import layers, ops

    class Pool(layers.Layer):
        def build(self, shape: Any) -> None:
            self.query = self.add_weight(shape=(UNITS,), initializer="zeros")

        def call(self, h: Any, x: Any) -> Any:
            real = x > 0
            if pool == "last":
                later = ops.pad(real[:, 1:], ((0, 0), (0, 1)))
                weights = ops.cast(ops.logical_and(real, ops.logical_not(later)), "float32")
            else:
                scores = ops.sum(h * self.query, axis=-1) / UNITS**0.5
                weights = ops.softmax(ops.where(real, scores, -1e9), axis=1)
            return ops.sum(weights[..., None] * h, axis=1)

    keras.utils.set_random_seed(seed)
    x = keras.Input((None,), dtype="int64")
    embed = layers.Embedding(SYMBOLS, FEATURES, keras.initializers.RandomNormal(stddev=1))  # as PyTorch begins
    h = layers.LSTM(UNITS, return_sequences=True)(embed(x))
    return keras.Model(x, layers.Dense(2)(Pool()(h, x)))


def point(framework: str, parts: dict[str, Any], others: int, pool: str, seed: int) -> dict[str, Any]:
    """Train one network; return its row."""
    from gpulab.train import evaluate, fit

    model = torch_model(pool, seed) if framework == "torch" else keras_model(pool, seed)
    history = fit(model, parts["train"], parts["valid"], seed=seed, verbose=False, **RECIPE)
    row = {"framework": framework, "others": others, "pool": pool, "seed": seed, "steps": parts["train"][0].shape[1]}
    row |= {"loss": history["loss"][-1], "valid": history["valid_accuracy"][-1]}
    row |= {"test": evaluate(model, parts["test"])["accuracy"]}
    if framework == "torch" and pool == "attention":
        tokens = parts["test"][0][:SHOWN]
        row |= {"tokens": tokens.tolist(), "weights": np.round(model.weights(tokens), 4).tolist()}
        pairs = [(w, marked(x)) for w, x in zip(model.weights(parts["test"][0]), parts["test"][0], strict=True)]
        row["on_marked"] = round(float(np.mean([w[name].sum() for w, name in pairs])), 4)
        row["before_marked"] = round(float(np.mean([w[: name.start].sum() for w, name in pairs])), 4)
    return row


def marked(x: np.ndarray) -> slice:
    """Return the places of the marked name, its star included."""
    first = int(np.flatnonzero(x == STAR)[0])
    ends = np.flatnonzero((x[first:] == COMMA) | (x[first:] == 0))
    return slice(first, first + int(ends[0]) if len(ends) else len(x))


def work(framework: str, log: Path) -> None:
    """Do the runs of a framework that the log lacks."""
    done = {(row["others"], row["pool"], row["seed"]) for row in read(log) if row["framework"] == framework}
    for others in OTHERS[framework]:
        parts = data(others)
        for seed in SEEDS:
            for pool in POOLS:
                if (others, pool, seed) not in done:
                    start = time.perf_counter()
                    row = point(framework, parts, others, pool, seed)
                    with log.open("a", encoding="utf-8") as out:
                        out.write(json.dumps(row) + "\n")
                    spent = time.perf_counter() - start
                    print(
                        f"{framework} {others} {pool:9} {seed}: {row['valid']:.3f} {row['test']:.3f} {spent:.0f} s",
                        flush=True,
                    )


def read(log: Path) -> list[dict[str, Any]]:
    """Return the rows of a log."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def main() -> None:
    """Read the arguments; run, and store."""
    parser = argparse.ArgumentParser(prog="python -m experiments.attention_pooling")
    parser.add_argument("framework", nargs="?", choices=("torch", "keras"), help="only the runs of one, not stored")
    parser.add_argument("--log", type=Path, default=stamp.ROOT / "_build" / "attention_pooling.jsonl")
    given = parser.parse_args()
    if given.framework:
        work(given.framework, given.log)
        return
    start = time.perf_counter()
    for framework in ("torch", "keras"):
        command = [sys.executable, "-m", "experiments.attention_pooling", framework, "--log", str(given.log)]
        subprocess.run(command, check=True)
    rows = sorted(read(given.log), key=lambda row: (row["framework"], row["others"], row["pool"], row["seed"]))
    seconds = time.perf_counter() - start
    print(stamp.store("attention_pooling", rows, SEEDS, ["torch", "tensorflow", "keras", "numpy"], seconds).name)


if __name__ == "__main__":
    main()
