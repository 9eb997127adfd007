"""Do the maps that explain an answer point to the place where the answer is known to be?

A small symbol, a plus or a cross, is planted at a random place of each digit, and only this symbol tells the class. With
three classes the third one has no symbol; with two classes each image has one. Four methods point: the share of images
whose highest map value lies at the symbol, and the share of the map that lies there. The same networks before training,
with random weights, are the sanity check. Each framework runs in a process of its own.

The rows of the kind "erased" say which share keeps its answer when the symbol is gone. Those of the kind "weights"
hold one trained network of each task as whole numbers of 8 bits, for the chapter.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np

from experiments import stamp

SEEDS = (0, 1, 2)
FRAMEWORKS = ("torch", "keras")
TASKS = {"three": 3, "two": 2}  # classes: plus, cross, and in the first task none
RECIPE = {"epochs": 5, "batch_size": 64, "lr": 1e-2, "schedule": "one_cycle", "verbose": False}
METHODS = ("saliency", "gradient times input", "Grad-CAM", "occlusion")
SHOWN = 150  # test images that are explained
SIZE, WINDOW, STRIDE = 5, 6, 2  # of the symbol; of the occluding square
PLUS = np.array([[0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0]], np.float32)
CROSS = np.array([[1, 0, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 1, 0, 1, 0], [1, 0, 0, 0, 1]], np.float32)


def plant(images: np.ndarray, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images with a symbol, the class of each, and the symbol's upper left corner."""
    rng = np.random.default_rng(seed)
    x, y = images.copy(), rng.integers(classes, size=len(images))
    corners = rng.integers(1, 23, size=(len(images), 2))
    for image, k, (row, column) in zip(x, y, corners, strict=True):
        if k < 2:
            image[row : row + SIZE, column : column + SIZE, 0] = (PLUS, CROSS)[k]
    return x, y, corners


def judge(maps: np.ndarray, corners: np.ndarray) -> tuple[float, float]:
    """Return the share of maps whose highest value is at the symbol or one pixel beside it, and the mass there."""
    hits, shares = [], []
    for values, (row, column) in zip(maps, corners, strict=True):
        inside = np.zeros(values.shape, bool)
        inside[row - 1 : row + SIZE + 1, column - 1 : column + SIZE + 1] = True
        hits.append(inside[np.unravel_index(values.argmax(), values.shape)] and values.max() > 0)
        shares.append(values[inside].sum() / values.sum() if values.sum() > 0 else 0.0)
    return float(np.mean(hits)), float(np.mean(shares))


def enlarge(maps: np.ndarray) -> np.ndarray:
    """Return maps twice as large: each value four times."""
    return maps.repeat(2, axis=1).repeat(2, axis=2)


class Torch:
    """The network in PyTorch, and its gradients."""

    def __init__(self, classes: int, seed: int) -> None:
        import torch
        from torch import nn

        torch.manual_seed(seed)
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, classes))
        self.model = nn.Sequential(self.features, self.head)

    def gradients(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the gradient of each true logit for the pixels; the last maps; and the gradient for these."""
        import torch

        self.model.cpu()
        pixels = torch.from_numpy(x).permute(0, 3, 1, 2).requires_grad_()
        maps = self.features(pixels)
        chosen = self.head(maps)[torch.arange(len(y)), torch.from_numpy(y)].sum()
        found = torch.autograd.grad(chosen, (pixels, maps))
        return tuple(t.detach().permute(0, 2, 3, 1).numpy() for t in (found[0], maps, found[1]))

    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights in the layout (rows, columns, in, out)."""
        arrays = {}
        for name, layer in zip(("conv1", "conv2", "conv3"), (self.features[i] for i in (0, 3, 5)), strict=True):
            arrays[name], arrays[f"{name}-bias"] = layer.weight.permute(2, 3, 1, 0), layer.bias
        arrays["dense"], arrays["dense-bias"] = self.head[2].weight.T, self.head[2].bias
        return {name: array.detach().cpu().numpy() for name, array in arrays.items()}


class Keras:
    """The network in Keras, and its gradients."""

    def __init__(self, classes: int, seed: int) -> None:
        import keras
        from keras import layers

        keras.utils.set_random_seed(seed)
        self.features = keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Conv2D(16, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(2),
                layers.Conv2D(32, 3, padding="same", activation="relu"),
                layers.Conv2D(32, 3, padding="same", activation="relu"),
            ]
        )
        self.head = keras.Sequential(
            [keras.Input((14, 14, 32)), layers.GlobalAveragePooling2D(), layers.Dense(classes)]
        )
        self.model = keras.Sequential([keras.Input((28, 28, 1)), self.features, self.head])

    def gradients(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what ``Torch.gradients`` returns."""
        import tensorflow as tf

        pixels = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            maps = self.features(pixels)
            chosen = tf.reduce_sum(tf.gather(self.head(maps), y, axis=1, batch_dims=1))
        by_pixel, by_map = tape.gradient(chosen, (pixels, maps))
        return by_pixel.numpy(), maps.numpy(), by_map.numpy()


def explain(network: Any, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return a map (n, 28, 28) of each method for the true class of each image."""
    from gpulab.train import predict

    by_pixel, maps, by_map = network.gradients(x, y)
    weights = by_map.mean(axis=(1, 2), keepdims=True)
    before = np.take_along_axis(predict(network.model, x), y[:, None], axis=1)
    steps, hidden = range(0, 28 - WINDOW + 1, STRIDE), []
    for row in steps:
        for column in steps:
            covered = x.copy()
            covered[:, row : row + WINDOW, column : column + WINDOW] = 0
            hidden.append(covered)
    logits = predict(network.model, np.concatenate(hidden)).reshape(len(hidden), len(x), -1)
    fall = np.maximum(before[:, 0] - np.take_along_axis(logits, y[None, :, None], axis=2)[:, :, 0], 0)
    spread, times = np.zeros(x.shape[:3]), np.zeros(x.shape[1:3])
    for (row, column), values in zip(((r, c) for r in steps for c in steps), fall, strict=True):
        spread[:, row : row + WINDOW, column : column + WINDOW] += values[:, None, None]
        times[row : row + WINDOW, column : column + WINDOW] += 1
    return {
        "saliency": abs(by_pixel)[..., 0],
        "gradient times input": abs(by_pixel * x)[..., 0],
        "Grad-CAM": enlarge(np.maximum((weights * maps).sum(axis=-1), 0)),
        "occlusion": spread / times,
    }


def as_text(array: np.ndarray) -> dict[str, object]:
    """Return an array as whole numbers from -127 to 127 in one text, with their scale and shape."""
    scale = float(abs(array).max()) / 127
    numbers = np.round(array / scale).astype(int).ravel()
    return {"shape": list(array.shape), "scale": scale, "numbers": " ".join(map(str, numbers))}


def points(framework: str, task: str, seed: int) -> list[dict[str, object]]:
    """Train one network; return its rows."""
    from gpulab.data import load
    from gpulab.train import evaluate, fit, predict

    digits, classes = load("digits"), TASKS[task]
    x, y, corners = plant(digits.test.x, classes, seed=2)
    shown = np.flatnonzero(y < 2)[:SHOWN]
    network = {"torch": Torch, "keras": Keras}[framework](classes, seed)
    rows = []
    for state in ("random", "trained"):
        if state == "trained":
            fit(network.model, plant(digits.train.x, classes, seed=0)[:2], seed=seed, **RECIPE)
        accuracy = evaluate(network.model, (x, y))["accuracy"]
        for method, maps in explain(network, x[shown], y[shown]).items():
            for k, name in enumerate(("plus", "cross")):
                of_class = y[shown] == k
                hits, share = judge(maps[of_class], corners[shown][of_class])
                rows.append(
                    {
                        "kind": "pointing", "framework": framework, "task": task, "seed": seed, "state": state,
                        "accuracy": accuracy, "method": method, "class": name,
                        "hits": round(hits, 4), "share": round(share, 4),
                    }
                )  # fmt: skip
    bare = predict(network.model, digits.test.x[shown]).argmax(axis=1)
    for k, name in enumerate(("plus", "cross")):
        kept = float((bare[y[shown] == k] == k).mean())
        rows.append(
            {"kind": "erased", "framework": framework, "task": task, "seed": seed, "class": name, "kept": round(kept, 4)}
        )
    if framework == "torch" and seed == 0:
        rows += [
            {"kind": "weights", "task": task, "name": name, **as_text(array)}
            for name, array in network.weights().items()
        ]
    return rows


def compute() -> list[dict[str, object]]:
    """Return every row, each framework's from a process of its own."""
    rows = []
    for framework in FRAMEWORKS:
        command = [sys.executable, "-m", "experiments.planted_patch", framework]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for each in TASKS:
            for number in SEEDS:
                for row in points(sys.argv[1], each, number):
                    print(json.dumps(row), flush=True)
    else:
        stamp.run("planted_patch", compute, SEEDS, ["numpy", "torch", "tensorflow", "keras"])
