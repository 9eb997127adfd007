"""Answers to the exercises on the gates of the LSTM and the GRU that need no framework."""

from __future__ import annotations

import math

import numpy as np

from tests.exercises.walk import Answers


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def coupled_step(x, h, c, W, U, b):  # noqa: N803
    f, g, o = np.split(W @ x + U @ h + b, 3)
    f, g, o = sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * c + (1 - f) * g
    return o * np.tanh(c), c


def step_with(new_c, shown=lambda c, new: np.tanh(new), state=1):
    """Return a step with another rule for the cell state, or for what is shown."""

    def step(x, h, c, W, U, b):  # noqa: N803
        f, g, o = np.split(W @ x + state * (U @ h) + b, 3)
        new = new_c(sigmoid(f), np.tanh(g), c)
        return sigmoid(o) * shown(c, new), new

    return step


def blend(f, g, c):
    return f * c + (1 - f) * g


def by_hand(forget=10.0, start=20.0, closed=-10.0, value=5.0, bias=0.0, output=0.0):
    """Return weights (W, U, b) of one unit: features are the value and a flag; gates input, forget, proposal, output."""
    w = np.array([[0, start], [0, 0], [value, 0], [0, 0]])
    return w, np.zeros((4, 1)), np.array([closed, forget, bias, output])


def half_life(bias):
    return math.log(0.5) / math.log(sigmoid(bias))


def gru_units(features, lstm_units):
    goal = 4 * lstm_units * (features + lstm_units + 1)
    units = 0
    while 3 * (units + 1) * (features + units + 2) <= goal:
        units += 1
    return units


def shares(z):
    state = np.zeros(len(z) + 1)
    state[0] = 1
    for t, gate in enumerate(z):
        state *= gate
        state[t + 1] = 1 - gate
    return state


def shares_diluted_once_more(z):
    state = np.zeros(len(z) + 1)
    state[0] = 1
    for t, gate in enumerate(z):
        state[t + 1] = 1 - gate
        state *= gate
    return state


def changed(whole, without):
    return (without.argmax(axis=2) != whole.argmax(axis=1)).sum(axis=1)


ANSWERS = {
    "rnn/coupled-step": Answers(
        coupled_step,
        [
            (step_with(lambda f, g, c: c + (1 - f) * g), "kept in full"),
            (step_with(lambda f, g, c: f * c + g), "comes in in full"),
            (step_with(lambda f, g, c: f * c + f * g), "multiplied by f, too"),
            (step_with(lambda f, g, c: (1 - f) * c + f * g), "changed over"),
            (step_with(blend, lambda c, new: np.tanh(c)), "of the *new* cell state"),
            (step_with(blend, lambda c, new: new), "through a tanh before the output gate"),
            (step_with(lambda f, g, c: f * c + (1 - f) * sigmoid(2 * np.arctanh(g) / 2)), "it may be negative"),
            (step_with(blend, state=0), "missing in the sums"),
            (lambda *call: coupled_step(*call)[::-1], "state h first"),
            (lambda *call: coupled_step(*call)[0], "a pair is asked for"),
        ],
    ),
    "rnn/keep-first": Answers(
        by_hand(),
        [
            (by_hand(forget=0.0), "almost zero at the end"),
            (by_hand(forget=2.0), "almost zero at the end"),
            (by_hand(closed=2.0), "written over"),
            (by_hand(start=0.0), "nothing is stored"),
            (by_hand(value=-5.0), "turned around"),
            (by_hand(value=0.1), "g near the input"),
            (by_hand()[0], "three arrays are asked for"),
            ((by_hand()[0].T, *by_hand()[1:]), "is asked for"),
        ],
    ),
    "rnn/half-life": Answers(
        half_life,
        [
            (lambda bias: math.log(0.5) / math.log(bias), "sigmoid of the bias"),
            (lambda bias: 1 / (1 - sigmoid(bias)), "about a third"),
            (lambda bias: -1 / math.log(sigmoid(bias)), "1/e"),
            (lambda bias: -half_life(bias), "a time is positive"),
            (lambda bias: 1 / half_life(bias), "upside down"),
            (lambda bias: round(half_life(bias)), "do not round"),
            (lambda bias: sigmoid(bias) / 2, "which power"),
        ],
    ),
    "rnn/gru-units": Answers(
        gru_units,
        [
            (lambda features, units: units * 4 // 3, "not 4/3"),
            (lambda features, units: int(units * (4 / 3) ** 0.5), "only in proportion"),
            (lambda features, units: gru_units(features, units) + 1, "round down"),
            (lambda features, units: units * 3 // 4, "the other direction"),
            (lambda features, units: 4 * units * (features + units + 1), "number of units is asked for"),
        ],
    ),
    "rnn/gru-shares": Answers(
        shares,
        [
            (lambda z: shares(1 - z), "changed over"),
            (lambda z: shares(z)[1:], "before the first step"),
            (lambda z: np.append(shares(z)[1:], shares(z)[0]), "comes first"),
            (shares_diluted_once_more, "its own once more"),
            (lambda z: np.append(np.prod(z), 1 - z), "later steps dilute"),
            (lambda z: np.append(np.prod(z), (1 - z) * np.append(1, np.cumprod(z)[:-1])), "not by those before"),
        ],
    ),
    "rnn/most-needed": Answers(
        lambda whole, without: int(changed(whole, without).argmax()),
        [
            (lambda whole, without: int(abs(without - whole).sum(axis=(1, 2)).argmax()), "without changing the answer"),
            (lambda whole, without: int(changed(whole, without).argmin()), "fewest"),
            (lambda whole, without: int(changed(whole, without).max()), "the unit is asked for"),
            (lambda whole, without: changed(whole, without), "a whole number is asked for"),
        ],
    ),
}
