"""Answers to the exercises on why GPUs, what is inside a card, and the labs that measure a machine."""

from __future__ import annotations

import math

import numpy as np

from tests.exercises.walk import Answers, Made


def needed_share(target, n):
    if target > n:
        return float("nan")
    return (1 - 1 / target) / (1 - 1 / n) if n > 1 else 0.0


def crossover(flop, nbytes, launch, r_cpu, r_gpu, bus):
    saved = flop / r_cpu - flop / r_gpu - nbytes / bus
    return int(launch // saved) + 1 if saved > 0 else math.inf


def without_copies(flop, nbytes, launch, r_cpu, r_gpu, bus):
    return int(launch // (flop / r_cpu - flop / r_gpu)) + 1


def launched_each_time(flop, nbytes, launch, r_cpu, r_gpu, bus):
    return 1 if flop / r_cpu > launch + nbytes / bus + flop / r_gpu else math.inf


def not_rounded(flop, nbytes, launch, r_cpu, r_gpu, bus):
    saved = flop / r_cpu - flop / r_gpu - nbytes / bus
    return launch / saved if saved > 0 else math.inf


def rounded_down(flop, nbytes, launch, r_cpu, r_gpu, bus):
    saved = flop / r_cpu - flop / r_gpu - nbytes / bus
    return int(launch / saved) if saved > 0 else math.inf


def up_to_a_tie(flop, nbytes, launch, r_cpu, r_gpu, bus):
    saved = flop / r_cpu - flop / r_gpu - nbytes / bus
    return math.ceil(launch / saved) if saved > 0 else math.inf


def link(lanes, gt_s, data, sent, both):
    return lanes * gt_s * data / sent / 8 * (1 + both)


def stages(nbytes, bandwidths):
    return [nbytes / b / 1e6 for b in bandwidths]


def plot(y, x=(0.25, 1, 4, 16, 64, 256), ylabel="time (ps)", scale="log"):
    """Return the axes with one line of times."""

    def make():
        from matplotlib.figure import Figure

        ax = Figure().subplots()
        ax.plot(x, y)
        ax.set(xlabel="intensity (FLOP/B)", ylabel=ylabel, title="One operation", xscale=scale, yscale=scale)
        return ax

    return Made(make)


INTENSITY = np.array([0.25, 1, 4, 16, 64, 256])
MEMORY, ARITHMETIC = 1000 / (INTENSITY * 936.2), np.full(6, 1 / 35.58)  # ps, RTX 3090
LONGER = np.maximum(MEMORY, ARITHMETIC)
MANY = np.geomspace(0.25, 256, 50)
ARRAYS = {"copy": 2, "scale": 2, "add": 3, "triad": 3, "sum": 1}


def gb_s(kind, n, itemsize, seconds):
    return ARRAYS[kind] * n * itemsize / seconds / 1e9


def rate(work, operations, wait, clock):
    work()
    wait()
    start = clock()
    for _ in range(5):
        work()
    wait()
    return 5 * operations / (clock() - start) / 1e9


def handed_out_rate(work, operations, wait, clock):
    start = clock()
    for _ in range(5):
        work()
    return 5 * operations / (clock() - start) / 1e9


def rate_without_warm_up(work, operations, wait, clock):
    start = clock()
    for _ in range(5):
        work()
    wait()
    return 5 * operations / (clock() - start) / 1e9


def rate_without_waiting(work, operations, wait, clock):
    work()
    start = clock()
    for _ in range(5):
        work()
    return 5 * operations / (clock() - start) / 1e9


def rate_with_the_warm_up_running(work, operations, wait, clock):
    work()
    start = clock()
    for _ in range(5):
        work()
    wait()
    return 5 * operations / (clock() - start) / 1e9


def rate_of_one_call(work, operations, wait, clock):
    return rate(work, operations, wait, clock) / 5


def fit(nbytes, seconds):
    table = np.stack([np.ones_like(nbytes), nbytes], axis=1) / seconds[:, None]
    latency, slope = np.linalg.lstsq(table, np.ones_like(seconds), rcond=None)[0]
    return latency, 1 / slope / 1e9


def plain_fit(nbytes, seconds):
    slope, latency = np.polyfit(nbytes, seconds, 1)
    return latency, 1 / slope / 1e9


def total(copy, compute, batches, overlap):
    if not overlap:
        return batches * (copy + compute)
    return copy + (batches - 1) * max(copy, compute) + compute


ANSWERS = {
    "gpu/matmul-flops": Answers(
        lambda m, k, n: (m * n, 2 * m * k * n),
        [
            (lambda m, k, n: (m * n, m * k * n), "two operations"),
            (lambda m, k, n: (m * k, 2 * m * k * n), "shape of the result"),
            (lambda m, k, n: (k * n, 2 * m * k * n), "shape of the result"),
            (lambda m, k, n: (m * k * n, 2 * m * k * n), "cannot all be outputs"),
            (lambda m, k, n: (2 * m * k * n, m * n), "first the outputs"),
            (lambda m, k, n: (m * n, m * n * (2 * k - 1)), "simple"),
            (lambda m, k, n: 2 * m * k * n, "a shape is asked for"),
            (lambda m, k, n: (m * n, 2 * k), "of the whole product"),
        ],
    ),
    "gpu/amdahl": Answers(
        needed_share,
        [
            (lambda target, n: 1 - 1 / target, "takes some time"),
            (lambda target, n: math.nan if target >= n else needed_share(target, n), "still possible"),
            (lambda target, n: target / n, "times, not speeds"),
            (lambda target, n: (1 - 1 / target) / (1 - 1 / n), "cannot be more than one"),
            (lambda target, n: 1 / ((1 - 1 / target) + 1 / target / n), "speedup"),
            (lambda target, n: 1 - needed_share(target, n), "serial"),
            (lambda target, n: 100 * needed_share(target, n), "percent"),
        ],
    ),
    "gpu/crossover": Answers(
        crossover,
        [
            (without_copies, "bus"),
            (launched_each_time, "once for the whole batch"),
            (not_rounded, "whole number"),
            (rounded_down, "equal"),
            (up_to_a_tie, "both are equal"),
            (lambda flop, nbytes, launch, r_cpu, r_gpu, bus: launch // (flop / r_gpu) + 1, "one more image"),
            (lambda flop, nbytes, launch, r_cpu, r_gpu, bus: 0, "one more image"),
        ],
    ),
    "gpu/pcie-bandwidth": Answers(
        link,
        [
            (lambda n, r, d, s, b: n * r * d / s * (1 + b), "gigabits"),
            (lambda n, r, d, s, b: n * r / 8 * (1 + b), "no data"),
            (lambda n, r, d, s, b: n * r * s / d / 8 * (1 + b), "which of the two numbers"),
            (lambda n, r, d, s, b: n * r * d / s / 8, "both directions together"),
            (lambda n, r, d, s, b: n * r * d / s / 4, "one direction is asked for"),
            (lambda n, r, d, s, b: r * d / s / 8 * (1 + b), "lanes"),
        ],
    ),
    "gpu/way-of-a-batch": Answers(
        lambda nbytes, bandwidths: (sum(stages(nbytes, bandwidths)), max(stages(nbytes, bandwidths))),
        [
            (lambda n, b: (sum(stages(n, b)) / 1e3, max(stages(n, b)) / 1e3), "milliseconds"),
            (lambda n, b: (max(stages(n, b)), max(stages(n, b))), "each adds its time"),
            (lambda n, b: (sum(stages(n, b)), sum(stages(n, b))), "the next one is in the first"),
            (lambda n, b: (sum(stages(n, b)), min(stages(n, b))), "sets the pace"),
            (lambda n, b: (n / (sum(b) / len(b)) / 1e6, max(stages(n, b))), "Bandwidths do not"),
            (lambda n, b: sum(stages(n, b)), "right shape"),
        ],
    ),
    "gpu/plot-one-operation": Answers(
        plot(LONGER),
        [
            (plot(np.minimum(MEMORY, ARITHMETIC)), "longer of the two"),
            (plot(MEMORY + ARITHMETIC), "do not add up"),
            (plot(MEMORY), "for the arithmetic"),
            (plot(LONGER * 1e-12), "picoseconds"),
            (plot(LONGER / 1000), "picoseconds"),
            (plot(1 / LONGER), "a rate"),
            (plot(LONGER, scale="linear"), "factor of 1,024"),
            (plot(np.interp(MANY, INTENSITY, LONGER), x=MANY), "exactly the given intensities"),
            (plot(np.array([0.01, 10]), x=(26.3, 26.3)), "exactly the given intensities"),
            (plot(LONGER, ylabel=""), "unit"),
            (plot(LONGER, x=range(6)), "x data"),
        ],
    ),
    "gpu/moved-bytes": Answers(
        gb_s,
        [
            (lambda kind, n, itemsize, seconds: n * itemsize / seconds / 1e9, "written"),
            (lambda kind, n, itemsize, seconds: 3 * n * itemsize / seconds / 1e9, "Not every operation"),
            (lambda kind, n, itemsize, seconds: ARRAYS[kind] * n / seconds / 1e9, "not numbers"),
            (lambda kind, n, itemsize, seconds: 1e9 * gb_s(kind, n, itemsize, seconds), "GB/s"),
            (lambda kind, n, itemsize, seconds: gb_s(kind, n, itemsize, seconds) * 1e9 / 2**30, "power of two"),
            (
                lambda kind, n, itemsize, seconds: (ARRAYS[kind] + (kind == "sum")) * n * itemsize / seconds / 1e9,
                "writes one number",
            ),
        ],
    ),
    "gpu/honest-clock": Answers(
        rate,
        [
            (rate_without_warm_up, "before the clock starts"),
            (rate_without_waiting, "only starts the work"),
            (rate_with_the_warm_up_running, "still be running"),
            (rate_of_one_call, "How many calls"),
            (lambda work, operations, wait, clock: 1e9 * rate(work, operations, wait, clock), "GFLOPS"),
            (5.0, "without parentheses"),
        ],
    ),
    "gpu/copy-time": Answers(
        fit,
        [
            (plain_fit, "outweigh"),
            (lambda n, t: (fit(n, t)[0], 1e9 * fit(n, t)[1]), "GB/s"),
            (lambda n, t: (fit(n, t)[0], 1e-9 / fit(n, t)[1]), "slope"),
            (lambda n, t: (1e6 * fit(n, t)[0], fit(n, t)[1]), "seconds"),
            (lambda n, t: fit(n, t)[::-1], "first the latency"),
            (lambda n, t: (t.min(), (n / t).mean() / 1e9), "leaves the latency out"),
        ],
    ),
    "gpu/overlap-time": Answers(
        total,
        [
            (lambda c, w, n, o: n * max(c, w) if o else n * (c + w), "first batch must be copied"),
            (lambda c, w, n, o: n * (c + w), "at the same time"),
            (lambda c, w, n, o: c + n * max(c, w) + w if o else n * (c + w), "once more"),
            (lambda c, w, n, o: c + (n - 1) * min(c, w) + w if o else n * (c + w), "sets the pace"),
            (lambda c, w, n, o: c + n * w if o else n * (c + w), "sets the pace"),
            (lambda c, w, n, o: total(c, w, n, True), "Without overlap"),
        ],
    ),
}
