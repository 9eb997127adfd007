"""The torch half of a comparison, in a process of its own: python small_torch_side.py FOLDER.

For each small network: outputs that the weights from Keras give, and weights of its own with their outputs; for one of
them, the losses of a short training run from there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from gpulab.models import load_weights, save_weights, small
from gpulab.models.small import NAMES
from gpulab.train import fit, predict


def main(folder: Path) -> None:
    """Do it."""
    x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    for name in NAMES:
        model = small(name, "torch")
        load_weights(model, folder / f"{name}_keras.safetensors")
        np.save(folder / f"{name}_of_keras.npy", predict(model, x))
        torch.manual_seed(1)
        own = small(name, "torch")
        fit(own, (x, y), epochs=1, batch_size=16, verbose=False)  # running statistics that are not 0 and 1
        save_weights(own, folder / f"{name}_torch.safetensors")
        np.save(folder / f"{name}_of_torch.npy", predict(own, x))
        if name == "vgg":
            losses = fit(own, (x, y), epochs=2, batch_size=16, verbose=False)["loss"]
            np.save(folder / "vgg_losses.npy", losses)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
