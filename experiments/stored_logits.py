"""What a trained network says about every validation and test digit, to be read and calibrated on a page.

The reference CNN learns from 500 digits only, one of seven, so that there are errors to read. Two recipes: "long" goes
on for 40 epochs, "short" stops after 12. The rows of the kind "logits" hold one network's logits; the others the accuracy,
the calibration before and after temperature scaling, for all seeds. Each framework runs in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np

from experiments import stamp
from experiments.digits_cnn import seed_framework

SEEDS = (0, 1, 2)
FRAMEWORKS = ("torch", "keras")
EPOCHS = {"short": 12, "long": 40}
EVERY, BINS = 7, 10
TEMPERATURES = np.linspace(0.5, 4, 351)


def log_softmax(z: np.ndarray) -> np.ndarray:
    """Return logarithms of the probabilities."""
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def loss(z: np.ndarray, y: np.ndarray) -> float:
    """Return the mean cross-entropy."""
    return float(-log_softmax(z)[np.arange(len(y)), y].mean())


def calibration_error(z: np.ndarray, y: np.ndarray) -> float:
    """Return the expected calibration error over bins of equal width."""
    p = np.exp(log_softmax(z))
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return float(sum(abs((confidence - right)[place == b].sum()) for b in range(BINS)) / len(y))


def point(framework: str, recipe: str, seed: int) -> list[dict[str, object]]:
    """Train one network; return its row, and its logits where they are kept."""
    from gpulab.data import load
    from gpulab.models import reference_cnn
    from gpulab.train import fit, predict

    digits = load("digits")
    seed_framework(framework, seed)
    model = reference_cnn(framework)
    some = (digits.train.x[::EVERY], digits.train.y[::EVERY])
    fit(model, some, epochs=EPOCHS[recipe], batch_size=32, seed=seed, verbose=False)
    (zv, yv), (zt, yt) = ((predict(model, part.x), part.y) for part in (digits.valid, digits.test))
    best = float(TEMPERATURES[np.argmin([loss(zv / t, yv) for t in TEMPERATURES])])
    rows = [
        {
            "kind": "summary", "framework": framework, "recipe": recipe, "seed": seed, "temperature": best,
            "accuracy": float((zt.argmax(axis=1) == yt).mean()),
            "confidence": float(np.exp(log_softmax(zt)).max(axis=1).mean()),
            "loss": loss(zt, yt), "loss_scaled": loss(zt / best, yt),
            "error": calibration_error(zt, yt), "error_scaled": calibration_error(zt / best, yt),
        }
    ]  # fmt: skip
    if (framework, recipe, seed) == ("torch", "long", 0):
        for name, z, y in (("valid", zv, yv), ("test", zt, yt)):
            text = " ".join(f"{value:.2f}" for value in z.ravel())
            rows.append({"kind": "logits", "part": name, "labels": "".join(map(str, y)), "logits": text})
    return rows


def compute() -> list[dict[str, object]]:
    """Return every row, each framework's from a process of its own."""
    rows = []
    for framework in FRAMEWORKS:
        command = [sys.executable, "-m", "experiments.stored_logits", framework]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for each in EPOCHS:
            for number in SEEDS:
                for row in point(sys.argv[1], each, number):
                    print(json.dumps(row), flush=True)
    else:
        stamp.run("stored_logits", compute, SEEDS, ["numpy", "torch", "tensorflow", "keras"])
