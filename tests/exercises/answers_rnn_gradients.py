"""Answers to the exercises on gradients through time that need no framework."""

from __future__ import annotations

import math

import numpy as np

from tests.exercises.walk import Answers


def length(gradients):
    return np.sqrt(sum((g**2).sum() for g in gradients))


def clip(gradients, limit):
    norm = length(gradients)
    return [g * (limit / norm) if norm > limit else g for g in gradients]


def unit_first(gradients, limit):
    norm = length(gradients)
    return [g / norm * min(norm, limit) for g in gradients]


def in_place(gradients, limit):
    factor = min(1, limit / length(gradients))
    for g in gradients:
        g *= factor
    return gradients


def early_slope(w, h0, x):
    h, slope = h0, 1.0
    for value in x:
        h = np.tanh(w * h + value)
        slope *= w * (1 - h**2)
    return slope


def slope_with(factor, first=None):
    """Return a function with another factor of a step."""

    def run(w, h0, x):
        h, slope = h0 if first is None else first, 1.0
        for value in x:
            new = np.tanh(w * h + value)
            slope, h = slope * factor(w, h, new), new
        return slope

    return run


def last_state(w, h0, x):
    h = h0
    for value in x:
        h = np.tanh(w * h + value)
    return h


def added(w, h0, x):
    h, total = h0, 0.0
    for value in x:
        h = np.tanh(w * h + value)
        total += w * (1 - h**2)
    return total


def reach(factor, limit=1e-6):
    if factor >= 1:
        return None
    steps = max(0, math.floor(math.log(limit) / math.log(factor)) - 1)
    while factor**steps >= limit:
        steps += 1
    return steps


def not_past_one(then):
    """Return a right function, but for factors of 1 and more."""
    return lambda factor, limit: reach(factor, limit) if factor < 1 else then


def to_radius(w, radius):
    return w * (radius / np.abs(np.linalg.eigvals(w)).max())


ANSWERS = {
    "rnn/clip-by-norm": Answers(
        clip,
        [
            (lambda gradients, limit: [clip([g], limit)[0] for g in gradients], "by itself"),
            (lambda gradients, limit: [np.clip(g, -limit, limit) for g in gradients], "each number is clipped"),
            (lambda gradients, limit: [g * limit / length(gradients) for g in gradients], "stays as it is"),
            (lambda gradients, limit: [g * min(1, limit / length(gradients) ** 2) for g in gradients], "root"),
            (lambda gradients, limit: [g / max(1, length(gradients)) for g in gradients], "how long was it"),
            (unit_first, "zeros"),
            (in_place, "changes the argument"),
            (lambda gradients, limit: np.concatenate([g.ravel() for g in gradients]), "a list with an array"),
        ],
    ),
    "rnn/scalar-gradient": Answers(
        early_slope,
        [
            (slope_with(lambda w, h, new: w), "tanh is missing"),
            (slope_with(lambda w, h, new: 1 - new**2), "weight is missing"),
            (slope_with(lambda w, h, new: w * (1 - h**2)), "old state"),
            (slope_with(lambda w, h, new: w * (1 - new)), "square"),
            (slope_with(lambda w, h, new: w * (1 - new**2), first=0.0), "given h0"),
            (added, "multiply"),
            (last_state, "not its derivative"),
            (lambda w, h0, x: w * (1 - last_state(w, h0, x) ** 2), "last step alone"),
            (lambda w, h0, x: early_slope(w, h0, 0 * x), "x are missing"),
        ],
    ),
    "rnn/steps-until-gone": Answers(
        reach,
        [
            (lambda factor, limit: (reach(factor, limit) or 1) - 1, "too few"),
            (lambda factor, limit: (reach(factor, limit) or 0) + 1, "too many"),
            (lambda factor, limit: None if factor >= 1 else math.ceil(round(math.log(limit) / math.log(factor), 9)),
             "not less"),
            (lambda factor, limit: math.ceil((1 - limit) / (1 - factor)), "subtracts"),
            (not_past_one(0), "1 or more"),
            (not_past_one(-1), "1 or more"),
            (not_past_one(math.inf), "1 or more"),
            (lambda factor, limit: math.log(limit) / math.log(factor), "whole number"),
        ],
    ),
    "rnn/truncated-pieces": Answers(
        lambda T, k: [t % k for t in range(T)],
        [
            (lambda T, k: list(range(T)), "border of the piece"),
            (lambda T, k: [min(t, k - 1) for t in range(T)], "stand still"),
            (lambda T, k: [t % k + 1 for t in range(T)], "first one of a piece"),
            (lambda T, k: [k - 1 - t % k for t in range(T)], "goes back"),
            (lambda T, k: [t // k for t in range(T)], "number of the piece"),
            (lambda T, k: [t % k for t in range(T - T % k)], "last piece"),
        ],
    ),
    "rnn/spectral-radius": Answers(
        to_radius,
        [
            (lambda w, radius: w * radius / np.linalg.norm(w, 2), "singular value"),
            (lambda w, radius: w * radius / np.linalg.norm(w), "one vector"),
            (lambda w, radius: w * radius / np.linalg.eigvals(w).real.max(), "real part"),
            (lambda w, radius: w * radius / np.abs(w).max(), "largest number"),
            (lambda w, radius: w * radius, "radius it had before"),
            (lambda w, radius: to_radius(w, 1), "radius 1 now"),
            (lambda w, radius: to_radius(w, radius) + 0j, "complex"),
        ],
    ),
}  # fmt: skip
