"""What does depth do to a plain and to a residual network: gradients by layer, and training curves?

Small networks on the digits with 10, 26 and 58 layers in a row, of the kinds in ``KINDS``, three seeds, in PyTorch.
``python -m experiments.deep_plain 0`` prints the rows of seed 0; with a second number, of that kind only.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from experiments import stamp

SEEDS = (0, 1, 2)
BLOCKS = (2, 6, 14)  # in each of two stages; two convolutions a block, and the first and the last layer
KINDS = {
    "plain, small start": ("vgg", False),  # weights as PyTorch draws them: variance 1 / (3 inputs)
    "plain, He start": ("vgg", False),  # variance 2 / inputs
    "plain, batch norm": ("vgg", True),
    "residual, batch norm": ("residual", True),
}
RECIPE = {"epochs": 3, "batch_size": 64, "lr": 1e-3}


def network(kind: str, blocks: int, seed: int) -> Any:
    """Return a network of a kind with fresh weights."""
    import torch
    from gpulab.models import small

    torch.manual_seed(seed)
    name, norm = KINDS[kind]
    model = small(name, "torch", blocks=blocks, norm=norm)
    if kind == "plain, small start":
        for module in model.modules():
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
    return model


def gradients(model: Any, x: Any, y: Any) -> list[float]:
    """Return the norm of the loss's gradient for each convolution of the main path, from the first to the last."""
    import torch

    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.zero_grad()
    torch.nn.functional.cross_entropy(model(x), y).backward()
    model.load_state_dict(before)  # as if nothing had happened, the running statistics, too
    named = [(name, p.grad) for name, p in model.named_parameters() if name.endswith("conv.weight")]
    return [float(f"{grad.double().norm().item():.3g}") for name, grad in named if "shortcut" not in name]


def point(kind: str, blocks: int, seed: int) -> dict[str, object]:
    """Train one network; return one row."""
    import torch
    from gpulab.data import load
    from gpulab.train import evaluate, fit

    digits = load("digits")
    x = torch.from_numpy(digits.train.x[::14]).permute(0, 3, 1, 2)
    y = torch.from_numpy(digits.train.y[::14]).long()
    model = network(kind, blocks, seed)
    at_start = gradients(model, x, y)
    history = fit(model, digits.train, digits.valid, seed=seed, verbose=False, device="cpu", **RECIPE)
    return {
        "kind": kind,
        "layers": 4 * blocks + 2,
        "seed": seed,
        "gradient_at_start": at_start,
        "gradient_at_end": gradients(model, x, y),
        "loss": [round(value, 4) for value in history["loss"]],
        "valid": [round(value, 4) for value in history["valid_accuracy"]],
        "train": evaluate(model, digits.train)["accuracy"],
        "test": evaluate(model, digits.test)["accuracy"],
        "seconds": round(history.seconds, 1),
    }


def compute() -> list[dict[str, object]]:
    """Return every row."""
    rows = []
    for seed in SEEDS:
        command = [sys.executable, "-m", "experiments.deep_plain", str(seed)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for kind in list(KINDS) if len(sys.argv) == 2 else [list(KINDS)[int(sys.argv[2])]]:
            for blocks in BLOCKS:
                print(json.dumps(point(kind, blocks, int(sys.argv[1]))), flush=True)
    else:
        stamp.run("deep_plain", compute, SEEDS, ["numpy", "torch"])
