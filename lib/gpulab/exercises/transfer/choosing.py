"""Exercises on scores that rank pretrained models."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Integer, Number
from gpulab.exercises.engine import exercise


@exercise("transfer/rank-agreement", "function", "a function kendall(scores, accuracies)")
def rank_agreement(answer: Any) -> Iterator[Case]:
    """Compute Kendall's rank correlation from pairs of candidates."""
    mistakes = [
        Mistake(
            "This is the share of pairs in the same order. The pairs in the other order must be taken off.",
            gives=lambda s, a: np.mean([x > 0 for x in _pairs(s, a)]),
        ),
        Mistake("This is a count of pairs. Divide by the number of all pairs.", gives=lambda s, a: _net(s, a)),
        Mistake(
            "Each pair counts once, and a candidate makes no pair with itself: that is not n times n pairs.",
            gives=lambda s, a: _net(s, a) / len(s) ** 2,
        ),
        Mistake(
            "This is the correlation of the numbers. Only their order may count: compare two candidates at a time.",
            gives=lambda s, a: np.corrcoef(s, a)[0, 1],
        ),
        Mistake(
            "The sign is turned around: agreement is positive.",
            gives=lambda s, a: -_net(s, a) / len(_pairs(s, a)),
        ),
    ]
    hint = "Take each pair of candidates once. Does the one with the higher score have the higher accuracy, too?"
    for scores, accuracies in (
        ([1.0, 2.0], [0.5, 0.6]),
        ([1.0, 2.0, 3.0], [0.5, 0.7, 0.6]),
        ([5.0, 1.0, 90.0, 2.0], [0.9, 0.8, 0.1, 0.85]),
        ([0.1, 0.5, 0.2, 0.9, 0.8], [0.3, 0.7, 0.5, 0.6, 0.8]),
    ):
        call = (np.array(scores), np.array(accuracies))
        yield from called(
            answer,
            call,
            Number(_net(*call) / len(_pairs(*call))),
            name="kendall",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for the scores {scores} and the accuracies {accuracies}",
            verb="is",
        )


def _pairs(scores: Any, accuracies: Any) -> list[float]:
    """Return for each pair a number above 0 where both give the same order, and below 0 where they do not."""
    return [
        (scores[i] - scores[j]) * (accuracies[i] - accuracies[j]) for i, j in combinations(range(len(scores)), 2)
    ]


def _net(scores: Any, accuracies: Any) -> float:
    return float(np.sign(_pairs(scores, accuracies)).sum())


@exercise("transfer/leave-one-out", "function", "a function nearest_share(features, y)")
def leave_one_out(answer: Any) -> Iterator[Case]:
    """Compute how often the nearest other sample has the same class."""
    mistakes = [
        Mistake(
            "Each sample is its own nearest neighbor here, at the distance 0. It must be left out.",
            gives=lambda x, y: _share(x, y, itself=True),
        ),
        Mistake("This takes the sample farthest away, not the nearest one.", gives=lambda x, y: _share(x, y, sign=-1)),
        Mistake("This is the share of wrong neighbors.", gives=lambda x, y: 1 - _share(x, y)),
        Mistake("This is a count. Divide by the number of samples.", gives=lambda x, y: len(y) * _share(x, y)),
        Mistake(
            "Distances are over all features of a sample, not the first one only.",
            gives=lambda x, y: _share(x[:, :1], y),
        ),
    ]
    hint = "For each sample: the distances to all others, then the label of the nearest. How often is it the same?"
    rng = np.random.default_rng(0)
    y = np.arange(30) % 3
    for label, x, labels in (
        ("three samples in a row", np.array([[0.0], [1.0], [3.0]]), np.array([0, 0, 1])),
        ("four samples, two features", np.array([[0.0, 0], [0.1, 5], [0.2, 0], [0, 5.5]]), np.array([0, 1, 0, 1])),
        ("five samples, one of them far off", np.array([[0.0], [1], [1.2], [1.3], [9]]), np.array([0, 0, 1, 1, 0])),
        ("30 samples of three classes", rng.normal(size=(30, 4)) + 1.5 * rng.normal(size=(3, 4))[y], y),
    ):
        yield from called(
            answer,
            (x, labels),
            Number(_share(x, labels)),
            name="nearest_share",
            mistakes=mistakes,
            hint=hint,
            label=f"The share for {label}",
            verb="is",
        )


def _share(x: np.ndarray, y: np.ndarray, itself: bool = False, sign: int = 1) -> float:
    distances = sign * ((x[:, None] - x) ** 2).sum(axis=-1)
    if not itself:
        np.fill_diagonal(distances, np.inf)
    return float((y[distances.argmin(axis=1)] == y).mean())


@exercise("transfer/best-within", "function", "a function best_within(scores, parameters, limit)")
def best_within(answer: Any) -> Iterator[Case]:
    """Choose the candidate with the highest score among those that are small enough."""
    mistakes = [
        Mistake(
            "This candidate has too many parameters. First leave out those over the limit.",
            gives=lambda s, p, limit: int(np.argmax(s)),
        ),
        Mistake(
            "This is the smallest candidate. Among those within the limit the score decides.",
            gives=lambda s, p, limit: int(np.argmin(p)),
        ),
        Mistake(
            "The number counts the candidates within the limit only. Give the place in the whole list.",
            gives=lambda s, p, limit: int(np.argmax(s[p <= limit])),
        ),
        Mistake("A candidate exactly at the limit is allowed.", gives=lambda s, p, limit: _best(s, p < limit)),
        Mistake(
            "Setting the score of the others to zero goes wrong where scores are negative, as LogME often is.",
            gives=lambda s, p, limit: int(np.argmax(s * (p <= limit))),
        ),
        Mistake(
            "This is the lowest score within the limit. Higher is better.",
            gives=lambda s, p, limit: _best(-s, p <= limit),
        ),
    ]
    hint = "Which candidates may be used at all? Of those, where does the highest score stand?"
    for scores, parameters, limit in (
        ([0.2, 0.9], [5, 50], 10),
        ([0.2, 0.1, 0.9], [7, 5, 50], 10),
        ([-0.3, -0.1, 0.4, -0.2], [3, 9, 60, 1], 10),
        ([0.9, 0.3, 0.5, 0.4, 0.1], [99, 4, 10, 8, 2], 10),
    ):
        call = (np.array(scores), np.array(parameters), limit)
        yield from called(
            answer,
            call,
            Integer(_best(call[0], call[1] <= limit)),
            name="best_within",
            mistakes=mistakes,
            hint=hint,
            label=f"The choice among the scores {scores} with {parameters} parameters and the limit {limit}",
            verb="is",
        )


def _best(scores: np.ndarray, allowed: np.ndarray) -> int:
    return int(np.argmax(np.where(allowed, scores, -np.inf)))


@exercise("transfer/winner", "function", "a function winner(valid, test)")
def winner(answer: Any) -> Iterator[Case]:
    """Return the number that may be reported for the candidate that validation chose."""
    mistakes = [
        Mistake(
            "The candidate was chosen by its accuracy on the test part. Then that number is no test any more.",
            gives=lambda valid, test: float(np.max(test)),
        ),
        Mistake(
            "This is the accuracy that the choice was made by. The highest of several is too high, by luck.",
            gives=lambda valid, test: float(np.max(valid)),
        ),
        Mistake(
            "This is the number of the candidate. Its accuracy is asked for.",
            gives=lambda valid, test: int(np.argmax(valid)),
        ),
        Mistake(
            "This is the mean of all candidates. Only the chosen one will be used.",
            gives=lambda valid, test: float(np.mean(test)),
        ),
        Mistake(
            "This is the accuracy of the candidate that is worst on the validation part.",
            gives=lambda valid, test: float(test[np.argmin(valid)]),
        ),
    ]
    hint = "Which part may choose, and which part tells what the choice is worth?"
    for valid, test in (
        ([0.6, 0.8], [0.65, 0.7]),
        ([0.71, 0.83, 0.8], [0.72, 0.74, 0.79]),
        ([0.9, 0.4, 0.88, 0.2], [0.83, 0.45, 0.86, 0.25]),
    ):
        call = (np.array(valid), np.array(test))
        yield from called(
            answer,
            call,
            Number(float(call[1][np.argmax(call[0])])),
            name="winner",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for validation {valid} and test {test}",
            verb="is",
        )
