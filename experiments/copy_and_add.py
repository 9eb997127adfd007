"""Which recurrent network learns to remember: the adding problem and a short copy task, step by step.

Adding: a sequence of random numbers, two of them marked; the target is the sum of the two. Guessing the mean has a mean
squared error of 1/6 = 0.167. Copy: three symbols out of eight, a delay of blanks, a sign, and then the three symbols
must be said again; only these three are counted. Guessing has an accuracy of 1/8.

Every network has 32 units, learns with Adam from fresh batches of 64 sequences, and is tested on 1,000 sequences. The
plain start ("rnn", "lstm", "gru") draws the recurrent weights as PyTorch does, with 1 for the LSTM's forget bias;
"orthogonal" makes them an orthogonal matrix; "identity" is the ReLU network of Le and others (2015). Clipped means: at
norm 1, as the LSTM and the GRU are. All runs of one seed see the same sequences.

`python -m experiments.copy_and_add torch --log FILE` writes the rows of one framework to a file, and goes on where it
stopped; without arguments it computes all.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from experiments import stamp

SEEDS = (0, 1, 2)
FRAMEWORKS = ("torch", "keras")
METHODS = {  # cell, start of the recurrent weights, highest norm of the gradient
    "rnn": ("rnn", "uniform", None),
    "rnn, clipped": ("rnn", "uniform", 1.0),
    "rnn, orthogonal, clipped": ("rnn", "orthogonal", 1.0),
    "relu, identity": ("relu", "identity", None),
    "relu, identity, clipped": ("relu", "identity", 1.0),
    "lstm": ("lstm", "uniform", 1.0),
    "gru": ("gru", "uniform", 1.0),
}
GATES = {"rnn": 1, "relu": 1, "lstm": 4, "gru": 3}
STEPS = {"add": 800, "copy": 1000}
LENGTHS = {"add": (20, 40, 80), "copy": (10,)}  # of a sequence; of the delay
LEFT_OUT = [("add", 80, "rnn, clipped"), ("copy", 10, "relu, identity"), ("copy", 10, "relu, identity, clipped")]
IN_KERAS = [("add", 20, "rnn, orthogonal, clipped"), ("add", 20, "lstm"), ("add", 40, "lstm"), ("add", 40, "gru")]
UNITS, BATCH, RATE, EVERY = 32, 64, 5e-3, 50
SYMBOLS, KEPT = 8, 3


def adding(n: int, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return n sequences of numbers and marks (n, length, 2), and the sum of each one's two marked numbers (n, 1)."""
    x = np.zeros((n, length, 2), np.float32)
    x[:, :, 0] = rng.random((n, length))
    places = rng.integers(0, length // 2, n), rng.integers(length // 2, length, n)
    for place in places:
        x[np.arange(n), place, 1] = 1
    return x, x.prod(axis=2).sum(axis=1, keepdims=True)


def copying(n: int, delay: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return n sequences (n, 2 * KEPT + delay, SYMBOLS + 2), one-hot, and the symbols to say at the end (n, KEPT)."""
    y = rng.integers(0, SYMBOLS, (n, KEPT))
    tokens = np.full((n, 2 * KEPT + delay), SYMBOLS)  # blank
    tokens[:, :KEPT] = y
    tokens[:, KEPT + delay] = SYMBOLS + 1  # the sign: now
    return np.eye(SYMBOLS + 2, dtype=np.float32)[tokens], y


DRAW = {"add": adding, "copy": copying}


def start(cell: str, kind: str, features: int, outputs: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return weights in PyTorch's layouts."""
    gates, limit = GATES[cell], UNITS**-0.5
    weights = {
        "weight_ih": rng.uniform(-limit, limit, (gates * UNITS, features)),
        "weight_hh": rng.uniform(-limit, limit, (gates * UNITS, UNITS)),
        "bias": np.zeros(gates * UNITS),
        "dense": rng.uniform(-limit, limit, (outputs, UNITS)),
    }
    if kind == "orthogonal":
        weights["weight_hh"] = np.linalg.qr(rng.normal(size=(UNITS, UNITS)))[0]
    if kind == "identity":
        weights["weight_hh"] = np.eye(UNITS)
        weights["weight_ih"] = rng.normal(0, 0.03, (UNITS, features))
    if cell == "lstm":
        weights["bias"][UNITS : 2 * UNITS] = 1  # the forget gate
    return {name: value.astype(np.float32) for name, value in weights.items()}


def torch_point(task: str, length: int, method: str, seed: int) -> dict[str, Any]:
    """Train one network in PyTorch."""
    import torch
    from torch import nn

    cell, kind, clip = METHODS[method]
    features, outputs = (2, 1) if task == "add" else (SYMBOLS + 2, SYMBOLS)
    drawn = start(cell, kind, features, outputs, np.random.default_rng(seed))
    weights = {name: torch.from_numpy(value) for name, value in drawn.items()}
    known = {"rnn": nn.RNN, "relu": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
    named = {"nonlinearity": "relu"} if cell == "relu" else {}
    layer, dense = known[cell](features, UNITS, batch_first=True, **named), nn.Linear(UNITS, outputs)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(weights["weight_ih"])
        layer.weight_hh_l0.copy_(weights["weight_hh"])
        layer.bias_ih_l0.copy_(weights["bias"])
        layer.bias_hh_l0.zero_()
        dense.weight.copy_(weights["dense"])
        dense.bias.zero_()
    parameters = [*layer.parameters(), *dense.parameters()]
    optimizer, rng = torch.optim.Adam(parameters, RATE), np.random.default_rng(100 + seed)

    def loss_of(x: np.ndarray, y: np.ndarray) -> tuple[Any, Any]:
        states, target = layer(torch.from_numpy(x))[0], torch.from_numpy(y)
        if task == "add":
            out = dense(states[:, -1])
            return nn.functional.mse_loss(out, target), out
        out = dense(states[:, -KEPT:])
        return nn.functional.cross_entropy(out.flatten(0, 1), target.flatten()), out

    losses, norms = [], []
    for _ in range(STEPS[task]):
        loss = loss_of(*DRAW[task](BATCH, length, rng))[0]
        optimizer.zero_grad()
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters, clip or float("inf")).item())
        optimizer.step()
        losses.append(loss.item())
    x, y = DRAW[task](1000, length, np.random.default_rng(1000 + seed))
    with torch.no_grad():
        loss, out = loss_of(x, y)
    return summary(task, losses, loss.item(), out.numpy(), y) | {
        "largest_norm": float(f"{max(norms):.3g}"), "median_norm": float(f"{np.median(norms):.3g}")
    }  # fmt: skip


def keras_point(task: str, length: int, method: str, seed: int) -> dict[str, Any]:
    """Train one network in Keras, on the adding problem."""
    import keras

    cell, kind, clip = METHODS[method]
    known = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
    model = keras.Sequential([keras.Input((length, 2)), known[cell](UNITS), keras.layers.Dense(1)])
    weights = start(cell, kind, 2, 1, np.random.default_rng(seed))
    wx, wh, bias = (weights[name] for name in ("weight_ih", "weight_hh", "bias"))
    if cell == "gru":  # Keras has the update gate first, and two biases
        order = np.concatenate([np.arange(UNITS, 2 * UNITS), np.arange(UNITS), np.arange(2 * UNITS, 3 * UNITS)])
        wx, wh, bias = wx[order], wh[order], np.stack([bias[order], 0 * bias])
    model.set_weights([wx.T, wh.T, bias, weights["dense"].T, np.zeros(1, np.float32)])
    model.compile(keras.optimizers.Adam(RATE, epsilon=1e-8, global_clipnorm=clip), "mse")
    losses: list[float] = []

    class Note(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
            losses.append(logs["loss"] * (batch + 1) - sum(losses))  # Keras gives the mean so far

    rng = np.random.default_rng(100 + seed)
    drawn = [adding(BATCH, length, rng) for _ in range(STEPS[task])]
    x, y = (np.concatenate(parts) for parts in zip(*drawn, strict=True))
    model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[Note()])
    x, y = adding(1000, length, np.random.default_rng(1000 + seed))
    out = model.predict(x, batch_size=1000, verbose=0)
    return summary(task, losses, float(((out - y) ** 2).mean()), out, y)


def summary(task: str, losses: list[float], loss: float, out: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Return the learning curve, means of EVERY steps, and what the test says."""
    curve = np.array(losses).reshape(-1, EVERY).mean(axis=1)
    found = {"every": EVERY, "curve": [float(f"{v:.4g}") for v in curve], "test": float(f"{loss:.4g}")}
    return found if task == "add" else found | {"accuracy": round(float((out.argmax(axis=-1) == y).mean()), 4)}


def points(framework: str) -> list[dict[str, Any]]:
    """Return what is to be computed, in order."""
    every = [(task, length, method) for task in DRAW for length in LENGTHS[task] for method in METHODS]
    return [
        {"framework": framework, "task": task, "length": length, "method": method, "seed": seed}
        for task, length, method in (every if framework == "torch" else IN_KERAS)
        for seed in SEEDS
        if (task, length, method) not in LEFT_OUT
    ]


def work(framework: str, log: Path) -> None:
    """Append the rows that are missing to a file."""
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    point = torch_point if framework == "torch" else keras_point
    for place in points(framework):
        if not any(place.items() <= row.items() for row in done):
            row = place | point(**{key: value for key, value in place.items() if key != "framework"})
            with log.open("a") as file:
                file.write(json.dumps(row) + "\n")


def compute(logs: Path) -> list[dict[str, Any]]:
    """Return every row, each framework's from a process of its own."""
    rows = []
    for framework in FRAMEWORKS:
        log = logs / f"{framework}.jsonl"
        subprocess.run([sys.executable, "-m", "experiments.copy_and_add", framework, "--log", log], check=True)
        rows += [json.loads(line) for line in log.read_text().splitlines()]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in FRAMEWORKS:
        work(sys.argv[1], Path(sys.argv[3]))
    else:  # `--logs FOLDER` keeps the rows, to go on where it stopped
        kept = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
        stamp.run("copy_and_add", lambda: compute(kept), SEEDS, ["numpy", "torch", "tensorflow", "keras"])
