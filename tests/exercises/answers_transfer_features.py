"""Answers to the exercises on hand-made and learned features."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def votes(strength, angle, bins, turn=180, weight=True, down=np.floor):
    places = down(angle.ravel() / (turn / bins)).astype(int) % bins
    return np.bincount(places, weights=strength.ravel() if weight else None, minlength=bins).astype(float)


def votes_once(strength, angle, bins):
    out = np.zeros(bins)
    out[(angle.ravel() // (180 / bins)).astype(int)] += strength.ravel()
    return out


def nearest_share(x, y, diagonal=np.inf):
    squared = ((x[:, None] - x) ** 2).sum(axis=-1)
    np.fill_diagonal(squared, diagonal)
    return (y[squared.argmin(axis=1)] == y).mean()


def farthest(x, y):
    return (y[((x[:, None] - x) ** 2).sum(axis=-1).argmax(axis=1)] == y).mean()


def explained(x, k, center=True, power=2):
    values = np.linalg.svd(x - x.mean(axis=0) * center, compute_uv=False) ** power
    return values[:k].sum() / values.sum()


def one_component(x, k):
    return explained(x, k) - (explained(x, k - 1) if k > 1 else 0)


def cosines(a, b):
    a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    return a @ b.T


def fourth(table, a, b, c, target=lambda a, b, c: b - a + c, leave_out=True, unit=True):
    rows = table / np.linalg.norm(table, axis=1, keepdims=True) if unit else table
    found = rows @ target(table[a], table[b], table[c])
    if leave_out:
        found[[a, b, c]] = -np.inf
    return int(found.argmax())


ANSWERS = {
    "transfer/direction-votes": Answers(
        votes,
        [
            (lambda s, a, bins: votes(s, a, bins, weight=False), "votes with its strength"),
            (lambda s, a, bins: votes(s, a, bins, turn=360), "0 to 180"),
            (lambda s, a, bins: votes(s, a, bins) / s.sum(), "shares"),
            (lambda s, a, bins: votes(s, a, bins, down=np.rint), "round down"),
            (votes_once, "np.add.at"),
            (lambda s, a, bins: votes(s, a, bins)[:-1], "not the right shape"),
        ],
    ),
    "transfer/nearest-class": Answers(
        nearest_share,
        [
            (lambda x, y: nearest_share(x, y, diagonal=0), "found itself"),
            (farthest, "farthest away"),
            (lambda x, y: 1 - nearest_share(x, y), "wrong answers"),
            (lambda x, y: nearest_share(x, y) * len(x), "number of samples"),
            (lambda x, y: nearest_share(x[:, :1], y), "first feature only"),
        ],
    ),
    "transfer/explained-variance": Answers(
        explained,
        [
            (lambda x, k: explained(x, k, center=False), "around the mean"),
            (lambda x, k: explained(x, k, power=1), "Singular values are lengths"),
            (lambda x, k: 1 - explained(x, k), "what is lost"),
            (one_component, "component k alone"),
            (lambda x, k: np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[:k].sum(), "sum of variances"),
        ],
    ),
    "transfer/cosines": Answers(
        cosines,
        [
            (lambda a, b: a @ b.T, "dot products"),
            (lambda a, b: a @ b.T / np.linalg.norm(a, axis=1, keepdims=True), "one of the two"),
            (lambda a, b: a @ b.T / (np.linalg.norm(a) * np.linalg.norm(b)), "a length of its own"),
            (lambda a, b: a @ b.T / np.outer((a**2).sum(1), (b**2).sum(1)), "take the root"),
            (lambda a, b: 1 - cosines(a, b), "a distance"),
            (lambda a, b: cosines(b, a), "not the right shape"),
        ],
    ),
    "transfer/analogy": Answers(
        fourth,
        [
            (lambda table, a, b, c: fourth(table, a, b, c, leave_out=False), "words of the question"),
            (lambda table, a, b, c: fourth(table, a, b, c, lambda a, b, c: a - b + c), "goes back"),
            (lambda table, a, b, c: fourth(table, a, b, c, lambda a, b, c: a + b + c), "must be subtracted"),
            (lambda table, a, b, c: fourth(table, a, b, c, lambda a, b, c: c), "neighbor of c alone"),
            (lambda table, a, b, c: fourth(table, a, b, c, unit=False), "largest dot product"),
        ],
    ),
}
