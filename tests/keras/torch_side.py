"""The torch half of a comparison, in a process of its own: python torch_side.py FOLDER.

Reads ``from_keras.safetensors`` and ``x.npy``; writes the outputs that the weights give in torch, weights of its own
with their outputs, and the losses of a short training run from the weights of Keras.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gpulab.models import load_weights, reference_cnn, save_weights
from gpulab.train import fit, predict, shift


def main(folder: Path) -> None:
    """Do it."""
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    model = reference_cnn("torch")
    load_weights(model, folder / "from_keras.safetensors")
    np.save(folder / "torch_outputs_of_keras_weights.npy", predict(model, x))
    history = fit(
        model, (x, y), epochs=2, batch_size=16, schedule="one_cycle", augment=shift(2), clip=1.0, accumulate=2
    )
    np.save(folder / "torch_losses.npy", history["loss"])
    torch.manual_seed(1)
    own = reference_cnn("torch")
    save_weights(own, folder / "from_torch.safetensors")
    np.save(folder / "torch_outputs.npy", predict(own, x))
    with torch.no_grad():
        norm = nn.Sequential()
        norm.add_module("conv", nn.Conv2d(1, 2, 3))
        norm.add_module("norm", nn.BatchNorm2d(2))
        norm.norm.running_mean.fill_(0.3), norm.norm.running_var.fill_(2.0), norm.norm.weight.fill_(1.5)
    save_weights(norm.eval(), folder / "norm.safetensors")
    np.save(folder / "norm.npy", predict(norm, x))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
