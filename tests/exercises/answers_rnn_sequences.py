"""Answers to the exercises on sequences, the hidden state, and recurrent cells from scratch."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def step(x, h, Wx, Wh, b):
    return np.tanh(Wx @ x + Wh @ h + b)


def first_state_gradient(Wh, h, g):
    for state in h[::-1]:
        g = Wh.T @ (g * (1 - state**2))
    return g


def gradient_by_jacobian(Wh, h, g):
    """The same, by one matrix for all steps."""
    total = np.eye(len(Wh))
    for state in h:
        total = np.diag(1 - state**2) @ Wh @ total
    return total.T @ g


def gradient_variant(slope=True, turned=True, first=None, last=None, backward=True):
    def mistaken(Wh, h, g):
        for state in h[first:last][:: -1 if backward else 1]:
            g = (Wh.T if turned else Wh) @ (g * (1 - state**2 if slope else 1))
        return g

    return mistaken


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def gru_step(x, h, Wx, Wh, b):
    u = len(h)
    rows = [slice(k * u, (k + 1) * u) for k in range(3)]
    gate = lambda k, state: Wx[rows[k]] @ x + Wh[rows[k]] @ state + b[rows[k]]  # noqa: E731
    r, z = sigmoid(gate(0, h)), sigmoid(gate(1, h))
    return (1 - z) * np.tanh(gate(2, r * h)) + z * h


def gru_variant(first=0, after=False, keep=True, reset=True):
    def mistaken(x, h, Wx, Wh, b):
        a, s = np.split(Wx @ x + b, 3), np.split(Wh @ h, 3)
        r, z = sigmoid(a[first] + s[first]), sigmoid(a[1 - first] + s[1 - first])
        r = r if reset else np.ones_like(r)
        n = np.tanh(a[2] + (r * s[2] if after else np.split(Wh, 3)[2] @ (r * h)))
        return (1 - z) * n + z * h if keep else z * n + (1 - z) * h

    return mistaken


def reorder(array, here, there):
    pieces = array.reshape(len(here), -1, *array.shape[1:])
    return pieces[[here.index(gate) for gate in there]].reshape(array.shape)


def reorder_back(array, here, there):
    return reorder(array, there, here)


def reorder_rows(array, here, there):
    n = len(here)
    order = [n * group + here.index(gate) for group in range(len(array) // n) for gate in there]
    return array[order]


def reorder_columns(array, here, there):
    return np.concatenate([np.split(array, len(here), axis=-1)[here.index(gate)] for gate in there], axis=-1)


ANSWERS = {
    "rnn/one-step": Answers(
        step,
        [
            (lambda x, h, Wx, Wh, b: Wx @ x + Wh @ h + b, "goes through the tanh"),
            (lambda x, h, Wx, Wh, b: np.tanh(Wx @ x + b), "where is `h`"),
            (lambda x, h, Wx, Wh, b: np.tanh(Wx @ x + Wh @ h), "bias is missing"),
            (lambda x, h, Wx, Wh, b: np.tanh(Wx @ x + Wh.T @ h + b), "not the other way"),
            (lambda x, h, Wx, Wh, b: np.tanh(Wx @ x) + np.tanh(Wh @ h) + b, "comes once"),
            (lambda x, h, Wx, Wh, b: h + np.tanh(Wx @ x + Wh @ h + b), "not added"),
            (lambda x, h, Wx, Wh, b: np.tanh(Wx @ x - Wh @ h + b), "three parts"),
        ],
    ),
    "rnn/layer-shapes": Answers(
        [(20, 29, 64), (20, 9)],
        [
            ([(20, 29, 12), (20, 9)], "one number for each unit"),
            ([(20, 64), (20, 9)], "only the last state"),
            ([(29, 20, 64), (20, 9)], "recordings come first"),
            ([(20, 29, 64), (20, 29, 9)], "answers once"),
            ([(20, 29, 64), (20, 64)], "the last state"),
            ([(20, 29, 64), (9,)], "one recording"),
            ((20, 29, 64), "list of two shapes"),
            ([(20, 64, 29), (20, 9)], "one state after each step"),
        ],
    ),
    "rnn/cell-parameters": Answers(
        lambda gates, features, units, biases: gates * (units * features + units**2 + biases * units),
        [
            (lambda g, f, u, b: u * (f + u + b), "number of gates"),
            (lambda g, f, u, b: g * u * (f + b), "the state goes in"),
            (lambda g, f, u, b: g * u * (f + u + 1), "as many biases"),
            (lambda g, f, u, b: g * u * (f + u), "leaves out the biases"),
            (lambda g, f, u, b: g * u * (f + u) + b, "one number for each unit"),
            (lambda g, f, u, b: g * u * f * u, "take one unit"),
        ],
    ),
    "rnn/first-state-gradient": Answers(
        gradient_by_jacobian,
        [
            (gradient_variant(slope=False), "slope"),
            (gradient_variant(turned=False), "transposed"),
            (gradient_variant(backward=False), "from the last step to the first"),
            (gradient_variant(last=-1), "the last step, too"),
            (gradient_variant(first=1), "the first step, too"),
            (lambda Wh, h, g: np.linalg.matrix_power(Wh.T, len(h)) @ (g * np.prod(1 - h**2, axis=0)), "one step back"),
        ],
    ),
    "rnn/gru-step": Answers(
        gru_step,
        [
            (gru_variant(after=True), "before the product"),
            (gru_variant(keep=False), "update gate"),
            (gru_variant(first=1), "reset gate comes first"),
            (gru_variant(reset=False), "where is r"),
            (lambda x, h, Wx, Wh, b: h, "first r and z"),
        ],
    ),
    "rnn/reorder-gates": Answers(
        reorder,
        [
            (reorder_back, "the other way"),
            (reorder_rows, "whole blocks"),
            (lambda array, here, there: array, "as it came in"),
            (lambda array, here, there: np.concatenate(np.split(array, len(here))[::-1]), "turns the blocks around"),
            (lambda array, here, there: 0 * array, "cut the array"),
        ],
    ),
}
