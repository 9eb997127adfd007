"""Exercises on why transfer pays, and what it saves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Integer, Number
from gpulab.exercises.engine import exercise


@exercise("transfer/equivalent-labels", "function", "a function labels_needed(sizes, accuracy, target)")
def equivalent_labels(answer: Any) -> Iterator[Case]:
    """Read from a learning curve where it reaches an accuracy, on a straight line over the logarithm of the size."""

    def between(sizes: Sequence[int], accuracy: Sequence[float], target: float, log: Any, exp: Any) -> float:
        if accuracy[0] >= target:
            return float(sizes[0])
        for i in range(1, len(sizes)):
            if accuracy[i] >= target:
                share = (target - accuracy[i - 1]) / (accuracy[i] - accuracy[i - 1])
                return exp(log(sizes[i - 1]) + share * (log(sizes[i]) - log(sizes[i - 1])))
        return math.inf

    def same(number: float) -> float:
        return number

    def next_measured(sizes: Sequence[int], accuracy: Sequence[float], target: float) -> float:
        return next((n for n, reached in zip(sizes, accuracy, strict=True) if reached >= target), math.inf)

    def measured_before(sizes: Sequence[int], accuracy: Sequence[float], target: float) -> float:
        below = [n for n, reached in zip(sizes, accuracy, strict=True) if reached <= target <= max(accuracy)]
        return max(below, default=math.inf)

    def beyond(sizes: Sequence[int], accuracy: Sequence[float], target: float) -> float:
        slope = (math.log(sizes[-1]) - math.log(sizes[-2])) / (accuracy[-1] - accuracy[-2])
        return math.exp(math.log(sizes[-1]) + (target - accuracy[-1]) * slope)

    def backward(sizes: Sequence[int], accuracy: Sequence[float], target: float) -> float:
        return between(sizes[::-1], accuracy[::-1], target, math.log, math.exp)

    mistakes = [
        Mistake(
            "The line is straight over the logarithm of the size, not over the size.",
            gives=lambda n, a, t: between(n, a, t, same, same),
        ),
        Mistake("This size was measured. Where between two of them does the line reach it?", gives=next_measured),
        Mistake("This size was measured. Where between two of them does the line reach it?", gives=measured_before),
        Mistake("Nobody measured beyond the largest size. What do you know there?", gives=beyond),
        Mistake("The curve never gets there: no finite number is enough.", when=lambda got: got in (0, -1)),
        Mistake(
            "The curve never gets there. The largest size is not enough.",
            gives=lambda n, a, t: n[-1] if t > max(a) else None,
        ),
        Mistake(
            "This is a logarithm. A number of images is asked for.",
            gives=lambda n, a, t: math.log(between(n, a, t, math.log, math.exp)),
        ),
        Mistake("Start with the smallest size: the first time counts.", gives=backward),
    ]
    hint = "Which two measured sizes stand around the target? How far along the line between them is it?"
    for call, right in (
        (([5, 10], [0.4, 0.6], 0.6), 10.0),
        (([10, 40], [0.5, 0.7], 0.6), 20.0),
        (([5, 10, 20], [0.42, 0.6, 0.8], 0.75), 10 * 2**0.75),
        (([5, 10, 20], [0.4, 0.6, 0.5], 0.3), 5.0),
        (([5, 10, 20], [0.4, 0.5, 0.6], 0.9), math.inf),
    ):
        yield from called(answer, call, Number(right), name="labels_needed", mistakes=mistakes, hint=hint)


@exercise("transfer/paired-gain", "function", "a function gain(ours, theirs)")
def paired_gain(answer: Any) -> Iterator[Case]:
    """Compare two methods over the same seeds: the mean of the differences and its standard error."""

    def right(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        gaps = ours - theirs
        return np.array([gaps.mean(), gaps.std(ddof=1) / len(gaps) ** 0.5])

    def unpaired(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        spread = ours.var(ddof=1) + theirs.var(ddof=1)
        return np.array([ours.mean() - theirs.mean(), (spread / len(ours)) ** 0.5])

    mistakes = [
        Mistake("Ours minus theirs: a gain of ours is above zero.", gives=lambda a, b: right(b, a)),
        Mistake(
            "The seeds belong together: take the spread of the differences, not of each method alone.", gives=unpaired
        ),
        Mistake(
            "A few seeds are a sample: divide by one less than their number.",
            gives=lambda a, b: np.array([(a - b).mean(), (a - b).std() / len(a) ** 0.5]),
        ),
        Mistake(
            "This is the spread of one difference. How sure is the mean of all of them?",
            gives=lambda a, b: np.array([(a - b).mean(), (a - b).std(ddof=1)]),
        ),
        Mistake(
            "The error of a mean falls with the square root of the number.",
            gives=lambda a, b: np.array([(a - b).mean(), (a - b).std(ddof=1) / len(a)]),
        ),
        Mistake("A difference is asked for, not a ratio.", gives=lambda a, b: right(a / b, np.zeros(len(a)))),
    ]
    hint = "First one difference for each seed. Then their mean, and the standard error of that mean."
    for ours, theirs in (
        ([0.7, 0.8], [0.5, 0.5]),
        ([0.61, 0.64, 0.58], [0.5, 0.56, 0.44]),
        ([0.75, 0.71, 0.78, 0.74], [0.76, 0.7, 0.75, 0.71]),
    ):
        call = (np.array(ours), np.array(theirs))
        yield from called(answer, call, Array(right(*call)), name="gain", mistakes=mistakes, hint=hint)


@exercise("transfer/training-energy", "function", "a function training_kwh(samples, giga, tflops, share, watts, pue)")
def training_energy(answer: Any) -> Iterator[Case]:
    """Estimate the energy of a training that nobody measured, from its operations."""

    def kwh(samples: float, giga: float, tflops: float, share: float, watts: float, pue: float) -> float:
        seconds = 3 * samples * giga * 1e9 / (tflops * 1e12 * share)
        return seconds * watts * pue / 3.6e6

    mistakes = [
        Mistake(
            "A training step also goes backward, which takes about twice as much again.",
            gives=lambda n, g, f, s, w, p: kwh(n, g, f, s, w, p) / 3,
        ),
        Mistake(
            "Backward comes on top of forward.",
            gives=lambda n, g, f, s, w, p: kwh(n, g, f, s, w, p) * 2 / 3,
        ),
        Mistake("No training reaches the peak rate.", gives=lambda n, g, f, s, w, p: kwh(n, g, f, 1, w, p)),
        Mistake(
            "A device that is less busy needs longer, not shorter.",
            gives=lambda n, g, f, s, w, p: kwh(n, g, f, 1 / s, w, p),
        ),
        Mistake("The building uses energy, too.", gives=lambda n, g, f, s, w, p: kwh(n, g, f, s, w, 1)),
        Mistake(
            "These are watt-hours, and kilowatt-hours are asked for.",
            gives=lambda n, g, f, s, w, p: 1000 * kwh(n, g, f, s, w, p),
        ),
        Mistake(
            "These are joules: watts times seconds.",
            gives=lambda n, g, f, s, w, p: 3.6e6 * kwh(n, g, f, s, w, p),
        ),
        Mistake(
            "Look at giga and tera: they differ by a factor.",
            gives=lambda n, g, f, s, w, p: 1000 * kwh(n, g, f, s, w, p),
        ),
    ]
    hint = "How many operations are there in all? How many seconds do they take? What does each second use?"
    for call in (
        (3e9, 1.0, 10.0, 0.25, 400.0, 1.5),
        (384_350_100, 0.594, 15.7, 0.12, 280.0, 1.1),
        (1e8, 8.2, 125.0, 0.35, 390.0, 1.58),
    ):
        yield from called(answer, call, Number(kwh(*call)), name="training_kwh", mistakes=mistakes, hint=hint)


@exercise("transfer/share-of-a-use", "function", "a function grams_per_use(pretraining_wh, there, uses, own_wh, here)")
def share_of_a_use(answer: Any) -> Iterator[Case]:
    """Share the emissions of a pretraining among its uses; each use adds its own, on its own grid."""

    def grams(pretraining_wh: float, there: float, uses: int, own_wh: float, here: float) -> float:
        return pretraining_wh / 1000 * there / uses + own_wh / 1000 * here

    mistakes = [
        Mistake("The pretraining happened on the other grid.", gives=lambda p, t, n, o, h: grams(p, h, n, o, h)),
        Mistake("Each use runs on the grid that is here.", gives=lambda p, t, n, o, h: grams(p, t, n, o, t)),
        Mistake(
            "Each use has its own energy in full: only the pretraining is shared.",
            gives=lambda p, t, n, o, h: (p * t + o * h) / 1000 / n,
        ),
        Mistake("The pretraining is shared by all uses.", gives=lambda p, t, n, o, h: grams(p, t, 1, o, h)),
        Mistake("This is what all uses emit together.", gives=lambda p, t, n, o, h: n * grams(p, t, n, o, h)),
        Mistake("The intensity is per kWh, and the energies are in Wh.", gives=lambda p, t, n, o, h: p * t / n + o * h),
        Mistake("The use itself is missing.", gives=lambda p, t, n, o, h: grams(p, t, n, 0, h)),
        Mistake("The pretraining is missing.", gives=lambda p, t, n, o, h: grams(0, t, n, o, h)),
    ]
    hint = "Two parts: a share of the pretraining, on its grid, and the use itself, on yours."
    calls = (8000.0, 500.0, 4, 300.0, 100.0), (41_000.0, 370.0, 25, 1300.0, 57.0), (1.5e6, 433.0, 2000, 20.0, 41.0)
    for call in calls:
        yield from called(answer, call, Number(grams(*call)), name="grams_per_use", mistakes=mistakes, hint=hint)


@exercise("transfer/break-even", "function", "a function reuses(pretraining_wh, scratch_wh, reuse_wh)")
def break_even(answer: Any) -> Iterator[Case]:
    """After how many reuses has a pretraining saved as much as it took?"""

    def real(pretraining: float, scratch: float, reuse: float) -> float:
        return pretraining / (scratch - reuse)

    mistakes = [
        Mistake("Part of a reuse is no reuse: round up.", gives=real),
        Mistake("After so many, a little is not paid yet: round up.", gives=lambda p, s, r: int(real(p, s, r))),
        Mistake("Exactly paid is paid: no further reuse is needed.", gives=lambda p, s, r: int(real(p, s, r)) + 1),
        Mistake("Each reuse costs something, too.", gives=lambda p, s, r: math.ceil(p / s)),
        Mistake("What does a reuse save? Not what it costs.", gives=lambda p, s, r: math.ceil(p / r)),
        Mistake("A reuse saves the difference of the two.", gives=lambda p, s, r: math.ceil(p / (s + r))),
        Mistake(
            "A reuse that saves nothing never pays: no finite number is enough.",
            when=lambda got: got <= 0,
        ),
    ]
    hint = "What does one reuse save? How often must it be saved until it is as much as the pretraining took?"
    for call, right in (
        ((10.0, 6.0, 1.0), 2),
        ((11.0, 6.0, 1.0), 3),
        ((2000.0, 9.0, 2.0), 286),
        ((10.0, 1.0, 1.0), math.inf),
        ((10.0, 1.0, 4.0), math.inf),
    ):
        wanted = Integer(right) if right != math.inf else Number(right)
        yield from called(answer, call, wanted, name="reuses", mistakes=mistakes, hint=hint)


@exercise("transfer/over-its-life", "function", "a function same_after(train_a, answer_a, train_b, answer_b)")
def over_its_life(answer: Any) -> Iterator[Case]:
    """After how many answers have two models used the same energy, training and use together?"""

    def same(train_a: float, answer_a: float, train_b: float, answer_b: float) -> float:
        return (train_a - train_b) / (answer_b - answer_a)

    mistakes = [
        Mistake("The training counts on both sides.", gives=lambda ta, a, tb, b: ta / (b - a)),
        Mistake("The answers of both models cost something.", gives=lambda ta, a, tb, b: (ta - tb) / b),
        Mistake("The answers of both models cost something.", gives=lambda ta, a, tb, b: (tb - ta) / a),
        Mistake("Both grow with each answer: take the difference.", gives=lambda ta, a, tb, b: (ta - tb) / (a + b)),
        Mistake("The answers cannot be fewer than none: who leads, and who catches up?", when=lambda got: got < 0),
        Mistake(
            "The model that is ahead also gives the cheaper answers: the other never catches up.",
            when=lambda got: got == 0,
        ),
    ]
    hint = "Write what each has used after n answers. For which n are the two equal?"
    for call, right in (
        ((10.0, 1.0, 4.0, 3.0), 3.0),
        ((3.0, 0.02, 50.0, 0.005), 47 / 0.015),
        ((5.0, 1.0, 8.0, 2.0), math.inf),
        ((5.0, 1.0, 8.0, 1.0), math.inf),
    ):
        yield from called(answer, call, Number(right), name="same_after", mistakes=mistakes, hint=hint)
