"""Which block learns most, with how many parameters and in how much time: VGG, Inception, residual, MBConv?

The four small networks of ``gpulab.models.small`` have the same skeleton and the same budget: two, or six, passes over
the digits. Three seeds, in PyTorch and in Keras; each framework and seed runs in a process of its own:
``python -m experiments.landmark_blocks torch 0`` prints its rows; with a name after it, those of one block.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from experiments import stamp
from experiments.digits_cnn import seed_framework

SEEDS = (0, 1, 2)
FRAMEWORKS = ("torch", "keras")
BLOCKS = ("vgg", "inception", "residual", "mbconv")
EPOCHS = (2, 6)
RECIPE = {"batch_size": 64, "lr": 3e-3, "schedule": "one_cycle"}


def point(framework: str, block: str, epochs: int, seed: int) -> dict[str, object]:
    """Train one network; return one row."""
    from gpulab.data import load
    from gpulab.models import parameter_count, small
    from gpulab.train import evaluate, fit

    digits = load("digits")
    seed_framework(framework, seed)
    model = small(block, framework)
    history = fit(model, digits.train, digits.valid, epochs=epochs, seed=seed, verbose=False, **RECIPE)
    return {
        "framework": framework,
        "block": block,
        "epochs": epochs,
        "seed": seed,
        "parameters": parameter_count(model, trainable=True),
        "loss": [round(value, 4) for value in history["loss"]],
        "valid": [round(value, 4) for value in history["valid_accuracy"]],
        "test": evaluate(model, digits.test)["accuracy"],
        "seconds": round(min(history["seconds"]), 2),  # of the quickest epoch: other work on the machine only adds
    }


def compute() -> list[dict[str, object]]:
    """Return every row, each framework's and seed's from a process of its own."""
    rows = []
    for framework in FRAMEWORKS:
        for seed in SEEDS:
            command = [sys.executable, "-m", "experiments.landmark_blocks", framework, str(seed)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            rows += parse(done.stdout.splitlines())
    return rows


def parse(lines: Sequence[str]) -> list[dict[str, object]]:
    """Return the rows among printed lines."""
    return [json.loads(line) for line in lines if line.startswith("{")]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for block in sys.argv[3:] or BLOCKS:
            for epochs in EPOCHS:
                print(json.dumps(point(sys.argv[1], block, epochs, int(sys.argv[2]))), flush=True)
    else:
        stamp.run("landmark_blocks", compute, SEEDS, ["numpy", "torch", "tensorflow", "keras"])
