"""Exercises on forecasting: baselines, scaled errors, folds, intervals, windows, and a broken program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import KINDS, Array, Number, as_array
from gpulab.exercises.engine import exercise
from gpulab.exercises.several import Got, Holds, kept, of, same

UNSHOWN = (tuple, list)  # results that a message names by their kind


def _not_arrays(got: Any, names: Sequence[str]) -> str:
    """Return what is wrong with a result that should be so many arrays of numbers, in words."""
    if not isinstance(got, tuple | list) or len(got) != len(names):
        return f"; {len(names)} things are asked for: {', '.join(names)}"
    for name, part in zip(names, got, strict=True):
        if as_array(part).dtype.kind not in KINDS:
            return f" whose {name} is no array of numbers"
    return ""


# --- The chapter -----------------------------------------------------------------------------------------------------


@exercise("rnn/seasonal-drift", "function", "a function seasonal_drift(x, period, horizon)")
def seasonal_drift(answer: Any) -> Iterator[Case]:
    """Add to the value of one period ago what the series has gained since."""

    def right(x: np.ndarray, period: int, horizon: int) -> np.ndarray:
        start = x.shape[1] - period
        return x[:, start : start + horizon] + x[:, -1:] - x[:, start - 1 : start]

    def without_gain(x: np.ndarray, period: int, horizon: int) -> np.ndarray:
        start = x.shape[1] - period
        return x[:, start : start + horizon]

    def one_late(x: np.ndarray, period: int, horizon: int) -> np.ndarray:
        start = x.shape[1] - period - 1
        return x[:, start : start + horizon] + x[:, -1:] - x[:, start : start + 1]

    def own_gain(x: np.ndarray, period: int, horizon: int) -> np.ndarray:
        start = x.shape[1] - period
        return x[:, start : start + horizon] + x[:, -1:] - x[:, start : start + 1]

    def grows(x: np.ndarray, period: int, horizon: int) -> np.ndarray:
        gain = (x[:, -1:] - x[:, -period - 1 : -period]) / period
        return without_gain(x, period, horizon) + np.arange(1, horizon + 1) * gain

    def first_window(x: np.ndarray, period: int, horizon: int) -> np.ndarray:
        return np.repeat(right(x, period, horizon)[:1], len(x), axis=0)

    mistakes = [
        Mistake("This is the seasonal naive forecast. What has the series gained in the last period?", without_gain),
        Mistake("This starts one step too early: the first forecast is for the step *after* the window.", one_late),
        Mistake("The gain of one period: the last value, less the value exactly `period` steps before it.", own_gain),
        Mistake("The whole gain of a period is added to each step, not a part that grows.", grows),
        Mistake("Each window is a row with a gain of its own.", first_window),
        Mistake("A row a window, a column a step ahead.", when=lambda got: as_array(got).ndim != 2),
    ]
    hint = "Take a window of two periods by hand. Which of its values stand one period before the steps ahead?"
    rng = np.random.default_rng(0)
    for x, period, horizon in (
        (np.array([[1.0, 5, 2, 6]]), 2, 2),
        (np.array([[1.0, 5, 2, 2, 7, 4]]), 3, 2),
        (rng.normal(size=(3, 10)).round(2), 4, 4),
    ):
        yield from called(
            answer,
            (x, period, horizon),
            Array(right(x, period, horizon)),
            name="seasonal_drift",
            mistakes=mistakes,
            hint=hint,
            label=f"For windows of shape {x.shape}, period {period} and horizon {horizon}, it",
        )


@exercise("rnn/mase", "function", "a function mase(truth, forecast, known, period)")
def mase(answer: Any) -> Iterator[Case]:
    """Divide the mean absolute error by that of a seasonal naive forecast inside the known part."""

    def error(truth: np.ndarray, forecast: np.ndarray) -> float:
        return float(np.abs(truth - forecast).mean())

    def scale(values: np.ndarray, period: int) -> float:
        return float(np.abs(values[period:] - values[:-period]).mean())

    def squared(truth: np.ndarray, forecast: np.ndarray, known: np.ndarray, period: int) -> float:
        return float(((truth - forecast) ** 2).mean() / ((known[period:] - known[:-period]) ** 2).mean())

    mistakes = [
        Mistake(
            "The scale comes from the known part. The truth is the future.",
            lambda t, f, k, p: error(t, f) / scale(np.r_[k, t], p),
        ),
        Mistake(
            "The scale comes from the known part. The truth is the future.",
            lambda t, f, k, p: error(t, f) / scale(t, p),
        ),
        Mistake(
            "This compares each known value with the one right before it. What is `period` for?",
            lambda t, f, k, p: error(t, f) / scale(k, 1),
        ),
        Mistake(
            "Going up and going down cancel in the scale: take the size of each difference first.",
            lambda t, f, k, p: error(t, f) / abs(float((k[p:] - k[:-p]).mean())),
        ),
        Mistake(
            "Errors above and below cancel: take the size of each error first.",
            lambda t, f, k, p: abs(float((t - f).mean())) / scale(k, p),
        ),
        Mistake("The A in MASE stands for absolute: nothing is squared.", squared),
        Mistake(
            "The differences are fewer than the known values: take the mean of those that exist.",
            lambda t, f, k, p: error(t, f) / (scale(k, p) * (len(k) - p) / len(k)),
        ),
        Mistake(
            "Upside down: the forecast's error is divided by the scale.",
            lambda t, f, k, p: scale(k, p) / error(t, f),
        ),
        Mistake("This is the error without its scale.", lambda t, f, k, p: error(t, f)),
        Mistake(
            "The scale is no mean of the values, but of the differences.",
            lambda t, f, k, p: error(t, f) / k.mean(),
        ),
    ]
    hint = "Two means: of the sizes of the errors, and of the sizes of the differences over one period."
    rng = np.random.default_rng(0)
    truth, forecast, known = (rng.normal(size=size).round(1) for size in (6, 6, 20))
    for label, call in (
        ("two steps", (np.array([7.0, 4]), np.array([5.0, 5]), np.array([1.0, 5, 2, 7, 8]), 1)),
        ("period 2", (np.array([7.0, 4, 9]), np.array([5.0, 5, 9]), np.array([1.0, 5, 2, 7, 8]), 2)),
        ("period 4", (truth, forecast, known, 4)),
    ):
        right = error(*call[:2]) / scale(*call[2:])
        yield from called(
            answer,
            call,
            Number(right),
            name="mase",
            mistakes=mistakes,
            hint=hint,
            label=f"The case with {label}",
            verb="gives",
        )


Fold = tuple[np.ndarray, np.ndarray]


def _rolling(n: int, size: int, block: int, horizon: int) -> list[Fold]:
    starts = range(size + horizon - 1, n - block + 1, block)
    return [(np.arange(s - horizon + 1 - size, s - horizon + 1), np.arange(s, s + block)) for s in starts]


def _folds_fault(got: Any, n: int, size: int, block: int, horizon: int) -> str:
    """Return what is wrong with a list of folds, in words."""
    if not isinstance(got, list | tuple) or any(not isinstance(f, tuple | list) or len(f) != 2 for f in got):
        return "; a list of pairs is asked for, each with the training and the test windows"
    if not got:
        return " without any fold"
    for number, (train, test) in enumerate(got):
        train, test = as_array(train), as_array(test)
        if train.dtype.kind not in "iu" or test.dtype.kind not in "iu":
            return f" whose fold {number} has no whole numbers in it"
        if not len(train) or not len(test):
            return f" whose fold {number} has an empty part"
        if max(train.max(), test.max()) >= n or min(train.min(), test.min()) < 0:
            return f" whose fold {number} names a window that does not exist"
        if train.max() + horizon > test.min():
            return f" whose fold {number} trains on a target that its first forecast does not know yet"
        if len(train) != size or len(test) != block:
            return f" whose fold {number} trains on {len(train)} windows and tests on {len(test)}"
    right = same(list(map(tuple, got)), _rolling(n, size, block, horizon), close=True)
    return "" if right else ", and not all folds are right"


@exercise("rnn/rolling-folds", "function", "a function rolling_folds(n, size, block, horizon)")
def rolling_folds(answer: Any) -> Iterator[Case]:
    """Cut n windows into folds whose training part moves along, and never knows the future."""

    def no_gap(n: int, size: int, block: int, horizon: int) -> Got:
        return Got([(np.arange(s - size, s), np.arange(s, s + block)) for s in range(size, n - block + 1, block)])

    def gap_of_horizon(n: int, size: int, block: int, horizon: int) -> Got:
        return Got(_rolling(n, size, block, horizon + 1))

    def expanding(n: int, size: int, block: int, horizon: int) -> Got:
        return Got([(np.arange(train[-1] + 1), test) for train, test in _rolling(n, size, block, horizon)])

    def last_is_lost(n: int, size: int, block: int, horizon: int) -> Got:
        return Got([fold for fold in _rolling(n, size, block, horizon) if fold[1][-1] < n - 1])

    def by_one(n: int, size: int, block: int, horizon: int) -> Got:
        starts = range(size + horizon - 1, n - block + 1)
        return Got(
            [(np.arange(s - horizon + 1 - size, s - horizon + 1), np.arange(s, s + block)) for s in starts]
        )

    def with_rest(n: int, size: int, block: int, horizon: int) -> Got:
        starts = range(size + horizon - 1, n, block)
        ends = [(s, min(s + block, n)) for s in starts]
        return Got([(np.arange(s - horizon + 1 - size, s - horizon + 1), np.arange(s, e)) for s, e in ends])

    mistakes = [
        Mistake(
            "A training target lies in the future of the first test window. Window `i` has its last target at step "
            "`i + window + horizon - 1`, and the first target of a test window `s` is at `s + window`.",
            no_gap,
        ),
        Mistake(
            "There is one known window more: its last target comes right before the first one of the test.",
            gap_of_horizon,
        ),
        Mistake("The training part moves along: it forgets the oldest windows and keeps its size.", expanding),
        Mistake("A block that ends with the last window is a whole block, too.", last_is_lost),
        Mistake("Each window is tested once: the next block starts where the last one ended.", by_one),
        Mistake("At the end, a block that is not whole is left out.", with_rest),
    ]
    hint = "Draw the windows of the first fold: where does the target of the last training window end?"
    for call in ((6, 3, 1, 1), (9, 4, 2, 2), (20, 6, 4, 3), (21, 6, 4, 3)):
        yield from called(
            kept(answer, close=True),
            call,
            Holds(lambda got, call=call: _folds_fault(got, *call), UNSHOWN),
            name="rolling_folds",
            mistakes=mistakes,
            hint=hint,
            label="`rolling_folds({}, size={}, block={}, horizon={})`".format(*call),
        )


@exercise("rnn/interval-score", "function", "a function interval_score(truth, low, high, level)")
def interval_score(answer: Any) -> Iterator[Case]:
    """Add to the width of an interval a fine for each truth that it misses."""

    def right(truth: np.ndarray, low: np.ndarray, high: np.ndarray, level: float) -> float:
        missed = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
        return float((high - low + 2 / (1 - level) * missed).mean())

    def fine_of(factor: Callable[[float], float]) -> Callable[..., float]:
        def wrong(truth: np.ndarray, low: np.ndarray, high: np.ndarray, level: float) -> float:
            missed = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
            return float((high - low + factor(level) * missed).mean())

        return wrong

    def above_only(truth: np.ndarray, low: np.ndarray, high: np.ndarray, level: float) -> float:
        return float((high - low + 2 / (1 - level) * np.maximum(truth - high, 0)).mean())

    def counts(truth: np.ndarray, low: np.ndarray, high: np.ndarray, level: float) -> float:
        return float((high - low + 2 / (1 - level) * ((truth < low) | (truth > high))).mean())

    def from_middle(truth: np.ndarray, low: np.ndarray, high: np.ndarray, level: float) -> float:
        outside = (truth < low) | (truth > high)
        return float((high - low + 2 / (1 - level) * outside * np.abs(truth - (low + high) / 2)).mean())

    def signed(truth: np.ndarray, low: np.ndarray, high: np.ndarray, level: float) -> float:
        return float((high - low + 2 / (1 - level) * ((low - truth) + (truth - high))).mean())

    mistakes = [
        Mistake("Without a fine, an empty interval would be the best.", fine_of(lambda level: 0.0)),
        Mistake(
            "The fine is too small. It is divided by the share that may lie outside: 1, less the level.",
            fine_of(lambda level: 2 / level),
        ),
        Mistake("The fine is twice as large: it is shared out over two sides.", fine_of(lambda level: 1 / (1 - level))),
        Mistake("The factor of the fine is missing.", fine_of(lambda level: 1.0)),
        Mistake("A truth may lie below the interval, too.", above_only),
        Mistake("The fine grows with the distance from the interval: far outside is worse.", counts),
        Mistake("The distance is from the nearer *end* of the interval.", from_middle),
        Mistake("A truth inside pays nothing: a distance below zero counts as zero.", signed),
        Mistake("One number is asked for, the mean over all.", when=lambda got: as_array(got).ndim > 0),
    ]
    hint = "Take one truth inside, one below and one above, and do it by hand."
    cases = (
        ("one truth inside", [3.0], [2.0], [5.0], 0.9),
        ("one truth above", [7.0], [2.0], [5.0], 0.9),
        ("one truth below", [-1.0], [2.0], [5.0], 0.8),
        ("three truths", [3.0, 7, 0], [2.0, 1, 0.5], [5.0, 4, 1.5], 0.9),
    )
    for label, truth, low, high, level in cases:
        call = (np.array(truth), np.array(low), np.array(high), level)
        yield from called(
            answer,
            call,
            Number(right(*call)),
            name="interval_score",
            mistakes=mistakes,
            hint=hint,
            label=f"The score with {label} and level {level}",
            verb="is",
        )


# --- The lab ---------------------------------------------------------------------------------------------------------


def _cut(table: np.ndarray, window: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    n = len(table) - window - horizon + 1
    x = np.stack([table[i : i + window] for i in range(n)])
    return x, np.stack([table[i + window : i + window + horizon, 0] for i in range(n)])


def _cut_fault(got: Any, table: np.ndarray, window: int, horizon: int) -> str:
    """Return what is wrong with inputs and targets, in words."""
    if fault := _not_arrays(got, ("x", "y")):
        return fault
    x, y = map(as_array, got)
    right_x, right_y = _cut(table, window, horizon)
    for name, part, right in (("x", x, right_x), ("y", y, right_y)):
        if part.ndim != right.ndim:
            return f" whose {name} has {part.ndim} axes; {right.ndim} are asked for"
        if len(part) != len(right):
            return f" whose {name} has {len(part)} windows, which is not the right number"
        if part.shape != right.shape:
            return f" whose {name} has the shape {part.shape}, which is not right"
        if not np.allclose(part, right):
            return f" whose {name} has other values at {[int(i) for i in np.argwhere(~np.isclose(part, right))[0]]}"
    return ""


@exercise("rnn/cut-windows", "function", "a function cut(table, window, horizon)")
def cut_windows(answer: Any) -> Iterator[Case]:
    """Cut a table of several series into inputs, and targets from its first column."""

    def shifted(table: np.ndarray, window: int, horizon: int, by: int) -> Got:
        n = len(table) - window - horizon + 1
        places = [i + window + by for i in range(n)]
        return Got((_cut(table, window, horizon)[0], np.stack([table[p : p + horizon, 0] for p in places])))

    def one_lost(table: np.ndarray, window: int, horizon: int) -> Got:
        return Got(tuple(part[:-1] for part in _cut(table, window, horizon)))

    def first_column_only(table: np.ndarray, window: int, horizon: int) -> Got:
        x, y = _cut(table, window, horizon)
        return Got((x[:, :, :1], y))

    def all_columns(table: np.ndarray, window: int, horizon: int) -> Got:
        x, _ = _cut(table, window, horizon)
        return Got((x, np.stack([table[i + window : i + window + horizon] for i in range(len(x))])))

    def last_column(table: np.ndarray, window: int, horizon: int) -> Got:
        return Got((_cut(table, window, horizon)[0], _cut(table[:, ::-1], window, horizon)[1]))

    def apart(table: np.ndarray, window: int, horizon: int) -> Got:
        return Got(tuple(part[:: window + horizon] for part in _cut(table, window, horizon)))

    def turned(table: np.ndarray, window: int, horizon: int) -> Got:
        x, y = _cut(table, window, horizon)
        return Got((x.transpose(0, 2, 1), y))

    mistakes = [
        Mistake("The first target is also the last input: a network could copy it.", lambda *call: shifted(*call, -1)),
        Mistake("One window is lost: the last target may be the last row of the table.", one_lost),
        Mistake(
            "The inputs have all series of the table; only the targets come from the first one.", first_column_only
        ),
        Mistake("The targets come from the first column only.", all_columns),
        Mistake("The targets come from the *first* column.", last_column),
        Mistake("Windows overlap: each starts one step after the one before it.", apart),
        Mistake("A recurrent layer reads (windows, steps, features): the steps come before the features.", turned),
    ]
    hint = "Cut a table of five rows by hand. Where does the last window start?"
    rng = np.random.default_rng(0)
    for steps, features, window, horizon in ((4, 1, 2, 1), (6, 2, 3, 2), (30, 3, 5, 4)):
        table = np.c_[np.arange(1.0, steps + 1), rng.normal(size=(steps, features - 1)).round(2)]
        yield from called(
            kept(answer, close=True),
            (table, window, horizon),
            Holds(lambda got, call=(table, window, horizon): _cut_fault(got, *call), UNSHOWN),
            name="cut",
            mistakes=mistakes,
            hint=hint,
            label=f"For a table of {steps} steps and {features} series, window {window} and horizon {horizon}, it",
        )


@exercise("rnn/signed-interval", "function", "a function signed_interval(residuals, level)")
def signed_interval(answer: Any) -> Iterator[Case]:
    """Return how far an interval reaches below and above a forecast, from quantiles of signed residuals."""

    def right(residuals: np.ndarray, level: float) -> np.ndarray:
        return np.quantile(residuals, [(1 - level) / 2, (1 + level) / 2], axis=0)

    def of_sizes(residuals: np.ndarray, level: float) -> np.ndarray:
        size = np.quantile(np.abs(residuals), level, axis=0)
        return np.stack([-size, size])

    mistakes = [
        Mistake("This interval is as long below as above. Keep the signs of the residuals.", of_sizes),
        Mistake(
            "Too many lie outside: the level is split over two sides, half of the rest below and half above.",
            lambda r, level: np.quantile(r, [1 - level, level], axis=0),
        ),
        Mistake("The lower end first.", lambda r, level: right(r, level)[::-1]),
        Mistake(
            "The steps ahead are mixed. Each column of the residuals has quantiles of its own.",
            lambda r, level: np.quantile(r, [(1 - level) / 2, (1 + level) / 2]),
        ),
        Mistake(
            "The quantiles are taken along the steps. Take them over the windows.",
            lambda r, level: np.quantile(r, [(1 - level) / 2, (1 + level) / 2], axis=1),
        ),
        Mistake(
            "Smallest and largest: this keeps all residuals, whatever the level.",
            lambda r, level: np.stack([r.min(axis=0), r.max(axis=0)]),
        ),
        Mistake(
            "A residual here is truth less forecast, so it is added to a forecast. Do not turn its sign.",
            lambda r, level: -right(r, level),
        ),
    ]
    hint = "With level 0.9: which share of the residuals lies below the lower end, and which above the upper end?"
    rng = np.random.default_rng(0)
    for n, steps, level in ((11, 1, 0.8), (41, 2, 0.9), (60, 3, 0.5)):
        residuals = np.exp(rng.normal(size=(n, steps))).round(2) - 1
        yield from called(
            answer,
            (residuals, level),
            Array(right(residuals, level)),
            name="signed_interval",
            mistakes=mistakes,
            hint=hint,
            label=f"For residuals of shape {residuals.shape} and level {level}, it",
        )


# --- The broken program ----------------------------------------------------------------------------------------------

Part = tuple[np.ndarray, np.ndarray]


def broken_parts(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[Part, Part]:
    """Draw the test windows at random."""
    order = np.random.default_rng(seed).permutation(len(x))
    test, train = order[: len(x) // 5], order[len(x) // 5 :]
    return (x[train], y[train]), (x[test], y[test])


def _numbers(part: Any) -> np.ndarray:
    """Return the number of each window of a part; here a window starts with its own number."""
    return as_array(part[0])[:, 0].astype(int)


def _time_leaks(got: Any) -> bool:
    (x_train, y_train), (_, y_test) = got
    return max(as_array(x_train).max(), as_array(y_train).max()) >= as_array(y_test).min()


def _gap_missing(got: Any) -> bool:
    train, test = map(_numbers, got)
    return _time_leaks(got) and train.max() < test.min()


def _too_few(got: Any) -> bool:
    train, test = map(_numbers, got)
    return len(train) < test.min() - as_array(got[0][1]).shape[1] + 1


def _parts_fault(got: Any, n: int, horizon: int) -> str:
    """Return what is wrong with two parts, in words."""
    if not isinstance(got, tuple | list) or len(got) != 2 or any(len(part) != 2 for part in got):
        return "; two pairs are asked for, `(x, y), (x, y)`: training and test"
    train, test = map(_numbers, got)
    if not len(train) or not len(test):
        return " with an empty part"
    if any(not np.array_equal(as_array(y)[:, 0], as_array(x)[:, -1] + 1) for x, y in got):
        return " with targets of other windows"
    if len(test) != n // 5 or len(set(test)) < len(test):
        return f" with {len(set(test))} different test windows; a fifth of the windows is asked for"
    if _time_leaks(got):
        return " whose training part knows a value that a test window is to forecast"
    if test.min() != n - n // 5:
        return " whose test part is not the end of the series"
    if set(train) != set(range(n - n // 5 - horizon + 1)):
        return f" with {len(set(train))} training windows, and not every window with known targets is used once"
    return ""


@exercise(
    "rnn/broken-time",
    "repaired",
    "the repaired function parts(x, y, seed)",
    broken=kept(broken_parts, close=True),
)
def broken_time(answer: Any) -> Iterator[Case]:
    """Test on the end of the series, and train on nothing that reaches into it."""
    mistakes = [
        Mistake(
            "The last training targets are the first test targets: windows overlap where the parts meet. "
            "How many windows must be left out there?",
            when=of(_gap_missing),
        ),
        Mistake(
            "Some training windows lie beside or behind the test windows in time. Who forecasts knows the past only.",
            when=of(_time_leaks),
        ),
        Mistake(
            "More windows are left out than needed: only the *targets* of a training window must be known when the "
            "first test forecast is made.",
            when=of(_too_few),
        ),
    ]
    hint = "Here each value is its own time. Print the largest training value and the smallest test target."
    for n, window, horizon in ((15, 3, 1), (30, 4, 3), (100, 6, 4)):
        pieces = np.lib.stride_tricks.sliding_window_view(np.arange(n + window + horizon - 1.0), window + horizon)
        x, y = pieces[:, :window].copy(), pieces[:, window:].copy()
        yield from called(
            kept(answer, close=True),
            (x, y, 0),
            Holds(lambda got, n=n, horizon=horizon: _parts_fault(got, n, horizon), UNSHOWN),
            name="parts",
            mistakes=mistakes,
            hint=hint,
            label=f"For {n} windows of {window} steps with horizon {horizon}, the function",
        )
