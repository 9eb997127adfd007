"""Answers to the exercises on language models."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def measured(p):
    bits = -np.log2(p).mean()
    return float(bits), float(2**bits)


def smoothed(ids, symbols, alpha):
    counts = np.full((symbols, symbols), float(alpha))
    for before, after in zip(ids[:-1], ids[1:], strict=True):
        counts[before, after] += 1
    return counts / counts.sum(axis=1, keepdims=True)


def counted_once(ids, symbols, alpha):
    counts = np.full((symbols, symbols), float(alpha))
    counts[ids[:-1], ids[1:]] += 1
    return counts / counts.sum(axis=1, keepdims=True)


def total_without_alpha(ids, symbols, alpha):
    counts = np.zeros((symbols, symbols))
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    with np.errstate(divide="ignore"):
        return (counts + alpha) / counts.sum(axis=1, keepdims=True)


def of_all(ids, symbols, alpha):
    counts = np.full((symbols, symbols), float(alpha))
    np.add.at(counts, (ids[:-1], ids[1:]), 1)
    return counts / counts.sum()


def top_p(p, mass, more=1, scale=True, sort=False, order=None):
    order = np.argsort(p)[::-1] if order is None else order(p)
    count = (p[order].cumsum() < mass - 1e-9).sum() + more
    q = np.zeros(len(p))
    q[order[:count]] = p[order[:count]]
    q = q / q.sum() if scale else q
    return np.sort(q)[::-1] if sort else q


def each_alone(p, mass):
    q = np.where(p >= mass, p, 0)
    return q / max(q.sum(), 1e-9)


def windows(ids, length, stride, shift=1):
    starts = np.arange(0, len(ids) - length, stride)[:, None] + np.arange(length)
    return ids[starts], ids[starts + shift]


def windows_with_fewer(ids, length, stride):
    x, y = windows(ids, length, stride)
    return x[:-1], y[:-1]


def numbers(text, alphabet):
    place = {c: i for i, c in enumerate(alphabet)}
    return np.array([place.get(c, len(alphabet)) for c in text])


def entropy(z):
    p = np.exp(z - z.max())
    p = p / p.sum()
    return -(p[p > 0] * np.log2(p[p > 0])).sum()


def temperature_for(logits, bits, scale=1.0, wrong_way=False):
    low, high = 0.01, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        if (entropy(logits / middle) * scale < bits) != wrong_way:
            low = middle
        else:
            high = middle
    return low


ANSWERS = {
    "rnn/bits-and-perplexity": Answers(
        measured,
        [
            (lambda p: (-np.log(p).mean(), np.exp(-np.log(p).mean())), "these are nats"),
            (lambda p: (measured(p)[0], np.exp(measured(p)[0])), "two to the power of the bits"),
            (lambda p: (-np.log2(p.mean()), 1 / p.mean()), "mean of the logarithms"),
            (lambda p: (-measured(p)[0], 2 ** -measured(p)[0]), "the sign"),
            (lambda p: (-np.log2(p).sum(), 2 ** -np.log2(p).sum()), "are a mean"),
            (lambda p: measured(p)[::-1], "first the bits"),
            (lambda p: measured(p)[0], "not the right shape"),
        ],
    ),
    "rnn/smoothed-bigrams": Answers(
        smoothed,
        [
            (counted_once, "only once"),
            (total_without_alpha, "numerator only"),
            (lambda i, s, a: smoothed(i[::-1], s, a), "a row is the character before"),
            (of_all, "each row must add up to one"),
            (lambda i, s, a: smoothed(i, s, 0) + a, "divide each row by its sum"),
            (lambda i, s, a: smoothed(np.append(i, i[0]), s, a), "one pair fewer"),
        ],
    ),
    "rnn/top-p": Answers(
        top_p,
        [
            (lambda p, mass: top_p(p, mass, scale=False), "add up to one again"),
            (lambda p, mass: top_p(p, mass, more=0), "is kept, too"),
            (lambda p, mass: top_p(p, mass, more=2), "one symbol too many"),
            (each_alone, "not each single probability"),
            (lambda p, mass: top_p(p, mass, sort=True), "stay in their places"),
            (lambda p, mass: top_p(p, mass, order=np.argsort), "not with the least probable"),
            (lambda p, mass: top_p(p, mass, order=lambda q: np.arange(len(q))), "sort first"),
        ],
    ),
    "rnn/overlapping-pieces": Answers(
        windows,
        [
            (lambda i, n, s: windows(i, n, s, shift=0), "one character later"),
            (lambda i, n, s: windows(i, n, s)[::-1], "characters before"),
            (windows_with_fewer, "still fits"),
            (lambda i, n, s: windows(i, n, n), "do not overlap as asked"),
            (lambda i, n, s: windows(i, n, 1), "whatever was asked for"),
            (lambda i, n, s: (windows(i, n, s)[0][:-1], windows(i, n, s)[0][1:]), "one stride later"),
        ],
    ),
    "rnn/encode-unknown": Answers(
        numbers,
        [
            (lambda t, a: np.array([a.index(c) for c in t if c in a]), "are dropped"),
            (lambda t, a: np.array([a.find(c) for c in t]), "the last character"),
            (lambda t, a: np.array([ord(c) for c in t]), "unicode"),
            (lambda t, a: numbers(t, a) + 1, "from zero"),
            (lambda t, a: np.minimum(numbers(t, a), len(a) - 1), "is taken"),
        ],
    ),
    "rnn/temperature-for-bits": Answers(
        temperature_for,
        [
            (lambda z, b: temperature_for(z, b, scale=np.log(2)), "for nats"),
            (lambda z, b: 1 / temperature_for(z, b), "not multiplied"),
            (lambda z, b: temperature_for(z, b, wrong_way=True), "the wrong way"),
        ],
    ),
}
