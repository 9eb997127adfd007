"""Answers to the exercises on predicting speed and memory."""

from __future__ import annotations

import math
import statistics

from tests.exercises.walk import Answers


def step_seconds(operators, peak, bandwidth, launch):
    return sum(max(flop / peak, nbytes / bandwidth, launch) for flop, nbytes in operators)


def as_a_whole(operators, peak, bandwidth, launch):
    flop, nbytes = sum(f for f, _ in operators), sum(b for _, b in operators)
    return max(flop / peak, nbytes / bandwidth, launch)


def misses(predicted, published):
    return [100 * abs(p - q) / q for p, q in zip(predicted, published, strict=True)]


def steps(images, batch):
    return math.ceil(images / batch)


ANSWERS = {
    "gpu/adam-memory": Answers(
        lambda n, mixed: 16 * n,
        [
            (lambda n, mixed: (2 if mixed else 4) * n, "weights alone"),
            (lambda n, mixed: (14 if mixed else 12) * n, "a gradient for each"),
            (lambda n, mixed: 8 * n if mixed else 16 * n, "keep in 32"),
            (lambda n, mixed: 12 * n, "two states"),
            (lambda n, mixed: 12 * n if mixed else 16 * n, "in 32 bits is missing"),
            (lambda n, mixed: 16 * n if mixed else 20 * n, "one copy"),
        ],
    ),
    "gpu/step-time": Answers(
        step_seconds,
        [
            (as_a_whole, "not for all of them together"),
            (lambda ops, p, b, launch: sum(max(f / p, m / b) + launch for f, m in ops), "a floor"),
            (lambda ops, p, b, launch: sum(max(f / p + m / b, launch) for f, m in ops), "at the same time"),
            (lambda ops, p, b, launch: sum(max(min(f / p, m / b), launch) for f, m in ops), "slower one"),
            (lambda ops, p, b, launch: sum(max(f / p, m / b) for f, m in ops), "take a launch"),
            (lambda ops, p, b, launch: sum(max(f / p, launch) for f, m in ops), "forgets the memory"),
        ],
    ),
    "gpu/median-error": Answers(
        lambda predicted, published: statistics.median(misses(predicted, published)),
        [
            (lambda p, q: statistics.median(misses(p, q)) / 100, "percent"),
            (lambda p, q: statistics.fmean(misses(p, q)), "the mean"),
            (lambda p, q: statistics.median(100 * (a - b) / b for a, b in zip(p, q, strict=True)), "cancel"),
            (lambda p, q: statistics.median(misses(q, p)), "not to the prediction"),
            (lambda p, q: max(misses(p, q)), "the worst"),
            (lambda p, q: statistics.median(abs(a - b) for a, b in zip(p, q, strict=True)), "divide by"),
        ],
    ),
    "gpu/largest-batch": Answers(
        lambda card, fixed, sample: max(0, int((card - fixed) * 1000 // sample)),
        [
            (lambda card, fixed, sample: int(card * 1000 // sample), "place first"),
            (lambda card, fixed, sample: max(0, math.ceil((card - fixed) * 1000 / sample)), "rounding up"),
            (lambda card, fixed, sample: max(0.0, (card - fixed) * 1000 // sample), "whole number"),
            (lambda card, fixed, sample: max(0, int((card - fixed) // sample)), "1000 MB"),
            (lambda card, fixed, sample: int((card - fixed) * 1000 // sample), "be negative"),
        ],
    ),
    "gpu/epoch-time": Answers(
        lambda n, b, s, r: steps(n, b) * max(s, r),
        [
            (lambda n, b, s, r: n // b * max(s, r), "last batch"),
            (lambda n, b, s, r: steps(n, b) * (s + r), "not added"),
            (lambda n, b, s, r: steps(n, b) * s, "must wait"),
            (lambda n, b, s, r: steps(n, b) * min(s, r), "slower one"),
            (lambda n, b, s, r: n * max(s, r), "takes a batch"),
        ],
    ),
}
