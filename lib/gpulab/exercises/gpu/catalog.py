"""Exercises on specification sheets and on the catalog of accelerators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called, plotted
from gpulab.exercises.compare import Array, Number
from gpulab.exercises.engine import exercise
from gpulab.hardware import catalog

WATTS = ("v100-sxm2-32gb", "a100-sxm-80gb", "h100-sxm", "b200-sxm")  # the line of gpu/plot-watts, oldest first


@exercise("gpu/peak-flops", "function", "a function peak_tflops(units, lanes, ghz)")
def peak_flops(answer: Any) -> Iterator[Case]:
    """Compute the peak rate from units, lanes and clock."""
    mistakes = [
        Mistake("A multiply-add counts as two operations.", gives=lambda u, n, g: u * n * g / 1000),
        Mistake("These are GFLOPS: billions. TFLOPS are asked for.", gives=lambda u, n, g: 2 * u * n * g),
        Mistake("These are FLOPS. TFLOPS are asked for.", gives=lambda u, n, g: 2e9 * u * n * g),
        Mistake("The clock is given in GHz, not in MHz or Hz.", gives=lambda u, n, g: 2e-6 * u * n * g),
        Mistake("The clock is given in GHz, not in MHz or Hz.", gives=lambda u, n, g: 2e-12 * u * n * g),
        Mistake("Each unit has all these lanes, so the two multiply.", gives=lambda u, n, g: 2 * (u + n) * g / 1000),
    ]
    hint = "How many multiply-adds happen in one tick of the clock, and how many ticks are there in a second?"
    for call, right in (
        ((1, 1, 1.0), 0.002),
        ((8, 16, 3.8), 0.9728),
        ((68, 64, 1.545), 13.44768),
        ((132, 128, 1.98), 66.90816),
    ):
        yield from called(answer, call, Number(right), name="peak_tflops", mistakes=mistakes, hint=hint)


@exercise("gpu/bandwidth-from-pins", "function", "a function bandwidth(bits, gbit_per_pin)")
def bandwidth_from_pins(answer: Any) -> Iterator[Case]:
    """Compute the memory bandwidth from the width of the bus and the rate of one pin."""
    mistakes = [
        Mistake("These are bits. GB/s means bytes.", gives=lambda b, r: b * r),
        Mistake("There are more bits than bytes, not fewer.", gives=lambda b, r: b * r * 8),
        Mistake(
            "The rate of a pin counts every bit that it moves. It is not doubled again.", gives=lambda b, r: b * r / 4
        ),
        Mistake("Bandwidths are decimal: a GB has a thousand MB.", gives=lambda b, r: b * r / 8 / 1.024),
        Mistake("Bandwidths are decimal: a GB has a thousand MB.", gives=lambda b, r: b * r / 8 / 1.024**3),
        Mistake("The rate is given in Gbit/s already.", gives=lambda b, r: b * r / 8000),
    ]
    hint = "All pins together move how many gigabits in a second? How many gigabytes is that?"
    for call, right in (((32, 1.0), 4.0), ((256, 10.0), 320.0), ((384, 19.5), 936.0), ((5120, 2.43), 1555.2)):
        yield from called(answer, call, Number(right), name="bandwidth", mistakes=mistakes, hint=hint)


@exercise("gpu/dense-figure", "function", "a function dense16(printed, bits, sparse, half_rate)")
def dense_figure(answer: Any) -> Iterator[Case]:
    """Turn a printed figure into the dense rate for 16-bit inputs that are accumulated in 32 bits."""

    def rate(printed: float, bits: int, sparse: bool, half_rate: bool) -> float:
        return printed * bits / 16 / (1 + sparse) / (1 + half_rate)

    mistakes = [
        Mistake("What becomes of a figure that counts skipped zeros?", gives=lambda p, b, s, h: rate(p, b, False, h)),
        Mistake(
            "Some cards lose half of the rate when they accumulate in FP32.",
            gives=lambda p, b, s, h: rate(p, b, s, False),
        ),
        Mistake("Fewer bits, more operations a second.", gives=lambda p, b, s, h: rate(p, 16, s, h)),
        Mistake(
            "You go from few bits to more bits: the rate gets smaller.",
            gives=lambda p, b, s, h: rate(p, 16, s, h) * 16 / b,
        ),
        Mistake("Only where the figure is sparse.", gives=lambda p, b, s, h: rate(p, b, True, h)),
        Mistake("Only where the card has the half rate.", gives=lambda p, b, s, h: rate(p, b, s, True)),
        Mistake("Each doubling has to go: divide.", gives=lambda p, b, s, h: p * b / 16 * (1 + s) * (1 + h)),
    ]
    hint = "Undo one doubling after the other: the format, the sparsity, the accumulation."
    for call, right in (
        ((100, 16, False, False), 100.0),
        ((624, 16, True, False), 312.0),
        ((142, 16, False, True), 71.0),
        ((485, 8, True, False), 121.25),
        ((285, 16, True, True), 71.25),
        ((3352, 4, True, True), 209.5),
    ):
        yield from called(answer, call, Number(right), name="dense16", mistakes=mistakes, hint=hint)


@exercise("gpu/balance", "function", "a function balance(tflops, gb_s) of two arrays (n,)")
def balance(answer: Any) -> Iterator[Case]:
    """Compute how many operations a device can do for each byte that it can move."""
    mistakes = [
        Mistake("Tera over giga: the prefixes do not cancel.", gives=lambda f, b: f / b),
        Mistake("This is bytes per operation. Operations per byte are asked for.", gives=lambda f, b: b / f),
        Mistake("This is bytes per operation. Operations per byte are asked for.", gives=lambda f, b: b / f / 1000),
        Mistake("Divide by bytes, not by numbers of four bytes.", gives=lambda f, b: 4000 * f / b),
        Mistake("Divide by bytes, not by numbers of two bytes.", gives=lambda f, b: 2000 * f / b),
        Mistake("Prefixes of rates are decimal.", gives=lambda f, b: 1024 * f / b),
        Mistake("A missing rate must stay missing. It is not zero.", gives=lambda f, b: np.nan_to_num(1000 * f / b)),
        Mistake("Each device has its own quotient.", gives=lambda f, b: 1000 * np.nansum(f) / np.nansum(b)),
    ]
    hint = "Write one device with all its zeros: operations a second over bytes a second."
    for label, tflops, gb_s, right in (
        ("one device of 1 TFLOPS and 1 GB/s", [1.0], [1.0], [1000.0]),
        ("two devices", [8.0, 312.0], [320.0, 1555.0], [25.0, 312_000 / 1555]),
        ("a device without the rate (nan)", [np.nan, 13.45], [512.0, 616.0], [np.nan, 13_450 / 616]),
    ):
        yield from called(
            answer,
            (np.array(tflops), np.array(gb_s)),
            Array(right, kind="f"),
            name="balance",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label}",
            verb="is",
        )


@exercise("gpu/growth", "function", "a function growth(first, last, years)")
def growth(answer: Any) -> Iterator[Case]:
    """Compute by which factor a figure grew in each year."""
    mistakes = [
        Mistake("This is the growth over all years together.", gives=lambda a, b, n: b / a),
        Mistake("Growth multiplies: the same factor every year, not the same amount.", gives=lambda a, b, n: b / a / n),
        Mistake(
            "Growth multiplies: the same factor every year, not the same amount.",
            gives=lambda a, b, n: 1 + (b / a - 1) / n,
        ),
        Mistake("This is the part that is added. A factor is asked for.", gives=lambda a, b, n: (b / a) ** (1 / n) - 1),
        Mistake("This is in percent. A factor is asked for.", gives=lambda a, b, n: 100 * ((b / a) ** (1 / n) - 1)),
        Mistake("The new figure over the old one.", gives=lambda a, b, n: (a / b) ** (1 / n)),
        Mistake("This is the logarithm of the factor.", gives=lambda a, b, n: np.log(b / a) / n),
        Mistake("Three years apart are three steps, not four or two.", gives=lambda a, b, n: (b / a) ** (1 / (n + 1))),
    ]
    hint = "If a figure grows by the factor g in each year, what is it after two years? Turn that around."
    for call, right in (
        ((10, 30, 1), 3.0),
        ((10, 90, 2), 3.0),
        ((5, 320, 3), 4.0),
        ((64, 64, 5), 1.0),
        ((81, 1, 4), 1 / 3),
    ):
        yield from called(answer, call, Number(right), name="growth", mistakes=mistakes, hint=hint)


@exercise("gpu/plot-watts", "plot", "the axes of a plot")
def plot_watts(answer: Any) -> Iterator[Case]:
    """Draw the dense 16-bit rate per watt of four generations against their years."""
    devices = [catalog()[name] for name in WATTS]
    years = np.array([each.year for each in devices])
    rates = np.array([each.fp16_tflops for each in devices])
    plain, watts = np.array([each.fp32_tflops for each in devices]), np.array([each.tdp_w for each in devices])
    mistakes = [
        Mistake("These are watts per TFLOPS. More work per watt is better: turn it around.", gives=watts / rates),
        Mistake("This is the rate alone. Divide by the power.", gives=rates),
        Mistake("This is the ordinary FP32 rate. The tensor rate is asked for.", gives=plain / watts),
        Mistake("Draw TFLOPS per watt, not GFLOPS per watt.", gives=1000 * rates / watts),
        Mistake("The x axis shows the year of each card.", gives=np.arange(len(devices))),
    ]
    yield from plotted(
        answer,
        lines=[("the rate per watt", years, rates / watts)],
        xlabel=("year",),
        ylabel=("watt", "/W", "/ W", "per W"),
        title=(),
        mistakes=mistakes,
        hint="One point a card: its `year` across, and `fp16_tflops / tdp_w` up, from the oldest to the newest.",
    )


@exercise("gpu/pareto", "function", "a function pareto(price, speed) of two arrays (n,)")
def pareto(answer: Any) -> Iterator[Case]:
    """Mark the cards that no other card beats on price and speed."""

    def beaten(price: np.ndarray, speed: np.ndarray, by: Any) -> np.ndarray:
        return ~np.array([by(price - p, speed - s).any() for p, s in zip(price, speed, strict=True)])

    def steps(price: np.ndarray, speed: np.ndarray) -> np.ndarray:
        """Walk from cheap to expensive in a stable order, and keep what is faster than all before."""
        kept, best = np.zeros(len(price), bool), -np.inf
        for i in np.argsort(price, kind="stable"):
            kept[i], best = speed[i] > best, max(best, speed[i])
        return kept

    mistakes = [
        Mistake(
            "A card is beaten only if another one is no worse in both, and better in one.",
            gives=lambda p, s: beaten(p, s, lambda dp, ds: (dp < 0) | (ds > 0)),
        ),
        Mistake(
            "Equal price and more speed: that beats, too. So does equal speed for less money.",
            gives=lambda p, s: beaten(p, s, lambda dp, ds: (dp < 0) & (ds > 0)),
        ),
        Mistake(
            "No card beats itself, nor one that is equal in both.",
            gives=lambda p, s: beaten(p, s, lambda dp, ds: (dp <= 0) & (ds >= 0)),
        ),
        Mistake("Two cards that are equal in both: both stay, or neither.", gives=steps),
        Mistake(
            "A low price is good, and a high speed.",
            gives=lambda p, s: beaten(p, s, lambda dp, ds: (dp >= 0) & (ds >= 0) & ((dp > 0) | (ds > 0))),
        ),
        Mistake("A low price is good, and a high speed.", gives=lambda p, s: _front(p, -s)),
        Mistake("These are the cards that are beaten.", gives=lambda p, s: ~_front(p, s)),
        Mistake("The front is more than the best quotient.", gives=lambda p, s: s / p == (s / p).max()),
    ]
    hint = "For each card: is there another one with a price that is not higher and a speed that is not lower?"
    for label, price, speed in (
        ("one card", [500], [400]),
        ("two cards, one of them cheaper and faster", [500, 600], [400, 300]),
        ("two cards, the faster one costs more", [500, 600], [300, 400]),
        ("two cards of one price", [500, 500], [300, 400]),
        ("two cards that are equal in both", [500, 500, 700], [400, 400, 300]),
        ("six cards", [700, 300, 500, 500, 900, 1500], [600, 250, 400, 450, 600, 1000]),
    ):
        call = (np.array(price), np.array(speed))
        yield from called(
            answer,
            call,
            Array(_front(*call), kind="b"),
            name="pareto",
            mistakes=mistakes,
            hint=hint,
            label=f"The answer for {label}",
            verb="is",
        )


def _front(price: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """Return which cards are not beaten: sorted by price, each group of one price against all that is cheaper."""
    kept = np.zeros(len(price), bool)
    best = -np.inf
    for value in np.unique(price):
        group = price == value
        top = speed[group].max()
        if top > best:
            kept |= group & (speed == top)
            best = top
    return kept


@exercise("gpu/odd-rates", "function", "a function odd_rates(fp16, tf32, tolerance) of two arrays (n,)")
def odd_rates(answer: Any) -> Iterator[Case]:
    """Mark the rows in which the FP16 rate is not twice the TF32 rate."""

    def off(fp16: np.ndarray, tf32: np.ndarray) -> np.ndarray:
        return np.abs(fp16 / (2 * tf32) - 1)

    def wrong(fp16: np.ndarray, tf32: np.ndarray, tolerance: float) -> np.ndarray:
        return ~(off(fp16, tf32) <= tolerance)

    mistakes = [
        Mistake("A figure that is missing (nan) is no error. What does a comparison with nan give?", gives=wrong),
        Mistake("A ratio can be too small, too.", gives=lambda f, t, tolerance: f / (2 * t) - 1 > tolerance),
        Mistake(
            "Measure the difference against twice the TF32 rate, not against the FP16 rate.",
            gives=lambda f, t, tolerance: np.abs(2 * t / f - 1) > tolerance,
        ),
        Mistake(
            "Measure the difference against twice the TF32 rate, not against the TF32 rate itself.",
            gives=lambda f, t, tolerance: np.abs(f / t - 2) > tolerance,
        ),
        Mistake(
            "The tolerance is a share of the rate: a difference of one means little at a thousand.",
            gives=lambda f, t, tolerance: np.abs(f - 2 * t) > tolerance,
        ),
        Mistake("FP16 runs at twice the rate of TF32.", gives=lambda f, t, tolerance: np.abs(f / t - 1) > tolerance),
        Mistake("These are the rows that fit.", gives=lambda f, t, tolerance: off(f, t) <= tolerance),
        Mistake("One truth value for each row.", gives=lambda f, t, tolerance: bool((off(f, t) > tolerance).any())),
        Mistake("Allow the tolerance: printed figures are rounded.", gives=lambda f, t, tolerance: off(f, t) > 0),
    ]
    hint = "Divide what is printed by what you expect. How far is the quotient from one, on either side?"
    for label, fp16, tf32, right in (
        ("a row that fits", [312.0], [156.0], [False]),
        ("a row with the sparse figure", [624.0], [156.0], [True]),
        ("a row with a figure too small", [71.2, 35.6], [35.6, 35.6], [False, True]),
        ("rounded figures", [362.0, 989.4, 25.5], [183.0, 494.7, 12.7], [False, False, False]),
        ("missing figures", [110.0, np.nan, 500.0], [np.nan, np.nan, 125.0], [False, False, True]),
        ("figures near the limit", [206.1, 194.1], [100.0, 100.0], [True, False]),
    ):
        yield from called(
            answer,
            (np.array(fp16), np.array(tf32), 0.03),
            Array(right, kind="b"),
            name="odd_rates",
            mistakes=mistakes,
            hint=hint,
            label=f"The answer for {label}",
            verb="is",
        )
