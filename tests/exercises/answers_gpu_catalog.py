"""Answers to the exercises on specification sheets and on the catalog of accelerators."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from gpulab.hardware import catalog

from tests.exercises.walk import Answers, Made

GENERATIONS = ("v100-sxm2-32gb", "a100-sxm-80gb", "h100-sxm", "b200-sxm")


def peak_tflops(units, lanes, ghz):
    return 2 * units * lanes * ghz * 1e9 / 1e12


def dense16(printed, bits, sparse, half_rate):
    rate = printed * bits / 16
    for doubled in (sparse, half_rate):
        rate = rate / 2 if doubled else rate
    return rate


def per_watt(each):
    return each.fp16_tflops / each.tdp_w


def watts(figure=per_watt, x=None, xlabel="year", ylabel="TFLOPS per watt", title="Rate"):
    """Return a function that draws what the exercise asks for, or a variant of it."""

    def draw():
        devices = [catalog()[name] for name in GENERATIONS]
        figures, ax = plt.subplots()
        ax.plot(x or [each.year for each in devices], [figure(each) for each in devices])
        ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
        plt.close(figures)
        return ax

    return Made(draw)


def pareto(price, speed):
    kept = []
    for p, s in zip(price, speed, strict=True):
        no_worse = (price <= p) & (speed >= s)
        better = (price < p) | (speed > s)
        kept.append(not (no_worse & better).any())
    return np.array(kept)


def pareto_of_both(price, speed):
    return np.array([not ((price < p) & (speed > s)).any() for p, s in zip(price, speed, strict=True)])


def pareto_that_beats_itself(price, speed):
    return np.array([not ((price <= p) & (speed >= s)).any() for p, s in zip(price, speed, strict=True)])


def pareto_by_walking(price, speed):
    kept, best = np.zeros(len(price), bool), -1
    for i in np.argsort(price, kind="stable"):
        kept[i] = speed[i] > best
        best = max(best, speed[i])
    return kept


def odd_rates(fp16, tf32, tolerance):
    return np.abs(fp16 / (2 * tf32) - 1) > tolerance


def odd_rates_in_place(fp16, tf32, tolerance):
    tf32 *= 2
    return np.abs(fp16 / tf32 - 1) > tolerance


ANSWERS = {
    "gpu/peak-flops": Answers(
        peak_tflops,
        [
            (lambda u, n, g: u * n * g / 1000, "two operations"),
            (lambda u, n, g: 2 * u * n * g, "GFLOPS: billions"),
            (lambda u, n, g: 2 * u * n * g * 1e9, "TFLOPS are asked for"),
            (lambda u, n, g: 2 * u * n * g / 1e6, "given in GHz"),
            (lambda u, n, g: 2 * (u + n) * g / 1e3, "the two multiply"),
            (lambda u, n, g: 2 * n * g / 1e3, "in one tick"),
        ],
    ),
    "gpu/bandwidth-from-pins": Answers(
        lambda bits, gbit_per_pin: bits * gbit_per_pin / 8,
        [
            (lambda b, r: b * r, "means bytes"),
            (lambda b, r: 8 * b * r, "more bits than bytes"),
            (lambda b, r: 2 * b * r / 8, "doubled again"),
            (lambda b, r: b * r / 8 * 1e9 / 2**30, "decimal"),
            (lambda b, r: b * r / 8 * 1000 / 1024, "decimal"),
            (lambda b, r: b * r / 8 / 1000, "Gbit/s already"),
            (lambda b, r: b + r, "all pins together"),
        ],
    ),
    "gpu/dense-figure": Answers(
        dense16,
        [
            (lambda p, b, s, h: dense16(p, b, False, h), "skipped zeros"),
            (lambda p, b, s, h: dense16(p, b, s, False), "accumulate in FP32"),
            (lambda p, b, s, h: dense16(p, 16, s, h), "fewer bits"),
            (lambda p, b, s, h: dense16(p * (16 / b) ** 2, b, s, h), "the rate gets smaller"),
            (lambda p, b, s, h: dense16(p, b, True, h), "only where the figure is sparse"),
            (lambda p, b, s, h: dense16(p, b, s, True), "only where the card"),
            (lambda p, b, s, h: p * b / 16 * (2 if s else 1) * (2 if h else 1), "divide"),
            (lambda p, b, s, h: 0.9 * dense16(p, b, s, h), "one doubling after the other"),
        ],
    ),
    "gpu/balance": Answers(
        lambda tflops, gb_s: tflops * 1e12 / (gb_s * 1e9),
        [
            (lambda f, b: f / b, "prefixes do not cancel"),
            (lambda f, b: b / f, "bytes per operation"),
            (lambda f, b: b * 1e9 / (f * 1e12), "bytes per operation"),
            (lambda f, b: 1000 * f / (b / 4), "four bytes"),
            (lambda f, b: 1000 * f / (b / 2), "two bytes"),
            (lambda f, b: f * 2**40 / (b * 2**30), "decimal"),
            (lambda f, b: np.nan_to_num(1000 * f / b), "stay missing"),
            (lambda f, b: 3000 * f / b, "with all its zeros"),
            (lambda f, b: (1000 * f / b)[:1], "not the right shape"),
        ],
    ),
    "gpu/growth": Answers(
        lambda first, last, years: (last / first) ** (1 / years),
        [
            (lambda a, b, n: b / a, "all years together"),
            (lambda a, b, n: b / a / n, "growth multiplies"),
            (lambda a, b, n: 1 + (b / a - 1) / n, "growth multiplies"),
            (lambda a, b, n: (b / a) ** (1 / n) - 1, "a factor is asked for"),
            (lambda a, b, n: 100 * ((b / a) ** (1 / n) - 1), "percent"),
            (lambda a, b, n: (a / b) ** (1 / n), "new figure over the old"),
            (lambda a, b, n: float(np.log(b / a)) / n, "logarithm"),
            (lambda a, b, n: (b / a) ** (1 / (n + 1)), "three steps"),
            (lambda a, b, n: b - a, "after two years"),
        ],
    ),
    "gpu/plot-watts": Answers(
        watts(),
        [
            (watts(lambda each: each.tdp_w / each.fp16_tflops), "turn it around"),
            (watts(lambda each: each.fp16_tflops), "divide by the power"),
            (watts(lambda each: each.fp32_tflops / each.tdp_w), "ordinary FP32 rate"),
            (watts(lambda each: 1000 * each.fp16_tflops / each.tdp_w), "not GFLOPS"),
            (watts(x=[0, 1, 2, 3]), "the year of each card"),
            (watts(xlabel=""), "label of the x axis is empty"),
            (watts(ylabel="TFLOPS"), "does not say what is drawn"),
            (watts(title=""), "title is empty"),
            (3, "axes of a plot"),
        ],
    ),
    "gpu/pareto": Answers(
        pareto,
        [
            (pareto_of_both, "equal price and more speed"),
            (pareto_that_beats_itself, "no card beats itself"),
            (pareto_by_walking, "both stay, or neither"),
            (lambda p, s: ~pareto(p, s), "that are beaten"),
            (lambda p, s: pareto(p, -s), "a low price is good"),
            (lambda p, s: pareto(-p, s), "a low price is good"),
            (lambda p, s: s / p == (s / p).max(), "best quotient"),
            (lambda p, s: (p == p.min()) & (s == s.max()), "no worse in both"),
            (lambda p, s: np.flatnonzero(pareto(p, s)), "truth values"),
        ],
    ),
    "gpu/odd-rates": Answers(
        odd_rates,
        [
            (lambda f, t, tolerance: ~(np.abs(f / (2 * t) - 1) <= tolerance), "a comparison with nan"),
            (lambda f, t, tolerance: ~np.isclose(f, 2 * t, rtol=tolerance), "a comparison with nan"),
            (lambda f, t, tolerance: f / (2 * t) > 1 + tolerance, "too small, too"),
            (lambda f, t, tolerance: np.abs(f - 2 * t) > tolerance, "share of the rate"),
            (lambda f, t, tolerance: np.abs(f - 2 * t) > tolerance * f, "not against the FP16 rate"),
            (lambda f, t, tolerance: np.abs(f - 2 * t) > tolerance * t, "not against the TF32 rate itself"),
            (lambda f, t, tolerance: np.abs(f / t - 1) > tolerance, "twice the rate"),
            (lambda f, t, tolerance: np.abs(f / (2 * t) - 1) < tolerance, "rows that fit"),
            (lambda f, t, tolerance: f != 2 * t, "rounded"),
            (lambda f, t, tolerance: bool(odd_rates(f, t, tolerance).any()), "not the right shape"),
            (odd_rates_in_place, "changes the argument"),
        ],
    ),
}
