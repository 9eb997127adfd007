"""The recurrent cells in NumPy: hand-made numbers, gradients against differences, lengths, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gpulab.models import cells

VARIANTS = [("rnn", True), ("lstm", True), ("gru", True), ("gru", False)]
N, T, FEATURES, UNITS = 3, 5, 4, 2


def made(kind: str, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    """Return weights, inputs, and first states."""
    rng = np.random.default_rng(seed)
    weights = {name: 2 * array for name, array in cells.fresh(kind, FEATURES, UNITS, seed).items()}
    return weights, rng.normal(size=(N, T, FEATURES)), rng.normal(size=(N, UNITS)), rng.normal(size=(N, UNITS))


def by_loops(kind: str, w: dict[str, np.ndarray], x: np.ndarray, h: np.ndarray, reset_after: bool) -> np.ndarray:
    """Return the states of one sequence (T, features), computed number by number as the formulas say."""
    units, c, states = len(h), np.zeros(len(h)), []
    sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
    for now in x:
        new, memory = np.zeros(units), np.zeros(units)

        def summed(gate: int, j: int, factor: Any = 1.0, *, after: Any = 1.0, now: Any = now, h: Any = h) -> float:
            row = gate * units + j
            inner = sum(w["weight_ih"][row, k] * now[k] for k in range(len(now))) + w["bias_ih"][row]
            state = sum(w["weight_hh"][row, k] * (factor * h)[k] for k in range(units)) + w["bias_hh"][row]
            return inner + after * state

        for j in range(units):
            if kind == "rnn":
                new[j] = np.tanh(summed(0, j))
            elif kind == "lstm":
                i, f, o = (sigmoid(summed(gate, j)) for gate in (0, 1, 3))
                memory[j] = f * c[j] + i * np.tanh(summed(2, j))
                new[j] = o * np.tanh(memory[j])
            else:
                r = np.array([sigmoid(summed(0, k)) for k in range(units)])
                z = sigmoid(summed(1, j))
                proposed = summed(2, j, after=r[j]) if reset_after else summed(2, j, r)
                new[j] = (1 - z) * np.tanh(proposed) + z * h[j]
        h, c = new, memory
        states.append(h)
    return np.array(states)


@pytest.mark.parametrize(("kind", "reset_after"), VARIANTS)
def test_states_are_the_formulas(kind: str, reset_after: bool) -> None:
    weights, x, h0, _ = made(kind)
    record = cells.run(kind, weights, x, h0=h0, reset_after=reset_after)
    for n in range(N):
        assert np.allclose(record.h[n], by_loops(kind, weights, x[n], h0[n], reset_after), atol=1e-12)
    assert tuple(record.gates) == cells.GATES[kind]
    assert (record.c is not None) == (kind == "lstm")


def differences(loss: Callable[[], float], array: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Return the slope of a loss in each number of an array."""
    slopes = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + step
        up = loss()
        array[place] = kept - step
        slopes[place] = (up - loss()) / (2 * step)
        array[place] = kept
    return slopes


@pytest.mark.parametrize("lengths", [None, [5, 3, 1], [2, 0, 5]])
@pytest.mark.parametrize(("kind", "reset_after"), VARIANTS)
def test_gradients_are_the_slopes(kind: str, reset_after: bool, lengths: list[int] | None) -> None:
    weights, x, h0, c0 = made(kind)
    rng = np.random.default_rng(1)
    factors, last = rng.normal(size=(N, T, UNITS)), rng.normal(size=(N, UNITS))
    arrays = {**weights, "x": x, "h0": h0} | ({"c0": c0} if kind == "lstm" else {})

    def record() -> cells.Record:
        ends = None if lengths is None else np.array(lengths)
        return cells.run(kind, weights, x, ends, h0=h0, c0=c0, reset_after=reset_after)

    def loss() -> float:
        made = record()
        return (made.h * factors).sum() + (0 if made.c is None else (made.c[:, -1] * last).sum())

    found = cells.gradients(record(), factors, last if kind == "lstm" else None)
    assert set(found) == {*arrays, "h"}
    for name, array in arrays.items():
        assert np.allclose(found[name], differences(loss, array), atol=1e-7), name


@pytest.mark.parametrize("kind", cells.GATES)
def test_gradient_of_a_state_holds_what_comes_later(kind: str) -> None:
    weights, x, _, _ = made(kind)
    dh = np.zeros((N, T, UNITS))
    dh[:, -1] = 1
    found = cells.gradients(cells.run(kind, weights, x), dh)
    assert np.array_equal(found["h"][:, -1], dh[:, -1]) and np.abs(found["h"][:, 0]).min() > 0
    # The rest of the way, started in the state after step 2, gives the same.
    record = cells.run(kind, weights, x)
    cell = None if record.c is None else record.c[:, 1]
    rest = cells.run(kind, weights, x[:, 2:], h0=record.h[:, 1], c0=cell)
    assert np.allclose(rest.h, record.h[:, 2:])
    assert np.allclose(cells.gradients(rest, dh[:, 2:])["h0"], found["h"][:, 1])


@pytest.mark.parametrize(("kind", "reset_after"), VARIANTS)
def test_padding_changes_nothing(kind: str, reset_after: bool) -> None:
    weights, x, _, _ = made(kind)
    ends = np.array([4, 2, 5])
    record = cells.run(kind, weights, x, ends, reset_after=reset_after)
    noisy = x.copy()
    for n, end in enumerate(ends):
        noisy[n, end:] = 1e6
        alone = cells.run(kind, weights, x[n : n + 1, :end], reset_after=reset_after)
        assert np.allclose(record.h[n, :end], alone.h[0])
        assert (record.h[n, end:] == record.h[n, end - 1]).all()
        assert all((gate[n, end:] == 0).all() and (gate[n, :end] != 0).all() for gate in record.gates.values())
    other = cells.run(kind, weights, noisy, ends, reset_after=reset_after)
    assert np.array_equal(other.h, record.h)
    for found in (cells.gradients(record, record.h), cells.gradients(other, record.h)):
        assert all((found["x"][n, end:] == 0).all() for n, end in enumerate(ends))


@pytest.mark.parametrize("kind", cells.GATES)
def test_single_precision_stays_single(kind: str) -> None:
    weights, x, _, _ = made(kind)
    small = {name: array.astype(np.float32) for name, array in weights.items()}
    record, exact = cells.run(kind, small, x), cells.run(kind, weights, x)
    assert record.h.dtype == np.float32 and np.allclose(record.h, exact.h, atol=1e-5)
    found = cells.gradients(record, exact.h)
    assert {array.dtype.name for array in found.values()} == {"float32"}
    assert {array.dtype.name for array in record.gates.values()} == {"float32"}


def test_large_sums_saturate_without_warnings() -> None:
    weights, x, _, _ = made("lstm")
    with np.errstate(all="raise", under="ignore"):
        record = cells.run("lstm", weights, 1e4 * x)
        found = cells.gradients(record, record.h)
    assert np.isfinite(record.h).all() and all(np.isfinite(array).all() for array in found.values())


def test_arguments_stay_as_they_were() -> None:
    weights, x, h0, c0 = made("lstm")
    before = [array.copy() for array in (*weights.values(), x, h0, c0)]
    record = cells.run("lstm", weights, x, h0=h0, c0=c0)
    dh = record.h.copy()
    cells.gradients(record, dh)
    after = (*weights.values(), x, h0, c0)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)) and np.array_equal(dh, record.h)


def test_no_sequences_and_no_steps() -> None:
    weights, x, h0, _ = made("gru")
    assert cells.run("gru", weights, x[:0]).h.shape == (0, T, UNITS)
    assert np.array_equal(cells.gradients(cells.run("gru", weights, x[:, :0]), np.zeros((N, 0, UNITS)))["h0"], 0 * h0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "elman"}, "There is no cell 'elman'. Choose one of: gru, lstm, rnn."),
        ({"x": np.zeros((5, 4))}, "x has the shape (5, 4); expected three axes: (sequences, steps, features)."),
        ({"x": np.zeros((3, 5, 9))}, "weight_ih has the shape (6, 4); expected (6, 9) for 'gru' with 9 features"),
        ({"weights": {}}, "The weights have no bias_hh, bias_ih, weight_hh, weight_ih; expected the names weight_ih"),
        ({"weight_hh": np.zeros((2, 6))}, "weight_ih has the shape (6, 4); expected (18, 4)"),
        ({"bias_hh": np.zeros((2, 6))}, "bias_hh has the shape (2, 6); expected (6,)"),
        ({"bias_hh": np.zeros(6, np.float32)}, "The weights are of float32, float64; make all of them float64"),
        ({"lengths": np.array([6, 1, 1])}, "lengths must be 3 whole numbers from 0 to 5"),
        ({"lengths": np.array([1.0, 1, 1])}, "lengths must be 3 whole numbers from 0 to 5"),
        ({"lengths": np.array([1, 1])}, "lengths must be 3 whole numbers from 0 to 5"),
        ({"h0": np.zeros(2)}, "h0 has the shape (2,); expected (3, 2): (sequences, units)."),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], message: str) -> None:
    weights, x, _, _ = made("gru")
    arguments: dict[str, Any] = {"kind": "gru", "weights": weights, "x": x}
    for name, value in change.items():
        if name in weights:
            arguments["weights"] = {**weights, name: value}
        else:
            arguments[name] = value
    with pytest.raises(ValueError, match=re.escape(message)):
        cells.run(**arguments)


def test_gradient_of_another_shape_is_named() -> None:
    weights, x, _, _ = made("rnn")
    record = cells.run("rnn", weights, x)
    with pytest.raises(ValueError, match=re.escape("dh has the shape (3, 2); expected (3, 5, 2), as the states.")):
        cells.gradients(record, record.h[:, -1])


def test_parameters_of_the_lessons() -> None:
    count = lambda kind: sum(np.prod(shape) for shape in cells.shapes(kind, 12, 64).values())  # noqa: E731
    assert [count(kind) for kind in ("rnn", "lstm", "gru")] == [g * (64 * 12 + 64 * 64 + 2 * 64) for g in (1, 4, 3)]
