"""Exercises on power, energy and CO2, and on the energy of a training run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Integer, Number
from gpulab.exercises.engine import exercise


@exercise("gpu/watt-hours", "function", "a function watt_hours(times, watts) of two arrays (n,)")
def watt_hours(answer: Any) -> Iterator[Case]:
    """Add up a log of power readings."""

    def joules(t: np.ndarray, w: np.ndarray) -> float:
        return float(np.trapezoid(w, t))

    mistakes = [
        Mistake("These are joules. How many of them are in a watt-hour?", gives=joules),
        Mistake("These are kilowatt-hours. Watt-hours are asked for.", gives=lambda t, w: joules(t, w) / 3.6e6),
        Mistake("This is a power, not an energy: where is the time?", gives=lambda t, w: w.mean()),
        Mistake("This is a power, not an energy: where is the time?", gives=lambda t, w: w.sum()),
        Mistake("A sum of watts is no energy. How long did each reading last?", gives=lambda t, w: w.sum() / 3600),
        Mistake(
            "The readings are not evenly spaced: a long gap counts for more than a short one.",
            gives=lambda t, w: w.mean() * (t[-1] - t[0]) / 3600,
        ),
        Mistake("The clock does not start at zero: only differences of times count.", gives=lambda t, w: w @ t / 3600),
        Mistake(
            "Power changes between two readings. Take the mean of the two, not one of them.",
            gives=lambda t, w: w[:-1] @ np.diff(t) / 3600,
        ),
        Mistake(
            "Power changes between two readings. Take the mean of the two, not one of them.",
            gives=lambda t, w: w[1:] @ np.diff(t) / 3600,
        ),
    ]
    hint = "Between two readings: mean power times seconds. Add these up, and change the unit at the end."
    for label, times, watts, right in (
        ("an hour at 200 W", [0, 3600], [200, 200], 200.0),
        ("an hour in which the power rises from 0 to 300 W", [0, 3600], [0, 300], 150.0),
        ("a clock that starts at 1000 s", [1000, 1900], [360, 360], 90.0),
        ("readings with a long gap", [0, 60, 120, 3720], [60, 300, 300, 60], 188.0),
    ):
        yield from called(
            answer,
            (np.array(times, float), np.array(watts, float)),
            Number(right),
            name="watt_hours",
            mistakes=mistakes,
            hint=hint,
            label=f"The energy of {label}",
            verb="is",
        )


@exercise("gpu/carbon", "function", "a function grams(watts, hours, pue, g_per_kwh)")
def carbon(answer: Any) -> Iterator[Case]:
    """Go from the mean power of a machine to grams of CO2-equivalent."""

    def right(watts: float, hours: float, pue: float, g: float) -> float:
        return watts / 1000 * hours * pue * g

    mistakes = [
        Mistake("The data center uses energy, too, beside the machine.", gives=lambda w, h, p, g: right(w, h, 1, g)),
        Mistake(
            "The PUE is at least one: the building can only add to the energy.",
            gives=lambda w, h, p, g: right(w, h, 1 / p, g),
        ),
        Mistake("The PUE is a factor on the whole energy.", gives=lambda w, h, p, g: right(w, h, p - 1, g)),
        Mistake("The intensity is per kWh, and these are watts.", gives=lambda w, h, p, g: 1000 * right(w, h, p, g)),
        Mistake("These are kilograms. Grams are asked for.", gives=lambda w, h, p, g: right(w, h, p, g) / 1000),
        Mistake("Power alone is no energy: how long does the run take?", gives=lambda w, h, p, g: right(w, 1, p, g)),
        Mistake("The time is given in hours already.", gives=lambda w, h, p, g: right(w, h, p, g) / 3600),
        Mistake("The time is given in hours already.", gives=lambda w, h, p, g: right(w, h, p, g) * 3600),
        Mistake("This is the energy in kWh. What does each kWh stand for?", gives=lambda w, h, p, g: right(w, h, p, 1)),
    ]
    hint = "First the kWh of the machine, then those of the data center, then the grams."
    for call, grams in (
        ((1000, 2, 1.0, 100.0), 200.0),
        ((500, 4, 1.5, 100.0), 300.0),
        ((350, 24, 1.2, 56.0), 564.48),
        ((3200, 100, 1.1, 475.0), 167_200.0),
    ):
        yield from called(answer, call, Number(grams), name="grams", mistakes=mistakes, hint=hint)


@exercise("gpu/power-supply", "function", "a function supply(loads, share, sizes)")
def power_supply(answer: Any) -> Iterator[Case]:
    """Choose the smallest power supply that is not loaded beyond a share of its rating; 0 if none is large enough."""

    def chosen(sizes: Sequence[int], needed: float) -> int:
        return min((size for size in sizes if size >= needed), default=0)

    mistakes = [
        Mistake("This leaves no headroom.", gives=lambda loads, share, sizes: chosen(sizes, sum(loads))),
        Mistake(
            "The rating must be larger than the load, not smaller.",
            gives=lambda loads, share, sizes: chosen(sizes, sum(loads) * share),
        ),
        Mistake(
            "The share is of the rating, not of the load: is the load at most this share of what you chose?",
            gives=lambda loads, share, sizes: chosen(sizes, sum(loads) * (2 - share)),
        ),
        Mistake(
            "This is what is needed. Which of the sizes is large enough?",
            gives=lambda loads, share, sizes: sum(loads) / share,
        ),
        Mistake(
            "The largest would do, but there is a smaller one that does.",
            gives=lambda loads, share, sizes: max(sizes) if max(sizes) >= sum(loads) / share else None,
        ),
        Mistake(
            "The other parts need power, too.", gives=lambda loads, share, sizes: chosen(sizes, max(loads) / share)
        ),
        Mistake(
            "The sizes are in no order: look at all of them.",
            gives=lambda loads, share, sizes: next((size for size in sizes if size >= sum(loads) / share), 0),
        ),
        Mistake(
            "A load of exactly this share is allowed.",
            gives=lambda loads, share, sizes: min((size for size in sizes if size > sum(loads) / share), default=0),
        ),
        Mistake(
            "None of the sizes is large enough: then even the largest is no answer.",
            gives=lambda loads, share, sizes: max(sizes) if max(sizes) < sum(loads) / share else 0,
        ),
    ]
    hint = "Add the loads. Which ratings stay loaded to at most the share? Take the smallest of these."
    for call, size in (
        (([300, 100], 0.5, [500, 650, 800, 1000]), 800),
        (([350, 125, 75], 0.75, [550, 650, 750, 850, 1000]), 750),
        (([450, 170, 80], 0.75, [1200, 850, 1600, 1000, 750]), 1000),
        (([575, 575, 250, 100], 0.75, [850, 1200, 1400]), 0),
    ):
        yield from called(answer, call, Integer(size), name="supply", mistakes=mistakes, hint=hint)


@exercise("gpu/per-watt", "function", "a function job_wh(tera, tflops, share, card_w, rest_w)")
def per_watt(answer: Any) -> Iterator[Case]:
    """Compute the energy of a job from its operations, the rate of a card and the power of the whole machine."""

    def wh(tera: float, tflops: float, share: float, card: float, rest: float) -> float:
        return tera / (tflops * share) * (card + rest) / 3600

    mistakes = [
        Mistake("The rest of the machine runs as long as the card.", gives=lambda n, f, s, c, r: wh(n, f, s, c, 0)),
        Mistake(
            "The rest of the machine runs as long as the card: power, too, must be multiplied by the time.",
            gives=lambda n, f, s, c, r: wh(n, f, s, c, 0) + r,
        ),
        Mistake("The job does not run at the peak rate.", gives=lambda n, f, s, c, r: wh(n, f, 1, c, r)),
        Mistake("A lower rate makes the job longer, not shorter.", gives=lambda n, f, s, c, r: wh(n, f, 1 / s, c, r)),
        Mistake(
            "The share is one of the rate. The watts are given as they are.",
            gives=lambda n, f, s, c, r: wh(n, f, 1, s * c, r),
        ),
        Mistake("These are joules. Watt-hours are asked for.", gives=lambda n, f, s, c, r: 3600 * wh(n, f, s, c, r)),
        Mistake("These are kilowatt-hours.", gives=lambda n, f, s, c, r: wh(n, f, s, c, r) / 1000),
        Mistake("This is a time. What power runs for so long?", gives=lambda n, f, s, c, r: n / (f * s)),
        Mistake("A rate for each watt is no energy.", gives=lambda n, f, s, c, r: f * s / (c + r)),
    ]
    hint = "How many seconds does the job take? Which power runs for so long?"
    for call, right in (
        ((3600, 1, 1.0, 100, 0), 100.0),
        ((36_000, 10, 0.5, 300, 0), 600.0),
        ((360_000, 100, 0.4, 450, 150), 1500.0),
        ((7_200_000, 250, 0.32, 350, 110), 11_500.0),
    ):
        yield from called(answer, call, Number(right), name="job_wh", mistakes=mistakes, hint=hint)


@exercise("gpu/joules-to-accuracy", "function", "a function joules_to(target, accuracy, joules) of two lists")
def joules_to_accuracy(answer: Any) -> Iterator[Case]:
    """Find the energy at which a run first reaches an accuracy; infinity if it never does."""

    def spent(target: float, accuracy: list[float], joules: list[float]) -> float:
        reached = [i for i, each in enumerate(accuracy) if each >= target]
        return sum(joules[: reached[0] + 1]) if reached else math.inf

    def last(target: float, accuracy: list[float], joules: list[float]) -> float:
        below = [i for i, each in enumerate(accuracy) if each < target]
        return sum(joules[: (below[-1] if below else -1) + 2])

    mistakes = [
        Mistake(
            "The epochs before must be paid for, too.",
            gives=lambda t, a, j: next(e for each, e in zip(a, j, strict=True) if each >= t),
        ),
        Mistake("The epoch that reaches it must be paid for, too.", gives=lambda t, a, j: spent(t, a, [0, *j])),
        Mistake("This is the whole run. When does it reach the target first?", gives=lambda t, a, j: sum(j)),
        Mistake(
            "To reach the target exactly is enough.",
            gives=lambda t, a, j: spent(t + 1e-9, a, j),
        ),
        Mistake("The first time counts. Later it may fall again.", gives=last),
        Mistake(
            "That is the number of epochs. Joules are asked for.",
            gives=lambda t, a, j: 1 + next(i for i, each in enumerate(a) if each >= t),
        ),
        Mistake("A run that never reaches it: no finite energy is enough.", when=lambda got: got in (None, 0, -1)),
    ]
    hint = "Walk through the epochs and add up their joules. Where may you stop? What if you never may?"
    for call, right in (
        ((0.9, [0.95], [5.0]), 5.0),
        ((0.9, [0.8, 0.9, 0.93], [6.0, 5.0, 5.0]), 11.0),
        ((0.95, [0.8, 0.96, 0.94, 0.97], [6.0, 5.5, 5.0, 5.0]), 11.5),
        ((0.99, [0.8, 0.96], [6.0, 5.0]), math.inf),
    ):
        yield from called(answer, call, Number(right), name="joules_to", mistakes=mistakes, hint=hint)


@exercise("gpu/energy-ahead", "function", "a function joules_ahead(joules, epochs)")
def energy_ahead(answer: Any) -> Iterator[Case]:
    """Predict the energy of a long run: the first epoch as it was, then the median of the few that were measured."""

    def ahead(joules: list[float], epochs: int) -> float:
        return joules[0] + (epochs - 1) * float(np.median(joules[1:]))

    mistakes = [
        Mistake("The first epoch also warms up. It happens once.", gives=lambda j, n: n * np.mean(j)),
        Mistake("The first epoch also warms up. It happens once.", gives=lambda j, n: n * np.median(j)),
        Mistake("The first epoch also warms up. It happens once.", gives=lambda j, n: n * j[0]),
        Mistake(
            "One disturbed epoch must not decide: what is the middle value?",
            gives=lambda j, n: j[0] + (n - 1) * np.mean(j[1:]),
        ),
        Mistake("One epoch is the first: how many are left?", gives=lambda j, n: j[0] + n * np.median(j[1:])),
        Mistake("The first epoch must be paid for, too.", gives=lambda j, n: (n - 1) * np.median(j[1:])),
        Mistake("The first epoch must be paid for, as it was.", gives=lambda j, n: n * np.median(j[1:])),
        Mistake(
            "The epochs that were measured are a part of the long run.",
            gives=lambda j, n: sum(j) + n * np.median(j[1:]),
        ),
        Mistake("This is what was spent so far.", gives=lambda j, n: sum(j)),
    ]
    hint = "Which epochs are alike? What does one of these usually cost, and how many of them will there be?"
    for call, right in (
        (([8.0, 5.0], 3), 18.0),
        (([9.0, 5.0, 5.0], 11), 59.0),
        (([9.0, 5.0, 5.2, 27.0], 101), 529.0),
    ):
        yield from called(answer, call, Number(right), name="joules_ahead", mistakes=mistakes, hint=hint)
