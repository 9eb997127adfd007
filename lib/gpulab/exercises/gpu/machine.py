"""Exercises on why deep learning runs on GPUs, and on what is inside a card."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, axes_of, called, plotted
from gpulab.exercises.compare import Array, Difference, Number, Shape
from gpulab.exercises.engine import exercise


@exercise("gpu/matmul-flops", "function", "a function work(m, k, n) that returns two whole numbers")
def matmul_flops(answer: Any) -> Iterator[Case]:
    """Count the independent outputs and the operations of a matrix product."""
    mistakes = [
        Mistake("A multiply-add counts as two operations.", gives=lambda m, k, n: (m * n, m * k * n)),
        Mistake(
            "The outputs have the shape of the result. Which axis is gone?",
            gives=lambda m, k, n: (m * k, 2 * m * k * n),
        ),
        Mistake(
            "The outputs have the shape of the result. Which axis is gone?",
            gives=lambda m, k, n: (k * n, 2 * m * k * n),
        ),
        Mistake(
            "So many cannot all be outputs: several products are added up for one.",
            gives=lambda m, k, n: (m * k * n, 2 * m * k * n),
        ),
        Mistake("Return first the outputs, then the operations.", gives=lambda m, k, n: (2 * m * k * n, m * n)),
        Mistake(
            "Keep it simple: count each addition, also that of the first product.",
            gives=lambda m, k, n: (m * n, m * n * (2 * k - 1)),
        ),
        Mistake(
            "These are the operations for one output, not of the whole product.", gives=lambda m, k, n: (m * n, 2 * k)
        ),
    ]
    hint = "Draw the three matrices. How many numbers has the result, and how many multiply-adds make one of them?"
    for call in ((2, 3, 5), (1, 4, 1), (64, 576, 10)):
        m, k, n = call
        yield from called(
            answer, call, Shape((m * n, sum(2 * k for _ in range(m * n)))), name="work", mistakes=mistakes, hint=hint
        )


@exercise("gpu/amdahl", "function", "a function needed_share(target, n)")
def amdahl(answer: Any) -> Iterator[Case]:
    """Find the parallel share that a speedup needs, by Amdahl's law turned around."""

    def share(target: float, n: float) -> float:
        return (1 - 1 / target) / (1 - 1 / n)

    mistakes = [
        Mistake(
            "A share of one is still possible: then nothing is serial.",
            gives=lambda target, n: math.nan if target >= n else share(target, n),
        ),
        Mistake(
            "This is right for a part that takes no time at all afterward. With `n` workers it still takes some time.",
            gives=lambda target, n: 1 - 1 / target,
        ),
        Mistake("Compare times, not speeds: which share of the time is left?", gives=lambda target, n: target / n),
        Mistake("Which share is possible? It cannot be more than one.", when=lambda r: 1 < float(r) < 2),
        Mistake("This is in percent. A share lies between 0 and 1.", gives=lambda target, n: 100 * share(target, n)),
        Mistake(
            "This is the serial share. The parallel one is asked for.", gives=lambda target, n: 1 - share(target, n)
        ),
        Mistake("This is a speedup. A share of the time is asked for.", when=lambda r: float(r) > 1),
    ]
    hint = "After the change, the time is `1 - p + p / n` of the time before. It is to be `1 / target`. Solve for p."
    for call, right in (((2, 4), 2 / 3), ((10, 100), 10 / 11), ((1, 8), 0.0), ((5, 5), 1.0), ((20, 10), math.nan)):
        yield from called(answer, call, Array(right, kind="f"), name="needed_share", mistakes=mistakes, hint=hint)


@exercise("gpu/crossover", "function", "a function crossover(flop, nbytes, launch, r_cpu, r_gpu, bus)")
def crossover(answer: Any) -> Iterator[Case]:
    """Find the smallest batch for which a GPU is faster; the right ones come from trying."""

    def exact(flop: float, nbytes: float, launch: float, r_cpu: float, r_gpu: float, bus: float) -> float:
        return launch / (flop / r_cpu - flop / r_gpu - nbytes / bus)

    def without_copies(flop: float, nbytes: float, launch: float, r_cpu: float, r_gpu: float, bus: float) -> float:
        return math.floor(launch / (flop / r_cpu - flop / r_gpu)) + 1

    def launched_each_time(flop: float, nbytes: float, launch: float, r_cpu: float, r_gpu: float, bus: float) -> float:
        return 1 if flop / r_cpu > launch + nbytes / bus + flop / r_gpu else math.inf

    mistakes = [
        Mistake("The data go over the bus. Where is it in your function?", gives=without_copies),
        Mistake(  # before the next one: where both are equal, the exact number is whole, too
            "With so many both are equal, or the CPU is still ahead.", gives=lambda *given: math.floor(exact(*given))
        ),
        Mistake("A batch is a whole number of images.", gives=exact),
        Mistake("The launch is paid once for the whole batch, not for each image.", gives=launched_each_time),
    ]
    hint = "What does one more image save on the GPU? How many of these savings pay for the launch?"
    for call in (
        (1e9, 0, 1e-3, 1e12, 1e13, 1e10),  # 1.1
        (1e9, 5e6, 1e-3, 1e12, 1e13, 1e10),  # 2.5
        (2e6, 3e3, 1e-4, 1e12, 4e13, 3e10),
        (4.0, 8.0, 8.0, 1.0, 4.0, 8.0),  # equal at 4; without copies the GPU would win from 3 on
        (1e6, 1e6, 1e-5, 1e12, 1e13, 1e10),  # never
    ):
        tried = (k for k in range(1, 5000) if _gpu_wins(k, *call))
        right = next(tried, math.inf)
        yield from called(answer, call, Number(right), name="crossover", mistakes=mistakes, hint=hint)


def _gpu_wins(k: int, flop: float, nbytes: float, launch: float, r_cpu: float, r_gpu: float, bus: float) -> bool:
    return launch + k * nbytes / bus + k * flop / r_gpu < k * flop / r_cpu


@exercise("gpu/pcie-bandwidth", "function", "a function link(lanes, gt_s, data, sent, both)")
def pcie_bandwidth(answer: Any) -> Iterator[Case]:
    """Compute the bandwidth of a link from lanes, rate and encoding."""
    mistakes = [
        Mistake("These are gigabits. A byte has eight bits.", gives=lambda n, r, d, s, b: n * r * d / s * (1 + b)),
        Mistake("Some of the bits that are sent are no data.", gives=lambda n, r, d, s, b: n * r / 8 * (1 + b)),
        Mistake(
            "The share of data is below one: which of the two numbers is on top?",
            gives=lambda n, r, d, s, b: n * r * s / d / 8 * (1 + b),
        ),
        Mistake("Both directions together carry more than one.", gives=lambda n, r, d, s, b: n * r * d / s / 8),
        Mistake("One direction is asked for, unless `both` is true.", gives=lambda n, r, d, s, b: n * r * d / s / 4),
        Mistake(
            "With both directions there is more, not less.", gives=lambda n, r, d, s, b: n * r * d / s / 8 / (1 + b)
        ),
        Mistake("Where are the lanes in your function?", gives=lambda n, r, d, s, b: r * d / s / 8 * (1 + b)),
        Mistake(
            "All prefixes are decimal here: a gigabyte has a thousand megabytes.",
            gives=lambda n, r, d, s, b: n * r * d / s / 8 * (1 + b) / 1.024**3,
        ),
    ]
    hint = "How many bits leave on all lanes in a second, how many of them are data, and how many bytes is that?"
    for call, right in (
        ((1, 8.0, 1, 1, False), 1.0),
        ((4, 5.0, 8, 10, False), 2.0),
        ((16, 16.0, 128, 130, False), 31.507692),
        ((8, 32.0, 128, 130, True), 63.015385),
        ((1, 6.0, 8, 10, False), 0.6),  # SATA
    ):
        yield from called(answer, call, Number(right), name="link", mistakes=mistakes, hint=hint)


@exercise("gpu/way-of-a-batch", "function", "a function way(nbytes, bandwidths) that returns two numbers")
def way_of_a_batch(answer: Any) -> Iterator[Case]:
    """Compute latency and interval of a chain of stages."""

    def in_order(nbytes: float, bandwidths: list[float]) -> np.ndarray:
        return np.array([nbytes / b / 1e6 for b in bandwidths])

    def made(first: Any, second: Any, scale: float = 1.0) -> Any:
        """Return the function with other ways to put the times of the stages together."""
        return lambda nbytes, bandwidths: (
            scale * first(in_order(nbytes, bandwidths)),
            scale * second(in_order(nbytes, bandwidths)),
        )

    def mean_bandwidth(nbytes: float, bandwidths: list[float]) -> tuple[float, float]:
        return nbytes / (sum(bandwidths) / len(bandwidths)) / 1e6, nbytes / min(bandwidths) / 1e6

    def added(nbytes: float, bandwidths: list[float]) -> tuple[float, float]:
        return nbytes / sum(bandwidths) / 1e6, nbytes / min(bandwidths) / 1e6

    mistakes = [
        Mistake("These are seconds. Milliseconds are asked for.", gives=made(np.sum, np.max, 1e-3)),
        Mistake("These are microseconds. Milliseconds are asked for.", gives=made(np.sum, np.max, 1e3)),
        Mistake(
            "A single batch goes through all stages, one after the other: each adds its time.",
            gives=made(np.max, np.max),
        ),
        Mistake("While one batch is in the second stage, the next one is in the first.", gives=made(np.sum, np.sum)),
        Mistake("The fastest stage must wait for the others. Which stage sets the pace?", gives=made(np.sum, np.min)),
        Mistake("An assembly line does not run at the mean pace. Which stage sets it?", gives=made(np.sum, np.mean)),
        Mistake("Return first the time of one batch, then the time between two.", gives=made(np.max, np.sum)),
        Mistake("Times add up along a chain. Bandwidths do not.", gives=mean_bandwidth),
        Mistake("Times add up along a chain. Bandwidths do not.", gives=added),
    ]
    hint = "Write down the time of each stage first. When may the second batch enter the slowest stage?"
    for call, right in (
        ((1e9, [10.0]), [100.0, 100.0]),
        ((1e9, [10.0, 40.0]), [125.0, 100.0]),
        ((2e6, [0.5, 20.0, 16.0, 1000.0]), [4.227, 4.0]),
        ((3e7, [50.0, 30.0, 1500.0]), [1.62, 1.0]),
    ):
        yield from called(answer, call, Array(right, kind="f"), name="way", mistakes=mistakes, hint=hint)


INTENSITIES = np.array([0.25, 1, 4, 16, 64, 256])


@exercise("gpu/plot-one-operation", "plot", "the axes of a plot")
def plot_one_operation(answer: Any) -> Iterator[Case]:
    """Draw the time of one operation of a card against the arithmetic intensity."""
    from gpulab.hardware import device

    card = device("rtx-3090")
    by_arithmetic = np.full(6, 1 / card.fp32_tflops)
    by_memory = 1000 / (INTENSITIES * card.bandwidth_gb_s)
    right = np.maximum(by_arithmetic, by_memory)
    mistakes = [
        Mistake(
            "The longer of the two times decides: an operation waits for both.",
            gives=np.minimum(by_arithmetic, by_memory),
        ),
        Mistake(
            "Memory and arithmetic work at the same time: their times do not add up here.",
            gives=by_arithmetic + by_memory,
        ),
        Mistake("Where is the time for the arithmetic?", gives=by_memory),
        Mistake("Where is the time for the memory?", gives=by_arithmetic),
        Mistake(
            "These are seconds. Picoseconds are asked for.",
            when=lambda y: bool(np.allclose(np.asarray(y) * 1e12, right)),
        ),
        Mistake("These are nanoseconds. Picoseconds are asked for.", gives=right / 1000),
        Mistake("TFLOPS and GB/s have different prefixes.", gives=np.maximum(by_arithmetic, by_memory / 1000)),
        Mistake("This is a rate. The time of one operation is asked for.", gives=1 / right),
        Mistake("Use the FP32 rate, not that of the tensor units.", gives=np.maximum(1 / card.fp16_tflops, by_memory)),
    ]
    yield from plotted(
        answer,
        lines=[("the time of an operation", INTENSITIES, right)],
        xlabel=("intensity", "FLOP/B", "flop/byte"),
        ylabel=("time", "ps", "picosecond"),
        title=(),
        rel=1e-3,
        mistakes=mistakes,
        hint="Compute both times in seconds first, for one intensity, and then take the longer one.",
        x_hint="Draw first a line with exactly the given intensities. Other lines may follow it.",
    )
    if (axes := axes_of(answer)) is not None:
        hint = "Intensities that differ by a factor of 1,024 need logarithmic axes: `loglog`."
        yield Case("The axes", lambda: (axes.get_xscale(), axes.get_yscale()), _Logarithmic(), hint=hint, verb="are")


class _Logarithmic:
    """Both axes logarithmic."""

    def difference(self, got: tuple[str, str]) -> Difference | None:
        return None if got == ("log", "log") else Difference(f"{got[0]} and {got[1]}")

    def secrets(self) -> list[str]:
        return []
