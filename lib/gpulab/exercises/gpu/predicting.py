"""Exercises on predicting the speed and memory of a model on a card."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from typing import Any

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Integer, Number
from gpulab.exercises.engine import exercise


@exercise("gpu/adam-memory", "function", "a function adam_bytes(parameters, mixed)")
def adam_memory(answer: Any) -> Iterator[Case]:
    """Count the bytes of weights, gradients and Adam's states."""
    mistakes = [
        Mistake("These are the weights alone.", gives=lambda n, mixed: (2 if mixed else 4) * n),
        Mistake("Backward makes a gradient for each weight, and Adam keeps two states.", gives=lambda n, mixed: (14 if mixed else 12) * n),
        Mistake("Only weights and gradients are in 16 bits here: what does the optimizer keep in 32?", gives=lambda n, mixed: (8 if mixed else 16) * n),
        Mistake("Something in 32 bits is missing: the optimizer has both states there, and a copy of the weights.", gives=lambda n, mixed: (12 if mixed else 0) * n),
        Mistake("In 32 bits there is only one copy of the weights.", gives=lambda n, mixed: (16 if mixed else 20) * n),
    ]  # fmt: skip
    hint = "Take a single parameter. Write down every number that is kept for it, and its bytes."
    for call in ((10, False), (10, True), (93_322, False), (25_557_032, True)):
        count, mixed = call
        kept = [2, 2, 4, 4, 4] if mixed else [4, 4, 4, 4]
        yield from called(answer, call, Integer(count * sum(kept)), name="adam_bytes", mistakes=mistakes, hint=hint)


@exercise("gpu/step-time", "function", "a function step_seconds(operators, peak, bandwidth, launch)")
def step_time(answer: Any) -> Iterator[Case]:
    """Add up the operators of a step, each at the slower of its two clocks, and none below a launch."""

    def clocks(peak: float, bandwidth: float) -> Any:
        return lambda flop, nbytes: (flop / peak, nbytes / bandwidth)

    def right(operators: list, peak: float, bandwidth: float, launch: float) -> float:
        times = clocks(peak, bandwidth)
        return sum(max(*times(*each), launch) for each in operators)

    def whole(operators: list, peak: float, bandwidth: float, launch: float) -> float:
        flop, nbytes = (sum(part) for part in zip(*operators, strict=True))
        return max(flop / peak, nbytes / bandwidth, launch)

    def added(operators: list, peak: float, bandwidth: float, launch: float) -> float:
        times = clocks(peak, bandwidth)
        return sum(max(*times(*each)) + launch for each in operators)

    def both(operators: list, peak: float, bandwidth: float, launch: float) -> float:
        times = clocks(peak, bandwidth)
        return sum(max(sum(times(*each)), launch) for each in operators)

    def faster(operators: list, peak: float, bandwidth: float, launch: float) -> float:
        times = clocks(peak, bandwidth)
        return sum(max(min(times(*each)), launch) for each in operators)

    mistakes = [
        Mistake("The slower clock decides for each operator, not for all of them together.", gives=whole),
        Mistake("Nothing takes less than a launch. It is a floor here, and is not added.", gives=added),
        Mistake("The two clocks run at the same time.", gives=both),
        Mistake("Of two clocks, the slower one decides.", gives=faster),
        Mistake("Small operators take a launch.", gives=lambda ops, p, b, launch: right(ops, p, b, 0.0)),
        Mistake("This forgets the memory.", gives=lambda ops, p, b, launch: sum(max(f / p, launch) for f, _ in ops)),
    ]
    hint = "Take one operator: compute both clocks, and compare them with the launch. Then add the operators."
    for call in (
        ([(6.0, 1.0)], 2.0, 1.0, 0.5),
        ([(1.0, 8.0)], 2.0, 4.0, 0.5),
        ([(1.0, 1.0)], 8.0, 4.0, 0.5),
        ([(6.0, 1.0), (1.0, 8.0), (0.1, 0.1)], 2.0, 4.0, 0.5),
        ([(2e12, 1e9), (1e8, 4e9), (1e3, 1e3)], 3.5e13, 9.0e11, 4e-6),
    ):
        yield from called(answer, call, Number(right(*call)), name="step_seconds", mistakes=mistakes, hint=hint)


@exercise("gpu/median-error", "function", "a function median_error(predicted, published)")
def median_error(answer: Any) -> Iterator[Case]:
    """Compute the median of the relative errors, in percent."""

    def errors(predicted: list, published: list) -> list[float]:
        return [100 * abs(p / q - 1) for p, q in zip(predicted, published, strict=True)]

    mistakes = [
        Mistake("In percent.", gives=lambda p, q: statistics.median(errors(p, q)) / 100),
        Mistake("This is the mean. One bad point moves it far.", gives=lambda p, q: statistics.fmean(errors(p, q))),
        Mistake(
            "Errors up and down cancel: take the size of each error first.",
            gives=lambda p, q: statistics.median(100 * (a / b - 1) for a, b in zip(p, q, strict=True)),
        ),
        Mistake(
            "Relative to what was measured, not to the prediction.",
            gives=lambda p, q: statistics.median(errors(q, p)),
        ),
        Mistake(
            "A relative error: divide by what was measured.",
            gives=lambda p, q: statistics.median(abs(a - b) for a, b in zip(p, q, strict=True)),
        ),
        Mistake("The median is in the middle; this is the worst.", gives=lambda p, q: max(errors(p, q))),
        Mistake(
            "First an error for each point, then the median; not the other way round.",
            gives=lambda p, q: 100 * abs(statistics.median(p) / statistics.median(q) - 1),
        ),
    ]
    hint = "Start with one point: by how many percent of the measured value does the prediction miss it?"
    for call in (
        ([110.0], [88.0]),
        ([60.0, 150.0, 90.0], [80.0, 100.0, 100.0]),
        ([500.0, 2000.0, 90.0, 36.0], [400.0, 2500.0, 100.0, 24.0]),
    ):
        middle = statistics.median(errors(*call))
        yield from called(answer, call, Number(middle), name="median_error", mistakes=mistakes, hint=hint)


@exercise("gpu/largest-batch", "function", "a function largest_batch_of(card_gb, fixed_gb, sample_mb)")
def largest_batch(answer: Any) -> Iterator[Case]:
    """Find the largest batch that a card's memory holds."""
    mistakes = [
        Mistake("What does not grow with the batch needs its place first.", gives=lambda card, fixed, sample: int(card * 1000 // sample)),
        Mistake("Half a sample does not exist, and rounding up does not fit.", gives=lambda card, fixed, sample: max(math.ceil((card - fixed) * 1000 / sample), 0)),
        Mistake("A batch is a whole number.", when=lambda got: isinstance(got, float)),
        Mistake("1 GB is 1000 MB.", gives=lambda card, fixed, sample: max(int((card - fixed) // sample), 0)),
        Mistake("1 GB is 1000 MB here, not 1024.", gives=lambda card, fixed, sample: max(int((card - fixed) * 1024 // sample), 0)),
        Mistake("A batch cannot be negative. What if not even one sample fits?", when=lambda got: isinstance(got, int) and got < 0),
    ]  # fmt: skip
    hint = "Subtract what is always there. How many samples fit into the rest?"
    for call in ((8, 2, 500), (8, 2, 700), (24, 0.75, 95.5), (12, 16, 100), (8, 7.5, 600)):
        card, fixed, sample = call
        right = max(math.floor((card - fixed) * 1000 / sample), 0)
        yield from called(answer, call, Integer(right), name="largest_batch_of", mistakes=mistakes, hint=hint)


@exercise("gpu/epoch-time", "function", "a function epoch_seconds(images, batch, step_seconds, load_seconds)")
def epoch_time(answer: Any) -> Iterator[Case]:
    """Compute the time of an epoch in which loading runs beside computing."""

    def steps(images: int, batch: int) -> int:
        return -(-images // batch)

    mistakes = [
        Mistake("The last batch may be smaller, and it is a step, too.", gives=lambda n, b, s, r: (n // b) * max(s, r)),
        Mistake("Loading runs at the same time, so the times are not added.", gives=lambda n, b, s, r: steps(n, b) * (s + r)),
        Mistake("The card must wait if loading takes longer.", gives=lambda n, b, s, r: steps(n, b) * s),
        Mistake("Of the two, the slower one decides.", gives=lambda n, b, s, r: steps(n, b) * min(s, r)),
        Mistake("A step takes a batch, not an image.", gives=lambda n, b, s, r: n * max(s, r)),
        Mistake("Steps are whole: count them first.", gives=lambda n, b, s, r: n / b * max(s, r)),
    ]  # fmt: skip
    hint = "How many steps are there, and how long does one take if the next batch is loaded meanwhile?"
    for call in ((4, 2, 3.0, 1.0), (4, 2, 1.0, 3.0), (5, 2, 3.0, 1.0), (50_000, 64, 0.115, 0.2), (3500, 64, 0.0023, 0.001)):
        images, batch, step, load = call
        right = steps(images, batch) * max(step, load)
        yield from called(answer, call, Number(right), name="epoch_seconds", mistakes=mistakes, hint=hint)
