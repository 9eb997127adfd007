"""Exercises on hand-made and learned features."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Integer, Number
from gpulab.exercises.engine import exercise

# --- Images ------------------------------------------------------------------------------------------------------------


def _votes(strength: np.ndarray, angle: np.ndarray, bins: int) -> np.ndarray:
    """Add the strengths up pixel by pixel."""
    out = np.zeros(bins)
    for s, a in zip(np.ravel(strength), np.ravel(angle), strict=True):
        out[int(a // (180 / bins)) % bins] += s
    return out


@exercise("transfer/direction-votes", "function", "a function votes(strength, angle, bins)")
def direction_votes(answer: Any) -> Iterator[Case]:
    """Add up the strengths of the pixels of one cell in each range of directions."""

    def counted(strength: np.ndarray, angle: np.ndarray, bins: int) -> np.ndarray:
        return _votes(np.ones_like(strength), angle, bins)

    def full_turn(strength: np.ndarray, angle: np.ndarray, bins: int) -> np.ndarray:
        return _votes(strength, angle / 2, bins)

    def shares(strength: np.ndarray, angle: np.ndarray, bins: int) -> np.ndarray:
        return _votes(strength, angle, bins) / np.sum(strength)

    def rounded(strength: np.ndarray, angle: np.ndarray, bins: int) -> np.ndarray:
        return _votes(strength, np.rint(angle / (180 / bins)) * (180 / bins) + 1e-6, bins)

    mistakes = [
        Mistake("Each pixel votes with its strength, not with a 1: flat places have nearly no say.", gives=counted),
        Mistake("The directions go from 0 to 180 degrees: that is the turn to divide, not 360.", gives=full_turn),
        Mistake("These are shares. The sums themselves are asked for.", gives=shares),
        Mistake(
            "A range starts at its lower end and holds what lies above it, up to the next one: round down.",
            gives=rounded,
        ),
        Mistake(
            "A repeated place was counted once only: `out[places] += strength` keeps one of them. "
            "`np.add.at` or a loop adds all.",
            gives=lambda strength, angle, bins: _last_wins(strength, angle, bins),
        ),
    ]
    hint = "Which range does a pixel's angle fall into? Add its strength there."
    rng = np.random.default_rng(0)
    for label, strength, angle, bins in (
        ("one pixel of strength 2 at 100 degrees, two ranges", [[2.0]], [[100.0]], 2),
        ("four pixels, two of them in one range", [[1.0, 2.0], [0.5, 4.0]], [[10.0, 80.0], [70.0, 170.0]], 2),
        ("a cell of 8 x 8, nine ranges", rng.random((8, 8)), rng.random((8, 8)) * 179, 9),
    ):
        call = (np.array(strength), np.array(angle), bins)
        yield from called(
            answer,
            call,
            Array(_votes(*call), kind="f"),
            name="votes",
            mistakes=mistakes,
            hint=hint,
            label=f"The histogram of {label},",
            verb="is",
        )


def _last_wins(strength: np.ndarray, angle: np.ndarray, bins: int) -> np.ndarray:
    out = np.zeros(bins)
    out[(np.ravel(angle) // (180 / bins)).astype(int) % bins] += np.ravel(strength)
    return out


def _neighbor_share(
    x: np.ndarray, y: np.ndarray, *, itself: bool = False, far: bool = False, right: float = 1, power: float = 2
) -> float:
    """Compare all pairs, one by one."""
    hits = 0
    for i in range(len(x)):
        distances = [float((np.abs(x[i] - other) ** power).sum()) for other in x]
        if not itself:
            distances[i] = -np.inf if far else np.inf
        nearest = int(np.argmax(distances) if far else np.argmin(distances))
        hits += int(y[nearest] == y[i])
    return hits / len(x) if right else 1 - hits / len(x)


@exercise("transfer/nearest-class", "function", "a function nearest_share(features, y)")
def nearest_class(answer: Any) -> Iterator[Case]:
    """Compute how often the nearest other sample has the same class."""

    def counted(x: np.ndarray, y: np.ndarray) -> float:
        return _neighbor_share(x, y) * len(x)

    mistakes = [
        Mistake(
            "Every sample found itself: its distance to itself is 0. Leave it out.",
            gives=lambda x, y: _neighbor_share(x, y, itself=True),
        ),
        Mistake("These are the samples that are farthest away.", gives=lambda x, y: _neighbor_share(x, y, far=True)),
        Mistake("This is the share of wrong answers.", gives=lambda x, y: _neighbor_share(x, y, right=0)),
        Mistake("This is a number of samples, not a share of them.", gives=counted),
        Mistake(
            "This looks at the first feature only: add the squares up over all features.",
            gives=lambda x, y: _neighbor_share(x[:, :1], y),
        ),
    ]
    hint = "For each sample: the squared distances to all others, the place of the smallest one, and the class there."
    rng = np.random.default_rng(1)
    for label, x, y in (
        ("three samples at 0, 1 and 5 on a line, of the classes 0, 0 and 1", [[0.0], [1.0], [5.0]], [0, 0, 1]),
        (
            "four samples in a plane",
            [[0.0, 0.0], [0.1, 8.0], [5.0, 0.2], [5.2, 8.1]],
            [0, 1, 0, 1],
        ),
        ("thirty samples of eight features", rng.normal(size=(30, 8)), rng.integers(0, 3, 30)),
    ):
        call = (np.array(x), np.array(y))
        yield from called(
            answer,
            call,
            Number(_neighbor_share(*call)),
            name="nearest_share",
            mistakes=mistakes,
            hint=hint,
            label=f"The share for {label},",
            verb="is",
        )


def _explained(x: np.ndarray, k: int) -> float:
    """Sum eigenvalues of the covariance; the learner will take singular values."""
    values = np.linalg.eigvalsh(np.cov(np.asarray(x, float).T))[::-1]
    return float(values[:k].sum() / values.sum())


@exercise("transfer/explained-variance", "function", "a function explained(x, k)")
def explained_variance(answer: Any) -> Iterator[Case]:
    """Compute which share of the variance the first k principal components hold."""

    def singular(x: np.ndarray) -> np.ndarray:
        return np.linalg.svd(x - x.mean(axis=0), compute_uv=False)

    def plain(x: np.ndarray, k: int) -> float:
        values = np.linalg.svd(x, compute_uv=False) ** 2
        return float(values[:k].sum() / values.sum())

    mistakes = [
        Mistake("Variance is measured around the mean: subtract the mean of each feature first.", gives=plain),
        Mistake(
            "Singular values are lengths, like a standard deviation. What has to be done to get a variance?",
            gives=lambda x, k: float(singular(x)[:k].sum() / singular(x).sum()),
        ),
        Mistake(
            "This is the share of component k alone. Add up the first k.",
            gives=lambda x, k: float(singular(x)[k - 1] ** 2 / (singular(x) ** 2).sum()),
        ),
        Mistake("This is a sum of variances. Divide it by that of all components.", when=lambda got: got > 1),
        Mistake(
            "This is what is lost, the share of the other components.", gives=lambda x, k: 1 - _explained(x, k)
        ),
        Mistake(
            "The mean of each feature is asked for, over the samples: `axis=0`.",
            gives=lambda x, k: plain(x - x.mean(axis=1, keepdims=True), k),
        ),
    ]
    hint = "Center the features, take the singular values (largest first), and square them."
    rng = np.random.default_rng(2)
    stretched = rng.normal(size=(40, 5)) * [9, 4, 2, 1, 0.5] + [30, 0, -5, 2, 1]
    for label, x, k in (
        ("(0, 1), (2, 1), (4, 4), k = 1", [[0.0, 1.0], [2.0, 1.0], [4.0, 4.0]], 1),
        ("forty samples of five features, k = 1", stretched, 1),
        ("the same, k = 3", stretched, 3),
    ):
        call = (np.array(x), k)
        yield from called(
            answer,
            call,
            Number(_explained(*call), rel=1e-5),
            name="explained",
            mistakes=mistakes,
            hint=hint,
            label=f"The share for {label},",
            verb="is",
        )


# --- Words -------------------------------------------------------------------------------------------------------------


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute each cosine by itself."""
    out = np.empty((len(a), len(b)))
    for i, j in np.ndindex(*out.shape):
        out[i, j] = sum(a[i] * b[j]) / (sum(a[i] ** 2) * sum(b[j] ** 2)) ** 0.5
    return out


@exercise("transfer/cosines", "function", "a function cosines(a, b)")
def cosines(answer: Any) -> Iterator[Case]:
    """Compute the cosine of each row of a with each row of b."""

    def once(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a @ b.T / np.linalg.norm(a, axis=1, keepdims=True)

    def whole(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return a @ b.T / (np.linalg.norm(a) * np.linalg.norm(b))

    mistakes = [
        Mistake("These are dot products: longer vectors get larger ones. Divide by the lengths.", gives=lambda a, b: a @ b.T),
        Mistake("Only the length of one of the two vectors was divided out.", gives=once),
        Mistake("Each row has a length of its own; here the whole array was taken as one vector.", gives=whole),
        Mistake(
            "The lengths are still squared: take the root.",
            gives=lambda a, b: a @ b.T / np.outer((a**2).sum(axis=1), (b**2).sum(axis=1)),
        ),
        Mistake("Rows belong to a, columns to b.", gives=lambda a, b: _cosines(a, b).T),
        Mistake("This is 1 minus the cosine, a distance.", gives=lambda a, b: 1 - _cosines(a, b)),
    ]
    hint = "Divide each row by its own length, in both arrays. Then one matrix product is enough."
    rng = np.random.default_rng(3)
    for label, a, b in (
        ("(3, 4) with (6, 8) and with (4, -3)", [[3.0, 4.0]], [[6.0, 8.0], [4.0, -3.0]]),
        ("two vectors with three others", rng.normal(size=(2, 4)), 5 * rng.normal(size=(3, 4))),
        ("five vectors with themselves", *([rng.normal(size=(5, 7))] * 2)),
    ):
        call = (np.array(a), np.array(b))
        yield from called(
            answer,
            call,
            Array(_cosines(*call), rel=1e-4, absolute=1e-5, kind="f"),
            name="cosines",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )


@exercise("transfer/analogy", "function", "a function fourth(table, a, b, c)")
def analogy(answer: Any) -> Iterator[Case]:
    """Find the row d so that a is to b as c is to d; a, b and c are no answers."""

    def by(change: Callable[..., np.ndarray], allowed: bool = False) -> Callable[..., int]:
        def fourth(table: np.ndarray, a: int, b: int, c: int) -> int:
            target = change(table[a], table[b], table[c])
            found = _cosines(target[None], table)[0]
            if not allowed:
                found[[a, b, c]] = -np.inf
            return int(found.argmax())

        return fourth

    def longest(table: np.ndarray, a: int, b: int, c: int) -> int:
        found = table @ (table[b] - table[a] + table[c])
        found[[a, b, c]] = -np.inf
        return int(found.argmax())

    right = by(lambda a, b, c: b - a + c)
    mistakes = [
        Mistake(
            "This is one of the three words of the question: they are near the target by construction. Leave them out.",
            gives=by(lambda a, b, c: b - a + c, allowed=True),
        ),
        Mistake("The step goes from a to b, and it starts at c. Here it goes back.", gives=by(lambda a, b, c: a - b + c)),
        Mistake("The three vectors are added. One of them must be subtracted.", gives=by(lambda a, b, c: a + b + c)),
        Mistake("This is the nearest neighbor of c alone.", gives=by(lambda a, b, c: c)),
        Mistake("This is the largest dot product: a long vector wins. Compare by the cosine.", gives=longest),
    ]
    hint = "The target is table[b] - table[a] + table[c]. Compute its cosine with each row, and rule out the rows a, b and c."
    rng = np.random.default_rng(4)
    for label, table, call in (
        (
            "six words in a plane",
            [[1.0, 0.0], [1.0, 0.3], [3.0, 0.0], [3.0, 0.9], [9.0, 9.0], [2.0, -2.0]],
            (0, 1, 2),
        ),
        ("forty words of five numbers", rng.normal(size=(40, 5)) * rng.uniform(0.3, 3, (40, 1)), (3, 17, 28)),
        ("forty other words", rng.normal(size=(40, 5)) * rng.uniform(0.3, 3, (40, 1)), (39, 0, 12)),
    ):
        given = (np.array(table), *call)
        yield from called(
            answer,
            given,
            Integer(right(*given)),
            name="fourth",
            mistakes=mistakes,
            hint=hint,
            label=f"The row for {label}, a = {call[0]}, b = {call[1]}, c = {call[2]},",
            verb="is",
        )
