"""The course's own small networks as sources of transfer, and what images must look like for them.

Two networks of one architecture (:func:`gpulab.models.small`, residual, width 16) learned two tasks:
``experiments/small_sources.py`` trains them and writes their weights beside this file, rounded to 16 bits.

>>> resized(np.ones((1, 96, 96, 3)), 28).shape, as_digits(np.ones((1, 96, 96, 3))).shape
((1, 28, 28, 3), (1, 28, 28, 1))
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gpulab.transfer.errors import TransferError

SOURCES = ("digits", "emoji")
FOLDER = Path(__file__).parent


def resized(x: Any, size: int) -> np.ndarray:
    """Return images at a smaller size: each new pixel is the mean over the area that it covers.

    Parameters
    ----------
    x : array_like, (n, side, side, channels)
    size : int
        New height and width in pixels, at most the old ones.

    Returns
    -------
    ndarray, float32, (n, size, size, channels)

    Raises
    ------
    TransferError
        The images are not square, or the size is not possible.

    Examples
    --------
    >>> resized(np.arange(16.0).reshape(1, 4, 4, 1), 2).ravel()
    array([ 2.5,  4.5, 10.5, 12.5], dtype=float32)
    """
    x = np.asarray(x, dtype=np.float32)
    if x.ndim != 4 or x.shape[1] != x.shape[2]:
        raise TransferError(f"The images have the shape {x.shape}; expected square ones, (n, side, side, channels).")
    side = x.shape[1]
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 1 <= size <= side:
        raise TransferError(f"size={size!r}: expected a whole number from 1 to {side}, the side of the images.")
    edges, pixels = np.arange(size + 1) * side / size, np.arange(side)
    covered = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)  # (size, side)
    weights = (np.clip(covered, 0, None) * size / side).astype(np.float32)
    return np.einsum("ai,nijc,bj->nabc", weights, x, weights, optimize=True).astype(np.float32)


def as_digits(x: Any) -> np.ndarray:
    """Return images as the course's own networks have them: 28 x 28, gray, and a white background turned black.

    Parameters
    ----------
    x : array_like, (n, side, side, 3)
        Floats from 0 to 1, at least 28 pixels wide.

    Returns
    -------
    ndarray, float32, (n, 28, 28, 1)
    """
    return 1 - resized(x, 28).mean(axis=-1, keepdims=True)


def own(source: str | None, framework: str) -> Any:
    """Return one of the course's own trained networks: 28 x 28 x 1 in, 10 logits out.

    Parameters
    ----------
    source : {"digits", "emoji"} or None
        What it was trained on; None for fresh random weights (seed the framework first).
    framework : {"torch", "keras"}

    Returns
    -------
    torch.nn.Module or keras.Model
        Its last layer is ``dense``; the 64 features before it are what ``average`` gives. :func:`as_digits` makes
        images that it takes.

    Raises
    ------
    TransferError
        There is no such network.

    Examples
    --------
    >>> own("cats", "torch")
    Traceback (most recent call last):
    ...
    gpulab.transfer.errors.TransferError: No network of the course learned 'cats'. Choose digits, emoji or None.
    """
    from gpulab.models import small
    from gpulab.models.convert import into_keras, into_torch

    if source is not None and source not in SOURCES:
        known = ", ".join(SOURCES)
        raise TransferError(f"No network of the course learned {source!r}. Choose {known} or None.")
    if framework not in ("torch", "keras"):
        raise TransferError(f"framework={framework!r}: expected 'torch' or 'keras'.")
    model = small("residual", framework, width=16)
    if source is not None:
        with np.load(FOLDER / f"own-{source}.npz") as file:
            arrays = {name: file[name].astype(np.float32) for name in file.files}
        (into_torch if framework == "torch" else into_keras)(model, arrays)
        if framework == "torch":
            model.eval()
    return model


def store(model: Any, source: str) -> Path:
    """Write the weights of a trained torch network, rounded to 16 bits, and return the file."""
    from gpulab.models.convert import from_torch

    arrays = from_torch(model)
    arrays = {name: a.astype(np.float16) for name, a in arrays.items() if not name.endswith("num_batches_tracked")}
    path = FOLDER / f"own-{source}.npz"
    np.savez_compressed(path, **arrays)
    return path
