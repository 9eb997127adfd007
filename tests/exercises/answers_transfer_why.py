"""Answers to the exercises on why transfer pays, and what it saves."""

from __future__ import annotations

import math

import numpy as np

from tests.exercises.walk import Answers


def labels_needed(sizes, accuracy, target):
    if target <= accuracy[0]:
        return sizes[0]
    for (n, low), (m, high) in zip(zip(sizes, accuracy), zip(sizes[1:], accuracy[1:])):
        if low < target <= high:
            return n * (m / n) ** ((target - low) / (high - low))
    return math.inf


def straight(sizes, accuracy, target):
    if target > max(accuracy):
        return math.inf
    return float(np.interp(target, accuracy, sizes))


def next_size(sizes, accuracy, target):
    return next((n for n, reached in zip(sizes, accuracy) if reached >= target), math.inf)


def never_is_zero_labels(sizes, accuracy, target):
    found = labels_needed(sizes, accuracy, target)
    return 0 if found == math.inf else found


def never_is_last(sizes, accuracy, target):
    return min(labels_needed(sizes, accuracy, target), sizes[-1])


def gain(ours, theirs):
    gaps = np.asarray(ours) - np.asarray(theirs)
    return gaps.mean(), gaps.std(ddof=1) / np.sqrt(gaps.size)


def unpaired(ours, theirs):
    return ours.mean() - theirs.mean(), np.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / len(ours))


def training_kwh(samples, giga, tflops, share, watts, pue):
    return 3 * samples * giga / 1000 / (tflops * share) / 3600 * watts / 1000 * pue


def grams_per_use(pretraining_wh, there, uses, own_wh, here):
    return (pretraining_wh * there / uses + own_wh * here) / 1000


def reuses(pretraining_wh, scratch_wh, reuse_wh):
    saved = scratch_wh - reuse_wh
    return math.ceil(pretraining_wh / saved) if saved > 0 else math.inf


def without_a_test(pretraining_wh, scratch_wh, reuse_wh):
    return math.ceil(pretraining_wh / (scratch_wh - reuse_wh))


def never_is_zero(pretraining_wh, scratch_wh, reuse_wh):
    found = reuses(pretraining_wh, scratch_wh, reuse_wh)
    return 0 if found == math.inf else found


def same_after(train_a, answer_a, train_b, answer_b):
    ahead, slower = train_a - train_b, answer_b - answer_a
    return ahead / slower if ahead * slower > 0 else math.inf


def below_zero(train_a, answer_a, train_b, answer_b):
    return (train_a - train_b) / (answer_b - answer_a)


def never_is_nothing(train_a, answer_a, train_b, answer_b):
    found = same_after(train_a, answer_a, train_b, answer_b)
    return 0 if found == math.inf else found


ANSWERS = {
    "transfer/equivalent-labels": Answers(
        labels_needed,
        [
            (straight, "over the logarithm"),
            (next_size, "between two of them"),
            (never_is_zero_labels, "no finite number"),
            (never_is_last, "largest size"),
            (lambda n, a, t: math.log(labels_needed(n, a, t)), "a logarithm"),
        ],
    ),
    "transfer/paired-gain": Answers(
        gain,
        [
            (lambda a, b: gain(b, a), "minus theirs"),
            (unpaired, "belong together"),
            (lambda a, b: ((a - b).mean(), (a - b).std() / len(a) ** 0.5), "one less"),
            (lambda a, b: ((a - b).mean(), (a - b).std(ddof=1)), "the mean of all of them"),
            (lambda a, b: ((a - b).mean(), (a - b).std(ddof=1) / len(a)), "square root"),
        ],
    ),
    "transfer/training-energy": Answers(
        training_kwh,
        [
            (lambda n, g, f, s, w, p: training_kwh(n, g, f, s, w, p) / 3, "goes backward"),
            (lambda n, g, f, s, w, p: training_kwh(n, g, f, 1, w, p), "peak rate"),
            (lambda n, g, f, s, w, p: training_kwh(n, g, f, s, w, 1), "building"),
            (lambda n, g, f, s, w, p: training_kwh(n, g, f, 1 / s, w, p), "needs longer"),
            (lambda n, g, f, s, w, p: training_kwh(n, g, f, s, w, p) * 3.6e6, "joules"),
            (lambda n, g, f, s, w, p: training_kwh(n, g, f, s, w, p) * 1000, "kilowatt-hours"),
        ],
    ),
    "transfer/share-of-a-use": Answers(
        grams_per_use,
        [
            (lambda p, t, n, o, h: grams_per_use(p, h, n, o, h), "the other grid"),
            (lambda p, t, n, o, h: grams_per_use(p, t, n, o, t), "that is here"),
            (lambda p, t, n, o, h: (p * t + o * h) / 1000 / n, "in full"),
            (lambda p, t, n, o, h: grams_per_use(p, t, 1, o, h), "shared by all uses"),
            (lambda p, t, n, o, h: p * t / n + o * h, "per kWh"),
            (lambda p, t, n, o, h: o * h / 1000, "pretraining is missing"),
        ],
    ),
    "transfer/break-even": Answers(
        reuses,
        [
            (lambda p, s, r: p / (s - r) if s > r else math.inf, "whole number"),
            (lambda p, s, r: int(p / (s - r)) if s > r else math.inf, "round up"),
            (lambda p, s, r: int(p / (s - r)) + 1 if s > r else math.inf, "Exactly paid"),
            (lambda p, s, r: math.ceil(p / s), "costs something"),
            (without_a_test, "ZeroDivisionError"),
            (never_is_zero, "no finite number"),
        ],
    ),
    "transfer/over-its-life": Answers(
        same_after,
        [
            (lambda ta, a, tb, b: ta / (b - a), "both sides"),
            (lambda ta, a, tb, b: (ta - tb) / b, "answers of both"),
            (lambda ta, a, tb, b: (ta - tb) / (a + b), "take the difference"),
            (below_zero, "fewer than none"),
            (never_is_nothing, "never catches up"),
        ],
    ),
}
