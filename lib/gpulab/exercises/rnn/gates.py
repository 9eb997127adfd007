"""Exercises on the gates of the LSTM and the GRU."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Difference, Integer, Number, a, show
from gpulab.exercises.engine import exercise

# --- One step --------------------------------------------------------------------------------------------------------


@exercise("rnn/coupled-step", "function", "a function coupled_step(x, h, c, W, U, b)")
def coupled_step(answer: Any) -> Iterator[Case]:
    """Take one step of an LSTM whose input gate is what the forget gate leaves."""

    def wrong(**change: bool) -> Any:
        return lambda *call: _coupled(*call, **change)

    mistakes = [
        Mistake("The cell state is kept in full. The forget gate says how much of it stays.", gives=wrong(keep_all=True)),
        Mistake("The proposal comes in in full. Its gate is what the forget gate leaves: 1 − f.", gives=wrong(add_all=True)),
        Mistake("The proposal is multiplied by f, too. It gets what f leaves: 1 − f.", gives=wrong(same=True)),
        Mistake("f and 1 − f are changed over: f belongs to the old cell state.", gives=wrong(swapped=True)),
        Mistake("The state that is shown is o times the tanh of the *new* cell state.", gives=wrong(old=True)),
        Mistake("The cell state goes through a tanh before the output gate.", gives=wrong(no_tanh=True)),
        Mistake("The proposal g goes through a tanh: it may be negative.", gives=wrong(sigmoid=True)),
        Mistake("The weights U and the state before are missing in the sums.", gives=wrong(no_state=True)),
        Mistake("Return the new state h first, then the new cell state c.", gives=lambda *call: _coupled(*call)[::-1]),
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    for label, (d, u) in (("1 feature and 1 unit", (1, 1)), ("2 features and 3 units", (2, 3)), ("5 and 4", (5, 4))):
        shapes = ((d,), (u,), (u,), (3 * u, d), (3 * u, u), (3 * u,))
        call = tuple(rng.normal(0, 1, shape).round(2) for shape in shapes)
        yield from called(
            answer,
            call,
            _Both(_coupled(*call)),
            name="coupled_step",
            mistakes=mistakes,
            hint="Cut W x + U h + b into three pieces of equal length with `np.split`: f, g and o, in this order.",
            label=f"The pair (h, c) for {label}",
            verb="is",
        )


def _coupled(
    x: np.ndarray,
    h: np.ndarray,
    c: np.ndarray,
    w: np.ndarray,
    u: np.ndarray,
    b: np.ndarray,
    *,
    keep_all: bool = False,
    add_all: bool = False,
    same: bool = False,
    swapped: bool = False,
    old: bool = False,
    no_tanh: bool = False,
    sigmoid: bool = False,
    no_state: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the state and the cell state after a step; each flag is a typical mistake."""
    f, g, o = np.split(w @ x + (0 if no_state else u @ h) + b, 3)
    f, o = _sigmoid(f), _sigmoid(o)
    g = _sigmoid(g) if sigmoid else np.tanh(g)
    kept, added = (1 - f, f) if swapped else (f, f if same else 1 - f)
    new = (1 if keep_all else kept) * c + (1 if add_all else added) * g
    shown = c if old else new
    return o * (shown if no_tanh else np.tanh(shown)), new


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(x / 2)) / 2


class _Both:
    """Two arrays of one shape: the state, then the cell state."""

    def __init__(self, value: tuple[np.ndarray, np.ndarray]) -> None:
        self.right = Array(np.stack(value))

    def difference(self, got: Any) -> Difference | None:
        if not isinstance(got, tuple | list) or len(got) != 2:
            return Difference(show(got), f", {a(type(got).__name__)}; a pair is asked for: (h, c)")
        if np.shape(got[0]) != np.shape(got[1]):
            return Difference(f"a pair of shapes {np.shape(got[0])} and {np.shape(got[1])}", ", which differ")
        return self.right.difference(np.stack(got))

    def secrets(self) -> list[str]:
        return self.right.secrets()


# --- Weights set by hand ---------------------------------------------------------------------------------------------


@exercise("rnn/keep-first", "value", "three arrays: W (4, 2), U (4, 1) and b (4,)")
def keep_first(answer: Any) -> Iterator[Case]:
    """Set the weights of an LSTM with one unit by hand, so that it keeps the sign of its first input."""
    hint = "Hand in a tuple of three arrays, `(W, U, b)`. A row for each gate: input, forget, proposal, output."
    yield Case("Your answer", lambda: answer, _Weights(), hint=hint, verb="is")
    fading = Mistake("It is almost zero at the end: the forget gate is not near 1 in each step.", when=lambda c: abs(c) < 0.5)
    written = Mistake("A later input is written over it: the input gate must be closed unless the flag is 1.",
                      when=np.isfinite)  # fmt: skip
    hint = "Compute i, f and g by hand, for the first step and for a later one."
    rng = np.random.default_rng(0)
    for steps, first in ((1, 1), (1, -1), (2, 1), (10, -1), (100, 1), (100, -1)):
        for later in ("zeros", "opposite inputs", "random inputs") if steps > 1 else ("nothing",):
            x = np.zeros((steps, 2))
            x[1:, 0] = {"opposite inputs": -first, "zeros": 0}.get(later, rng.choice([-1, 1], steps - 1))
            x[0] = first, 1
            empty = Mistake("After one step, nothing is stored: the input gate must be open, and g near the input.",
                            when=lambda c: abs(c) < 0.5)  # fmt: skip
            turned = Mistake("The sign is turned around in the first step.", when=lambda c: abs(c) >= 0.5)
            mistakes = [empty, turned] if steps == 1 else [fading if later == "zeros" else written]
            label = f"After a first input of {first:+d} and {steps - 1} steps with {later}, the cell state"
            if steps == 1:
                label = f"After one step with the input {first:+d}, the cell state"
            yield Case(label, lambda x=x: _cell_state(answer, x), _Sign(first), mistakes, hint, verb="is")


def _cell_state(weights: Any, x: np.ndarray) -> float:
    """Return the last cell state of an LSTM with one unit."""
    w, u, b = (np.asarray(array, float) for array in weights)
    h = c = 0.0
    for step in x:
        i, f, g, o = w @ step + u[:, 0] * h + b
        c = float(_sigmoid(f) * c + _sigmoid(i) * np.tanh(g))
        h = float(_sigmoid(o) * np.tanh(c))
    return c


class _Weights:
    """Three arrays of the shapes that an LSTM with two features and one unit has."""

    SHAPES = ((4, 2), (4, 1), (4,))

    def difference(self, got: Any) -> Difference | None:
        if not isinstance(got, tuple | list) or len(got) != 3:
            return Difference(show(got), f", {a(type(got).__name__)}; three arrays are asked for: (W, U, b)")
        for name, array, shape in zip("WUb", got, self.SHAPES, strict=True):
            if np.shape(array) != shape:
                return Difference(f"a tuple in which {name} has the shape {np.shape(array)}", f"; {shape} is asked for")
        return None

    def secrets(self) -> list[str]:
        return []


class _Sign:
    """A number with the right sign, not nearer to zero than one half."""

    def __init__(self, sign: int) -> None:
        self.sign = sign

    def difference(self, got: Any) -> Difference | None:
        if self.sign * got >= 0.5:
            return None
        return Difference(f"`{got:.3g}`", "; the first input's sign is asked for, and at least 0.5 away from zero")

    def secrets(self) -> list[str]:
        return []


# --- Sizes and times -------------------------------------------------------------------------------------------------


@exercise("rnn/half-life", "function", "a function half_life(bias)")
def half_life(answer: Any) -> Iterator[Case]:
    """Turn the bias of a forget gate into the steps after which half of the cell state is left."""

    def gate(bias: float) -> float:
        return 1 / (1 + math.exp(-bias))

    mistakes = [
        Mistake("The gate is the sigmoid of the bias, not the bias itself.", gives=lambda b: math.log(0.5) / math.log(b)),
        Mistake("This is 1 / (1 − f), the mean time. After it about a third is left, not a half.", gives=lambda b: 1 / (1 - gate(b))),
        Mistake("This is the time until 1/e is left, not a half.", gives=lambda b: -1 / math.log(gate(b))),
        Mistake("A time is positive: both logarithms are negative, so divide one by the other.", gives=lambda b: math.log(0.5) / -math.log(gate(b))),
        Mistake("The fraction is upside down.", gives=lambda b: math.log(gate(b)) / math.log(0.5)),
        Mistake("It need not be a whole number: do not round.", when=lambda got: isinstance(got, int) or float(got).is_integer()),
        Mistake("That is half of the gate. Which power of f is one half?", gives=lambda b: gate(b) / 2),
    ]  # fmt: skip
    for bias in (0.5, 1.0, 2.0, 4.0, -1.0):
        yield from called(
            answer,
            (bias,),
            Number(math.log(0.5) / math.log(gate(bias)), rel=1e-4),
            name="half_life",
            mistakes=mistakes,
            hint="With a constant gate f, after t steps the share f to the power t is left. Solve for t.",
        )


@exercise("rnn/gru-units", "function", "a function gru_units(features, lstm_units)")
def gru_units(answer: Any) -> Iterator[Case]:
    """Find the largest GRU that has no more parameters than an LSTM."""

    def count(gates: int, d: int, u: int) -> int:
        return gates * u * (d + u + 1)

    def largest(fits: Any) -> int:
        return max(u for u in range(0, 2000) if fits(u))

    mistakes = [
        Mistake("Not 4/3 times as many units: U has units × units numbers for each gate, so it grows faster.", gives=lambda d, u: u * 4 // 3),
        Mistake("A root is right for U alone, and W and b grow only in proportion. Count all three.", gives=lambda d, u: int(u * math.sqrt(4 / 3))),
        Mistake("One unit more does not fit: round down.", gives=lambda d, u: 1 + largest(lambda v: count(3, d, v) <= count(4, d, u))),
        Mistake("A GRU has three pieces in W, U and b, not two.", gives=lambda d, u: largest(lambda v: count(2, d, v) <= count(4, d, u))),
        Mistake("The weights U from state to state are missing in your count.", gives=lambda d, u: largest(lambda v: 3 * v * (d + 1) <= 4 * u * (d + 1))),
        Mistake("Three quarters is the other direction: a GRU with the *same* units has 3/4 of the parameters.", gives=lambda d, u: u * 3 // 4),
        Mistake("This is the number of parameters. The number of units is asked for.", gives=lambda d, u: count(4, d, u)),
    ]  # fmt: skip
    for d, u in ((1, 10), (2, 20), (26, 16), (12, 64), (300, 64), (64, 512)):
        right = largest(lambda v, d=d, u=u: count(3, d, v) <= count(4, d, u))
        hint = "Write down both counts as functions of the units, and try numbers of units, one after the other."
        yield from called(answer, (d, u), Integer(right), name="gru_units", mistakes=mistakes, hint=hint)


# --- What a GRU mixes ------------------------------------------------------------------------------------------------


@exercise("rnn/gru-shares", "function", "a function shares(z) for update gates z (T,)")
def gru_shares(answer: Any) -> Iterator[Case]:
    """Say how much of the first state and of each proposal is in the last state of a GRU."""

    def right(z: np.ndarray) -> np.ndarray:
        kept = np.append(np.cumprod(z[::-1])[::-1], 1.0)  # kept[t]: of what is there before step t
        return np.append(kept[0], (1 - z) * kept[1:])

    def with_itself(z: np.ndarray) -> np.ndarray:
        kept = np.cumprod(z[::-1])[::-1]
        return np.append(kept[0], (1 - z) * kept)

    mistakes = [
        Mistake("z and 1 − z are changed over: in this course z is the share of the old state that stays.", gives=lambda z: right(1 - z)),
        Mistake("The first number is the share of the state before the first step. It is missing.", gives=lambda z: right(z)[1:]),
        Mistake("The share of the state before the first step comes first.", gives=lambda z: np.roll(right(z), -1)),
        Mistake("A proposal is diluted only by the gates of *later* steps, not by its own once more.", gives=with_itself),
        Mistake("The later steps dilute what is there: multiply by their gates.", gives=lambda z: np.append(np.prod(z), 1 - z)),
        Mistake("A proposal is diluted by the gates after it, not by those before it.", gives=lambda z: np.append(np.prod(z), (1 - z) * np.append(1, np.cumprod(z)[:-1]))),
    ]  # fmt: skip
    for z in ([0.5], [0.25, 0.5], [0.9, 0.2, 0.6], [0.1, 0.95, 0.7, 0.4, 0.85]):
        gates = np.array(z)
        yield from called(
            answer,
            (gates,),
            Array(right(gates)),
            name="shares",
            mistakes=mistakes,
            hint="Write h after one step, put it into h after two steps, and read off the factors. They add up to 1.",
            label=f"The shares for z = {z}",
            verb="is",
        )


# --- What a unit is good for -----------------------------------------------------------------------------------------


@exercise("rnn/most-needed", "function", "a function most_needed(whole, without)")
def most_needed(answer: Any) -> Iterator[Case]:
    """Find the unit without which most answers change."""

    def changes(whole: np.ndarray, without: np.ndarray) -> np.ndarray:
        return (without.argmax(axis=2) != whole.argmax(axis=1)).sum(axis=1)

    mistakes = [
        Mistake("The logits may change without changing the answer: compare the classes with the largest logits.",
                gives=lambda whole, without: int(abs(without - whole).sum(axis=(1, 2)).argmax())),
        Mistake("The logits may change without changing the answer: compare the classes with the largest logits.",
                gives=lambda whole, without: int((without != whole).sum(axis=(1, 2)).argmax())),
        Mistake("This is the unit that changes the *fewest* answers.",
                gives=lambda whole, without: int(changes(whole, without).argmin())),
        Mistake("This is how many answers change. The unit is asked for.",
                gives=lambda whole, without: int(changes(whole, without).max())),
        Mistake("This looks at one direction. A change from class 0 to 1 and one from 1 to 0 both count.",
                gives=lambda whole, without: int((without.argmax(axis=2) - whole.argmax(axis=1)).sum(axis=1).argmax())),
    ]  # fmt: skip
    hint = "First the answers: `argmax` over the classes. Then count, for each unit, the names whose answer changes."
    rng = np.random.default_rng(1)
    for units, n in ((2, 3), (3, 8), (5, 20), (16, 300)):
        whole = rng.normal(0, 1, (n, 2))
        noise = rng.permutation(units)[:, None, None] / units
        without = whole + noise * rng.normal(0, 1.5, (units, n, 2))
        without[rng.integers(units)] += 9  # both logits alike: no answer changes
        counts = changes(whole, without)
        if (counts == counts.max()).sum() > 1:  # one right answer: let the first of them change one more
            without[counts.argmax(), :, :] = -whole
        yield from called(
            answer,
            (whole, without),
            Integer(int(changes(whole, without).argmax())),
            name="most_needed",
            mistakes=mistakes,
            hint=hint,
            label=f"The unit, for {units} units and {n} names,",
            verb="is",
        )


# --- In a framework --------------------------------------------------------------------------------------------------


@exercise("rnn/forget-bias", "function", "an LSTM layer whose forget gates start open", needs=("torch", "keras"), seconds=30)
def forget_bias(answer: Any) -> Iterator[Case]:
    """Make an LSTM layer whose forget gates start with a bias of exactly 2, and all other gates with 0."""
    hint = "Hand in the layer itself. In Keras it must have seen an input once, or it has no weights."
    yield Case("Your answer", lambda: answer, _Lstm(), hint=hint, verb="is")
    labels = ("The sum of the biases of the input gates", "The sum of the biases of the forget gates",
              "The sum of the biases of the proposals", "The sum of the biases of the output gates")  # fmt: skip
    twice = Mistake("PyTorch adds two biases. Their *sum* is what counts.", when=lambda b: np.allclose(b, 4))
    drawn = Mistake("One of the two biases still has its random start.", when=lambda b: np.ptp(b) > 1e-6)
    ones = Mistake("This is the default of Keras; the statement wants another number.", when=lambda b: np.allclose(b, 1))
    zero = Mistake("Nothing is added in these gates. Which quarter of the vector belongs to them?", when=lambda b: np.allclose(b, 0))
    moved = Mistake("The gates lie in the order input, forget, proposal, output: this is another quarter.", when=lambda b: np.allclose(b, 2))
    random = Mistake("Outside the forget gates, all biases are to be zero; these still have their random start.", when=lambda b: np.ptp(b) > 1e-6)
    for gate in (1, 0, 2, 3):
        wanted = Array(np.full(_units(answer), 2.0 if gate == 1 else 0.0))
        mistakes = [twice, ones, zero, drawn] if gate == 1 else [moved, twice, random]
        yield Case(labels[gate], lambda gate=gate: _biases(answer)[gate], wanted, mistakes, hint, verb="is")


class _Lstm:
    """A torch or Keras LSTM layer with weights."""

    def difference(self, got: Any) -> Difference | None:
        if isinstance(got, type) or type(got).__name__ != "LSTM":
            return Difference(show(got) if not isinstance(got, type) else a(f"class {got.__name__}"),
                              "; an LSTM layer is asked for")  # fmt: skip
        if hasattr(got, "get_weights") and len(got.get_weights()) != 3:
            return Difference("a layer without weights or without a bias", ", which is not complete")
        return None

    def secrets(self) -> list[str]:
        return []


def _biases(layer: Any) -> np.ndarray:
    """Return what is added in the gates, (4, units): input, forget, proposal, output."""
    if hasattr(layer, "get_weights"):
        return layer.get_weights()[2].reshape(4, -1)
    both = layer.bias_ih_l0 + layer.bias_hh_l0
    return both.detach().cpu().numpy().reshape(4, -1)


def _units(layer: Any) -> int:
    found = getattr(layer, "units", getattr(layer, "hidden_size", 1))
    return found if isinstance(found, int) else 1  # of a class, it is a property
