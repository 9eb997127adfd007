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

    found = torch.load(source, map_location="cpu", weights_only=True)
    save_file({name: tensor.contiguous() for name, tensor in found.items()}, target)


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


def hed_h5(source: Path, target: Path) -> None:
    """Take the convolutions of VGG16 out of a Keras file of HED, an edge detector.

    Write ``block1_conv1.weight`` (64, 3, 3, 3) and so on, in PyTorch's layout. HED reads blue, green, red; the first
    filters are turned around, so that ours read red, green, blue.
    """
    try:
        import h5py
    except ImportError as error:
        raise SystemExit("the file is HDF5, and reading it needs h5py: install gpulab[keras]") from error
    import numpy as np
    from safetensors.numpy import save_file

    tensors = {}
    with h5py.File(source, "r") as file:
        for block, layers in ((1, 2), (2, 2), (3, 3), (4, 3), (5, 3)):
            for i in range(layers):
                found = file[f"block{block}/layers/conv2d{f'_{i}' if i else ''}/vars"]
                kernel = np.asarray(found["0"])  # (height, width, in, out)
                kernel = kernel[:, :, ::-1] if (block, i) == (1, 0) else kernel
                tensors[f"block{block}_conv{i + 1}.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
                tensors[f"block{block}_conv{i + 1}.bias"] = np.asarray(found["1"])
    save_file(tensors, target)


CONVERTERS: dict[str, Callable[..., None]] = {
    "digits_csv": digits_csv,
    "hed_h5": hed_h5,
    "torch_state_dict": torch_state_dict,
    "vowels_ts": vowels_ts,
}


if __name__ == "__main__":
    CONVERTERS[sys.argv[1]](*map(Path, sys.argv[2:]))
