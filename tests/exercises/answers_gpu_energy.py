"""Answers to the exercises on power, energy and CO2, and of the lab on the energy of a run."""

from __future__ import annotations

import math
import statistics

import numpy as np

from tests.exercises.walk import Answers


def watt_hours(times, watts):
    return sum((b - a) * (p + q) / 2 for a, b, p, q in zip(times, times[1:], watts, watts[1:])) / 3600


def grams(watts, hours, pue, g_per_kwh):
    return watts * hours / 1000 * pue * g_per_kwh


def supply(loads, share, sizes):
    for size in sorted(sizes):
        if sum(loads) <= share * size:
            return size
    return 0


def first_in_the_list(loads, share, sizes):
    return next((size for size in sizes if sum(loads) <= share * size), 0)


def with_an_error(loads, share, sizes):
    return min(size for size in sizes if sum(loads) <= share * size)


def job_wh(tera, tflops, share, card_w, rest_w):
    seconds = tera / tflops / share
    return seconds * (card_w + rest_w) / 3600


def joules_to(target, accuracy, joules):
    spent = 0.0
    for reached, used in zip(accuracy, joules):
        spent += used
        if reached >= target:
            return spent
    return math.inf


def never_is_nothing(target, accuracy, joules):
    spent = joules_to(target, accuracy, joules)
    return 0 if spent == math.inf else spent


def never_is_all(target, accuracy, joules):
    return min(joules_to(target, accuracy, joules), sum(joules))


def joules_ahead(joules, epochs):
    return joules[0] + (epochs - 1) * statistics.median(joules[1:])


ANSWERS = {
    "gpu/watt-hours": Answers(
        watt_hours,
        [
            (lambda t, w: np.trapezoid(w, t), "joules"),
            (lambda t, w: np.trapezoid(w, t) / 3.6e6, "kilowatt-hours"),
            (lambda t, w: w.mean() * (t[-1] - t[0]) / 3600, "evenly"),
            (lambda t, w: w.mean(), "where is the time"),
            (lambda t, w: (w[:-1] * np.diff(t)).sum() / 3600, "mean of the two"),
            (lambda t, w: (w[1:] * np.diff(t)).sum() / 3600, "mean of the two"),
            (lambda t, w: w.sum() / 3600, "how long"),
        ],
    ),
    "gpu/carbon": Answers(
        grams,
        [
            (lambda w, h, p, g: w * h / 1000 * g, "uses energy, too"),
            (lambda w, h, p, g: w * h / 1000 / p * g, "at least one"),
            (lambda w, h, p, g: w * h * p * g, "per kWh"),
            (lambda w, h, p, g: w * h / 1000 * p * g / 1000, "kilograms"),
            (lambda w, h, p, g: w / 1000 * p * g, "how long"),
            (lambda w, h, p, g: w / 1000 * h / 3600 * p * g, "in hours already"),
            (lambda w, h, p, g: w * h / 1000 * p, "each kWh"),
        ],
    ),
    "gpu/power-supply": Answers(
        supply,
        [
            (lambda loads, share, sizes: supply(loads, 1, sizes), "headroom"),
            (lambda loads, share, sizes: supply(loads, 1 / share, sizes), "larger than the load"),
            (lambda loads, share, sizes: supply(loads, 1 / (2 - share), sizes), "share is of the rating"),
            (lambda loads, share, sizes: sum(loads) / share, "which of the sizes"),
            (lambda loads, share, sizes: max(sizes), "a smaller one"),
            (lambda loads, share, sizes: supply([max(loads)], share, sizes), "other parts"),
            (first_in_the_list, "in no order"),
            (with_an_error, "ValueError"),
            (lambda loads, share, sizes: supply(loads, share, sizes) or max(sizes), "even the largest"),
        ],
    ),
    "gpu/per-watt": Answers(
        job_wh,
        [
            (lambda n, f, s, c, r: n / (f * s) * c / 3600, "as long as the card"),
            (lambda n, f, s, c, r: n / f * (c + r) / 3600, "peak rate"),
            (lambda n, f, s, c, r: n / f * s * (c + r) / 3600, "longer, not shorter"),
            (lambda n, f, s, c, r: n / (f * s) * (c + r), "joules"),
            (lambda n, f, s, c, r: n / (f * s) * (c + r) / 3.6e6, "kilowatt-hours"),
            (lambda n, f, s, c, r: f * s / (c + r), "no energy"),
            (lambda n, f, s, c, r: n / (f * s), "a time"),
        ],
    ),
    "gpu/joules-to-accuracy": Answers(
        joules_to,
        [
            (lambda t, a, j: next((e for each, e in zip(a, j) if each >= t), math.inf), "epochs before"),
            (lambda t, a, j: sum(j), "the whole run"),
            (lambda t, a, j: joules_to(t + 1e-9, a, j), "exactly is enough"),
            (lambda t, a, j: joules_to(t, a, [0, *j]), "that reaches it"),
            (never_is_nothing, "no finite energy"),
            (never_is_all, "the whole run"),
        ],
    ),
    "gpu/energy-ahead": Answers(
        joules_ahead,
        [
            (lambda j, n: n * sum(j) / len(j), "It happens once"),
            (lambda j, n: n * j[0], "It happens once"),
            (lambda j, n: j[0] + (n - 1) * statistics.mean(j[1:]), "middle value"),
            (lambda j, n: j[0] + n * statistics.median(j[1:]), "how many are left"),
            (lambda j, n: n * statistics.median(j[1:]), "paid for"),
            (lambda j, n: sum(j), "so far"),
        ],
    ),
}
