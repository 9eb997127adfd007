"""How much of the gradient of the loss reaches each step of a sequence, at the start and after training?

A cell (tanh RNN, LSTM with forget bias 1, GRU) with 32 units reads the adding problem, and a dense layer answers after
the last step. Each recurrent matrix (one for each gate) starts as an orthogonal matrix times a number, so that all its
eigenvalues have that modulus: the spectral radius. Stored is the norm of the gradient of the loss for the input of a
step, divided by that of the last step (mean over 64 sequences).

The starts are drawn with NumPy, so both frameworks begin with the same weights. `python -m
experiments.gradients_through_time torch --log FILE` writes the rows of one framework to a file, and goes on where it
stopped; without arguments it computes everything.
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
CELLS = {"rnn": 1, "lstm": 4, "gru": 3}  # and how many matrices each has
RADII = (0.5, 0.9, 1.0, 1.1, 1.5)
LENGTHS = (10, 30, 100)
TRAINED = {"torch": (0.5, 1.0, 1.5), "keras": (1.0,)}  # the radii that are trained, too, with TRAINED_LENGTH
TRAINED_LENGTH, STEPS, BATCH, RATE, CLIP, UNITS = 30, 500, 64, 5e-3, 1.0, 32


def adding(n: int, length: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return n sequences of numbers and marks (n, length, 2), and the sum of each one's two marked numbers (n, 1)."""
    x = np.zeros((n, length, 2), np.float32)
    x[:, :, 0] = rng.random((n, length))
    places = rng.integers(0, length // 2, n), rng.integers(length // 2, length, n)
    for place in places:
        x[np.arange(n), place, 1] = 1
    return x, x.prod(axis=2).sum(axis=1, keepdims=True)


def start(cell: str, radius: float, seed: int) -> dict[str, np.ndarray]:
    """Return the weights of a cell and of the dense layer after it, in PyTorch's layouts."""
    rng, gates = np.random.default_rng(seed), CELLS[cell]
    blocks = [radius * np.linalg.qr(rng.normal(size=(UNITS, UNITS)))[0] for _ in range(gates)]
    limit = (6 / (2 + UNITS)) ** 0.5
    bias = np.zeros(gates * UNITS)
    if cell == "lstm":
        bias[UNITS : 2 * UNITS] = 1
    weights = {
        "weight_ih": rng.uniform(-limit, limit, (gates * UNITS, 2)),
        "weight_hh": np.concatenate(blocks),
        "bias": bias,
        "dense": rng.uniform(-1, 1, (1, UNITS)) * (6 / (1 + UNITS)) ** 0.5,
    }
    return {name: value.astype(np.float32) for name, value in weights.items()}


def torch_model(cell: str, weights: dict[str, np.ndarray]) -> Any:
    """Return a recurrent layer and a dense one of PyTorch with these weights, and their function of x."""
    import torch
    from torch import nn

    layer = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](2, UNITS, batch_first=True)
    dense = nn.Linear(UNITS, 1)
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.from_numpy(weights["weight_ih"]))
        layer.weight_hh_l0.copy_(torch.from_numpy(weights["weight_hh"]))
        layer.bias_ih_l0.copy_(torch.from_numpy(weights["bias"]))
        layer.bias_hh_l0.zero_()
        dense.weight.copy_(torch.from_numpy(weights["dense"]))
        dense.bias.zero_()
    return nn.ModuleList([layer, dense]), lambda x: dense(layer(x)[0][:, -1])


def keras_model(cell: str, weights: dict[str, np.ndarray], length: int) -> Any:
    """Return the Keras model with these weights."""
    import keras

    layer = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell](UNITS)
    model = keras.Sequential([keras.Input((length, 2)), layer, keras.layers.Dense(1)])
    wx, wh, bias = (weights[name] for name in ("weight_ih", "weight_hh", "bias"))
    if cell == "gru":  # Keras has the update gate first, and two biases
        order = np.concatenate([np.arange(UNITS, 2 * UNITS), np.arange(UNITS), np.arange(2 * UNITS, 3 * UNITS)])
        wx, wh, bias = wx[order], wh[order], np.stack([bias[order], 0 * bias])
    model.set_weights([wx.T, wh.T, bias, weights["dense"].T, np.zeros(1, np.float32)])
    return model


def shares(gradient: np.ndarray) -> dict[str, list[float]]:
    """Return how many steps back, and the norm there over that of the last step; about 25 places."""
    norms = np.linalg.norm(gradient.astype(np.float64), axis=2).mean(axis=0)[::-1]
    back = sorted({*range(0, len(norms), max(1, len(norms) // 25)), len(norms) - 1})
    return {"back": back, "share": [float(f"{norms[b] / norms[0]:.3g}") for b in back]}


def torch_point(cell: str, radius: float, length: int, seed: int, train: bool) -> dict[str, Any]:
    """Measure, and train before that if asked to."""
    import torch
    from torch.nn.functional import mse_loss

    torch.manual_seed(seed)
    parts, model = torch_model(cell, start(cell, radius, seed))
    rng, found = np.random.default_rng(100 + seed), {}
    if train:
        optimizer = torch.optim.Adam(parts.parameters(), RATE)
        for _ in range(STEPS):
            x, y = map(torch.from_numpy, adding(BATCH, length, rng))
            optimizer.zero_grad()
            mse_loss(model(x), y).backward()
            torch.nn.utils.clip_grad_norm_(parts.parameters(), CLIP)
            optimizer.step()
    x, y = map(torch.from_numpy, adding(BATCH, length, np.random.default_rng(1000 + seed)))
    loss = mse_loss(model(x.requires_grad_()), y)
    loss.backward()
    if train:
        found = {"radius_after": float(f"{spectral_radius(parts[0].weight_hh_l0.detach().numpy()):.3g}")}
    return {"loss": float(f"{loss.item():.4g}"), **found, **shares(x.grad.numpy())}


def keras_point(cell: str, radius: float, length: int, seed: int, train: bool) -> dict[str, Any]:
    """Measure, and train before that if asked to."""
    import keras
    import tensorflow as tf

    model = keras_model(cell, start(cell, radius, seed), length)
    if train:
        model.compile(keras.optimizers.Adam(RATE, epsilon=1e-8, global_clipnorm=CLIP), "mse")
        x, y = adding(BATCH * STEPS, length, np.random.default_rng(100 + seed))
        model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
    x, y = map(tf.constant, adding(BATCH, length, np.random.default_rng(1000 + seed)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_mean((model(x) - y) ** 2)
    found = {}
    if train:
        found = {"radius_after": float(f"{spectral_radius(model.layers[0].get_weights()[1].T):.3g}")}
    return {"loss": float(f"{float(loss):.4g}"), **found, **shares(tape.gradient(loss, x).numpy())}


def spectral_radius(blocks: np.ndarray) -> float:
    """Return the largest modulus of an eigenvalue of any gate's matrix."""
    return max(abs(np.linalg.eigvals(block)).max() for block in np.split(blocks, len(blocks) // UNITS))


def points(framework: str) -> list[dict[str, Any]]:
    """Return what is to be computed, in order."""
    found = [
        {"framework": framework, "cell": cell, "radius": radius, "length": length, "seed": seed, "trained": trained}
        for trained in (False, True)
        for length in LENGTHS
        for radius in RADII
        for cell in CELLS
        for seed in SEEDS
    ]
    return [
        p for p in found
        if not p["trained"] or (p["length"] == TRAINED_LENGTH and p["radius"] in TRAINED[framework])
    ]  # fmt: skip


def work(framework: str, log: Path) -> None:
    """Append the rows that are missing to a file."""
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    point = torch_point if framework == "torch" else keras_point
    for place in points(framework):
        if not any(place.items() <= row.items() for row in done):
            where = {key: value for key, value in place.items() if key not in ("framework", "trained")}
            row = place | point(train=place["trained"], **where)
            with log.open("a") as file:
                file.write(json.dumps(row) + "\n")


def compute(logs: Path) -> list[dict[str, Any]]:
    """Return every row, each framework's from a process of its own."""
    rows = []
    for framework in FRAMEWORKS:
        log = logs / f"{framework}.jsonl"
        command = [sys.executable, "-m", "experiments.gradients_through_time", framework, "--log", log]
        subprocess.run(command, check=True)
        rows += [json.loads(line) for line in log.read_text().splitlines()]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in FRAMEWORKS:
        work(sys.argv[1], Path(sys.argv[3]))
    else:  # `--logs FOLDER` keeps the rows, to go on where it stopped
        kept = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
        stamp.run("gradients_through_time", lambda: compute(kept), SEEDS, ["numpy", "torch", "tensorflow", "keras"])
