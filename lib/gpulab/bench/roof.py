"""The roofline: how fast an operation can be, by its arithmetic and its traffic (Williams et al., 2009)."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    import numpy as np


@overload
def roofline(intensity: float, peak: float, bandwidth: float) -> float: ...


@overload
def roofline(intensity: np.ndarray, peak: float, bandwidth: float) -> np.ndarray: ...


def roofline(intensity, peak, bandwidth):
    """Return the highest rate that memory and arithmetic allow: min(peak, intensity x bandwidth).

    Parameters
    ----------
    intensity : float or ndarray
        Arithmetic intensity: operations for each byte from or to memory, FLOP/B.
    peak : float
        Highest rate of arithmetic, FLOP/s.
    bandwidth : float
        Memory bandwidth, B/s.

    Returns
    -------
    float or ndarray
        FLOP/s. (With the peak in TFLOPS and the bandwidth in TB/s: TFLOPS.)

    Notes
    -----
    The formula is equation 1 of Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
    multicore architectures", Communications of the ACM 52(4), 2009, doi:10.1145/1498765.1498785.

    Examples
    --------
    >>> roofline(2.0, peak=10e12, bandwidth=1e12)  # left of the ridge at 10 FLOP/B: memory is the limit
    2000000000000.0
    >>> roofline(40.0, peak=10e12, bandwidth=1e12)  # right of it: arithmetic
    10000000000000.0
    """
    if isinstance(intensity, int | float):
        return min(float(peak), float(intensity * bandwidth))
    import numpy as np

    return np.minimum(peak, np.asarray(intensity) * bandwidth)
