"""Answers to the exercises of the broken programs that need no framework, and of the page on debugging."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers

DIGITS = "0123456789"


def parts(x, y, copies, seed):
    order = np.random.default_rng(seed).permutation(len(x))
    valid, train = order[: len(x) // 5], order[len(x) // 5 :]
    return copies(x[train], y[train], seed), (x[valid], y[valid])


def copies_on_both_sides(x, y, copies, seed):
    (train, valid) = parts(x, y, lambda x, y, seed: (x, y), seed)
    return copies(*train, seed), copies(*valid, seed)


def validation_of_originals_only(x, y, copies, seed):
    order = np.random.default_rng(seed).permutation(len(x))[: len(x) // 5]
    return copies(x, y, seed), (x[order], y[order])


def without_copies(x, y, copies, seed):
    return parts(x, y, lambda x, y, seed: (x, y), seed)


def still_broken(x, y, copies, seed):
    rng = np.random.default_rng(seed)  # other lines, the same mistake
    x, y = copies(x, y, seed)
    order = rng.permutation(len(x))
    n = len(x) // 5
    return (x[order[n:]], y[order[n:]]), (x[order[:n]], y[order[:n]])


def with_originals(x, y, copies, seed):
    (train, valid) = parts(x, y, lambda x, y, seed: (x, y), seed)
    more = copies(*train, seed)
    return tuple(np.concatenate(pair) for pair in zip(train, more, strict=True)), valid


def with_replacement(x, y, copies, seed):
    valid = np.random.default_rng(seed).integers(len(x), size=len(x) // 5)
    train = np.setdiff1d(np.arange(len(x)), valid)
    return copies(x[train], y[train], seed), (x[valid], y[valid])


def unmixed(x, y, copies, seed):
    n = len(x) // 5
    return copies(x[n:], y[n:], seed), (x[:n], y[:n])


def another_order_each_time(x, y, copies, seed):
    return parts(x, y, copies, None)


def always_the_same(x, y, copies, seed):
    return parts(x, y, copies, 0)


def wrong_share(x, y, copies, seed):
    order = np.random.default_rng(seed).permutation(len(x))
    n = len(x) // 2
    return copies(x[order[n:]], y[order[n:]], seed), (x[order[:n]], y[order[:n]])


def labels_left_behind(x, y, copies, seed):
    train, (x_valid, _) = parts(x, y, copies, seed)
    return train, (x_valid, y[: len(x_valid)])


def ten_in_place(labels):
    labels[labels == 10] = 0
    return labels, DIGITS


def know_nothing(y):
    shares = np.unique(y, return_counts=True)[1] / len(y)
    return shares.max(), -(shares * np.log(shares)).sum()


def near_copies(valid, train, limit):
    gaps = np.abs(valid[:, None] - train[None]).mean(axis=(2, 3, 4))
    return np.flatnonzero(gaps.min(axis=1) <= limit)


ANSWERS = {
    "cnn/broken-labels": Answers(
        lambda labels: (labels % 10, DIGITS),
        [
            (lambda labels: (np.minimum(labels - 1, 8), DIGITS), "by hand"),
            (lambda labels: (np.minimum(labels, 9), DIGITS), "one is not"),
            (lambda labels: (labels, DIGITS), "no output for"),
            (lambda labels: ((labels + 1) % 10, DIGITS), "by hand"),
            (lambda labels: (labels - 1, DIGITS[::-1]), "by hand"),
            (lambda labels: (labels - 1, "123456789"), "9 names"),
            (lambda labels: (labels % 10 / 1.0, DIGITS), "whole numbers"),
            (lambda labels: labels % 10, "two things"),
            (ten_in_place, "changes the argument"),
        ],
    ),
    "cnn/broken-split": Answers(
        parts,
        [
            (still_broken, "has a twin"),
            (validation_of_originals_only, "has a twin"),
            (copies_on_both_sides, "as it is, each once"),
            (without_copies, "has lost its copies"),
            (with_originals, "nothing beside it"),
            (with_replacement, "each once"),
            (unmixed, "sorted by class"),
            (wrong_share, "a fifth of the images is asked for"),
            (labels_left_behind, "beside other images"),
            (another_order_each_time, "on `seed`"),
            (always_the_same, "called with two seeds"),
            (lambda *call: parts(*call)[0], "two pairs are asked for"),
        ],
    ),
    "cnn/know-nothing": Answers(
        know_nothing,
        [
            (lambda y: (1 / len(set(y)), np.log(len(set(y)))), "not equally frequent"),
            (lambda y: (know_nothing(y)[0], know_nothing(y)[1] / np.log(2)), "nats, not bits"),
            (lambda y: (know_nothing(y)[0], -np.log(know_nothing(y)[0])), "give each class its share"),
            (lambda y: know_nothing(y)[::-1], "first the accuracy"),
            (lambda y: know_nothing(y)[0], "right shape"),
        ],
    ),
    "cnn/near-copies": Answers(
        near_copies,
        [
            (lambda valid, train, limit: near_copies(valid, train, 0), "exact copies only"),
            (lambda valid, train, limit: near_copies(train, valid, limit), "not those of training images"),
            (
                lambda valid, train, limit: np.abs(valid[:, None] - train).mean(axis=(2, 3, 4)).min(axis=1) <= limit,
                "true or false",
            ),
            (
                lambda valid, train, limit: np.flatnonzero(
                    (valid[:, None] - train).mean(axis=(2, 3, 4)).min(axis=1) <= limit
                ),
                "cancel",
            ),
            (
                lambda valid, train, limit: np.flatnonzero(
                    np.abs(valid[:, None] - train).mean(axis=(1, 2, 3, 4)) <= limit
                ),
                "one twin is enough",
            ),
            (
                lambda valid, train, limit: np.flatnonzero(
                    np.abs(valid[:, None] - train).max(axis=(2, 3, 4)).min(axis=1) <= limit
                ),
                "not the largest",
            ),
        ],
    ),
}
