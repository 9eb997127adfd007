"""Answers to the exercises on feature extraction that need no framework."""

from __future__ import annotations

import math

import numpy as np

from tests.exercises.walk import Answers


def head_parameters(height, width, channels, hidden, classes, pooled):
    d = channels if pooled else height * width * channels
    return (d + 1) * hidden + (hidden + 1) * classes


def speedup(epochs, base, head):
    return epochs * (base + head) / (base + epochs * head)


def lowest_loss(classes):
    z = np.eye(classes)[0]
    return float(np.log(np.exp(z).sum()) - z[0])


def fold(weight, bias, mean, spread):
    raw = weight / spread[:, None]
    return raw, bias - mean @ raw


ANSWERS = {
    "transfer/head-parameters": Answers(
        head_parameters,
        [
            (lambda h, w, c, m, k, pooled: head_parameters(h, w, c, m, k, False), "whatever `pooled` says"),
            (lambda h, w, c, m, k, pooled: head_parameters(h, w, c, m, k, not pooled), "other way around"),
            (lambda h, w, c, m, k, pooled: (c if pooled else h * w * c) * m + m * k, "biases are missing"),
            (lambda h, w, c, m, k, pooled: ((c if pooled else h * w * c) + 1) * m, "A second one follows"),
        ],
    ),
    "transfer/cache-speedup": Answers(
        speedup,
        [
            (lambda e, b, h: 1 / speedup(e, b, h), "This is the inverse"),
            (lambda e, b, h: e * b / (b + e * h), "the head costs time, too"),
            (lambda e, b, h: e, "it still runs in each epoch"),
            (lambda e, b, h: (b + h) / h, "pass through the base"),
        ],
    ),
    "transfer/lowest-loss": Answers(
        lowest_loss,
        [
            (lambda k: 0.0, "far above the others"),
            (lambda k: math.log(k), "loss of guessing"),
            (lambda k: math.log(math.e + k) - 1, "not as many as all"),
            (lambda k: 1 - math.log(math.e + k - 1), "not negative"),
        ],
    ),
    "transfer/fold-standardization": Answers(
        fold,
        [
            (lambda w, b, m, s: (w / s[:, None], b), "take up the mean"),
            (lambda w, b, m, s: (w * s[:, None], b - m @ (w * s[:, None])), "smaller, not larger"),
            (lambda w, b, m, s: (w / s[:, None], b - m @ w), "divided by the spread, too"),
            (lambda w, b, m, s: w / s[:, None], "A weight and a bias"),
        ],
    ),
}
