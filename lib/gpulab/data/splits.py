"""Splits that never leak and never move: the same on every machine, with no random numbers.

Within each class, samples are put in the order of their SHA-256 (an image's is that of its pixels), which is as good
as a shuffle and needs no seed. Copies and near copies form a group, and a group is never divided.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

THUMBNAIL = 16  # pixels a side
ALIKE = 16.0  # root mean square difference of two thumbnails, in gray levels of 255


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Average ``images``, uint8 (n, side, side, channels), down to (n, 16, 16, channels), int64."""
    n, side, _, channels = images.shape
    block = side // THUMBNAIL
    tiles = images.astype(np.int64).reshape(n, THUMBNAIL, block, THUMBNAIL, block, channels)
    return tiles.sum(axis=(2, 4)) // block**2


def look_alike(images: np.ndarray) -> np.ndarray:
    """Return a bool (n, n): are two images, or one and the mirror image of the other, nearly the same?

    Whole numbers below 2**53 are exact in float64, so the answer does not depend on the machine.
    """
    small = thumbnails(images).astype(np.float64)
    plain = small.reshape(len(small), -1)
    mirrored = small[:, :, ::-1].reshape(len(small), -1)
    squares = (plain**2).sum(axis=1)
    gap = squares[:, None] + squares[None] - 2 * np.maximum(plain @ plain.T, plain @ mirrored.T)
    return gap < plain.shape[1] * ALIKE**2


def groups(alike: np.ndarray) -> np.ndarray:
    """Number the connected groups of a symmetric bool (n, n); images of one group share a number, (n,) int.

    Examples
    --------
    >>> import numpy as np
    >>> pairs = np.eye(4, dtype=bool)
    >>> pairs[0, 2] = pairs[2, 0] = True
    >>> groups(pairs)
    array([0, 1, 0, 3])
    """
    number = np.arange(len(alike))
    while True:
        smallest = np.where(alike, number[None], len(alike)).min(axis=1)
        if (smallest == number).all():
            return number
        number = smallest


def fingerprint(sample: np.ndarray | str) -> str:
    """Return the SHA-256 of an image's pixels, a sequence's numbers or a text's letters, as 64 hexadecimal digits."""
    content = sample.encode() if isinstance(sample, str) else np.ascontiguousarray(sample).tobytes()
    return hashlib.sha256(content).hexdigest()


def by_hash(
    samples: np.ndarray, labels: np.ndarray, shares: Sequence[float], group: np.ndarray | None = None
) -> list[np.ndarray]:
    """Divide a data set into parts of about the given shares of every class.

    Parameters
    ----------
    samples : ndarray, (n, ...)
        Images, sequences or texts.
    labels : ndarray, (n,), int
    shares : sequence of float
        One a part; they add up to 1.
    group : ndarray, (n,), int, optional
        Samples with the same number end up in the same part. By default, only equal samples do.

    Returns
    -------
    list of ndarray
        The indices of each part, ascending.
    """
    prints = [fingerprint(sample) for sample in samples]
    members: dict[object, list[int]] = {}
    for index, key in enumerate(prints if group is None else group.tolist()):
        members.setdefault(key, []).append(index)
    families = sorted(members.values(), key=lambda family: min(prints[i] for i in family))
    parts: list[list[int]] = [[] for _ in shares]
    for label in np.unique(labels):
        _deal([family for family in families if labels[family[0]] == label], shares, parts)
    return [np.array(sorted(part)) for part in parts]


def _deal(families: list[list[int]], shares: Sequence[float], parts: list[list[int]]) -> None:
    """Hand the families of one class to the parts in turn, each part until its share is full."""
    edges = np.round(np.cumsum(shares) * sum(map(len, families)))
    dealt = 0
    for family in families:
        parts[int(np.searchsorted(edges, dealt, side="right"))].extend(family)
        dealt += len(family)
