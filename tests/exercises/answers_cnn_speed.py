"""Answers to the exercises on measuring speed."""

from __future__ import annotations

import math
import statistics

from tests.exercises.walk import Answers


def speedup(ours, theirs):
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def page_faults(shape, itemsize):
    return math.ceil(math.prod(shape) * itemsize / 4096)


ANSWERS = {
    "cnn/speedup": Answers(
        speedup,
        [
            (lambda ours, theirs: speedup(theirs, ours), "above the line"),
            (lambda ours, theirs: statistics.mean(a / b for a, b in zip(ours, theirs, strict=True)), "moves a mean"),
            (lambda ours, theirs: statistics.median(ours) / statistics.median(theirs), "inside each round"),
            (lambda ours, theirs: sum(ours) / sum(theirs), "good and bad moments"),
            (lambda ours, theirs: max(ours) / max(theirs), "different rounds"),
            (lambda ours, theirs: statistics.median(a - b for a, b in zip(ours, theirs, strict=True)), "the middle"),
        ],
    ),
    "cnn/page-faults": Answers(
        page_faults,
        [
            (lambda shape, itemsize: math.prod(shape) * itemsize // 4096, "used in part"),
            (lambda shape, itemsize: math.prod(shape) * itemsize / 4096, "whole"),
            (lambda shape, itemsize: math.ceil(math.prod(shape) / 4096), "bytes has a number"),
            (lambda shape, itemsize: math.ceil(sum(shape) * itemsize / 4096), "axes multiply"),
            (lambda shape, itemsize: math.prod(shape) * itemsize // 4096 + 1, "no further one"),
            (lambda shape, itemsize: math.prod(shape) * itemsize, "whole page"),
        ],
    ),
}
