"""Answers to the exercises on convolutional networks that need no framework."""

from __future__ import annotations

import math

import numpy as np

from tests.exercises.walk import Answers


def output_size(n, k, stride=1, padding=0, dilation=1):
    return (n + 2 * padding - dilation * (k - 1) - 1) // stride + 1


def counted(first=0, last=0, reach=0):
    """Return a function that counts windows in a loop, or a variant of it that starts, ends or reaches elsewhere."""

    def count_windows(n, k, stride=1, padding=0, dilation=1):
        count, start = 0, first - padding
        while start + dilation * (k - 1) + reach < n + padding + last:
            count, start = count + 1, start + stride
        return count

    return count_windows


def not_written(*_):
    raise NotImplementedError()


def softmax_with(largest, total):
    """Return a softmax that subtracts a largest logit and divides by a sum of its own."""

    def safe_softmax(z):
        e = np.exp(z - largest(z))
        return e / total(e)

    return safe_softmax


def of_rows(z):
    return z.max(axis=-1, keepdims=True)


def of_rows_sum(e):
    return e.sum(axis=-1, keepdims=True)


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_in_place(z):
    z -= z.max(axis=-1, keepdims=True)
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


ANSWERS = {
    "cnn/output-size": Answers(
        counted(),
        [
            (
                lambda n, k, stride=1, padding=0, dilation=1: (n + 2 * padding - dilation * (k - 1) - 1) / stride + 1,
                "whole number",
            ),
            (
                lambda n, k, stride=1, padding=0, dilation=1: (
                    math.ceil((n + 2 * padding - dilation * (k - 1) - 1) / stride) + 1
                ),
                "the floor",
            ),
            (
                lambda n, k, stride=1, padding=0, dilation=1: output_size(n, k, stride, 0, dilation),
                "where is it in your function",
            ),
            (
                lambda n, k, stride=1, padding=0, dilation=1: (n + padding - dilation * (k - 1) - 1) // stride + 1,
                "both sides",
            ),
            (
                lambda n, k, stride=1, padding=0, dilation=1: output_size(n, k, 1, padding, dilation),
                "how far one step goes",
            ),
            (
                lambda n, k, stride=1, padding=0, dilation=1: output_size(n, k, stride, padding),
                "gaps inside the window",
            ),
            (
                lambda n, k, stride=1, padding=0, dilation=1: (n + 2 * padding - dilation * k) // stride + 1,
                "gap fewer than weights",
            ),
            (
                lambda n, k, stride=1, padding=0, dilation=1: (n + 2 * padding - dilation * (k - 1) - 1) // stride,
                "first window",
            ),
            (lambda n, k: n - k + 1, "unexpected keyword argument 'padding'"),
            (lambda n, k, **_: None, "`return` missing"),
            (lambda n, k, **_: print(n - k + 1), "prints the result"),
            (counted(reach=1), "ends on the last pixel still fits"),
            (
                lambda n, k, stride=1, padding=0, dilation=1: len(range(-padding, n + padding, stride)),
                "into the row whole",
            ),
            (lambda n, k, stride=1, padding=0, dilation=1: counted()(n, k, stride, padding), "gaps inside the window"),
            (lambda n, k, stride=1, padding=0, dilation=1: not_written(n), "calls `not_written`, which is not written"),
            (output_size(5, 3), "without parentheses"),
        ],
    ),
    "cnn/keep-size": Answers(
        6,
        [
            (2, "how far does it reach"),
            (12, "one side"),
            (7, "gap fewer than weights"),
            (0, "makes up for"),
            (5, "half on each side"),
            (6.0, "a whole number is asked for"),
            ("same", "a whole number is asked for"),
            (lambda: 6, "call it"),
        ],
    ),
    "cnn/softmax": Answers(
        softmax,
        [
            (lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True), "overflows"),
            (lambda z: np.exp(z) / np.exp(z).sum(axis=-1), "keepdims"),
            (softmax_with(of_rows, lambda e: e.sum(axis=-1)), "the sums have lost an axis"),
            (softmax_with(lambda z: z.max(axis=-1), of_rows_sum), "the largest logits have lost an axis"),
            (softmax_with(of_rows, np.sum), "over each row alone"),
            (softmax_with(np.max, np.sum), "over each row alone"),
            (softmax_with(lambda z: z.max(axis=-1), np.sum), "over each row alone"),
            (softmax_with(of_rows, np.mean), "over each row alone"),
            (lambda z: np.exp(z) / np.exp(z).sum(), "along which axis"),
            (lambda z: np.exp(z - z.max()) / np.exp(z - z.max()).sum(axis=-1, keepdims=True), "of each row"),
            (lambda z: softmax(z.T).T, "classes are the last axis"),
            (lambda z: np.log(softmax(z)), "logarithms"),
            (lambda z: z / z.sum(axis=-1, keepdims=True), "exponential of a logit"),
            (np.exp, "adds up to one"),
            (softmax_in_place, "changes the argument"),
            (lambda z: softmax(z)[0], "not the right shape"),
            (lambda z: softmax(z).round().astype(int), "floats are asked for"),
            (lambda z: softmax(z) + undefined, "NameError: name 'undefined' is not defined, in line"),  # noqa: F821
        ],
    ),
}
