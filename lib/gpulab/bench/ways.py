"""One product of two matrices, in five ways: a loop in Python, NumPy, torch on one thread, on all, and on a GPU."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from gpulab.bench import devices
from gpulab.bench.kernels import matmul
from gpulab.bench.report import BenchError, Measurement
from gpulab.bench.timing import BUDGET, cpu_threads, plain_times, summary

Rows = list[list[float]]


def product(left: Rows, right: Rows) -> Rows:
    """Multiply two matrices of lists with three loops.

    Examples
    --------
    >>> product([[1.0, 2.0]], [[3.0], [4.0]])
    [[11.0]]
    """
    inner, columns = range(len(right)), range(len(right[0]))
    out = [[0.0] * len(right[0]) for _ in left]
    for row, values in enumerate(left):
        for column in columns:
            total = 0.0
            for k in inner:
                total += values[k] * right[k][column]
            out[row][column] = total
    return out


def python_matmul(size: int = 96, budget: float = BUDGET) -> Measurement:
    """Time :func:`product`, the three loops in plain Python; its numbers are fp64.

    Examples
    --------
    >>> row = python_matmul(10, budget=0.0)
    >>> row.work, row.repeats, row.low <= row.median <= row.high
    (2000.0, 5, True)
    """
    chance = random.Random(0)
    left, right = ([[chance.random() for _ in range(size)] for _ in range(size)] for _ in range(2))
    times = plain_times(lambda: product(left, right), budget)
    return summary(times, "python loop", str(size), "fp64", "cpu", 1, "FLOP", 2 * size**3)


def numpy_matmul(
    size: int = 1024, precision: str = "fp32", threads: int | None = None, budget: float = BUDGET
) -> Measurement:
    """Time NumPy's product, which calls a BLAS library.

    Parameters
    ----------
    threads : int, optional
        By default all. It is heeded where the package threadpoolctl is installed (scikit-learn brings it).

    Raises
    ------
    BenchError
        The precision is not "fp32" or "fp64".

    Examples
    --------
    >>> numpy_matmul(10, "fp64", budget=0.0).work
    2000.0
    """
    import numpy as np

    if precision not in ("fp32", "fp64"):
        raise BenchError(f"NumPy multiplies in fp32 or fp64; precision is {precision!r}.")
    kind = np.dtype(devices.DTYPES[precision])
    generator = np.random.default_rng(0)
    left, right = (generator.standard_normal((size, size)).astype(kind) for _ in range(2))
    out = np.empty_like(left)
    with _limited(threads) as used:
        times = plain_times(lambda: np.matmul(left, right, out=out), budget)
    return summary(times, "numpy matmul", str(size), precision, "cpu", used, "FLOP", 2 * size**3)


@contextmanager
def _limited(threads: int | None) -> Iterator[int]:
    """Limit the threads of NumPy's library; yield how many there are."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        threads = None
    with threadpool_limits(threads, user_api="blas") if threads else nullcontext():
        yield threads or cpu_threads()


def compare(
    size: int = 1024, loop_size: int = 96, device: str | None = None, budget: float = BUDGET
) -> list[Measurement]:
    """Time the product of two matrices in every way this machine has, from the slowest to the fastest kind.

    Parameters
    ----------
    size : int
        Rows and columns of the matrices.
    loop_size : int
        The same for the Python loop, which would take minutes for large ones: compare rates, not times.
    device : str, optional
        The GPU to add; by default the one there is, if any.

    Returns
    -------
    list of Measurement
        Python loop, NumPy, torch with one thread, torch with all threads, and the GPU, if there is one.
    """
    everything: list[Any] = [
        python_matmul(loop_size, budget),
        numpy_matmul(size, budget=budget),
        matmul(size, device="cpu", threads=1, budget=budget),
    ]
    if cpu_threads() > 1:
        everything.append(matmul(size, device="cpu", threads=cpu_threads(), budget=budget))
    if (place := devices.find(device)) != "cpu":
        everything.append(matmul(size, device=place, budget=budget))
    return everything
