"""Which samples form which batch: the same in both frameworks, a function of the seed and the epoch alone."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Piece(NamedTuple):
    """A part of a batch that is processed at once.

    Attributes
    ----------
    start, stop : int
        The places of its samples in the epoch's order.
    share : float
        Weight of its mean loss: its size relative to an equal part of the batch. 1 unless parts are uneven.
    """

    start: int
    stop: int
    share: float


def order(seed: int, epoch: int, n: int) -> np.ndarray:
    """Return the order in which an epoch visits n samples, (n,) int64.

    Examples
    --------
    >>> order(0, 0, 5).tolist() == order(0, 0, 5).tolist() != order(0, 1, 5).tolist()
    True
    """
    return np.random.default_rng([seed, epoch]).permutation(n)


def generator(seed: int, epoch: int) -> np.random.Generator:
    """Return the epoch's source of random numbers for augmentation, apart from that of the order."""
    return np.random.default_rng([seed, epoch, 1])


def pieces(n: int, batch_size: int, parts: int = 1) -> list[list[Piece]]:
    """Cut n samples into batches and each batch into parts; the last batch may be smaller.

    A part that would be empty gets one sample with weight 0, so that every process takes part in every step.

    Examples
    --------
    >>> pieces(5, 2)
    [[Piece(start=0, stop=2, share=1.0)], [Piece(start=2, stop=4, share=1.0)], [Piece(start=4, stop=5, share=1.0)]]
    >>> pieces(3, 3, parts=2)
    [[Piece(start=0, stop=1, share=0.6666666666666666), Piece(start=1, stop=3, share=1.3333333333333333)]]
    """
    return [cut(first, min(first + batch_size, n), parts) for first in range(0, n, batch_size)]


def cut(first: int, last: int, parts: int) -> list[Piece]:
    """Cut one batch, the places from first to last, into parts."""
    size = last - first
    edges = [first + size * part // parts for part in range(parts + 1)]
    found = []
    for start, stop in pairwise(edges):
        share = (stop - start) * parts / size
        found.append(Piece(start, stop, share) if share else Piece(first, first + 1, 0.0))
    return found
