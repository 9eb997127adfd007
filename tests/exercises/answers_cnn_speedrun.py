"""Answers to the exercises on the speed run."""

from __future__ import annotations

import math

import numpy as np

from tests.exercises.walk import Answers


def triangle(step, total, top):
    if step <= top:
        return (step + 1) / (top + 1)
    return (total - step) / (total - top)


def averaged(history, decay):
    mean = np.zeros(history.shape[1:])
    for weights in history:
        mean = decay * mean + (1 - decay) * weights
    return mean / (1 - decay ** len(history))


def uncorrected(history, decay):
    mean = np.zeros(history.shape[1:])
    for weights in history:
        mean = decay * mean + (1 - decay) * weights
    return mean


def from_the_first(history, decay):
    mean = history[0]
    for weights in history[1:]:
        mean = decay * mean + (1 - decay) * weights
    return mean


def copies(images, places=((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))):
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return [padded[:, i : i + height, j : j + width] for i, j in places]


def averaged_views(logits, images):
    return np.mean([logits(copy) for copy in copies(images)], axis=0)


def seeds_needed(spread, difference):
    return math.ceil(round(8 * (spread / difference) ** 2, 9))


ANSWERS = {
    "cnn/triangle": Answers(
        triangle,
        [
            (lambda s, n, top: s / max(top, 1) if s <= top else (n - s) / (n - top), "learns nothing"),
            (lambda s, n, top: (s + 1) / (top + 1) if s <= top else (n - 1 - s) / max(n - 1 - top, 1), "wasted"),
            (lambda s, n, top: 1 - s / n, "rises first"),
            (lambda s, n, top: min(1.0, (s + 1) / (top + 1)), "must fall"),
            (lambda s, n, top: (s + 1) / (top + 1) if s <= top else (n - s) / n, "do not meet"),
        ],
    ),
    "cnn/averaged-weights": Answers(
        averaged,
        [
            (uncorrected, "began at zero"),
            (lambda h, d: averaged(h, 1 - d), "newest weights"),
            (from_the_first, "been there forever"),
            (lambda h, d: h.mean(axis=0), "plain mean"),
            (lambda h, d: h[-1], "last weights"),
            (lambda h, d: uncorrected(h, d) / (1 - d), "number of steps"),
        ],
    ),
    "cnn/averaged-views": Answers(
        averaged_views,
        [
            (lambda f, x: np.mean([f(copy) for copy in copies(x)[1:]], axis=0), "left out the image"),
            (lambda f, x: f(x), "as they are"),
            (lambda f, x: f(np.mean(copies(x), axis=0)), "not the images"),
            (lambda f, x: np.sum([f(copy) for copy in copies(x)], axis=0), "sum of the five"),
            (lambda f, x: averaged_views(f, x).argmax(axis=1), "classes"),
        ],
    ),
    "cnn/seeds-needed": Answers(
        seeds_needed,
        [
            (lambda s, d: 8 * (s / d) ** 2, "round up"),
            (lambda s, d: math.ceil(4 * (s / d) ** 2), "Both means"),
            (lambda s, d: math.ceil(2 * (s / d) ** 2), "Twice the error"),
            (lambda s, d: math.ceil(8**0.5 * s / d), "square root"),
            (lambda s, d: math.ceil(8 * (d / s) ** 2), "other way round"),
        ],
    ),
}
