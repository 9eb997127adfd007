"""Answers to the exercises on segmentation."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def overlap(a, b):
    common, total = (a & b).sum(), a.sum() + b.sum()
    return (common / (total - common), 2 * common / total) if total else (1.0, 1.0)


def dice(p, y, above=1, below=1):
    t = np.eye(p.shape[-1])[y]
    return (2 * (p * t).sum((0, 1, 2)) + above) / (p.sum((0, 1, 2)) + t.sum((0, 1, 2)) + below)


def half_dice(p, y):
    t = np.eye(p.shape[-1])[y]
    return ((p * t).sum((0, 1, 2)) + 1) / (p.sum((0, 1, 2)) + t.sum((0, 1, 2)) + 1)


def all_in_one(p, y):
    t = np.eye(p.shape[-1])[y]
    return 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)


def ious(counts):
    both = counts.diagonal()
    with np.errstate(invalid="ignore"):
        return both / (counts.sum(axis=0) + counts.sum(axis=1) - both)


def with_errors_off(function):
    """Return a function that divides by zero in silence, as a learner's would with a warning."""

    def call(*arguments):
        with np.errstate(all="ignore"):
            return function(*arguments)

    return call


ANSWERS = {
    "cnn/mask-overlap": Answers(
        overlap,
        [
            (lambda a, b: overlap(a, b)[::-1], "First the IoU"),
            (lambda a, b: (overlap(a, b)[0], (a & b).sum() / (a.sum() + b.sum())), "counts the intersection twice"),
            (lambda a, b: ((a & b).sum() / (a.sum() + b.sum()), overlap(a, b)[1]), "divides by the union"),
            (
                with_errors_off(lambda a, b: ((a & b).sum() / (a | b).sum(), 2 * (a & b).sum() / (a.sum() + b.sum()))),
                "nothing to divide by",
            ),
            (lambda a, b: overlap(a, b) if a.any() or b.any() else (0.0, 0.0), "Two empty masks fit perfectly"),
            (lambda a, b: overlap(a, b)[0], "not the right shape"),
            (lambda a, b: ((a == b).mean(), (a == b).mean()), "Count the pixels in both masks"),
        ],
    ),
    "cnn/transposed-size": Answers(
        lambda n, k, stride, padding: (n - 1) * stride + k - 2 * padding,
        [
            (lambda n, k, stride, padding: (n + 2 * padding - k) // stride + 1, "after a convolution"),
            (lambda n, k, stride, padding: n * stride + k - 2 * padding, "n - 1 distances"),
            (lambda n, k, stride, padding: (n - 1) * stride + k + 2 * padding, "takes rows away"),
            (lambda n, k, stride, padding: (n - 1) * stride + k - padding, "on both sides"),
            (lambda n, k, stride, padding: n * stride, "all four arguments"),
            (lambda n, k, stride, padding: (n - 1) * stride + k - 2.0 * padding, "a whole number is asked for"),
        ],
    ),
    "cnn/dice-loss": Answers(
        lambda p, y: 1 - dice(p, y).mean(),
        [
            (lambda p, y: dice(p, y).mean(), "one minus it"),
            (lambda p, y: 1 - half_dice(p, y).mean(), "factor 2"),
            (lambda p, y: 1 - dice(p, y, 0, 1).mean(), "above and below"),
            (lambda p, y: 1 - dice(p, y, 0, 0).mean(), "0/0"),
            (all_in_one, "its own Dice"),
            (lambda p, y: np.mean([1 - dice(p[i : i + 1], y[i : i + 1]).mean() for i in range(len(p))]), "whole batch"),
            (lambda p, y: 1 - dice(p, y)[1:].mean(), "class 0 too"),
            (lambda p, y: 1 - dice(p, y), "a number is asked for"),
        ],
    ),
    "cnn/mean-iou": Answers(
        lambda counts: np.nanmean(ious(counts)),
        [
            (lambda counts: np.nan_to_num(ious(counts)).mean(), "It is no 0"),
            (lambda counts: np.nan_to_num(ious(counts), nan=1).mean(), "not counted as 1"),
            (lambda counts: ious(counts).mean(), "not a number"),
            (lambda counts: counts.trace() / counts.sum(), "pixel accuracy"),
            (with_errors_off(lambda c: np.nanmean(c.diagonal() / c.sum(axis=1))), "true pixels only"),
            (lambda counts: np.nanmean(2 * ious(counts) / (1 + ious(counts))), "mean Dice"),
            (lambda counts: ious(counts)[counts.sum(axis=1) > 0].mean(), "it was imagined"),
        ],
    ),
}
