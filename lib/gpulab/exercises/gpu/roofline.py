"""Exercises on arithmetic intensity and the roofline."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Integer, Number
from gpulab.exercises.engine import exercise


@exercise("gpu/intensity", "function", "a function product_intensity(m, k, n, itemsize)")
def intensity(answer: Any) -> Iterator[Case]:
    """Compute the operations for each byte of a matrix product."""

    def numbers(m: int, k: int, n: int) -> int:
        return m * k + k * n + m * n

    mistakes = [
        Mistake(
            "A multiply-add counts as two operations.", gives=lambda m, k, n, s: m * k * n / (numbers(m, k, n) * s)
        ),
        Mistake("The result is written, too.", gives=lambda m, k, n, s: 2 * m * k * n / ((m * k + k * n) * s)),
        Mistake("How many bytes has a number?", gives=lambda m, k, n, s: 2 * m * k * n / numbers(m, k, n)),
        Mistake("Operations for each byte, not bytes for each operation.", gives=lambda m, k, n, s: numbers(m, k, n) * s / (2 * m * k * n)),
        Mistake("The three matrices have different sizes.", gives=lambda m, k, n, s: 2 * m * k * n / (3 * m * n * s)),
        Mistake("Each entry of the result needs one multiply-add for each of the k terms.", gives=lambda m, k, n, s: 2 * m * n / (numbers(m, k, n) * s)),
    ]  # fmt: skip
    hint = "Take 1 x 1 matrices first: one multiplication and one addition, and three numbers that move."
    for call in ((1, 1, 1, 4), (2, 3, 5, 4), (1, 1024, 1024, 2), (512, 512, 512, 2)):
        m, k, n, itemsize = call
        right = 2 * m * k * n / (numbers(m, k, n) * itemsize)
        yield from called(answer, call, Number(right), name="product_intensity", mistakes=mistakes, hint=hint)


@exercise("gpu/attainable", "function", "a function attainable_gflops(flop, nbytes, peak_tflops, bandwidth_gb_s)")
def attainable(answer: Any) -> Iterator[Case]:
    """Read the roofline at the intensity of an operation."""
    mistakes = [
        Mistake("Of two limits, the lower one decides.", gives=lambda w, q, p, b: max(1000 * p, b * w / q)),
        Mistake("1 TFLOPS is 1000 GFLOPS.", gives=lambda w, q, p, b: min(p, b * w / q)),
        Mistake("This is in TFLOPS.", gives=lambda w, q, p, b: min(p, b * w / q / 1000)),
        Mistake("This forgets the memory.", gives=lambda w, q, p, b: 1000 * p),
        Mistake("This forgets the arithmetic units.", gives=lambda w, q, p, b: b * w / q),
        Mistake(
            "Intensity is operations for each byte. You have it upside down.",
            gives=lambda w, q, p, b: min(1000 * p, b * q / w),
        ),
    ]
    hint = "Compute the intensity. How many operations a second does the memory allow, and how many do the units allow?"
    for call in (
        (12.0, 12.0, 1.0, 10.0),
        (100.0, 1.0, 0.5, 10.0),
        (1e8, 1.2e9, 35.58, 936.2),
        (2e12, 1e9, 35.58, 936.2),
    ):
        flop, nbytes, peak, bandwidth = call
        right = 1e-9 * flop / max(flop / (peak * 1e12), nbytes / (bandwidth * 1e9))
        yield from called(answer, call, Number(right), name="attainable_gflops", mistakes=mistakes, hint=hint)


@exercise("gpu/fused-traffic", "function", "a function saved_bytes(numbers, steps, itemsize)")
def fused_traffic(answer: Any) -> Iterator[Case]:
    """Count the bytes that fusion saves."""
    mistakes = [
        Mistake("A step reads an array and writes one.", gives=lambda n, k, s: (k - 1) * n * s),
        Mistake(
            "The fused chain moves bytes, too: it reads once and writes once.", gives=lambda n, k, s: 2 * n * k * s
        ),
        Mistake("Bytes, not numbers.", gives=lambda n, k, s: 2 * n * (k - 1)),
        Mistake("This is what is left after the fusion.", gives=lambda n, k, s: 2 * n * s),
        Mistake("The first step must read, and the last one must write.", gives=lambda n, k, s: (2 * k - 1) * n * s),
    ]
    hint = "Take two steps: write down every read and every write, apart and fused."
    for call in ((1, 2, 4), (10, 1, 4), (1000, 3, 4), (8_000_000, 5, 2)):
        numbers, steps, itemsize = call
        moved = sum(2 * numbers for _ in range(steps)) - 2 * numbers
        yield from called(answer, call, Integer(moved * itemsize), name="saved_bytes", mistakes=mistakes, hint=hint)


@exercise("gpu/conv-intensity", "function", "a function conv_intensity(batch, n, c_in, c_out, k)")
def conv_intensity(answer: Any) -> Iterator[Case]:
    """Compute the operations for each byte of a convolution."""

    def parts(batch: int, n: int, c_in: int, c_out: int, k: int) -> tuple[int, int, int, int]:
        out = batch * (n - k + 1) ** 2 * c_out
        return out * k * k * c_in, batch * n * n * c_in, k * k * c_in * c_out, out

    def ratio(*call: int, flop: int = 2, weights: int = 1, written: int = 1, itemsize: int = 4) -> float:
        adds, read, filters, out = parts(*call)
        return flop * adds / (itemsize * (read + weights * filters + written * out))

    def one_image(batch: int, n: int, c_in: int, c_out: int, k: int) -> float:
        return ratio(1, n, c_in, c_out, k)

    def same_size(batch: int, n: int, c_in: int, c_out: int, k: int) -> float:
        out = batch * n * n * c_out
        return 2 * out * k * k * c_in / (4 * (batch * n * n * c_in + k * k * c_in * c_out + out))

    def three_by_three(batch: int, n: int, c_in: int, c_out: int, k: int) -> float:
        out = batch * (n - 2) ** 2 * c_out
        return 2 * out * k * k * c_in / (4 * (batch * n * n * c_in + k * k * c_in * c_out + out))

    mistakes = [
        Mistake("A multiply-add counts as two operations.", gives=lambda *call: ratio(*call, flop=1)),
        Mistake("The weights move, too.", gives=lambda *call: ratio(*call, weights=0)),
        Mistake("The output is written, too.", gives=lambda *call: ratio(*call, written=0)),
        Mistake("How many bytes has a number?", gives=lambda *call: ratio(*call, itemsize=1)),
        Mistake("The weights move once for the whole batch.", gives=one_image),
        Mistake("There is no padding: the output is smaller than the input.", gives=same_size),
        Mistake("How many places has a larger kernel, of 5 x 5?", gives=three_by_three),
    ]
    hint = "Take one image of one pixel, one channel, one filter of 1 x 1: two operations, and three numbers that move."
    for call in ((1, 1, 1, 1, 1), (1, 4, 1, 2, 3), (2, 5, 3, 4, 3), (2, 8, 3, 4, 5), (128, 26, 32, 64, 3)):
        adds, read, filters, out = parts(*call)
        right = 2 * adds / (4 * (read + filters + out))
        yield from called(answer, call, Number(right), name="conv_intensity", mistakes=mistakes, hint=hint)


@exercise("gpu/smallest-batch", "function", "a function smallest_batch(n, m, ridge)")
def smallest_batch(answer: Any) -> Iterator[Case]:
    """Find the batch from which on a dense layer is bound by arithmetic."""

    def at(batch: int, n: int, m: int) -> float:
        return 2 * batch * n * m / (2 * (n * m + batch * (n + m)))

    def without_activations(n: int, m: int, ridge: float) -> int:
        return math.ceil(ridge)

    def search(n: int, m: int, ridge: float) -> int:
        if n * m / (n + m) <= ridge:
            return 0
        low, high = 0, 1
        while at(high, n, m) < ridge:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if at(middle, n, m) < ridge else (low, middle)
        return high

    enough = [
        Mistake("Some batch is enough here, a very large one. Solve for it instead of searching.", when=lambda r: r == 0),
        Mistake("Inputs and outputs move, too, and they grow with the batch.", gives=without_activations),
        Mistake("This batch is one too small.", gives=lambda *call: search(*call) - 1),
        Mistake("A batch is a whole number.", when=lambda result: isinstance(result, float)),
        Mistake("Is this the smallest one? Half of it is enough, too.", gives=lambda *call: 2 * search(*call)),
    ]
    never = [
        Mistake(
            "Put your batch into the formula: is the intensity really as high as the ridge?",
            when=lambda result: isinstance(result, int) and result != 0,
        )
    ]
    hint = "Write the intensity as a function of the batch, and try 1, 2, 3 by hand."
    for call in ((4, 4, 1.0), (100, 100, 10.0), (4096, 4096, 153.0), (1000, 250, 90.0), (4096, 4096, 2040.0)):
        yield from called(answer, call, Integer(search(*call)), name="smallest_batch", mistakes=enough, hint=hint)
    hint = "No batch is enough here. If you divide by zero or by less, that is the sign of it."
    for call in ((4, 4, 2.0), (100, 100, 60.0), (64, 10, 100.0)):
        yield from called(answer, call, Integer(0), name="smallest_batch", mistakes=never, hint=hint)
