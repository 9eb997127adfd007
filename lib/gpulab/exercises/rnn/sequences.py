"""Exercises on sequences, the hidden state, and recurrent cells from scratch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called, value
from gpulab.exercises.compare import Array, Integer, Shape
from gpulab.exercises.engine import exercise


def _numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """Return numbers with one decimal between -1 and 1."""
    return np.random.default_rng(seed).integers(-10, 11, shape) / 10


# --- The chapter -----------------------------------------------------------------------------------------------------


def _step(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> np.ndarray:
    return np.tanh(Wx @ x + Wh @ h + b)


@exercise("rnn/one-step", "function", "a function step(x, h, Wx, Wh, b)")
def one_step(answer: Any) -> Iterator[Case]:
    """Compute the next state of a plain recurrent cell."""
    mistakes = [
        Mistake(
            "The sum goes through the tanh before it is the new state.",
            gives=lambda x, h, Wx, Wh, b: Wx @ x + Wh @ h + b,
        ),
        Mistake(
            "The state before has a part in the new state: where is `h`?",
            gives=lambda x, h, Wx, Wh, b: np.tanh(Wx @ x + b),
        ),
        Mistake("The bias is missing.", gives=lambda x, h, Wx, Wh, b: np.tanh(Wx @ x + Wh @ h)),
        Mistake(
            "All three parts are added up first. The tanh comes once, at the end.",
            gives=lambda x, h, Wx, Wh, b: np.tanh(Wx @ x) + np.tanh(Wh @ h) + b,
        ),
        Mistake(
            "A row of `Wh` belongs to a new unit, a column to an old one: multiply `Wh` by `h`, not the other way.",
            gives=lambda x, h, Wx, Wh, b: np.tanh(Wx @ x + h @ Wh + b),
        ),
        Mistake(
            "The new state is computed anew from the sum. The old one is not added to it.",
            gives=lambda x, h, Wx, Wh, b: h + _step(x, h, Wx, Wh, b),
        ),
    ]
    hint = "Three parts: what the input adds, what the state before adds, and the bias. Then the tanh of their sum."
    one = np.ones((1, 1))
    for label, call in (
        ("one unit, one feature", (np.array([0.5]), np.array([0.2]), 2 * one, -1 * one, np.array([0.1]))),
        (
            "two units, one feature",
            (_numbers(1), _numbers(2, seed=1), _numbers(2, 1), _numbers(2, 2, seed=2), _numbers(2)),
        ),
        (
            "3 units, 5 features",
            (_numbers(5), _numbers(3, seed=1), _numbers(3, 5), _numbers(3, 3, seed=2), _numbers(3, seed=3)),
        ),
    ):
        right = Array(_step(*call), kind="f")
        yield from called(
            answer, call, right, name="step", mistakes=mistakes, hint=hint, label=f"The state for {label},", verb="is"
        )


@exercise("rnn/layer-shapes", "shape", "a list of two shapes")
def layer_shapes(answer: Any) -> Iterator[Case]:
    """Name the shapes of all states and of the answers, many-to-one, of 20 recordings with 29 steps of 12 numbers."""
    pair = (
        isinstance(answer, list | tuple) and len(answer) == 2 and all(isinstance(part, list | tuple) for part in answer)
    )
    first, second = answer if pair else (len(answer) if hasattr(answer, "__len__") else answer, None)
    mistakes = [
        Mistake("The 12 numbers of a step are the input. A state has one number for each unit.", gives=(20, 29, 12)),
        Mistake("This is only the last state of each recording. All states are asked for.", gives=(20, 64)),
        Mistake("This is one recording. All recordings go through together.", gives=(29, 64)),
        Mistake("Recordings come first, then steps.", gives=(29, 20, 64)),
    ]
    hint = "One state after each step of each recording, and in each state one number for each unit."
    hint = hint if pair else "Hand in a list of two shapes: `[(1, 2, 3), (4, 5)]` would be one."
    yield from value(first, Shape((20, 29, 64)), mistakes=mistakes, hint=hint, label="The shape of all states")
    mistakes = [
        Mistake("This is an answer after each step. The network answers once, from the last state.", gives=(20, 29, 9)),
        Mistake("This is the last state. The dense layer makes one number of it for each class.", gives=(20, 64)),
        Mistake("This is the answer for one recording. All recordings go through together.", gives=(9,)),
    ]
    hint = "Many-to-one: one answer for each recording, and in it one logit for each speaker."
    yield from value(second, Shape((20, 9)), mistakes=mistakes, hint=hint, label="The shape of the answers")


def _count(gates: int, features: int, units: int, biases: int) -> int:
    return gates * units * (features + units + biases)


@exercise("rnn/cell-parameters", "function", "a function parameters(gates, features, units, biases)")
def cell_parameters(answer: Any) -> Iterator[Case]:
    """Count the parameters of a recurrent layer, with one block of weights for each gate."""
    mistakes = [
        Mistake(
            "Each block has weights of its own: think of the number of gates.",
            gives=lambda g, f, u, b: _count(1, f, u, b),
        ),
        Mistake(
            "The state goes in, too: each unit has a weight for each unit.", gives=lambda g, f, u, b: g * u * (f + b)
        ),
        Mistake(
            "A unit has one weight for each feature and each unit: the sum is over both.",
            gives=lambda g, f, u, b: g * (f * u + u + b * u),
        ),
        Mistake("A bias is one number for each unit of each block.", gives=lambda g, f, u, b: g * u * (f + u) + b),
        Mistake("Count as many biases as there are.", gives=lambda g, f, u, b: _count(g, f, u, 1)),
        Mistake("This leaves out the biases.", gives=lambda g, f, u, b: _count(g, f, u, 0)),
    ]
    hint = "Take one unit of one block: how many numbers does it read, how many biases has it? Then all units."
    for call in ((1, 1, 1, 1), (1, 26, 4, 1), (1, 12, 64, 2), (4, 12, 64, 1), (3, 12, 64, 2)):
        yield from called(answer, call, Integer(_count(*call)), name="parameters", mistakes=mistakes, hint=hint)


# --- The labs --------------------------------------------------------------------------------------------------------


def _first_gradient(Wh: Any, h: Any, g: Any) -> np.ndarray:
    for state in h[::-1]:
        g = Wh.T @ (g * (1 - state**2))
    return g


@exercise("rnn/first-state-gradient", "function", "a function first_state_gradient(Wh, h, g)")
def first_state_gradient(answer: Any) -> Iterator[Case]:
    """Carry a gradient from the last state of a plain cell back to the state before the first step."""

    def variant(
        *, slope: bool = True, turned: bool = True, steps: slice = slice(None, None, -1), late: bool = False
    ) -> Any:
        """Return the loop with one part of it changed."""

        def mistaken(Wh: Any, h: Any, g: Any) -> np.ndarray:
            matrix = Wh.T if turned else Wh
            for state in h[steps]:
                factor = 1 - state**2 if slope else 1
                g = factor * (matrix @ g) if late else matrix @ (g * factor)
            return g

        return mistaken

    mistakes = [
        Mistake("Each step has a tanh, and the gradient goes through its slope, too.", gives=variant(slope=False)),
        Mistake(
            "On the way back, the matrix is transposed: a column of `Wh` belongs to an old unit.",
            gives=variant(turned=False),
        ),
        Mistake(
            "Go from the last step to the first: the order of the steps matters.", gives=variant(steps=slice(None))
        ),
        Mistake(
            "The last step, too: between the last state and the one before lies a tanh and a matrix.",
            gives=variant(steps=slice(-2, None, -1)),
        ),
        Mistake(
            "The first step, too: the gradient is asked for the state before it.",
            gives=variant(steps=slice(None, 0, -1)),
        ),
        Mistake(
            "First through the tanh, then through the matrix: backward, the last thing comes first.",
            gives=variant(late=True),
        ),
    ]
    hint = "One step back: times the slope of the tanh at this step's state, then times the transposed matrix."
    for label, call in (
        ("one unit and one step", (np.array([[0.5]]), np.array([[0.4]]), np.array([1.0]))),
        ("one unit and two steps", (np.array([[0.5]]), np.array([[0.4], [-0.8]]), np.array([2.0]))),
        ("two units and three steps", (_numbers(2, 2), 0.9 * _numbers(3, 2, seed=1), _numbers(2, seed=2))),
        ("4 units and 6 steps", (_numbers(4, 4, seed=3), 0.9 * _numbers(6, 4, seed=4), _numbers(4, seed=5))),
    ):
        yield from called(
            answer,
            call,
            Array(_first_gradient(*call), kind="f", rel=1e-6, absolute=1e-12),
            name="first_state_gradient",
            mistakes=mistakes,
            hint=hint,
            label=f"The gradient for {label},",
            verb="is",
        )


def _gru_step(
    x: Any,
    h: Any,
    Wx: Any,
    Wh: Any,
    b: Any,
    *,
    order: str = "rzn",
    after: bool = False,
    keep: bool = True,
    reset: bool = True,
) -> np.ndarray:
    """Return one step of a GRU, or of one with a part changed."""
    sigmoid = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    a, matrices = (dict(zip(order, np.split(array, 3), strict=True)) for array in (Wx @ x + b, Wh))
    r, z = sigmoid(a["r"] + matrices["r"] @ h), sigmoid(a["z"] + matrices["z"] @ h)
    r = r if reset else np.ones_like(r)
    n = np.tanh(a["n"] + (r * (matrices["n"] @ h) if after else matrices["n"] @ (r * h)))
    return (1 - z) * n + z * h if keep else z * n + (1 - z) * h


@exercise("rnn/gru-step", "function", "a function gru_step(x, h, Wx, Wh, b)")
def gru_step(answer: Any) -> Iterator[Case]:
    """Compute one step of the published GRU, whose reset gate comes before the product."""
    mistakes = [
        Mistake(
            "The reset gate comes before the product: it multiplies the state, not the matrix's result.",
            gives=lambda *a: _gru_step(*a, after=True),
        ),
        Mistake(
            "Look at the update gate: what is multiplied by z, and what by 1 - z?",
            gives=lambda *a: _gru_step(*a, keep=False),
        ),
        Mistake(
            "These are the gates in the order z, r, n. Here the reset gate comes first.",
            gives=lambda *a: _gru_step(*a, order="zrn"),
        ),
        Mistake(
            "The proposal sees the old state through the reset gate: where is r?",
            gives=lambda *a: _gru_step(*a, reset=False),
        ),
    ]
    hint = (
        "Cut all three arrays into three blocks. First r and z, then the proposal, then its mixture with the old state."
    )
    for label, units, features, seed in (
        ("one unit, one feature", 1, 1, 0),
        ("2 units, 3 features", 2, 3, 1),
        ("4 units, 2 features", 4, 2, 2),
    ):
        call = (
            _numbers(features, seed=seed + 10),
            _numbers(units, seed=seed + 21),
            _numbers(3 * units, features, seed=seed + 30),
            2 * _numbers(3 * units, units, seed=seed + 40),
            _numbers(3 * units, seed=seed + 50),
        )
        right = Array(_gru_step(*call), kind="f", rel=1e-6)
        yield from called(
            answer,
            call,
            right,
            name="gru_step",
            mistakes=mistakes,
            hint=hint,
            label=f"The state for {label},",
            verb="is",
        )


def _reordered(array: Any, here: str, there: str) -> np.ndarray:
    blocks = dict(zip(here, np.split(array, len(here)), strict=True))
    return np.concatenate([blocks[gate] for gate in there])


@exercise("rnn/reorder-gates", "function", "a function reorder(array, here, there)")
def reorder_gates(answer: Any) -> Iterator[Case]:
    """Move the gates' blocks of rows into another order."""
    mistakes = [
        Mistake(
            "The block that `there` names first must come first. You went the other way.",
            gives=lambda a, here, there: _reordered(a, there, here),
        ),
        Mistake("A block has as many rows as the layer has units: move whole blocks, not single rows.", gives=_by_rows),
        Mistake(
            "The gates lie below each other: cut the rows into blocks, not the columns.",
            gives=lambda a, here, there: _reordered(a.T, here, there).T,
        ),
        Mistake("This is the array as it came in.", gives=lambda a, here, there: a),
        Mistake(
            "This turns the blocks around, whatever the letters say.",
            gives=lambda a, here, there: np.concatenate(np.split(a, len(here))[::-1]),
        ),
    ]
    hint = "Cut the array into as many blocks as there are letters, and put them together in the order of `there`."
    for call, label in (
        ((np.array([1.0, 2, 3]), "zrh", "rzh"), "`reorder([1, 2, 3], 'zrh', 'rzh')`"),
        ((np.arange(8.0), "ifgo", "iofg"), "`reorder` for a bias of an LSTM with two units, from `ifgo` to `iofg`,"),
        (
            (np.arange(36.0).reshape(12, 3), "iofc", "ifco"),
            "`reorder` for weights of an LSTM with 3 units, from `iofc` to `ifco`,",
        ),
        (
            (np.arange(24.0).reshape(6, 4), "rzn", "zrn"),
            "`reorder` for weights of a GRU with 2 units, from `rzn` to `zrn`,",
        ),
    ):
        yield from called(
            answer, call, Array(_reordered(*call)), name="reorder", mistakes=mistakes, hint=hint, label=label
        )


def _by_rows(array: Any, here: str, there: str) -> np.ndarray:
    """Return the rows of each group of as many rows as there are gates, moved: a mistake."""
    groups = array.reshape(-1, len(here), *array.shape[1:])
    return groups[:, [here.index(gate) for gate in there]].reshape(array.shape)
