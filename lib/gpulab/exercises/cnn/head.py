"""Exercises on the head of a classifier: softmax, cross-entropy, the first loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called, value
from gpulab.exercises.compare import Array, Number
from gpulab.exercises.engine import exercise


@exercise("cnn/first-loss", "value", "a number, to two decimals")
def first_loss(answer: Any) -> Iterator[Case]:
    """Say which loss a network for 1,000 classes has before it has learned anything."""
    mistakes = [
        Mistake("This is the probability of one class. The loss is minus its natural logarithm.", gives=0.001),
        Mistake("This is the logarithm to base 10. The loss uses the natural one, `np.log`.", gives=3.0),
        Mistake("A loss is not negative: it is *minus* the logarithm.", when=lambda r: isinstance(r, float) and r < 0),
        Mistake("This is for ten classes.", when=lambda r: abs(float(r) - math.log(10)) < 0.01),
        Mistake(
            "This is in bits, with the logarithm to base 2. The loss uses the natural one, `np.log`.",
            when=lambda r: abs(float(r) - math.log2(1000)) < 0.01,
        ),
    ]
    hint = "Before it has learned anything, the network gives all classes the same probability. Which one?"
    yield from value(answer, Number(math.log(1000), rel=2e-3), mistakes=mistakes, hint=hint)


@exercise(
    "cnn/cross-entropy", "function", "a function safe_cross_entropy(z, y) of logits (n, classes) and classes (n,)"
)
def cross_entropy(answer: Any) -> Iterator[Case]:
    """Compute the mean cross-entropy of logits, without overflow."""

    def log_softmax(z: np.ndarray) -> np.ndarray:
        return (
            z
            - z.max(axis=1, keepdims=True)
            - np.log(np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True))
        )

    def chosen(table: np.ndarray, y: np.ndarray) -> np.ndarray:
        return table[np.arange(len(y)), y]

    def unsafe(z: np.ndarray, y: np.ndarray) -> float:
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return float(-np.log(chosen(p, y)).mean())

    mistakes = [
        Mistake(
            "Losses are averaged over the images, so that the batch size does not matter.",
            gives=lambda z, y: -chosen(log_softmax(z), y).sum(),
        ),
        Mistake("Give one number, the mean over the images.", gives=lambda z, y: -chosen(log_softmax(z), y)),
        Mistake(
            "The logarithm of a probability is negative. The loss is minus that.",
            gives=lambda z, y: chosen(log_softmax(z), y).mean(),
        ),
        Mistake(
            "Only the probability of the true class counts: pick it out by `y`.",
            gives=lambda z, y: -log_softmax(z).mean(),
        ),
        Mistake(
            "Only the probability of the true class counts: pick it out by `y`.",
            gives=lambda z, y: -log_softmax(z).sum(axis=1).mean(),
        ),
        Mistake(
            "`z[:, y]` picks n columns for every row. To pick one number a row, give the rows, too.",
            gives=lambda z, y: -log_softmax(z)[:, y].mean(),
        ),
        Mistake("This is the mean logit. Softmax comes first.", gives=lambda z, y: -chosen(z, y).mean()),
        Mistake(
            "This is the logarithm to base 10. The loss uses the natural one, `np.log`.",
            gives=lambda z, y: -chosen(log_softmax(z), y).mean() / math.log(10),
        ),
        Mistake(
            "The exponential overflows, or rounds to zero: subtract the largest logit, and form no probability at all.",
            gives=unsafe,
        ),
    ]
    hint = "For one image: minus the logit of its true class, plus the logarithm of the sum of the exponentials."
    for label, z, y in (
        ("`z = [[0, 0]]`, `y = [0]`", [[0.0, 0]], [0]),
        ("`z = [[2, 0, 1]]`, `y = [1]`", [[2.0, 0, 1]], [1]),
        ("`z = [[2, 0, 1], [0, 3, 1]]`, `y = [2, 1]`", [[2.0, 0, 1], [0, 3, 1]], [2, 1]),
        ("large logits, `z = [[1000, 998]]`, `y = [1]`", [[1000.0, 998]], [1]),
        ("rows far apart, `z = [[0, 1], [-900, 900]]`, `y = [1, 0]`", [[0.0, 1], [-900, 900]], [1, 0]),
    ):
        right = math.fsum(_loss(row, k) for row, k in zip(z, y, strict=True)) / len(y)
        yield from called(
            answer,
            (np.array(z), np.array(y)),
            Number(right, rel=1e-6),
            name="safe_cross_entropy",
            mistakes=mistakes,
            hint=hint,
            label=f"The loss for {label},",
            verb="is",
        )


def _loss(row: list[float], k: int) -> float:
    """Return ln(sum of exp(z_j - z_k)), the loss of one image; the largest term is taken out of the sum."""
    differences = [other - row[k] for other in row]
    largest = max(differences)
    return largest + math.log(math.fsum(math.exp(d - largest) for d in differences))


@exercise("cnn/softmax", "function", "a function safe_softmax(z) of an array (n, classes)")
def softmax(answer: Any) -> Iterator[Case]:
    """Compute softmax along the last axis, without overflow."""

    def unsafe(z: np.ndarray) -> np.ndarray:
        return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)

    def of_columns(z: np.ndarray) -> np.ndarray:
        return np.exp(z - z.max(axis=0)) / np.exp(z - z.max(axis=0)).sum(axis=0)

    def with_parts(largest: Any, total: Any) -> Any:
        """Return a softmax with another largest logit or another sum."""

        def mistaken(z: np.ndarray) -> np.ndarray:
            e = np.exp(z - largest(z))
            return e / total(e)

        return mistaken

    def of_rows(a: np.ndarray) -> np.ndarray:
        return a.sum(axis=-1, keepdims=True)

    largest = {
        "of rows": lambda z: z.max(axis=-1, keepdims=True),
        "of rows, an axis lost": lambda z: z.max(axis=-1),
        "of all": np.max,
        "none": lambda z: 0,
    }
    over_all = "Each row is an image of its own: along which axis do you add? The sum must run over each row alone."
    lost_axis = "The sums have lost an axis, so that rows are divided by other rows' sums: look up `keepdims`."
    lost_maximum = "The largest logits have lost an axis, so that rows lose other rows' logits: look up `keepdims`."

    mistakes = [
        Mistake("The exponential overflows. Only differences of logits count: what can you subtract?", gives=unsafe),
        *(Mistake(lost_axis, gives=with_parts(way, lambda e: e.sum(axis=-1))) for way in largest.values()),
        *(Mistake(over_all, gives=with_parts(way, np.sum)) for way in largest.values()),
        Mistake(lost_maximum, gives=with_parts(largest["of rows, an axis lost"], of_rows)),
        Mistake("You add over the images. The classes are the last axis.", gives=of_columns),
        Mistake(
            "A probability comes from the exponential of a logit, not from the logit.", gives=lambda z: z / of_rows(z)
        ),
        Mistake(
            "These are logarithms of probabilities. Probabilities are asked for.", gives=lambda z: np.log(unsafe(z))
        ),
        Mistake("Divide by the sum of the exponentials, so that each row adds up to one.", gives=np.exp),
        Mistake(
            "Rows can be far apart. Subtract the largest logit of each row, not of all rows.",
            gives=with_parts(largest["of all"], of_rows),
        ),
    ]
    third = math.log(3)  # its exponential is 3
    for label, logits, right in (
        ("softmax of one row, `[[0, log 3]]`,", [[0, third]], [[1 / 4, 3 / 4]]),
        (
            "softmax of two rows, `[[0, log 3], [0, 0]]`,",
            [[0, third], [0, 0]],
            [[1 / 4, 3 / 4], [1 / 2, 1 / 2]],
        ),
        ("softmax of three classes, `[[0, 0, log 3]]`,", [[0, 0, third]], [[1 / 5, 1 / 5, 3 / 5]]),
        ("softmax of a row of large logits, `[[1000, 1000 + log 3]]`,", [[1000, 1000 + third]], [[1 / 4, 3 / 4]]),
        ("softmax of a row of small logits, `[[-1000, -1000 + log 3]]`,", [[-1000, third - 1000]], [[1 / 4, 3 / 4]]),
        (
            "softmax of rows far apart, `[[0, log 3], [2000, 2000]]`,",
            [[0, third], [2000, 2000]],
            [[1 / 4, 3 / 4], [0.5, 0.5]],
        ),
    ):
        hint = "Does the sum run over each row alone, and does its shape still fit? Compute one row by hand, in steps."
        yield from called(
            answer,
            (np.array(logits, dtype=np.float64),),
            Array(right, rel=1e-6, kind="f"),
            name="safe_softmax",
            mistakes=mistakes,
            hint=hint,
            label=label,
        )
