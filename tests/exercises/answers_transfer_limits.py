"""Answers to the exercises on the four cases, and on where transfer fails."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def distance(maps, mean, var):
    means = maps.reshape(-1, maps.shape[-1]).mean(axis=0)
    return np.median(np.abs(means - mean) / var**0.5)


def honest(valid, test):
    best = 0
    for stage in range(len(valid)):
        if valid[stage] >= valid[best]:
            best = stage
    return test[best]


def spring(w, start, strength, importance):
    share = strength * importance / (1 + strength * importance)
    return w + share * (start - w)


def near_copies(train, test, limit):
    return np.array([i for i, x in enumerate(test) if min(np.abs(x - t).mean() for t in train) < limit], dtype=int)


def copied_training_images(train, test, limit):
    return near_copies(test, train, limit)


def forgetting(table):
    lost = [max(table[:-1, j]) - table[-1, j] for j in range(len(table) - 1)]
    return sum(lost) / len(lost)


ANSWERS = {
    "transfer/statistics-distance": Answers(
        distance,
        [
            (lambda maps, mean, var: distance(maps, mean, var**2), "is a variance"),
            (lambda maps, mean, var: np.median((maps.mean(axis=(0, 1, 2)) - mean) / var**0.5), "never negative"),
            (lambda maps, mean, var: np.mean(abs(maps.mean(axis=(0, 1, 2)) - mean) / var**0.5), "take the median"),
            (lambda maps, mean, var: distance(maps, mean, np.ones_like(var)), "where is the stored spread"),
            (lambda maps, mean, var: abs(maps.mean(axis=(0, 1, 2)) - mean) / var**0.5, "a number is asked for"),
        ],
    ),
    "transfer/honest-stage": Answers(
        honest,
        [
            (lambda valid, test: max(test), "looks at the test images to choose"),
            (lambda valid, test: max(valid), "on the validation images"),
            (lambda valid, test: test[np.argmax(valid)], "take the latest"),
            (lambda valid, test: test[-1], "not the last stage"),
            (lambda valid, test: len(valid) - 1 - int(np.argmax(valid[::-1])), "the place of the stage"),
        ],
    ),
    "transfer/spring-step": Answers(
        spring,
        [
            (lambda w, start, strength, importance: w - strength * importance * (w - start), "overshoot"),
            (lambda w, start, strength, importance: spring(w, start, strength, 1.0), "where is the importance"),
            (lambda w, start, strength, importance: spring(w, start, 1.0, importance), "where is the strength"),
            (lambda w, start, strength, importance: spring(start, w, strength, importance), "changed over"),
            (lambda w, start, strength, importance: spring(w, 0 * start, strength, importance), "toward zero"),
            (lambda w, start, strength, importance: None, "returns nothing"),
        ],
    ),
    "transfer/near-copies": Answers(
        near_copies,
        [
            (copied_training_images, "numbers of training images"),
            (lambda train, test, limit: np.isin(np.arange(len(test)), near_copies(train, test, limit)), "truth values"),
            (lambda train, test, limit: np.setdiff1d(np.arange(len(test)), near_copies(train, test, limit)), "without"),
            (lambda train, test, limit: near_copies(train, test, limit / 12), "adds the pixels up"),
            (lambda train, test, limit: len(near_copies(train, test, limit)), "not the right shape"),
        ],
    ),
    "transfer/forgetting": Answers(
        forgetting,
        [
            (lambda table: np.mean(table.max(axis=0) - table[-1]), "the last task is in it"),
            (lambda table: np.mean(np.diag(table)[:-1] - table[-1, :-1]), "the best it ever was"),
            (lambda table: -forgetting(table), "the sign"),
            (lambda table: forgetting(table.T), "a column is a task"),
            (lambda table: np.mean(table[-1, :-1]), "this is what is left"),
        ],
    ),
}
