"""Answers to the exercises on choosing a pretrained model."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from scipy.stats import kendalltau

from tests.exercises.walk import Answers


def signs(scores, accuracies):
    both = combinations(range(len(scores)), 2)
    return np.array([np.sign((scores[i] - scores[j]) * (accuracies[i] - accuracies[j])) for i, j in both])


def distances(x):
    return ((x[:, None, :] - x[None, :, :]) ** 2).sum(axis=2)


def nearest_share(x, y):
    d = distances(x)
    d[np.diag_indices(len(d))] = np.inf
    return np.mean(y[d.argmin(axis=1)] == y)


def best_within(scores, parameters, limit):
    allowed = [i for i in range(len(scores)) if parameters[i] <= limit]
    return max(allowed, key=lambda i: scores[i])


ANSWERS = {
    "transfer/rank-agreement": Answers(
        lambda s, a: kendalltau(s, a).statistic,
        [
            (lambda s, a: (signs(s, a) > 0).mean(), "in the other order must be taken off"),
            (lambda s, a: signs(s, a).sum(), "Divide by the number of all pairs"),
            (lambda s, a: signs(s, a).sum() / len(s) ** 2, "Each pair counts once"),
            (lambda s, a: np.corrcoef(s, a)[0, 1], "correlation of the numbers"),
            (lambda s, a: -signs(s, a).mean(), "sign is turned around"),
            (lambda s, a: 0.123, "Take each pair of candidates once"),
        ],
    ),
    "transfer/leave-one-out": Answers(
        nearest_share,
        [
            (lambda x, y: np.mean(y[distances(x).argmin(axis=1)] == y), "its own nearest neighbor"),
            (lambda x, y: np.mean(y[distances(x).argmax(axis=1)] == y), "farthest away"),
            (lambda x, y: 1 - nearest_share(x, y), "share of wrong neighbors"),
            (lambda x, y: len(y) * nearest_share(x, y), "This is a count"),
            (lambda x, y: nearest_share(x[:, :1], y), "over all features"),
            (lambda x, y: 0.123, "For each sample"),
        ],
    ),
    "transfer/best-within": Answers(
        best_within,
        [
            (lambda s, p, limit: int(np.argmax(s)), "too many parameters"),
            (lambda s, p, limit: int(np.argmin(p)), "smallest candidate"),
            (lambda s, p, limit: int(np.argmax(s[p <= limit])), "place in the whole list"),
            (lambda s, p, limit: int(np.argmax(np.where(p < limit, s, -9))), "exactly at the limit"),
            (lambda s, p, limit: int(np.argmax(np.where(p <= limit, s, 0))), "goes wrong where scores are negative"),
            (lambda s, p, limit: int(np.argmin(np.where(p <= limit, s, 9))), "Higher is better"),
        ],
    ),
    "transfer/winner": Answers(
        lambda valid, test: test[valid.argmax()],
        [
            (lambda valid, test: test.max(), "no test any more"),
            (lambda valid, test: valid.max(), "too high, by luck"),
            (lambda valid, test: int(valid.argmax()), "number of the candidate"),
            (lambda valid, test: test.mean(), "mean of all candidates"),
            (lambda valid, test: test[valid.argmin()], "worst on the validation part"),
        ],
    ),
}
