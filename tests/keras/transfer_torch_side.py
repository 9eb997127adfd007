"""The torch half of a comparison, in a process of its own: python transfer_torch_side.py FOLDER.

Trains a small model from the weights of Keras with rates for each stage and gradual unfreezing; writes its weights.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gpulab import transfer
from gpulab.train import fit


class Small(nn.Module):
    """Two stages and a head, all dense."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(
            {"stem": nn.Sequential(nn.Linear(6, 8), nn.Tanh()), "block1": nn.Sequential(nn.Linear(8, 8), nn.Tanh())}
        )
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        for stage in self.stages.values():
            x = stage(x)
        return self.head(x)


def main(folder: Path) -> None:
    """Do it."""
    start = np.load(folder / "start.npz")
    for optimizer, weight_decay in (("adamw", 0.1), ("sgd", 0.0)):
        model = Small()
        layers = (model.stages["stem"][0], model.stages["block1"][0], model.head)
        with torch.no_grad():
            for number, layer in enumerate(layers):
                layer.weight.copy_(torch.tensor(start[f"{2 * number}"].T))
                layer.bias.copy_(torch.tensor(start[f"{2 * number + 1}"]))
        rates = transfer.group_rates(model, 1e-2, decay=0.5, optimizer=optimizer, weight_decay=weight_decay)
        gradual = transfer.GradualUnfreezing(["block1", "stem"])
        fit(model, (start["x"], start["y"]), epochs=4, batch_size=16, optimizer=rates, clip=0.5, callbacks=[gradual])
        found = [array for layer in layers for array in (layer.weight.detach().numpy().T, layer.bias.detach().numpy())]
        np.savez(folder / f"{optimizer}.npz", *found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
