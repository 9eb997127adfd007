"""The whole round: what is measured in which sizes, within a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gpulab.bench import devices, kernels, memory, ways
from gpulab.bench.report import BenchError, Measurement, Report, Skip, Unsupported
from gpulab.bench.timing import cpu_threads

GROUPS = ("matmul", "convolution", "bandwidth", "copies", "launch", "lstm", "python")
PRECISIONS = ("fp32", "tf32", "bf16", "fp16", "fp64")
LONGEST = 1.0  # seconds that one call may take
LIMIT = 50.0  # seconds, after which nothing more is begun


@dataclass(frozen=True)
class Plan:
    """One thing to measure."""

    name: str
    size: str
    precision: str
    measure: Callable[[], Measurement]
    growth: float = 0.0  # how much longer a call takes than that of the same name and precision before it; 0: the first


def run(
    device: str | None = None,
    quick: bool = False,
    *,
    only: Sequence[str] | None = None,
    threads: int | None = None,
    limit: float = LIMIT,
) -> Report:
    """Measure this machine.

    Parameters
    ----------
    device : {"cpu", "cuda", "mps", "xpu"}, optional
        By default the fastest kind there is.
    quick : bool
        Smaller sizes and fewer repeats: a few seconds.
    only : sequence of str, optional
        Some of ``GROUPS``; by default all.
    threads : int, optional
        Threads of the CPU; by default as many as torch uses.
    limit : float
        Seconds, after which nothing more is begun; what is left is noted as skipped.

    Returns
    -------
    Report

    Raises
    ------
    BenchError
        torch is missing, or there is no such device or group.

    Examples
    --------
    >>> report = run("cpu", quick=True, only=["matmul"])  # doctest: +SKIP
    >>> report.peak_tflops("fp32"), report.skipped  # doctest: +SKIP
    """
    groups = _check(only)
    place = devices.find(device)
    threads = _threads(threads)
    began = time.perf_counter()
    rows: list[Measurement] = []
    skipped: list[Skip] = []
    for plan in plans(place, groups, threads, quick=quick):
        why = "the time for the whole round is over" if time.perf_counter() - began > limit else _too_long(plan, rows)
        try:
            if why:
                raise Unsupported(why)
            rows.append(plan.measure())
        except Unsupported as error:
            skipped.append(Skip(plan.name, plan.size, plan.precision, str(error)))
    seconds = time.perf_counter() - began
    return Report(tuple(rows), tuple(skipped), devices.describe(place, threads), quick, seconds)


def _check(only: Sequence[str] | None) -> Sequence[str]:
    wrong = [name for name in only or () if name not in GROUPS]
    if wrong or (only is not None and not only):
        raise BenchError(f"there is no benchmark {', '.join(wrong) or 'chosen'}; choose from: {', '.join(GROUPS)}.")
    return GROUPS if only is None else only


def _threads(threads: int | None) -> int:
    if threads is not None and threads < 1:
        raise BenchError(f"threads is {threads}; expected at least 1.")
    return threads or min(devices.load_torch().get_num_threads(), cpu_threads())


def _too_long(plan: Plan, rows: Sequence[Measurement]) -> str:
    """Return why a call would take too long, judged by the last one of its kind."""
    before = [row for row in rows if (row.name, row.precision) == (plan.name, plan.precision)]
    if not plan.growth or not before:
        return ""
    expected = before[-1].median * plan.growth
    return f"one call would take about {expected:.1f} s here" if expected > LONGEST else ""


def plans(device: str, groups: Sequence[str], threads: int, *, quick: bool) -> Iterator[Plan]:
    """Return what the groups measure on a device, in order."""
    budget = 0.05 if quick else 0.3
    makers = {
        "matmul": _matmuls,
        "convolution": _convolutions,
        "bandwidth": _bandwidths,
        "copies": _copies,
        "launch": _launches,
        "lstm": _lstms,
        "python": _pythons,
    }
    for group in groups:
        yield from makers[group](device, threads, budget, quick)


def _matmuls(device: str, threads: int, budget: float, quick: bool) -> Iterator[Plan]:
    sizes = (256, 1024, 2048) if device == "cpu" else (1024, 4096, 8192)
    sizes = sizes[:2] if quick else sizes
    for precision in PRECISIONS:
        for before, size in zip((0, *sizes), sizes, strict=False):

            def measure(size: int = size, precision: str = precision) -> Measurement:
                return kernels.matmul(size, precision, device, threads, budget)

            yield Plan("matmul", str(size), precision, measure, (size / before) ** 3 if before else 0.0)


def _convolutions(device: str, threads: int, budget: float, quick: bool) -> Iterator[Plan]:
    batch = (2 if quick else 8) if device == "cpu" else 64
    for precision in ("fp32",) if device == "cpu" else ("fp32", "tf32", "bf16", "fp16"):

        def measure(precision: str = precision) -> Measurement:
            return kernels.convolution(batch, precision=precision, device=device, threads=threads, budget=budget)

        yield Plan("convolution", f"{batch}x64x56x56", precision, measure)


def _bandwidths(device: str, threads: int, budget: float, quick: bool) -> Iterator[Plan]:
    nbytes = memory.array_bytes(device, memory.USUAL // (2 if quick else 1))
    for kind in ("copy", "triad") if quick else memory.STREAMS:

        def measure(kind: str = kind) -> Measurement:
            return memory.bandwidth(kind, nbytes, device, threads, budget)

        yield Plan(f"memory {kind}", f"{nbytes // memory.MIB} MiB", "fp32", measure)


def _copies(device: str, threads: int, budget: float, quick: bool) -> Iterator[Plan]:
    nbytes = 64 * memory.MIB if quick else None
    ways = {"to device": memory.copy_to_device, "to host": memory.copy_to_host}
    for direction, way in ways.items():
        for pinned in (False, True):

            def measure(way: Callable[..., Measurement] = way, pinned: bool = pinned) -> Measurement:
                return way(pinned=pinned, nbytes=nbytes, device=device, budget=budget)

            yield Plan(f"copy {direction}, {'pinned' if pinned else 'pageable'}", "", "", measure)


def _launches(device: str, threads: int, budget: float, quick: bool) -> Iterator[Plan]:
    yield Plan("launch", "", "", lambda: kernels.launch(device, budget))
    yield Plan("round trip", "", "", lambda: kernels.round_trip(device, budget))


def _lstms(device: str, threads: int, budget: float, quick: bool) -> Iterator[Plan]:
    yield Plan("lstm step", "32x128", "fp32", lambda: kernels.lstm_step(device=device, threads=threads, budget=budget))
    yield Plan("lstm", "64x32x128", "fp32", lambda: kernels.lstm(device=device, threads=threads, budget=budget))


def _pythons(device: str, threads: int, budget: float, quick: bool) -> Iterator[Plan]:
    loop, size = (48, 256) if quick else (96, 1024)
    yield Plan("python loop", str(loop), "fp64", lambda: ways.python_matmul(loop, budget))
    yield Plan("numpy matmul", str(size), "fp32", lambda: ways.numpy_matmul(size, threads=threads, budget=budget))
