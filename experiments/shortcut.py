"""A network that cheats: a tick at the bottom of each training image gives the class away, in 95 % of the images.

Validation images of the same source carry the tick, too, and look excellent. The clean test images have none; "moved" has
the tick of a wrong class. Two repairs: "removed" blanks the rows of the tick, "shuffled" draws its place anew, without
the class. "honest" never saw a tick. Each framework runs in a process of its own.

The rows of the kind "weights" hold the cheating network and the one with shuffled ticks as whole numbers of 8 bits.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np

from experiments import stamp
from experiments.planted_patch import as_text

SEEDS = (0, 1, 2, 3, 4)
FRAMEWORKS = ("torch", "keras")
RECIPE = {"epochs": 5, "batch_size": 32, "lr": 2e-3, "verbose": False}
EVERY = 7  # one of seven training digits: 500 images
SHARE = 0.95  # of the images whose tick tells the class
ROWS = slice(24, 27)
KINDS = ("honest", "cheating", "removed", "shuffled")


def tick(images: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return copies with a white tick, 3 x 2 pixels, near the bottom; the place, 0 to 9, is its column."""
    marked = images.copy()
    for image, place in zip(marked, places, strict=True):
        image[ROWS, 4 + 2 * place : 6 + 2 * place] = 1
    return marked


def source(x: np.ndarray, y: np.ndarray, seed: int, share: float = SHARE) -> np.ndarray:
    """Return images as the source delivers them: a share has the tick of its class, the others one drawn by lot."""
    rng = np.random.default_rng(seed)
    fits = rng.random(len(y)) < share
    return tick(x, np.where(fits, y, rng.integers(10, size=len(y))))


def blank(images: np.ndarray) -> np.ndarray:
    """Return copies without the rows of the tick."""
    marked = images.copy()
    marked[:, ROWS] = 0
    return marked


def network(framework: str, seed: int) -> Any:
    """Return a fresh network: two convolutions, two poolings, one dense layer."""
    if framework == "torch":
        import torch
        from torch import nn

        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(7 * 7 * 32, 10),
        )  # fmt: skip
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def point(framework: str, kind: str, seed: int) -> list[dict[str, object]]:
    """Train one network; return its row, and its weights where they are kept."""
    from gpulab.data import load
    from gpulab.train import evaluate, fit, predict

    digits = load("digits")
    x, y = digits.train.x[::EVERY], digits.train.y[::EVERY]
    test, labels = digits.test
    moved = (labels + np.random.default_rng(9).integers(1, 10, size=len(labels))) % 10
    prepare = blank if kind == "removed" else np.array
    given = x if kind == "honest" else prepare(source(x, y, 0, 0.0 if kind == "shuffled" else SHARE))
    model = network(framework, seed)
    fit(model, (given, y), seed=seed, **RECIPE)
    same = prepare(source(digits.valid.x, digits.valid.y, 1))
    answers = predict(model, prepare(tick(test, moved))).argmax(axis=1)
    rows = [
        {
            "kind": kind, "framework": framework, "seed": seed,
            "same_source": evaluate(model, (same, digits.valid.y))["accuracy"],
            "clean": evaluate(model, (prepare(test), labels))["accuracy"],
            "moved": float((answers == labels).mean()),
            "follows": float((answers == moved).mean()),
        }
    ]  # fmt: skip
    if framework == "torch" and seed == 0 and kind in ("cheating", "shuffled"):
        for name, i in (("conv1", 0), ("conv2", 3), ("dense", 7)):
            weight, bias = (array.detach().cpu().numpy() for array in (model[i].weight, model[i].bias))
            if name == "dense":  # flattened as (channels, rows, columns): bring the channels last
                weight = weight.reshape(10, 32, 7, 7).transpose(2, 3, 1, 0).reshape(-1, 10)
            else:
                weight = weight.transpose(2, 3, 1, 0)
            rows += [
                {"kind": "weights", "network": kind, "name": name, **as_text(weight)},
                {"kind": "weights", "network": kind, "name": f"{name}-bias", **as_text(bias)},
            ]
    return rows


def compute() -> list[dict[str, object]]:
    """Return every row, each framework's from a process of its own."""
    rows = []
    for framework in FRAMEWORKS:
        command = [sys.executable, "-m", "experiments.shortcut", framework]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for each in KINDS:
            for number in SEEDS:
                for row in point(sys.argv[1], each, number):
                    print(json.dumps(row), flush=True)
    else:
        stamp.run("shortcut", compute, SEEDS, ["numpy", "torch", "tensorflow", "keras"])
