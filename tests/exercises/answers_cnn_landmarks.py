"""Answers to the exercises on landmark networks that need no framework."""

from __future__ import annotations

from tests.exercises.walk import Answers


def stacked(n, c):
    return 2 * n + 1, n * (9 * c * c + c)


def separable(size, k, c_in, c_out):
    return 2 * size**2 * (k * k * c_in + c_in * c_out)


def growth(depth, width, side):
    return depth * width**2, depth * width**2 * side**2


def bottleneck(c, r):
    m = c // r
    return 2 * c * m + 9 * m * m + 2 * (2 * m + c)


ANSWERS = {
    "cnn/stacked-filters": Answers(
        stacked,
        [
            (lambda n, c: (2 * n + 1, n * 9 * c * c), "has a bias, too"),
            (lambda n, c: (2 * n + 1, n * (9 * c + c)), "reads all c channels"),
            (lambda n, c: (2 * n + 1, 9 * c * c + c), "all n layers"),
            (lambda n, c: (3 * n, n * (9 * c * c + c)), "overlap"),
            (lambda n, c: (n + 2, n * (9 * c * c + c)), "on both sides"),
            (lambda n, c: stacked(n, c)[::-1], "first the receptive field"),
            (lambda n, c: 2 * n + 1, "two numbers are asked for"),
        ],
    ),
    "cnn/separable-work": Answers(
        separable,
        [
            (lambda *call: separable(*call) // 2, "multiply-adds"),
            (lambda size, k, c_in, c_out: 2 * size**2 * k * k * c_in * c_out, "usual convolution"),
            (lambda size, k, c_in, c_out: 2 * size**2 * k * k * c_in, "1 × 1 convolution works, too"),
            (lambda size, k, c_in, c_out: 2 * size**2 * (k * k * c_out + c_in * c_out), "as many channels out as in"),
            (lambda size, k, c_in, c_out: 2 * (k * k * c_in + c_in * c_out), "at one place"),
        ],
    ),
    "cnn/compound-scaling": Answers(
        growth,
        [
            (lambda d, w, r: (d * w, d * w * r**2), "come in and go out: both grow"),
            (lambda d, w, r: (d * w**2, d * w**2 * r), "rows and columns"),
            (lambda d, w, r: (d * w**2 * r**2, d * w**2 * r**2), "do not know how large"),
            (lambda d, w, r: growth(d, w, r)[::-1], "first the weights"),
            (lambda d, w, r: d * w**2 * r**2, "both factors"),
        ],
    ),
    "cnn/bottleneck-parameters": Answers(
        bottleneck,
        [
            (lambda c, r: bottleneck(c, r) - 2 * (2 * (c // r) + c), "learned numbers, too"),
            (lambda c, r: bottleneck(c, r) + 2 * (2 * (c // r) + c), "measured, not learned"),
            (lambda c, r: bottleneck(c, r) + 2 * (c // r) + c, "no biases"),
            (lambda c, r: 18 * c * c + 4 * c, "without a bottleneck"),
            (lambda c, r: bottleneck(c, r) / 1.0, "a whole number is asked for"),
        ],
    ),
    "cnn/counts-apart": Answers(
        lambda channels: 3 * sum(channels),
        [
            (lambda channels: 2 * sum(channels), "two running numbers"),
            (lambda channels: sum(channels), "how many numbers has a channel"),
            (lambda channels: 5 * sum(channels), "counted in both"),
            (lambda channels: 3 * len(channels), "each channel has its own"),
        ],
    ),
}
