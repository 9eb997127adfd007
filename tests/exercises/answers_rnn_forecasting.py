"""Answers to the exercises on forecasting."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def seasonal_drift(x, period, horizon):
    start = x.shape[1] - period
    return x[:, start : start + horizon] + x[:, -1:] - x[:, [start - 1]]


def mase(truth, forecast, known, period):
    return np.abs(truth - forecast).mean() / np.abs(known[period:] - known[:-period]).mean()


def rolling_folds(n, size, block, horizon):
    found, start = [], size + horizon - 1
    while start + block <= n:
        known = start - horizon + 1
        found.append((np.arange(known - size, known), np.arange(start, start + block)))
        start += block
    return found


def folds_without_gap(n, size, block, horizon):
    return [(np.arange(s - size, s), np.arange(s, s + block)) for s in range(size, n - block + 1, block)]


def growing_folds(n, size, block, horizon):
    return [(np.arange(train[-1] + 1), test) for train, test in rolling_folds(n, size, block, horizon)]


def folds_with_rest(n, size, block, horizon):
    starts = range(size + horizon - 1, n, block)
    return [(np.arange(s - horizon + 1 - size, s - horizon + 1), np.arange(s, min(s + block, n))) for s in starts]


def folds_that_overlap(n, size, block, horizon):
    starts = range(size + horizon - 1, n - block + 1)
    return [(np.arange(s - horizon + 1 - size, s - horizon + 1), np.arange(s, s + block)) for s in starts]


def interval_score(truth, low, high, level):
    outside = np.maximum(0, np.maximum(low - truth, truth - high))
    return np.mean(high - low + outside * 2 / (1 - level))


def cut(table, window, horizon):
    n = len(table) - window - horizon + 1
    places = np.arange(n)[:, None]
    return table[places + np.arange(window)], table[places + window + np.arange(horizon), 0]


def cut_one_late(table, window, horizon):
    x, _ = cut(table, window, horizon)
    return x, np.stack([table[i + window - 1 : i + window - 1 + horizon, 0] for i in range(len(x))])


def signed_interval(residuals, level):
    rest = (1 - level) / 2
    return np.quantile(residuals, [rest, 1 - rest], axis=0)


def parts(x, y, seed):
    first = len(x) - len(x) // 5
    known = first - y.shape[1] + 1
    return (x[:known], y[:known]), (x[first:], y[first:])


def without_gap(x, y, seed):
    first = len(x) - len(x) // 5
    return (x[:first], y[:first]), (x[first:], y[first:])


def gap_of_a_window(x, y, seed):
    first = len(x) - len(x) // 5
    known = first - y.shape[1] - x.shape[1] + 1
    return (x[:known], y[:known]), (x[first:], y[first:])


def still_random(x, y, seed):
    chosen = np.random.default_rng(seed + 1).permutation(len(x))
    n = len(x) // 5
    return (x[chosen[n:]], y[chosen[n:]]), (x[chosen[:n]], y[chosen[:n]])


def test_is_the_past(x, y, seed):
    n = len(x) // 5
    return (x[n:], y[n:]), (x[:n], y[:n])


def targets_left_behind(x, y, seed):
    (x_train, y_train), (x_test, _) = parts(x, y, seed)
    return (x_train, y_train), (x_test, y[: len(x_test)])


def train_is_short(x, y, seed):
    train, test = parts(x, y, seed)
    return (train[0][len(x) // 10 :], train[1][len(x) // 10 :]), test


def half_is_tested(x, y, seed):
    first = len(x) // 2
    known = first - y.shape[1] + 1
    return (x[:known], y[:known]), (x[first:], y[first:])


ANSWERS = {
    "rnn/seasonal-drift": Answers(
        seasonal_drift,
        [
            (lambda x, period, horizon: x[:, -period:][:, :horizon], "the seasonal naive forecast"),
            (
                lambda x, p, h: x[:, -p - 1 :][:, :h] + x[:, -1:] - x[:, [-p - 1]],
                "one step too early",
            ),
            (lambda x, p, h: x[:, -p:][:, :h] + x[:, -1:] - x[:, [-p]], "exactly `period` steps before"),
            (
                lambda x, p, h: x[:, -p:][:, :h] + np.arange(1, h + 1) * (x[:, -1:] - x[:, [-p - 1]]) / p,
                "not a part that grows",
            ),
            (lambda x, p, h: seasonal_drift(x, p, h)[0], "A row a window"),
            (lambda x, p, h: np.repeat(x[:, -1:], h, axis=1), "by hand"),
        ],
    ),
    "rnn/mase": Answers(
        mase,
        [
            (lambda t, f, k, p: mase(t, f, np.r_[k, t], p), "The truth is the future"),
            (lambda t, f, k, p: mase(t, f, k, 1), "What is `period` for?"),
            (lambda t, f, k, p: np.abs(t - f).mean() / abs((k[p:] - k[:-p]).mean()), "cancel in the scale"),
            (lambda t, f, k, p: abs((t - f).mean()) / np.abs(k[p:] - k[:-p]).mean(), "Errors above and below cancel"),
            (lambda t, f, k, p: ((t - f) ** 2).mean() / ((k[p:] - k[:-p]) ** 2).mean(), "nothing is squared"),
            (lambda t, f, k, p: 1 / mase(t, f, k, p), "Upside down"),
            (lambda t, f, k, p: np.abs(t - f).mean(), "without its scale"),
            (lambda t, f, k, p: np.abs(t - f).mean() / k.mean(), "no mean of the values"),
        ],
    ),
    "rnn/rolling-folds": Answers(
        rolling_folds,
        [
            (folds_without_gap, "lies in the future"),
            (lambda n, s, b, h: rolling_folds(n, s, b, h + 1), "one known window more"),
            (growing_folds, "keeps its size"),
            (lambda *call: rolling_folds(*call)[:-1], "is a whole block, too"),
            (folds_that_overlap, "tested once"),
            (folds_with_rest, "not whole is left out"),
            (lambda *call: [train for train, _ in rolling_folds(*call)], "a list of pairs"),
            (lambda *call: [(a + 0.5, b) for a, b in rolling_folds(*call)], "no whole numbers"),
        ],
    ),
    "rnn/interval-score": Answers(
        interval_score,
        [
            (lambda t, low, high, level: np.mean(high - low), "an empty interval"),
            (lambda t, low, high, level: interval_score(t, low, high, 1 - level), "the share that may lie outside"),
            (
                lambda t, low, high, level: np.mean(high - low + np.maximum(t - high, 0) * 2 / (1 - level)),
                "below the interval",
            ),
            (
                lambda t, low, high, level: np.mean(high - low + ((t < low) | (t > high)) * 2 / (1 - level)),
                "far outside is worse",
            ),
            (
                lambda t, low, high, level: np.mean(
                    high - low + np.maximum(0, np.maximum(low - t, t - high)) / (1 - level)
                ),
                "two sides",
            ),
            (
                lambda t, low, high, level: high - low + np.maximum(0, np.maximum(low - t, t - high)) * 2 / (1 - level),
                "One number is asked for",
            ),
        ],
    ),
    "rnn/cut-windows": Answers(
        cut,
        [
            (cut_one_late, "could copy it"),
            (lambda *call: tuple(part[:-1] for part in cut(*call)), "One window is lost"),
            (lambda *call: (cut(*call)[0][:, :, :1], cut(*call)[1]), "all series of the table"),
            (lambda t, w, h: (cut(t, w, h)[0], cut(t[:, ::-1], w, h)[1]), "from the *first* column"),
            (lambda t, w, h: tuple(part[:: w + h] for part in cut(t, w, h)), "Windows overlap"),
            (lambda *call: (cut(*call)[0].transpose(0, 2, 1), cut(*call)[1]), "steps come before the features"),
            (lambda *call: (cut(*call)[0][..., 0], cut(*call)[1]), "2 axes; 3 are asked for"),
            (lambda *call: cut(*call)[0], "2 things are asked for"),
        ],
    ),
    "rnn/signed-interval": Answers(
        signed_interval,
        [
            (
                lambda r, level: np.outer([-1, 1], np.quantile(np.abs(r), level, axis=0)),
                "Keep the signs",
            ),
            (lambda r, level: np.quantile(r, [1 - level, level], axis=0), "half of the rest below"),
            (lambda r, level: signed_interval(r, level)[::-1], "lower end first"),
            (lambda r, level: signed_interval(r.ravel(), level), "steps ahead are mixed"),
            (lambda r, level: np.stack([r.min(axis=0), r.max(axis=0)]), "keeps all residuals"),
            (lambda r, level: -signed_interval(r, level), "turn its sign"),
        ],
    ),
    "rnn/broken-time": Answers(
        parts,
        [
            (still_random, "knows the past only"),
            (without_gap, "overlap where the parts meet"),
            (gap_of_a_window, "More windows are left out"),
            (test_is_the_past, "knows the past only"),
            (targets_left_behind, "targets of other windows"),
            (train_is_short, "More windows are left out"),
            (half_is_tested, "a fifth of the windows is asked for"),
            (lambda *call: parts(*call)[0], "two pairs are asked for"),
        ],
    ),
}
