"""Masks: how well a class for each pixel fits the true one, in plain NumPy.

Everything follows from one table of counts over all pixels of a data set:

>>> true = np.array([[[0, 0, 1], [0, 1, 1]]])
>>> answered = np.array([[[0, 0, 0], [0, 1, 1]]])
>>> counts = confusion(true, answered, 3)
>>> counts
array([[3, 0, 0],
       [1, 2, 0],
       [0, 0, 0]])
>>> iou(counts).round(2), dice(counts).round(2)
(array([0.75, 0.67,  nan]), array([0.86, 0.8 ,  nan]))
>>> round(pixel_accuracy(counts), 2), round(mean_over_classes(iou(counts)), 2)
(0.83, 0.71)

Add the tables of several batches up, and only then compute the shares: the mean of the shares of batches is another
number.
"""

from __future__ import annotations

import numpy as np


def confusion(true: np.ndarray, answered: np.ndarray, classes: int) -> np.ndarray:
    """Count the pixels of each true class and each answer.

    Parameters
    ----------
    true, answered : ndarray of int, the same shape, mostly (n, height, width)
        The number of the class of each pixel, from 0.
    classes : int
        How many there are.

    Returns
    -------
    ndarray, int64, (classes, classes)
        A row is a true class, a column an answer.

    Raises
    ------
    ValueError
        The shapes differ, the masks are not whole numbers, or a class is out of range.

    Examples
    --------
    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
    array([[1, 0],
           [1, 1]])
    >>> confusion(np.array([0, 2]), np.array([0, 1]), 2)
    Traceback (most recent call last):
    ...
    ValueError: true has the class 2; with classes=2 expected 0 to 1.
    """
    true, answered = np.asarray(true), np.asarray(answered)
    if true.shape != answered.shape:
        hint = " Take the argmax over the classes first." if answered.shape[:-1] == true.shape else ""
        raise ValueError(f"true has shape {true.shape}, answered {answered.shape}; expected the same shape.{hint}")
    for name, mask in (("true", true), ("answered", answered)):
        if mask.dtype.kind not in "iu":
            raise ValueError(f"{name} has dtype {mask.dtype}; expected whole numbers, the class of each pixel.")
        outside = mask[(mask < 0) | (mask >= classes)]
        if outside.size:
            raise ValueError(
                f"{name} has the class {outside.flat[0]}; with classes={classes} expected 0 to {classes - 1}."
            )
    pairs = true.astype(np.int64).ravel() * classes + answered.astype(np.int64).ravel()
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def iou(counts: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each class (Jaccard's index).

    Parameters
    ----------
    counts : ndarray of int, (classes, classes)
        From :func:`confusion`.

    Returns
    -------
    ndarray, float64, (classes,)
        Between 0 and 1; NaN for a class that is in neither of the masks, where nothing can be said.

    Raises
    ------
    ValueError
        ``counts`` is no square table.

    Examples
    --------
    >>> iou(np.array([[6, 2], [0, 4]]))
    array([0.75      , 0.66666667])
    """
    hit, true, answered = _sizes(counts)
    return _share(hit, true + answered - hit)


def dice(counts: np.ndarray) -> np.ndarray:
    """Return the Dice coefficient of each class, which is the F1 score of its pixels.

    Parameters
    ----------
    counts : ndarray of int, (classes, classes)
        From :func:`confusion`.

    Returns
    -------
    ndarray, float64, (classes,)
        Between 0 and 1; NaN for a class that is in neither of the masks. With J for the IoU it is 2 J / (1 + J).

    Raises
    ------
    ValueError
        ``counts`` is no square table.

    Examples
    --------
    >>> dice(np.array([[6, 2], [0, 4]]))
    array([0.85714286, 0.8       ])
    """
    hit, true, answered = _sizes(counts)
    return _share(2 * hit, true + answered)


def pixel_accuracy(counts: np.ndarray) -> float:
    """Return the share of pixels whose class is right; NaN where there are no pixels.

    Parameters
    ----------
    counts : ndarray of int, (classes, classes)
        From :func:`confusion`.

    Raises
    ------
    ValueError
        ``counts`` is no square table.

    Examples
    --------
    >>> pixel_accuracy(np.array([[90, 0], [10, 0]]))  # "background" everywhere
    0.9
    """
    hit, true, _ = _sizes(counts)
    return float(_share(hit.sum(), true.sum()))


def mean_over_classes(shares: np.ndarray) -> float:
    """Return the mean over those classes of which something can be said; NaN where there is none.

    Parameters
    ----------
    shares : ndarray, (classes,)
        From :func:`iou` or :func:`dice`, NaN for classes that are absent.

    Examples
    --------
    >>> mean_over_classes(np.array([0.75, np.nan, 0.25]))
    0.5
    """
    known = np.asarray(shares, dtype=np.float64)
    known = known[~np.isnan(known)]
    return float(known.mean()) if known.size else float("nan")


def border(mask: np.ndarray) -> np.ndarray:
    """Return where a pixel's class differs from that of a neighbor above, below, left or right.

    Parameters
    ----------
    mask : ndarray of int, (..., height, width)
        The number of the class of each pixel.

    Returns
    -------
    ndarray, bool, the same shape

    Raises
    ------
    ValueError
        The mask has fewer than two axes.

    Examples
    --------
    >>> border(np.array([[0, 0, 0, 1]])).astype(int)
    array([[0, 0, 1, 1]])
    """
    mask = np.asarray(mask)
    if mask.ndim < 2:
        raise ValueError(f"mask has shape {mask.shape}; expected (..., height, width).")
    found = np.zeros(mask.shape, bool)
    down, right = mask[..., 1:, :] != mask[..., :-1, :], mask[..., 1:] != mask[..., :-1]
    found[..., 1:, :] |= down
    found[..., :-1, :] |= down
    found[..., 1:] |= right
    found[..., :-1] |= right
    return found


def _sizes(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each class its right pixels, its true pixels, and the pixels that were answered with it."""
    counts = np.asarray(counts)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"counts has shape {counts.shape}; expected a table (classes, classes), from confusion().")
    return counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, NaN where there is nothing to divide by."""
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
