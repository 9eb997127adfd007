"""Answers to the exercises on the roofline."""

from __future__ import annotations

import math

from tests.exercises.walk import Answers


def numbers(m, k, n):
    return m * k + k * n + m * n


def conv(batch, n, c_in, c_out, k):
    out = batch * (n - k + 1) ** 2 * c_out
    return 2 * out * k * k * c_in, batch * n * n * c_in, k * k * c_in * c_out, out


def conv_of_three(batch, n, c_in, c_out, k):
    out = batch * (n - 2) ** 2 * c_out
    return conv_ratio(2 * out * k * k * c_in, batch * n * n * c_in, k * k * c_in * c_out, out)


def conv_ratio(flop, *numbers):
    return flop / (4 * sum(numbers))


def smallest_batch(n, m, ridge):
    if n * m / (n + m) <= ridge:
        return 0
    return math.ceil(ridge * n * m / (n * m - ridge * (n + m)))


ANSWERS = {
    "gpu/intensity": Answers(
        lambda m, k, n, itemsize: 2 * m * k * n / (numbers(m, k, n) * itemsize),
        [
            (lambda m, k, n, itemsize: m * k * n / (numbers(m, k, n) * itemsize), "two operations"),
            (lambda m, k, n, itemsize: 2 * m * k * n / ((m * k + k * n) * itemsize), "is written, too"),
            (lambda m, k, n, itemsize: 2 * m * k * n / numbers(m, k, n), "bytes has a number"),
            (lambda m, k, n, itemsize: numbers(m, k, n) * itemsize / (2 * m * k * n), "not bytes for each"),
            (lambda m, k, n, itemsize: 2 * m * k * n / (3 * m * n * itemsize), "different sizes"),
            (lambda m, k, n, itemsize: 2 * m * n / (numbers(m, k, n) * itemsize), "the k terms"),
        ],
    ),
    "gpu/attainable": Answers(
        lambda flop, nbytes, peak, bandwidth: min(1000 * peak, bandwidth * flop / nbytes),
        [
            (lambda flop, nbytes, peak, bandwidth: max(1000 * peak, bandwidth * flop / nbytes), "lower one"),
            (lambda flop, nbytes, peak, bandwidth: min(peak, bandwidth * flop / nbytes), "1000 GFLOPS"),
            (lambda flop, nbytes, peak, bandwidth: min(peak, bandwidth * flop / nbytes / 1000), "in TFLOPS"),
            (lambda flop, nbytes, peak, bandwidth: 1000 * peak, "forgets the memory"),
            (lambda flop, nbytes, peak, bandwidth: bandwidth * flop / nbytes, "forgets the arithmetic"),
            (lambda flop, nbytes, peak, bandwidth: min(1000 * peak, bandwidth * nbytes / flop), "upside down"),
        ],
    ),
    "gpu/fused-traffic": Answers(
        lambda n, steps, itemsize: 2 * n * (steps - 1) * itemsize,
        [
            (lambda n, steps, itemsize: (steps - 1) * n * itemsize, "writes one"),
            (lambda n, steps, itemsize: 2 * n * steps * itemsize, "reads once and writes once"),
            (lambda n, steps, itemsize: 2 * n * (steps - 1), "not numbers"),
            (lambda n, steps, itemsize: 2 * n * itemsize, "what is left"),
            (lambda n, steps, itemsize: (2 * steps - 1) * n * itemsize, "must write"),
        ],
    ),
    "gpu/conv-intensity": Answers(
        lambda *call: conv_ratio(*conv(*call)),
        [
            (lambda *call: conv_ratio(*conv(*call)) / 2, "two operations"),
            (lambda *call: conv_ratio(conv(*call)[0], conv(*call)[1], conv(*call)[3]), "weights move"),
            (lambda *call: conv_ratio(*conv(*call)[:3]), "output is written"),
            (lambda *call: 4 * conv_ratio(*conv(*call)), "bytes has a number"),
            (lambda batch, *rest: conv_ratio(*conv(1, *rest)), "whole batch"),
            (conv_of_three, "larger kernel"),
        ],
    ),
    "gpu/smallest-batch": Answers(
        smallest_batch,
        [
            (lambda n, m, ridge: math.ceil(ridge), "grow with the batch"),
            (lambda n, m, ridge: smallest_batch(n, m, ridge) - 1, "too small"),
            (lambda n, m, ridge: float(smallest_batch(n, m, ridge)), "whole number"),
            (lambda n, m, ridge: smallest_batch(n, m, ridge) or math.ceil(ridge), "really as high"),
            (lambda n, m, ridge: smallest_batch(n, m, ridge) if smallest_batch(n, m, ridge) < 2000 else 0, "a very large one"),
        ],
    ),
}
