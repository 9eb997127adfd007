"""Features made by hand: histograms of oriented gradients, and of colors. NumPy only.

What is here is the method of Dalal and Triggs (2005), https://doi.org/10.1109/CVPR.2005.177, in its plain form: no gamma,
the filter -1, 0, 1, directions without a sign, blocks of cells scaled by L2-Hys. A vote is shared between the two nearest
directions. It is not shared between cells, and no window weighs the pixels of a block.

>>> import numpy as np
>>> from gpulab.vision.hog import hog
>>> hog(np.zeros((5, 64, 64, 3), np.float32), cell=16).shape
(5, 324)
"""

from __future__ import annotations

import numpy as np

CLIP, TINY = 0.2, 1e-3  # the highest entry of a scaled block before it is scaled again; keeps flat blocks at 0
AT_ONCE = 8  # images: their arrays stay in the cache of a CPU


def gradients(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how strongly each pixel's surroundings change, and in which direction.

    Parameters
    ----------
    images : ndarray, (n, height, width) or (n, height, width, channels), float in 0..1
        With several channels, each pixel takes the one that changes most.

    Returns
    -------
    strength : ndarray, (n, height, width), float32
        Length of the gradient: the difference between right and left neighbor, and between lower and upper one. Pixels
        at the border have themselves as the missing neighbor.
    angle : ndarray, (n, height, width), float32
        Direction of the gradient in degrees, 0 up to but not 180: it has no sign. 0: the image changes from left to
        right, as at a vertical edge; 90: from top to bottom.

    Raises
    ------
    ValueError
        ``images`` is no stack of images of floats, or has values that are not finite.

    Examples
    --------
    >>> step = np.repeat([[0.0, 0.0, 1.0, 1.0]], 4, axis=0)[None]  # a vertical edge
    >>> strength, angle = gradients(step)
    >>> strength[0, 1].tolist(), angle[0, 1].tolist()
    ([0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0])
    """
    x = _stack(images)
    wide = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)), mode="edge")
    high = np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)), mode="edge")
    across, down = wide[:, :, 2:] - wide[:, :, :-2], high[:, 2:] - high[:, :-2]
    if x.shape[-1] > 1:
        strongest = (across**2 + down**2).argmax(axis=-1)[..., None]
        across, down = (np.take_along_axis(d, strongest, axis=-1) for d in (across, down))
    across, down = across[..., 0], down[..., 0]
    angle = np.rad2deg(np.arctan2(down, across)) % 180
    return np.hypot(across, down), np.where(angle >= 180, 0, angle).astype(np.float32)  # rounding may reach 180


def cells(images: np.ndarray, *, cell: int = 8, bins: int = 9) -> np.ndarray:
    """Return the histogram of directions of each cell: every pixel votes with its strength.

    Parameters
    ----------
    images : ndarray, (n, height, width) or (n, height, width, channels), float in 0..1
    cell : int
        Side of a cell in pixels. Rows and columns that fill no cell are left out, at the lower and right border.
    bins : int
        Directions. The centers are 0, 180 / bins, ... degrees; a vote between two centers is shared by both.

    Returns
    -------
    ndarray, (n, height // cell, width // cell, bins), float32
        Sums of strengths.

    Raises
    ------
    ValueError
        As for :func:`gradients`; or a cell does not fit into the image, or there are fewer than two bins.

    Examples
    --------
    >>> step = np.repeat([[0.0, 0.0, 1.0, 1.0]], 4, axis=0)[None]
    >>> cells(step, cell=4, bins=2).tolist()  # all 8 votes say: from left to right
    [[[[8.0, 0.0]]]]
    """
    x = _stack(images)
    n, height, width, _ = x.shape
    if isinstance(cell, bool) or not isinstance(cell, int | np.integer) or not 0 < cell <= min(height, width):
        raise ValueError(f"cell={cell!r}: expected a whole number of pixels, from 1 to {min(height, width)}.")
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or bins < 2:
        raise ValueError(f"bins={bins!r}: expected a whole number of directions, at least 2.")
    parts = [_cells(x[i : i + AT_ONCE], int(cell), int(bins)) for i in range(0, n, AT_ONCE)]
    return np.concatenate(parts) if parts else np.zeros((0, height // cell, width // cell, bins), np.float32)


def _cells(x: np.ndarray, cell: int, bins: int) -> np.ndarray:
    """Return the histograms of a few images."""
    strength, angle = gradients(x)
    n, rows, columns = len(x), x.shape[1] // cell, x.shape[2] // cell
    kept = (slice(None), slice(rows * cell), slice(columns * cell))
    place = angle[kept] * (bins / 180)
    lower = place.astype(np.int32)  # the direction below; the next one gets a share of the vote
    share = place - lower
    home = np.arange(n * rows * columns).reshape(n, rows, 1, columns, 1) * bins
    home = np.broadcast_to(home, (n, rows, cell, columns, cell)).reshape(lower.shape)
    histograms = np.zeros(n * rows * columns * bins)
    for direction, part in ((lower, 1 - share), (lower + 1, share)):  # 180 degrees are 0 degrees
        votes = (strength[kept] * part).ravel()
        histograms += np.bincount((home + direction % bins).ravel(), weights=votes, minlength=histograms.size)
    return histograms.reshape(n, rows, columns, bins).astype(np.float32)


def hog(images: np.ndarray, *, cell: int = 8, bins: int = 9, block: int = 2) -> np.ndarray:
    """Return histograms of oriented gradients: the shape of things, whatever the light.

    Parameters
    ----------
    images, cell, bins
        As for :func:`cells`.
    block : int
        Cells on a side of a block. Each block of neighbors is scaled by its own length; blocks overlap, so that a cell
        stands in several of them.

    Returns
    -------
    ndarray, (n, d), float32
        d = (rows - block + 1) * (columns - block + 1) * block * block * bins, with rows and columns counted in cells.

    Raises
    ------
    ValueError
        As for :func:`cells`; or a block has more cells on a side than the image has.

    Examples
    --------
    >>> image = np.random.default_rng(0).random((1, 32, 32))
    >>> darker = 0.5 * image + 0.1
    >>> np.allclose(hog(image), hog(darker), atol=0.01)
    True
    """
    found = cells(images, cell=cell, bins=bins)
    n, rows, columns, _ = found.shape
    if isinstance(block, bool) or not isinstance(block, int | np.integer) or not 0 < block <= min(rows, columns):
        raise ValueError(f"block={block!r}: expected a whole number of cells, from 1 to {min(rows, columns)}.")
    windows = np.lib.stride_tricks.sliding_window_view(found, (block, block), axis=(1, 2))
    blocks = windows.reshape(n, rows - block + 1, columns - block + 1, block * block * bins)
    blocks = np.minimum(_scaled(blocks), CLIP)
    return _scaled(blocks).reshape(n, int(np.prod(blocks.shape[1:])))


def color_histogram(images: np.ndarray, *, bins: int = 4) -> np.ndarray:
    """Return which share of the pixels has which color. Where they lie is lost.

    Parameters
    ----------
    images : ndarray, (n, height, width, 3), float in 0..1
    bins : int
        Steps of each channel, so there are bins * bins * bins colors.

    Returns
    -------
    ndarray, (n, bins ** 3), float32
        Each row has the sum 1. Color (r, g, b), counted in steps, stands at ``(r * bins + g) * bins + b``.

    Raises
    ------
    ValueError
        ``images`` is no stack of color images of floats in 0..1, or ``bins`` is no whole number above 0.

    Examples
    --------
    >>> color_histogram(np.ones((1, 8, 8, 3)), bins=2).tolist()  # all white
    [[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]]
    """
    x = _stack(images)
    if x.shape[-1] != 3:
        raise ValueError(f"images has shape {np.shape(images)}; expected color images, (n, height, width, 3).")
    if x.min(initial=0) < 0 or x.max(initial=0) > 1:
        raise ValueError(f"images has values from {x.min():g} to {x.max():g}; expected 0 to 1: divide bytes by 255.")
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer) or bins < 1:
        raise ValueError(f"bins={bins!r}: expected a whole number of steps, at least 1.")
    steps = np.minimum((x * bins).astype(int), bins - 1)
    colors = ((steps[..., 0] * bins + steps[..., 1]) * bins + steps[..., 2]).reshape(len(x), x.shape[1] * x.shape[2])
    counts = [np.bincount(row, minlength=bins**3) for row in colors]
    return np.array(counts, np.float32).reshape(len(x), bins**3) / colors.shape[1]


def _scaled(blocks: np.ndarray) -> np.ndarray:
    """Return blocks divided by their length."""
    length = np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + TINY**2)
    return (blocks / length).astype(np.float32)


def _stack(images: np.ndarray) -> np.ndarray:
    """Return images as (n, height, width, channels), float32, or raise ValueError."""
    x = np.asarray(images)
    if x.ndim not in (3, 4) or 0 in x.shape[1:]:
        expected = "(n, height, width) or (n, height, width, channels)"
        raise ValueError(f"images has shape {x.shape}; expected {expected}. One image is `image[None]`.")
    if x.dtype.kind != "f":
        raise ValueError(f"images has dtype {x.dtype}; expected floats in 0..1: divide bytes by 255.")
    if not np.isfinite(x).all():
        raise ValueError("images has values that are not finite; look for NaN or infinity where they were made.")
    x = x.astype(np.float32)
    return x if x.ndim == 4 else x[..., None]
