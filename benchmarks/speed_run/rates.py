"""What both frameworks share: the triangle of the learning rate, the decay of the moving average, the moves of images."""

from __future__ import annotations

import numpy as np

RISE = 0.3  # share of the steps in which the rate rises
START = 0.1  # of the highest rate, where it begins


def triangle(step: int, total: int, rise: float = RISE, start: float = START) -> float:
    """Rise along a straight line, then fall along one to nearly zero: the factor of the rate, for steps from 0.

    Examples
    --------
    >>> [round(triangle(step, 10), 2) for step in range(10)]
    [0.1, 0.4, 0.7, 1.0, 0.86, 0.71, 0.57, 0.43, 0.29, 0.14]
    """
    top = rise * total
    if step < top:
        return start + (1 - start) * step / top
    return (total - step) / (total - top)


def decay(highest: float, step: int) -> float:
    """Return the decay of a moving average of the weights: small at first, so that the fresh weights are forgotten.

    Examples
    --------
    >>> [round(decay(0.9, step), 2) for step in (0, 1, 10, 1000)]
    [0.1, 0.18, 0.55, 0.9]
    """
    return min(highest, (1 + step) / (10 + step))


class Corners:
    """Where the kept window of each padded image begins, epoch by epoch.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Images.
    side : int
        Places in each direction, 5 for moves of up to 2 pixels.
    distinct : bool
        Give an image all places in an order of its own before any comes again; else draw anew each time.
    """

    def __init__(self, rng: np.random.Generator, n: int, side: int, distinct: bool) -> None:
        self.rng, self.n, self.side, self.epoch = rng, n, side, 0
        places = np.tile(np.arange(side**2, dtype=np.int16), (n, 1))
        self.order = rng.permuted(places, axis=1) if distinct else None

    def next(self) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and columns, int64 (n,) each."""
        if self.order is None:
            place = self.rng.integers(0, self.side**2, self.n)
        else:
            place = self.order[:, self.epoch % self.side**2].astype(np.int64)
        self.epoch += 1
        return np.divmod(place, self.side)
