"""Turn downloaded files into safetensors, once, so that every framework reads the same plain tensors.

Run as ``python -m gpulab.assets.convert NAME SOURCE... TARGET``, in a process of its own: the converter of a torch
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


def vowels_ts(train: Path, test: Path, target: Path) -> None:
    """Read recordings in aeon's text format: a line holds the channels, parted by colons, and then the class.

    Write ``train_x`` (n, longest, channels) float32, with zeros after the end of a recording, and ``train_y`` (n,)
    uint8, the class from 0; the same for ``test``.
    """
    import numpy as np
    from safetensors.numpy import save_file

    parts = {"train": train, "test": test}
    lines = {name: path.read_text(encoding="utf-8").partition("@data")[2].split() for name, path in parts.items()}
    recordings = {name: [line.split(":") for line in found] for name, found in lines.items()}
    values = {name: [np.array([c.split(",") for c in r[:-1]], np.float32).T for r in rs] for name, rs in recordings.items()}
    longest = max(len(value) for found in values.values() for value in found)
    tensors = {}
    for name, found in values.items():
        padded = [np.pad(value, ((0, longest - len(value)), (0, 0))) for value in found]
        tensors[f"{name}_x"] = np.ascontiguousarray(padded)  # safetensors stores the memory as it lies
        tensors[f"{name}_y"] = np.array([int(recording[-1]) - 1 for recording in recordings[name]], np.uint8)
    save_file(tensors, target)


CONVERTERS: dict[str, Callable[..., None]] = {
    "digits_csv": digits_csv,
    "torch_state_dict": torch_state_dict,
    "vowels_ts": vowels_ts,
}


if __name__ == "__main__":
    CONVERTERS[sys.argv[1]](*map(Path, sys.argv[2:]))
