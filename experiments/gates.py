"""What do the gates of a small trained LSTM do, and what does the start of the forget gate's bias change?

Part ``names``: an LSTM with 16 units reads first names letter by letter (PyTorch); three seeds, with their weights,
rounded to four digits, so that a page can run them in NumPy. Part ``memory``: say the first of 40 random digits after
the last one, with forget biases 0, 1, 2 and 4, in PyTorch and in Keras; beside them, in PyTorch, an RNN, a GRU, and a
GRU with an update bias of 2. Three seeds. Run it again with the same ``--log FILE``, and it goes on where it stopped.
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
BIASES = (0.0, 1.0, 2.0, 4.0)
STEPS, DIGITS = 40, 10
NAMES_UNITS, MEMORY_UNITS = 16, 32


def one_hot(numbers: np.ndarray, n: int) -> np.ndarray:
    """Return numbers 1..n as vectors; 0 becomes a vector of zeros."""
    return np.eye(n + 1, dtype=np.float32)[numbers][..., 1:]


def digits(n: int, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n sequences of random digits, as vectors (n, steps, 10), and the first digit of each."""
    drawn = np.random.default_rng(seed).integers(0, DIGITS, (n, steps))
    return one_hot(drawn + 1, DIGITS), drawn[:, 0]


def set_forget_bias(model: Any, value: float) -> None:
    """Set what is added in the forget gates of an LSTM (in PyTorch also in the update gates of a GRU)."""
    if hasattr(model, "named_parameters"):
        import torch

        with torch.no_grad():
            for name, weight in model.named_parameters():
                if "bias_ih" in name or "bias_hh" in name:
                    units = model.rnn.hidden_size  # the second block of rows, in an LSTM and in a GRU
                    weight[units : 2 * units] = value if "bias_ih" in name else 0.0
        return
    import keras

    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.LSTM):
            kernel, recurrent, bias = layer.get_weights()
            bias[layer.units : 2 * layer.units] = value
            layer.set_weights([kernel, recurrent, bias])


def names(seed: int) -> dict[str, Any]:
    """Train the small LSTM on first names; return its row, with its weights."""
    import torch
    from gpulab.data import load
    from gpulab.models import reference_rnn
    from gpulab.train import evaluate, fit, predict

    found = load("names")
    parts = {name: (one_hot(getattr(found, name).x, 26), getattr(found, name).y) for name in ("train", "valid", "test")}
    torch.manual_seed(seed)
    model = reference_rnn("torch", "lstm", features=26, units=NAMES_UNITS, outputs=2)
    fit(model, parts["train"], epochs=12, batch_size=64, lr=1e-2, schedule="cosine", clip=1.0, seed=seed, verbose=False)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.round(weight, decimals=4))
    answers, truth = predict(model, parts["test"][0]).argmax(axis=1), parts["test"][1]
    rounded = {name: np.round(w.numpy().astype(float), 4).tolist() for name, w in model.state_dict().items()}
    return {
        "part": "names",
        "framework": "torch",
        "cell": "lstm",
        "seed": seed,
        "train": evaluate(model, parts["train"])["accuracy"],
        "valid": evaluate(model, parts["valid"])["accuracy"],
        "test": float((answers == truth).mean()),
        "balanced": float(np.mean([(answers[truth == k] == k).mean() for k in (0, 1)])),
        "weights": {name[4:-3]: rounded[name] for name in rounded if name.startswith("rnn.")},
        "dense": {name[5:]: rounded[name] for name in rounded if name.startswith("head.")},
    }


def memory(framework: str, cell: str, bias: float | None, seed: int) -> dict[str, Any]:
    """Train on the task with a long memory; return the validation accuracy after each 100 steps of training."""
    from gpulab.models import reference_rnn
    from gpulab.train import fit

    if framework == "torch":
        import torch

        torch.manual_seed(seed)
    else:
        import keras

        keras.utils.set_random_seed(seed)
    model = reference_rnn(framework, cell, features=DIGITS, units=MEMORY_UNITS, outputs=DIGITS, masked=False)
    if bias is not None:
        set_forget_bias(model, bias)
    train, valid = digits(6400, STEPS, seed), digits(500, STEPS, 1000 + seed)
    history = fit(model, train, valid, epochs=12, batch_size=64, lr=5e-3, clip=1.0, seed=seed, verbose=False)
    return {
        "part": "memory",
        "framework": framework,
        "cell": cell,
        "bias": bias,
        "seed": seed,
        "accuracy": [round(value, 4) for value in history["valid_accuracy"]],
    }


def plan(framework: str) -> list[tuple[str, str, float | None, int]]:
    """Return what to train: (part, cell, forget bias, seed)."""
    points = [("memory", "lstm", bias, seed) for seed in SEEDS for bias in BIASES]
    if framework == "torch":
        points = [("names", "lstm", None, seed) for seed in SEEDS] + points
        others = (("rnn", None), ("gru", None), ("gru", 2.0))
        points += [("memory", cell, bias, seed) for cell, bias in others for seed in SEEDS]
    return points


def work(framework: str, log: Path) -> None:
    """Train what the log does not have yet."""
    done = {(r["framework"], r["part"], r["cell"], r.get("bias"), r["seed"]) for r in read(log)}
    for part, cell, bias, seed in plan(framework):
        if (framework, part, cell, bias, seed) not in done:
            row = names(seed) if part == "names" else memory(framework, cell, bias, seed)
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(json.dumps({key: value for key, value in row.items() if key not in ("weights", "dense")}), flush=True)


def read(log: Path) -> list[dict[str, Any]]:
    """Return the rows of a log."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("framework", nargs="?", choices=("torch", "keras"))
    parser.add_argument("--log", type=Path, default=Path("gates.log"))
    parser.add_argument("--before", type=float, default=0.0, help="seconds that the earlier parts of a stopped run took")
    given = parser.parse_args()
    if given.framework:
        work(given.framework, given.log)
        return
    start = time.perf_counter() - given.before
    for framework in ("torch", "keras"):
        subprocess.run([sys.executable, "-m", "experiments.gates", framework, "--log", str(given.log)], check=True)
    seconds = time.perf_counter() - start
    path = stamp.store("gates", read(given.log), SEEDS, ("numpy", "torch", "tensorflow", "keras"), seconds)
    print(f"stored in {path.relative_to(stamp.ROOT)}")


if __name__ == "__main__":
    main()
