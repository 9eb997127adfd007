"""Answers to the exercises on recurrent layers, padding, masking and packing."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def stack(gates, features, units, layers, both_ways, biases=1, wide=True, directions=2, square=1):
    total, width = 0, features
    for _ in range(layers):
        ways = directions if both_ways else 1
        total += ways * gates * units * (width + square * units + biases)
        width = units * (2 if both_ways and wide else 1)
    return total


def output_shape(n, steps, units, every_step, both_ways):
    width = 2 * units if both_ways else units
    return (n, steps, width) if every_step else (n, width)


def to_rectangle(sequences, front=False, dtype=np.int64, more=0):
    longest = max(len(sequence) for sequence in sequences) + more
    rows = np.zeros((len(sequences), longest), dtype=dtype)
    for i, sequence in enumerate(sequences):
        if front:
            rows[i, longest - len(sequence) :] = sequence
        else:
            rows[i, : len(sequence)] = sequence
    return rows


def real_steps(lengths, steps):
    return np.arange(steps)[None, :] < lengths[:, None]


def last_state(states, lengths):
    return states[np.arange(len(states)), lengths - 1]


def balanced(y, answers):
    return 0.5 * (np.mean(answers[y == 0] == 0) + np.mean(answers[y == 1] == 1))


ANSWERS = {
    "rnn/stack-parameters": Answers(
        stack,
        [
            (lambda *call: stack(*call, biases=0), "and a bias"),
            (lambda *call: stack(*call, biases=2), "two biases"),
            (lambda *call: stack(*call, directions=1), "a whole set of weights"),
            (lambda *call: stack(*call, wide=False), "how wide"),
            (lambda *call: stack(*call, square=0), "an input, too"),
            (lambda gates, *call: stack(1, *call), "weights of its own"),
            (lambda g, f, u, layers, both: layers * stack(g, f, u, 1, both), "states of the layer below"),
            (lambda *call: float(stack(*call)), "a whole number is asked for"),
        ],
    ),
    "rnn/output-shape": Answers(
        output_shape,
        [
            (lambda n, t, u, every, both: output_shape(n, t, u, True, both), "no axis of time"),
            (lambda n, t, u, every, both: output_shape(n, t, u, False, both), "axis of time is missing"),
            (lambda n, t, u, every, both: output_shape(n, t, u, every, False), "side by side"),
            (lambda n, t, u, every, both: (n, t if every else 1, 2 * u if both else u), "axis of length 1"),
            (lambda n, t, u, every, both: (t, n, 2 * u if both else u), "the batch comes first"),
        ],
    ),
    "rnn/pad-sequences": Answers(
        to_rectangle,
        [
            (lambda s: to_rectangle(s, front=True), "behind the tokens"),
            (lambda s: to_rectangle(s)[:, : min(map(len, s)) or 1], "cut off"),
            (lambda s: to_rectangle(s, more=1), "needs no padding"),
            (lambda s: to_rectangle(s).T, "a row for each sequence"),
            (lambda s: to_rectangle(s, dtype=float), "integers are asked for"),
        ],
    ),
    "rnn/make-mask": Answers(
        real_steps,
        [
            (lambda n, t: ~real_steps(n, t), "the other way round"),
            (lambda n, t: np.arange(t) <= n[:, None], "no step 2"),
            (lambda n, t: real_steps(n, t)[:, ::-1], "not at the front"),
            (lambda n, t: real_steps(n, n.max()), "as wide as the padded batch"),
            (lambda n, t: real_steps(n, t).astype(int), "truth values"),
            (lambda n, t: real_steps(n, t).T, "one row for each sequence"),
        ],
    ),
    "rnn/last-valid-state": Answers(
        last_state,
        [
            (lambda s, n: s[:, -1], "short sequences have padding"),
            (lambda s, n: s[np.arange(len(s)), np.minimum(n, s.shape[1] - 1)], "counting begins at 0"),
            (lambda s, n: s[:, n - 1], "together"),
            (lambda s, n: s[np.arange(len(s)), n - 2], "too early"),
            (lambda s, n: s.mean(axis=1), "another summary"),
        ],
    ),
    "rnn/balanced-accuracy": Answers(
        balanced,
        [
            (lambda y, a: (y == a).mean(), "most of the weight"),
            (lambda y, a: np.mean([(y[a == k] == k).mean() for k in (0, 1)]), "examples of the class"),
            (lambda y, a: (a[y == 1] == 1).mean(), "class 1 alone"),
            (lambda y, a: 2 * balanced(y, a), "their mean"),
            (lambda y, a: 100 * balanced(y, a), "not percent"),
        ],
    ),
}
