"""Exercises of the labs that measure a machine: rates, bandwidth, copies and their overlap with computing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Number
from gpulab.exercises.engine import exercise


@exercise("gpu/moved-bytes", "function", "a function gb_s(kind, n, itemsize, seconds)")
def moved_bytes(answer: Any) -> Iterator[Case]:
    """Compute the bandwidth that an elementwise operation reached."""
    arrays = {"copy": 2, "scale": 2, "add": 3, "triad": 3, "sum": 1}

    def with_arrays(count: Any) -> Any:
        """Return the function with another count of arrays."""
        return lambda kind, n, itemsize, seconds: count(kind) * n * itemsize / seconds / 1e9

    mistakes = [
        Mistake("An array that is read moves, and one that is written moves, too.", gives=with_arrays(lambda kind: 1)),
        Mistake(
            "You count what is read. What is written moves, too.",
            gives=with_arrays({"copy": 1, "scale": 1, "add": 2, "triad": 2, "sum": 1}.get),
        ),
        Mistake(
            "A sum over an array reads one array and writes one number.",
            gives=with_arrays(lambda kind: arrays[kind] + (kind == "sum")),
        ),
        Mistake("Two arrays are added here: both are read.", gives=with_arrays(lambda kind: 1 if kind == "sum" else 2)),
        Mistake("Not every operation has three arrays. Go through the table.", gives=with_arrays(lambda kind: 3)),
        Mistake("Count bytes, not numbers.", gives=lambda kind, n, itemsize, seconds: arrays[kind] * n / seconds / 1e9),
        Mistake(
            "These are bytes a second. GB/s are asked for.",
            gives=lambda kind, n, itemsize, seconds: arrays[kind] * n * itemsize / seconds,
        ),
        Mistake(
            "A GB has 1e9 bytes. You divide by a power of two.",
            gives=lambda kind, n, itemsize, seconds: arrays[kind] * n * itemsize / seconds / 2**30,
        ),
        Mistake(
            "Bytes over seconds, not times seconds.",
            gives=lambda kind, n, itemsize, seconds: arrays[kind] * n * itemsize * seconds / 1e9,
        ),
    ]
    hint = "How many arrays does the operation read, and how many does it write? How many bytes has each?"
    for call, right in (
        (("copy", 10**9, 1, 1.0), 2.0),
        (("scale", 10**8, 4, 0.1), 8.0),
        (("add", 10**8, 8, 0.5), 4.8),
        (("triad", 5 * 10**7, 4, 0.02), 30.0),
        (("sum", 10**9, 2, 0.25), 8.0),
    ):
        yield from called(answer, call, Number(right), name="gb_s", mistakes=mistakes, hint=hint)


def broken_rate(work: Any, operations: float, wait: Any, clock: Any) -> float:
    """Return the rate as the handed-out cell computes it: no warm-up, and the clock stops before the device is done."""
    start = clock()
    for _ in range(5):
        work()
    return 5 * operations / (clock() - start) / 1e9


@exercise(
    "gpu/honest-clock",
    "repaired",
    "the repaired function rate_of(work, operations, wait, clock)",
    broken=lambda device: device.run(broken_rate),
)
def honest_clock(answer: Any) -> Iterator[Case]:
    """Repair a function that measures a rate: warm up, wait for the device, count all calls."""

    def twin(warm: bool = False, waits: str = "", counted: bool = True, giga: float = 1e9) -> Any:
        """Return the function with one part of it wrong."""

        def mistaken(work: Any, operations: float, wait: Any, clock: Any) -> float:
            if warm:
                work()
            if "before" in waits:
                wait()
            start = clock()
            for _ in range(5):
                work()
            if "after" in waits:
                wait()
            return (5 if counted else 1) * operations / (clock() - start) / giga

        return lambda device: device.run(mistaken)

    mistakes = [
        Mistake("The first call is slower. Make one before the clock starts.", gives=twin(waits="after")),
        Mistake("`work()` only starts the work. When is it done?", gives=twin(warm=True)),
        Mistake("`work()` only starts the work. When is it done?", gives=twin(warm=True, waits="before")),
        Mistake("The warm-up may still be running when the clock starts.", gives=twin(warm=True, waits="after")),
        Mistake(
            "How many calls are timed? Each of them does all the operations.",
            gives=twin(warm=True, waits="before after", counted=False),
        ),
        Mistake("GFLOPS are asked for: billions a second.", gives=twin(warm=True, waits="before after", giga=1.0)),
    ]
    hint = "Go through a run with the clock in mind: what has been done when it starts, and what when it stops?"
    if not callable(answer):
        yield from called(answer, (), Number(0.0), name="rate_of", hint=hint)
        return
    for label, usual, first, later in (
        ("a device that computes at once", 1.0, 0.0, False),
        ("a device whose first call takes longer", 1.0, 7.0, False),
        ("a device that works beside the program", 1.0, 0.0, True),
        ("a device that does both", 0.5, 3.0, True),
    ):
        device = _FakeDevice(usual, first, later)
        yield Case(
            f"The rate of {label}",
            lambda device=device: device.run(answer),
            Number(2.0 / usual, rel=1e-4),
            mistakes,
            hint,
            verb="is found to be",
            given=((device,), {}),
        )


class _FakeDevice:
    """A device with a clock of its own: no time is measured."""

    def __init__(self, usual: float, first: float, later: bool) -> None:
        self.usual, self.first, self.later = usual, first, later

    def run(self, function: Any) -> float:
        """Let a function measure this device; return the rate that it finds."""
        now, busy_until, calls = 0.0, 0.0, 0

        def work() -> None:
            nonlocal now, busy_until, calls
            takes = self.usual + (self.first if calls == 0 else 0.0)
            calls += 1
            now += 1e-6  # what starting it costs the program
            busy_until = max(now, busy_until) + takes
            now = now if self.later else busy_until

        def wait() -> None:
            nonlocal now
            now = max(now, busy_until)

        return function(work, 2e9, wait, lambda: now)


@exercise("gpu/copy-time", "function", "a function latency_and_bandwidth(nbytes, seconds) of two arrays (n,)")
def copy_time(answer: Any) -> Iterator[Case]:
    """Fit latency and bandwidth to the times of copies, by relative errors."""

    def solved(nbytes: np.ndarray, seconds: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
        table = np.stack([np.ones_like(nbytes), nbytes], axis=1)
        start, slope = np.linalg.lstsq(table * weight[:, None], seconds * weight, rcond=None)[0]
        return start, 1 / slope / 1e9

    def right_one(nbytes: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
        return solved(nbytes, seconds, 1 / seconds)

    def changed(change: Any) -> Any:
        """Return the function with another last step."""
        return lambda nbytes, seconds: change(*right_one(nbytes, seconds))

    mistakes = [
        Mistake(
            "This is the slope, in seconds for a byte. The bandwidth is asked for.",
            gives=changed(lambda t, b: (t, 1e-9 / b)),
        ),
        Mistake("The bandwidth is in bytes a second. GB/s are asked for.", gives=changed(lambda t, b: (t, 1e9 * b))),
        Mistake("The latency is asked for in seconds.", gives=changed(lambda t, b: (1e6 * t, b))),
        Mistake("Return first the latency, then the bandwidth.", gives=changed(lambda t, b: (b, t))),
        Mistake(
            "The large copies outweigh the small ones. Divide each row, on both sides, by its time.",
            gives=lambda n, t: solved(n, t, np.ones_like(t)),
        ),
        Mistake("Divide by the time, not by its root or its square.", gives=lambda n, t: solved(n, t, t**-0.5)),
        Mistake("Divide by the time, not by the size.", gives=lambda n, t: solved(n, t, 1 / n)),
        Mistake(
            "A mean of bytes over seconds leaves the latency out.", gives=lambda n, t: (t.min(), (n / t).mean() / 1e9)
        ),
        Mistake("A fit uses all points, not only the first and the last.", gives=lambda n, t: _two_points(n, t)),
    ]
    hint = "Two unknowns, a linear system: a column of ones, a column of sizes. The weights are one over the time."
    noise = np.array([1.1, 0.9, 1.05, 0.97, 1.02])
    size = np.array([1e3, 1e4, 1e5, 1e6, 1e7])
    for label, nbytes, seconds in (
        ("two exact copies", np.array([1e3, 1e6]), 1e-5 + np.array([1e3, 1e6]) / 1e10),
        ("five exact copies", size, 2e-5 + size / 2.5e10),
        ("five noisy copies", size, (1e-5 + size / 1.2e10) * noise),
        ("other noise", size, (4e-6 + size / 6e10) * noise[::-1]),
    ):
        # A second opinion: the derivatives of the sum of squares are set to zero, and Cramer's rule solves that.
        a, b = 1 / seconds, nbytes / seconds
        determinant = (a @ a) * (b @ b) - (a @ b) ** 2
        start = (a.sum() * (b @ b) - b.sum() * (a @ b)) / determinant
        slope = ((a @ a) * b.sum() - (a @ b) * a.sum()) / determinant
        yield from called(
            answer,
            (nbytes, seconds),
            Array([start, 1e-9 / slope], rel=1e-4, absolute=1e-12),
            name="latency_and_bandwidth",
            mistakes=mistakes,
            hint=hint,
            label=f"The fit of {label}",
        )


def _two_points(nbytes: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    slope = (seconds[-1] - seconds[0]) / (nbytes[-1] - nbytes[0])
    return seconds[0] - slope * nbytes[0], 1e-9 / slope


@exercise("gpu/overlap-time", "function", "a function total(copy, compute, batches, overlap)")
def overlap_time(answer: Any) -> Iterator[Case]:
    """Compute how long an epoch takes with and without double buffering; the right times come from a simulation."""

    def formula(overlapped: Any, plain: Any = None) -> Any:
        """Return the function with another formula for one of the two cases."""
        plain = plain or (lambda c, w, n: n * (c + w))
        return lambda copy, compute, batches, overlap: (overlapped if overlap else plain)(copy, compute, batches)

    def exact(c: float, w: float, n: int) -> float:
        return c + (n - 1) * max(c, w) + w

    mistakes = [
        Mistake(
            "The first batch must be copied before anything is computed, and the last one is computed after its copy.",
            gives=formula(lambda c, w, n: n * max(c, w)),
        ),
        Mistake(
            "You count the first copy once more: it is one of the copies already.",
            gives=formula(lambda c, w, n: c + n * max(c, w) + w),
        ),
        Mistake(
            "With overlap, copy and computation happen at the same time. Where is that in your function?",
            gives=formula(lambda c, w, n: n * (c + w)),
        ),
        Mistake(
            "The slower one sets the pace, not the faster one.",
            gives=formula(lambda c, w, n: c + (n - 1) * min(c, w) + w),
        ),
        Mistake("Without overlap nothing happens at the same time.", gives=formula(exact, exact)),
        Mistake("All batches, not one.", gives=formula(lambda c, w, n: max(c, w), lambda c, w, n: c + w)),
    ]
    hint = "Draw two rows, copies above and computations below, for three batches. Which box must wait for which?"
    plain, overlapped = (1.0, 2.0, 3, False), ((1.0, 2.0, 1), (1.0, 2.0, 3), (5.0, 2.0, 4), (0.5, 0.5, 10))
    for call in (plain, *((*numbers, True) for numbers in overlapped)):
        right = Number(_simulated(*call))
        yield from called(answer, call, right, name="total", mistakes=mistakes, hint=hint)


def _simulated(copy: float, compute: float, batches: int, overlap: bool) -> float:
    """Play an epoch with two buffers batch by batch."""
    copied = [0.0] * batches
    done = [0.0] * batches
    for k in range(batches):
        bus_free = copied[k - 1] if k else 0.0
        buffer_free = done[k - 2] if k > 1 else 0.0  # two buffers: batch k takes the one of batch k - 2
        start = max(bus_free, buffer_free) if overlap else (done[k - 1] if k else 0.0)
        copied[k] = start + copy
        done[k] = max(copied[k], done[k - 1] if k else 0.0) + compute
    return done[-1]
