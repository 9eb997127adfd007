"""A run in a process of its own, for the tests that kill it, interrupt it, or start two of it.

python train_script.py OUTPUT [--checkpoint FOLDER] [--signal NAME --at STEP]
"""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from gpulab.train import Callback, Checkpoint, History, fit, shift

SAMPLES = 49  # in batches of 16 the last one has a single sample: one of two processes gets none


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return images and labels."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(SAMPLES, 6, 6, 1)).astype(np.float32), rng.integers(0, 3, SAMPLES)


def network() -> nn.Sequential:
    """Return a tiny network."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


def run(model: nn.Module, **more: Any) -> History:
    """Train it, always in the same way."""
    return fit(
        model,
        data(),
        data(),
        epochs=3,
        batch_size=16,
        schedule="one_cycle",
        augment=shift(1),
        clip=1.0,
        device="cpu",
        **more,
    )


class Send(Callback):
    """Send this process a signal after so many steps."""

    def __init__(self, name: str, step: int) -> None:
        self.number, self.step = getattr(signal, name), step

    def on_step(self, run: Any) -> None:
        if run.steps_done == self.step:
            os.kill(os.getpid(), self.number)


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--signal")
    parser.add_argument("--at", type=int)
    arguments = parser.parse_args()
    callbacks: list[Callback] = [Checkpoint(arguments.checkpoint, every=1)] if arguments.checkpoint else []
    callbacks += [Send(arguments.signal, arguments.at)] if arguments.signal else []
    model = network()
    history = run(model, callbacks=callbacks)
    if os.environ.get("RANK", "0") == "0":
        save_file(model.state_dict(), arguments.output / "weights.safetensors")
        (arguments.output / "history.json").write_text(history.to_json())


if __name__ == "__main__":
    main()
