"""Exercises on backpropagation through time and on gradients that vanish or explode."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Difference, Number, a, as_array, scalar, show
from gpulab.exercises.engine import exercise

# --- Clipping --------------------------------------------------------------------------------------------------------


class _List:
    """A list of arrays that is equal to another if all its arrays are."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def __eq__(self, other: object) -> bool:
        pairs = zip(self.values, other.values, strict=True)
        return all(np.shape(one) == np.shape(two) and np.allclose(one, two) for one, two in pairs)

    __hash__ = None


@dataclass(frozen=True)
class _Arrays:
    """A list of arrays."""

    right: _List

    def difference(self, got: Any) -> Difference | None:
        got, right = getattr(got, "values", got), self.right.values
        if not isinstance(got, list | tuple) or len(got) != len(right):
            return Difference(show(got), "; a list with an array for each weight is asked for")
        for place, (one, wanted) in enumerate(zip(got, right, strict=True)):
            found = Array(wanted).difference(one)
            if found is not None:
                return Difference(f"{found.shown} at place {place} of the list", found.problem)
        return None

    def secrets(self) -> list[str]:
        return []


def _listed(function: Any) -> Any:
    """Return a function that gives its list as ``_List``; anything that is no function as it is."""
    if not callable(function):
        return function

    def listed(*call: Any) -> Any:
        values = function(*call)
        return _List(values) if isinstance(values, list | tuple) else values

    listed.__wrapped__ = function
    return listed


def _norm(gradients: list[np.ndarray]) -> float:
    return math.sqrt(sum(float((g**2).sum()) for g in gradients))


def _clipped(gradients: list[np.ndarray], limit: float) -> list[np.ndarray]:
    norm = _norm(gradients)
    return [g * min(1.0, limit / norm if norm else 1.0) for g in gradients]


@exercise("rnn/clip-by-norm", "function", "a function clip(gradients, limit)")
def clip_by_norm(answer: Any) -> Iterator[Case]:
    """Shorten all gradients together to a limit."""

    def to_one(gradients: list[np.ndarray], limit: float) -> list[np.ndarray]:
        norm = _norm(gradients)
        return [g / norm if norm > limit else g for g in gradients]

    mistakes = [
        Mistake("Each weight is clipped by itself here, which turns the direction. How long are all together?",
                gives=_listed(lambda gradients, limit: [_clipped([g], limit)[0] for g in gradients])),
        Mistake("Each number is clipped by itself. That turns the direction; only the length may change.",
                gives=_listed(lambda gradients, limit: [np.clip(g, -limit, limit) for g in gradients])),
        Mistake("A gradient that is short enough stays as it is.",
                gives=_listed(lambda gradients, limit: [g * limit / _norm(gradients) for g in gradients])),
        Mistake("The length is the *root* of the sum of the squares.",
                gives=_listed(lambda g, limit: [one * min(1.0, limit / _norm(g) ** 2) for one in g])),
        Mistake("It has the right direction. But how long was it to become?", gives=_listed(to_one)),
        Mistake("A gradient of zeros has the length 0, and one must not divide by that.", when=_has_nan),
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    for label, gradients, limit in (
        ("one array [3, 4] and the limit 1", [np.array([3.0, 4.0])], 1.0),
        ("one array [3, 4] and the limit 2", [np.array([3.0, 4.0])], 2.0),
        ("arrays [3, 0] and [[0, 4]] and the limit 4", [np.array([3.0, 0.0]), np.array([[0.0, 4.0]])], 4.0),
        ("short arrays [0.3] and [0.4] and the limit 1", [np.array([0.3]), np.array([0.4])], 1.0),
        ("three arrays of random numbers and the limit 0.5", [rng.normal(size=s) for s in ((4, 4), (4, 2), (4,))], 0.5),
        ("arrays of zeros and the limit 1", [np.zeros((2, 2)), np.zeros(2)], 1.0),
    ):
        yield from called(
            _listed(answer),
            (gradients, limit),
            _Arrays(_List(_clipped(gradients, limit))),
            name="clip",
            mistakes=mistakes,
            hint="Add the squares of all numbers of all arrays, take the root, and compare it with the limit.",
            label=f"For {label}, it",
        )


def _has_nan(got: Any) -> bool:
    return any(bool(np.isnan(as_array(g)).any()) for g in got.values)


# --- One unit --------------------------------------------------------------------------------------------------------


def _slope(w: float, h: float, x: np.ndarray, keep: Callable[[float, float, float], float]) -> float:
    """Multiply what ``keep(old state, new state, w)`` gives, over the steps."""
    slope = 1.0
    for value in x:
        new = math.tanh(w * h + value)
        slope, h = slope * keep(h, new, w), new
    return slope


@exercise("rnn/scalar-gradient", "function", "a function early_slope(w, h0, x)")
def scalar_gradient(answer: Any) -> Iterator[Case]:
    """Return the derivative of the last state for the first one, of a network with one unit."""

    def with_rule(keep: Callable[[float, float, float], float]) -> Callable[..., float]:
        return lambda w, h0, x: _slope(w, h0, x, keep)

    mistakes = [
        Mistake("The tanh is missing: its slope belongs to each step.", gives=with_rule(lambda h, new, w: w)),
        Mistake("The weight is missing: each step multiplies by it, too.",
                gives=with_rule(lambda h, new, w: 1 - new**2)),
        Mistake("The slope of tanh is taken at the old state. It belongs to the new one.",
                gives=with_rule(lambda h, new, w: w * (1 - h**2))),
        Mistake("1 − tanh² has a square in it.", gives=with_rule(lambda h, new, w: w * (1 - new))),
        Mistake("These are factors that multiply. They do not add.",
                gives=lambda w, h0, x: _sum_of_factors(w, h0, x)),
        Mistake("The inputs x are missing in the states.", gives=lambda w, h0, x: right(w, h0, 0 * x)),
        Mistake("The states start from the given h0, not from 0.", gives=lambda w, h0, x: right(w, 0.0, x)),
        Mistake("This is the last state, not its derivative.", gives=lambda w, h0, x: _last(w, h0, x)),
        Mistake("This is the factor of the last step alone.", gives=lambda w, h0, x: w * (1 - _last(w, h0, x) ** 2)),
    ]  # fmt: skip
    right = with_rule(lambda h, new, w: w * (1 - new**2))
    hint = "Run the states forward. In each step, multiply by the derivative of the new state for the old one."
    for w, h0, x in (
        (0.5, 0.2, np.array([0.1])),
        (0.5, 0.2, np.array([0.1, -0.3])),
        (-1.5, 0.4, np.array([0.5, 0.0, 0.2, -0.1])),
        (1.2, 0.0, np.linspace(-0.2, 0.2, 30)),
    ):
        yield from called(
            answer,
            (w, h0, x),
            Number(right(w, h0, x)),
            name="early_slope",
            mistakes=mistakes,
            hint=hint,
            label=f"For w = {w}, h0 = {h0} and {len(x)} input{'s' if len(x) > 1 else ''}, it",
        )


def _last(w: float, h: float, x: np.ndarray) -> float:
    for value in x:
        h = math.tanh(w * h + value)
    return h


def _sum_of_factors(w: float, h: float, x: np.ndarray) -> float:
    total = 0.0
    for value in x:
        h = math.tanh(w * h + value)
        total += w * (1 - h**2)
    return total


# --- How far it reaches ----------------------------------------------------------------------------------------------


def _reach(factor: float, limit: float, gone: Callable[[float, float], bool] = operator.lt) -> Any:
    if factor >= 1:
        return None
    count, left = 0, 1.0
    while not gone(left, limit):
        count, left = count + 1, left * factor
    return count


@dataclass(frozen=True)
class _Steps:
    """A whole number, or None."""

    value: int | None

    def difference(self, got: Any) -> Difference | None:
        got = scalar(got)
        if got is None or isinstance(got, str):
            return None if got is self.value else Difference(show(got))
        if isinstance(got, bool) or not isinstance(got, int):
            return Difference(show(got), f", {a(type(got).__name__)}; a whole number or `None` is asked for")
        return None if got == self.value else Difference(show(got))

    def secrets(self) -> list[str]:
        return [str(self.value)] if self.value is not None and self.value > 9 else []


@exercise("rnn/steps-until-gone", "function", "a function reach(factor, limit)")
def steps_until_gone(answer: Any) -> Iterator[Case]:
    """Return the steps after which less than a limit of a gradient is left."""
    mistakes = [
        Mistake("One step too few: exactly the limit, or a little more, is still left.",
                gives=lambda factor, limit: _reach(factor, limit) - 1),
        Mistake("One step too many.", gives=lambda factor, limit: _reach(factor, limit) + 1),
        Mistake("*Less* than the limit is asked for; exactly the limit is not less.",
                gives=lambda factor, limit: _reach(factor, limit, operator.le)),
        Mistake("This subtracts the same amount in each step. Each step multiplies.",
                gives=lambda factor, limit: math.ceil((1 - limit) / (1 - factor))),
        Mistake("A factor of 1 or more never makes it shorter. What is to be returned then?",
                when=lambda got: scalar(got) is None or scalar(got) in (-1, 0) or math.isinf(scalar(got))),
    ]  # fmt: skip
    hint = "Which power of the factor falls below the limit first? A loop will do, or logarithms."
    for factor, limit in ((0.5, 0.3), (0.5, 0.25), (0.1, 0.02), (0.9, 1e-6), (0.99, 1e-6), (1.0, 1e-6), (1.1, 0.5)):
        yield from called(
            answer, (factor, limit), _Steps(_reach(factor, limit)), name="reach", mistakes=mistakes, hint=hint
        )


# --- Truncated pieces ------------------------------------------------------------------------------------------------


@exercise("rnn/truncated-pieces", "function", "a function steps_back(T, k)")
def truncated_pieces(answer: Any) -> Iterator[Case]:
    """Return how far the gradient of each step goes back when time is cut into pieces."""
    mistakes = [
        Mistake("The gradient stops at the border of the piece. It does not go on to the start of the sequence.",
                gives=lambda T, k: list(range(T))),
        Mistake("The borders stand still. They do not move along with the step.",
                gives=lambda T, k: [min(t, k - 1) for t in range(T)]),
        Mistake("The steps *before* that step are counted, so the first one of a piece has none.",
                gives=lambda T, k: [t % k + 1 for t in range(T)]),
        Mistake("This counts the steps that follow in the piece. The gradient goes back.",
                gives=lambda T, k: [min(k - 1 - t % k, T - 1 - t) for t in range(T)]),
        Mistake("This is the number of the piece. How far is it to the beginning of the piece?",
                gives=lambda T, k: [t // k for t in range(T)]),
        Mistake("The last piece is shorter than the others, and its steps belong to the list, too.",
                gives=lambda T, k: [t % k for t in range(T // k * k)]),
    ]  # fmt: skip
    for call in ((4, 2), (5, 5), (7, 3), (3, 10), (6, 1)):
        length, k = call
        yield from called(
            answer,
            call,
            Array([t % k for t in range(length)], kind="iu"),
            name="steps_back",
            mistakes=mistakes,
            hint="Write the steps in a row, draw the borders, and count back from each step to its border.",
        )


# --- A matrix with a given spectral radius ---------------------------------------------------------------------------


def _spectral(w: Any) -> float:
    return float(np.abs(np.linalg.eigvals(w)).max())


@exercise("rnn/spectral-radius", "function", "a function to_radius(w, radius)")
def spectral_radius(answer: Any) -> Iterator[Case]:
    """Scale a matrix so that the largest modulus of its eigenvalues is a given number."""

    def scaled_by(size: Callable[[np.ndarray], float]) -> Callable[..., np.ndarray]:
        return lambda w, radius: w * radius / size(w)

    mistakes = [
        Mistake("This sets the largest *singular value*. An eigenvalue tells what many steps do.",
                gives=scaled_by(lambda w: np.linalg.norm(w, 2))),
        Mistake("This sets the length of the whole matrix as one vector.", gives=scaled_by(np.linalg.norm)),
        Mistake("The largest eigenvalue by its real part is not the one with the largest modulus: take `np.abs`.",
                gives=scaled_by(lambda w: np.linalg.eigvals(w).real.max())),
        Mistake("The largest number of the matrix says nothing about its eigenvalues.",
                gives=scaled_by(lambda w: np.abs(w).max())),
        Mistake("The matrix is multiplied by the radius, whatever radius it had before.", gives=lambda w, r: w * r),
        Mistake("It has radius 1 now, and not the one that is asked for.", gives=lambda w, r: w / _spectral(w)),
        Mistake("The result is complex. A modulus is a real number: take `np.abs` of the eigenvalues.",
                when=lambda got: as_array(got).dtype.kind == "c"),
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    turn = np.array([[0.0, -2.0], [2.0, 0.0]])
    for label, w, radius in (
        ("the matrix [[2, 0], [0, -4]] and the radius 1", np.array([[2.0, 0.0], [0.0, -4.0]]), 1.0),
        ("the matrix [[1, 10], [0, 1]] and the radius 0.5", np.array([[1.0, 10.0], [0.0, 1.0]]), 0.5),
        ("a turn by 90 degrees, twice as long, and the radius 1.5", turn, 1.5),
        ("a random matrix (8, 8) and the radius 0.9", rng.normal(size=(8, 8)), 0.9),
        ("a random matrix (32, 32) and the radius 1.1", rng.normal(size=(32, 32)), 1.1),
    ):
        yield from called(
            answer,
            (w, radius),
            Array(w * radius / _spectral(w), kind="f"),
            name="to_radius",
            mistakes=mistakes,
            hint="`np.linalg.eigvals` gives the eigenvalues. If a matrix is multiplied by a number, so are they.",
            label=f"For {label}, it",
        )


# --- A memory that leaks ---------------------------------------------------------------------------------------------


def broken_answers_torch(network: Any, x: Any) -> Any:
    """Go on from where the last batch ended."""
    import torch

    states, _ = network.layer(x, network.state)
    end = (x != 0).any(dim=2).sum(dim=1) - 1  # the last step that is not all zeros
    last = states[torch.arange(len(x)), end]
    network.state = last.detach()[None]
    return network.head(last)


def broken_network_keras() -> Any:
    """Return a network whose layer keeps its state."""
    import keras
    from keras import layers

    inputs = keras.Input(batch_shape=(27, 29, 12))
    read = [layers.Masking(), layers.GRU(32, stateful=True)]
    return keras.Sequential([inputs, *read, layers.Dense(9)])


def _recordings(n: int, seed: int) -> np.ndarray:
    """Return made-up recordings (n, 29, 12), float32, with zeros after their ends."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 29, 12)).astype(np.float32)
    for row, end in zip(x, rng.integers(7, 30, n), strict=True):
        row[end:] = 0
    return x


@dataclass(frozen=True)
class _Same:
    """Words that say that nothing is wrong."""

    value: str = "the same answers"

    def difference(self, got: Any) -> Difference | None:
        if got is None:
            return Difference("nothing")
        return None if got == self.value else Difference(str(got))

    def secrets(self) -> list[str]:
        return []


TESTS = ("right", "after others", "after others in training", "sizes", "gradient")
LABELS = {
    "right": "On one batch, a fresh network",
    "after others": "On a batch that comes after another one, in evaluation, the network",
    "after others in training": "On a batch that comes after another one, in training, the network",
    "sizes": "On a batch of another size, the network",
    "gradient": "Asked for the gradient of its recurrent weights, the network",
}
HINTS = {
    "right": "The answer comes from the state after the last step of each recording: a logit for each speaker.",
    "after others": "Should an answer depend on what other people said before? Where does a batch get its state from?",
    "after others in training": "It is right in evaluation now. And while it trains?",
    "sizes": "A batch may be smaller than the last one. Which size has the state that it starts from?",
    "gradient": "`detach` cuts the gradient off. Between batches nothing has to be cut, if nothing is carried on.",
}


def _torch_tests(answers: Any) -> Callable[[str], str]:
    """Return a function that runs one test on a network and says in words what came out."""

    def tested(test: str) -> str:
        import torch
        from torch import nn

        torch.manual_seed(0)
        network = nn.Module()
        network.layer, network.head, network.state = nn.GRU(12, 32, batch_first=True), nn.Linear(32, 9), None
        network.double()
        first, second = (torch.from_numpy(_recordings(6, seed)).double() for seed in (0, 1))
        network.train(test != "after others")
        right = _fresh_answers(network, first)
        if test == "gradient":
            answers(network, first).sum().backward()
            there = network.layer.weight_hh_l0.grad is not None
            return "the same answers" if there else "none: it is cut off"
        if test == "sizes":
            answers(network, second[:4])
        elif test != "right":
            answers(network, second)
        got = answers(network, first)
        if not hasattr(got, "shape") or tuple(got.shape) != (6, 9):
            return f"{a(type(got).__name__)} that does not have the shape (6, 9)"
        if torch.allclose(got, right, rtol=0, atol=1e-9):
            return "the same answers"
        return "other logits than alone" if test != "right" else "wrong logits"

    tested.__wrapped__ = answers
    return tested


def _fresh_answers(network: Any, x: Any) -> Any:
    import torch

    with torch.no_grad():
        states, _ = network.layer(x)
        end = (x != 0).any(dim=2).sum(dim=1) - 1
        return network.head(states[torch.arange(len(x)), end])


def _keras_tests(build: Any) -> Callable[[str], str]:
    """Return a function that runs one test on a network and says in words what came out."""

    def tested(test: str) -> str:
        import keras

        network = build()
        known = isinstance(network, keras.Model) and any(isinstance(part, keras.layers.GRU) for part in network.layers)
        if not known:
            return "nothing: it is no Keras model with a GRU in it"
        first, second = _recordings(27, 0), _recordings(27, 1)
        if test == "right":
            got = np.asarray(network(first))
            if got.shape != (27, 9):
                return f"an array of shape {got.shape}, and (27, 9) is asked for"
            near = np.allclose(got, np.asarray(_reference(network)(first)), atol=1e-4)
            return "the same answers" if near else "logits that depend on the zeros after the end"
        alone = np.asarray(network(first))
        network(second)
        again = np.asarray(network(first))
        return "the same answers" if np.allclose(alone, again, rtol=0, atol=1e-6) else "other logits than alone"

    tested.__wrapped__ = build
    return tested


def _reference(network: Any) -> Any:
    """Return the network that is asked for, with the weights of another one."""
    import keras
    from keras import layers

    right = keras.Sequential([keras.Input((29, 12)), layers.Masking(), layers.GRU(32), layers.Dense(9)])
    for one, other in zip(right.trainable_weights, network.trainable_weights, strict=True):
        one.assign(other)
    return right


def _state_cases(answer: Any, tests_of: Callable[[Any], Any], tests: tuple[str, ...], name: str) -> Iterator[Case]:
    given = tests_of(answer) if callable(answer) else answer
    for test in tests:
        yield from called(
            given,
            (test,),
            _Same(),
            name=name,
            hint=HINTS[test],
            label=LABELS[test],
            verb="gives",
            given="a batch of recordings" if name == "answers" else "no arguments",
        )


@exercise(
    "rnn/broken-state-torch",
    "repaired",
    "the repaired function answers(network, x)",
    needs=("torch",),
    broken=_torch_tests(broken_answers_torch),
)
def broken_state_torch(answer: Any) -> Iterator[Case]:
    """Answer for each recording as if it were the only one."""
    yield from _state_cases(answer, _torch_tests, TESTS, "answers")


@exercise(
    "rnn/broken-state-keras",
    "repaired",
    "the repaired function new_network()",
    needs=("keras",),
    broken=_keras_tests(broken_network_keras),
)
def broken_state_keras(answer: Any) -> Iterator[Case]:
    """Build a network that answers for each recording as if it were the only one."""
    yield from _state_cases(answer, _keras_tests, TESTS[:2], "new_network")
