"""How well and how fast does the reference CNN learn the digits: plain, longer, and longer with random shifts?

Three seeds for each recipe, in PyTorch and in Keras. "longer" differs from "shifts" in one thing only, so it tells what
the shifts add. Each framework runs in a process of its own. The recipes were fixed on the validation part.
"""

from __future__ import annotations

import json
import subprocess
import sys

from experiments import stamp

SEEDS = (0, 1, 2)
FRAMEWORKS = ("torch", "keras")
LONGER = {"epochs": 16, "batch_size": 64, "lr": 3e-3, "schedule": "one_cycle"}
RECIPES = {"plain": {"epochs": 10, "batch_size": 64}, "longer": LONGER, "shifts": LONGER}  # "shifts" moves images too


def seed_framework(framework: str, seed: int) -> None:
    """Seed the fresh weights of the next network."""
    if framework == "torch":
        import torch

        torch.manual_seed(seed)
    else:
        import keras

        keras.utils.set_random_seed(seed)


def point(framework: str, recipe: str, seed: int) -> dict[str, object]:
    """Train one network; return one row."""
    from gpulab.data import load
    from gpulab.models import reference_cnn
    from gpulab.train import evaluate, fit, shift

    digits = load("digits")
    seed_framework(framework, seed)
    model = reference_cnn(framework)
    augment = shift(2) if recipe == "shifts" else None
    history = fit(model, digits.train, digits.valid, seed=seed, augment=augment, verbose=False, **RECIPES[recipe])
    return {
        "framework": framework,
        "recipe": recipe,
        "seed": seed,
        "valid": history["valid_accuracy"][-1],
        "test": evaluate(model, digits.test)["accuracy"],
        "loss": history["loss"][-1],
        "valid_loss": history["valid_loss"][-1],
        "seconds": round(history.seconds, 2),
        "samples_per_second": round(history.samples_per_second),
    }


def compute() -> list[dict[str, object]]:
    """Return every row, each framework's from a process of its own."""
    rows = []
    for framework in FRAMEWORKS:
        command = [sys.executable, "-m", "experiments.digits_cnn", framework]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for recipe in RECIPES:
            for seed in SEEDS:
                print(json.dumps(point(sys.argv[1], recipe, seed)), flush=True)
    else:
        stamp.run("digits_cnn", compute, SEEDS, ["numpy", "torch", "tensorflow", "keras"])
