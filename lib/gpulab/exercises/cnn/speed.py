"""Exercises on measuring speed, and on what makes a step fast."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from typing import Any

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Integer, Number
from gpulab.exercises.engine import exercise


@exercise("cnn/speedup", "function", "a function speedup(ours, theirs)")
def speedup(answer: Any) -> Iterator[Case]:
    """Compare two programs that ran in turn by the median of their ratios."""

    def ratios(ours: list[float], theirs: list[float]) -> list[float]:
        return [a / b for a, b in zip(ours, theirs, strict=True)]

    mistakes = [
        Mistake(
            "Speeds, not times: the larger number is the faster program. Which one belongs above the line?",
            gives=lambda a, b: statistics.median(ratios(b, a)),
        ),
        Mistake(
            "One strange round moves a mean. Take the middle ratio.", gives=lambda a, b: statistics.mean(ratios(a, b))
        ),
        Mistake(
            "A slow moment of the machine hits both programs of a round. First the ratio inside each round, then the median.",
            gives=lambda a, b: statistics.median(a) / statistics.median(b),
        ),
        Mistake("Means over all rounds mix good and bad moments.", gives=lambda a, b: sum(a) / sum(b)),
        Mistake("The best rounds of both may be different rounds.", gives=lambda a, b: max(a) / max(b)),
    ]
    hint = "Write the ratio of each round in a list, sort it, and look at the middle."
    for ours, theirs, right in (
        ([200.0], [100.0], 2.0),
        ([30.0, 10.0, 30.0], [10.0, 10.0, 15.0], 2.0),
        ([40.0, 90.0, 10.0], [20.0, 30.0, 10.0], 2.0),
        ([40.0, 90.0, 10.0, 60.0], [20.0, 30.0, 10.0, 10.0], 2.5),
        ([900.0, 40.0, 40.0, 300.0, 20.0], [10.0, 40.0, 20.0, 100.0, 40.0], 2.0),
    ):
        yield from called(answer, (ours, theirs), Number(right), name="speedup", mistakes=mistakes, hint=hint)


@exercise("cnn/page-faults", "function", "a function page_faults(shape, itemsize)")
def page_faults(answer: Any) -> Iterator[Case]:
    """Count the pages that a fresh array touches."""

    def size(shape: tuple[int, ...], itemsize: int) -> int:
        return math.prod(shape) * itemsize

    mistakes = [
        Mistake("A page that is used in part is touched, too.", gives=lambda s, i: size(s, i) // 4096),
        Mistake("A number of faults is whole.", when=lambda result: isinstance(result, float)),
        Mistake("How many bytes has a number?", gives=lambda s, i: -(-math.prod(s) // 4096)),
        Mistake("The axes multiply.", gives=lambda s, i: -(-sum(s) * i // 4096)),
        Mistake("When the last page is full, there is no further one.", gives=lambda s, i: size(s, i) // 4096 + 1),
        Mistake("A fault brings a whole page, not a byte.", gives=size),
    ]
    hint = "How many bytes has the array? How many pages do they fill, and is one more begun?"
    for shape, itemsize in (((1024,), 4), ((1025,), 4), ((2, 4096), 1), ((128, 32, 26, 26), 4), ((3, 5, 7), 8)):
        right = len(range(0, size(shape, itemsize), 4096))
        yield from called(answer, (shape, itemsize), Integer(right), name="page_faults", mistakes=mistakes, hint=hint)
