"""How alike two representations of the same samples are."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpulab.transfer.errors import TransferError
from gpulab.transfer.scores import _samples


def cka(a: Any, b: Any, *, debiased: bool = False) -> float:
    """Return the linear CKA of two representations: 1 where they differ by a turn and a scale only.

    Parameters
    ----------
    a, b : array_like, (n, d) and (n, e)
        What two layers, of one model or of two, make of the same n samples, in the same order.
    debiased : bool
        Leave each sample's likeness to itself out. The plain CKA of *unrelated* representations is far from 0 where
        there are more features than samples; this one is 0 on average.

    Returns
    -------
    float
        From 0 to 1; debiased, it may be a little below 0.

    Raises
    ------
    TransferError
        The arrays do not go together, or one is the same in every row.

    References
    ----------
    Kornblith, Norouzi, Lee and Hinton, 2019; debiased: Nguyen, Raghu and Kornblith, 2021.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(50, 400)), rng.normal(size=(50, 400))
    >>> turned = a @ np.linalg.qr(rng.normal(size=(400, 400)))[0]
    >>> round(cka(a, 3 * turned + 7), 3)
    1.0
    >>> round(cka(a, b), 2), round(abs(cka(a, b, debiased=True)), 1)
    (0.89, 0.0)
    """
    one, other = _samples(a, "a"), _samples(b, "b")
    if len(one) != len(other):
        raise TransferError(
            f"a has {len(one)} rows and b {len(other)}. Expected the same samples in both, in the same order."
        )
    least = 4 if debiased else 2
    if len(one) < least:
        raise TransferError(f"There are {len(one)} samples; expected {least} at least.")
    grams = []
    for name, x in (("a", one), ("b", other)):
        x = x - x.mean(axis=0)
        size = np.abs(x).max()
        if size <= 1e-12 * (1e-30 + np.abs(one if name == "a" else other).max()):
            raise TransferError(f"All rows of {name} are the same: there is nothing to compare.")
        grams.append((x / size) @ (x / size).T)  # (n, n): how alike each two samples are
    k, m = grams
    if debiased:
        k, m = _without_itself(k), _without_itself(m)
    return float((k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum()))


def _without_itself(gram: np.ndarray) -> np.ndarray:
    """Return a Gram matrix centered without its diagonal (Székely and Rizzo's U-centering)."""
    n = len(gram)
    gram = gram - np.diag(np.diag(gram))
    rows = gram.sum(axis=1)
    out = gram - rows[:, None] / (n - 2) - rows / (n - 2) + rows.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(out, 0)
    return out
