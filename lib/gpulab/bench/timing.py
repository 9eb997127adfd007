"""Time an operation: warm-up, repeats within a budget, median and quartiles; on a device, wait until it is done."""

from __future__ import annotations

import logging
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gpulab.bench.report import Measurement

if TYPE_CHECKING:
    from torch.utils.benchmark import Timer

LEAST = 5  # timings: fewer have no quartiles worth the name
BUDGET = 0.3  # seconds of timings for one measurement


def torch_times(function: Callable[[], Any], threads: int, budget: float = BUDGET) -> list[float]:
    """Return timings of one call, in seconds, by ``torch.utils.benchmark``.

    Its timer warms up while it looks for the size of a block, and waits for the accelerator at both ends of each block.
    """
    timer = _timer_class()("function()", globals={"function": function}, num_threads=threads)
    found = timer.blocked_autorange(min_run_time=budget)
    times = list(found.times)
    while len(times) < LEAST:  # a call, or a block, is long against the budget
        longest = max(times) * found.number_per_run
        times += timer.blocked_autorange(min_run_time=longest * (LEAST - len(times))).times
    return times


def _timer_class() -> type[Timer]:
    """Return torch's timer; its import may warn that there is no CUDA to compile for, which nobody asked."""
    logger = logging.getLogger("torch.utils.cpp_extension")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        from torch.utils.benchmark import Timer
    finally:
        logger.setLevel(before)
    return Timer


def plain_times(function: Callable[[], Any], budget: float = BUDGET) -> list[float]:
    """Return timings of one call, in seconds, of what runs on the CPU and needs no framework."""
    function()  # the warm-up
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < LEAST or time.perf_counter() - began < budget:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times


def summary(
    times: Sequence[float],
    name: str,
    size: str,
    precision: str,
    device: str,
    threads: int,
    unit: str,
    work: float,
    note: str = "",
) -> Measurement:
    """Return the measurement that the timings make: their median and quartiles."""
    low, median, high = statistics.quantiles(times, n=4, method="inclusive")
    return Measurement(name, size, precision, device, threads, median, low, high, len(times), unit, float(work), note)


def cpu_threads() -> int:
    """Return the number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
