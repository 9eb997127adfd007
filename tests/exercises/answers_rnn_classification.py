"""Answers to the exercises on the classification of sequences that need no framework."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def mean_over_steps(states, steps):
    real = np.arange(states.shape[1]) < steps[:, None]
    return (states * real[:, :, None]).sum(axis=1) / steps[:, None]


def zeroed(states, steps):
    real = np.arange(states.shape[1]) < steps[:, None]
    return (states * real[:, :, None]).mean(axis=1)


def backward(x, steps):
    out = x.copy()
    for row, n in zip(out, steps):
        row[:n] = row[:n][::-1].copy()
    return out


def shortest(x, steps):
    n = steps.min()
    return np.concatenate([x[:, :n][:, ::-1], x[:, n:]], axis=1)


def only_one_right(a, b, y):
    return int(((a == y) & (b != y)).sum()), int(((a != y) & (b == y)).sum())


ANSWERS = {
    "rnn/mean-over-steps": Answers(
        mean_over_steps,
        [
            (lambda states, steps: states.mean(axis=1), "after the end are counted"),
            (zeroed, "By how many steps"),
            (lambda states, steps: states.sum(axis=1) / steps[:, None], "still in the sum"),
            (lambda states, steps: mean_over_steps(states, steps) * steps[:, None], "does not grow"),
            (lambda states, steps: states[np.arange(len(states)), steps - 1], "last real state"),
            (lambda states, steps: mean_over_steps(states, steps).mean(axis=1), "units stay apart"),
        ],
    ),
    "rnn/reverse-steps": Answers(
        backward,
        [
            (lambda x, steps: x[:, ::-1], "come to the front"),
            (lambda x, steps: x[::-1], "The recordings changed places"),
            (lambda x, steps: x[:, :, ::-1], "axis 1"),
            (lambda x, steps: x, "Nothing was turned around"),
            (shortest, "Each has its own number"),
            (lambda x, steps: backward(x, steps)[:, :, ::-1], "channels were turned around"),
        ],
    ),
    "rnn/only-one-right": Answers(
        only_one_right,
        [
            (lambda a, b, y: (int((a == y).sum()), int((b == y).sum())), "both have right"),
            (lambda a, b, y: only_one_right(b, a, y), "Turn them around"),
            (lambda a, b, y: (int((a != b).sum()), int((a != b).sum())), "may both be wrong"),
            (lambda a, b, y: (int((a != y).sum()), int((b != y).sum())), "not errors of the other"),
        ],
    ),
}
