"""Read the files of the sets of images: all of them, as they came."""

from __future__ import annotations

import numpy as np

from gpulab import assets


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from safetensors.numpy import load_file

    tensors = load_file(assets.file("digits"))
    return tensors["images"][..., None], tensors["labels"]


def _archive(name: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(assets.file(name), allow_pickle=False) as archive:
        return archive["images"], archive["labels"]


def raw(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return all images, uint8 (n, height, width, channels), and labels, int (n,), in the order they came."""
    return _digits() if name == "digits" else _archive(name)
