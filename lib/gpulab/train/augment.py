"""Random changes to training images, the same for both frameworks: the numbers are drawn with NumPy, by sample.

An augmentation draws its random numbers for a whole epoch at once, a row a sample. So the same seed gives the same
images in PyTorch and in Keras, whatever the batch size and the number of processes, and a resumed run sees them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gpulab.train.errors import TrainError


@dataclass(frozen=True)
class Shift:
    """Move each image by a random whole number of pixels, up to ``pixels`` each way; what comes in is 0 (black)."""

    pixels: int

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n moves, int (n, 2): down and right, each from -pixels to +pixels."""
        return rng.integers(-self.pixels, self.pixels, size=(n, 2), endpoint=True)

    def apply(self, images: Any, moves: np.ndarray) -> Any:
        """Return the moved images.

        Parameters
        ----------
        images : ndarray (n, height, width, channels) or torch.Tensor (n, channels, height, width)
        moves : ndarray, int (n, 2)
        """
        if images.ndim != 4:
            raise TrainError(f"shift moves images; these inputs have shape {tuple(images.shape)}. Leave augment out.")
        top_left = self.pixels - moves  # corner, in the padded image, of the part that is kept
        return (_shift_arrays if isinstance(images, np.ndarray) else _shift_tensors)(images, top_left, self.pixels)


def _shift_arrays(images: np.ndarray, corner: np.ndarray, pad: int) -> np.ndarray:
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    kept = windows[np.arange(len(images)), corner[:, 0], corner[:, 1]]  # (n, channels, height, width)
    return np.ascontiguousarray(kept.transpose(0, 2, 3, 1))


def _shift_tensors(images: Any, corner: np.ndarray, pad: int) -> Any:
    import torch

    height, width = images.shape[2:]
    padded = torch.nn.functional.pad(images, (pad, pad, pad, pad))
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # every place an image could be kept at, no copy
    where = torch.from_numpy(corner).to(images.device)
    return windows[torch.arange(len(images), device=images.device), :, where[:, 0], where[:, 1]]


def shift(pixels: int) -> Shift:
    """Return an augmentation for ``fit(..., augment=shift(2))``.

    Parameters
    ----------
    pixels : int
        The farthest move in each direction, at least 1.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(1, 5).reshape(1, 2, 2, 1)
    >>> shift(1).apply(image, np.array([[0, 1]]))[0, ..., 0]
    array([[0, 1],
           [0, 3]])
    """
    if not isinstance(pixels, int) or pixels < 1:
        raise TrainError(f"shift({pixels!r}): expected a whole number of pixels, at least 1.")
    return Shift(pixels)
