"""Turn downloaded files into safetensors, once, so that every framework reads the same plain tensors.

Run as ``python -m gpulab.assets.convert NAME SOURCE TARGET``, in a process of its own: the converter of a torch
checkpoint needs torch, and a process that already holds TensorFlow must not load it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path


def digits_csv(source: Path, target: Path) -> None:
    """Read rows of 784 pixels and a label; write ``images`` (5000, 28, 28) and ``labels`` (5000,), both uint8."""
    import numpy as np
    from safetensors.numpy import save_file

    table = np.loadtxt(source, delimiter=",", dtype=np.uint8)
    images, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    save_file({"images": np.ascontiguousarray(images), "labels": np.ascontiguousarray(labels)}, target)


def torch_state_dict(source: Path, target: Path) -> None:
    """Rewrite a torch checkpoint of plain tensors; ``weights_only`` keeps code in the file from running."""
    import torch
    from safetensors.torch import save_file

    save_file(dict(torch.load(source, map_location="cpu", weights_only=True)), target)


CONVERTERS: dict[str, Callable[[Path, Path], None]] = {
    "digits_csv": digits_csv,
    "torch_state_dict": torch_state_dict,
}


if __name__ == "__main__":
    CONVERTERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
