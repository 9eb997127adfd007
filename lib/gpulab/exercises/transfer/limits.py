"""Exercises on the four cases, and where transfer fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Number
from gpulab.exercises.engine import exercise

# --- The four cases ----------------------------------------------------------------------------------------------------


def _distance(maps: np.ndarray, mean: np.ndarray, var: np.ndarray) -> float:
    return float(np.median(abs(maps.mean(axis=(0, 1, 2)) - mean) / np.sqrt(var)))


@exercise("transfer/statistics-distance", "function", "a function distance(maps, mean, var)")
def statistics_distance(answer: Any) -> Iterator[Case]:
    """Measure how far maps (n, h, w, c) are from the statistics that BatchNorm stored: mean (c,) and var (c,)."""
    def apart(maps: np.ndarray, mean: np.ndarray) -> np.ndarray:
        return abs(maps.mean(axis=(0, 1, 2)) - mean)

    mistakes = [
        Mistake(
            "The stored `var` is a variance. In which unit is a difference of means?",
            gives=lambda maps, mean, var: np.median(apart(maps, mean) / var),
        ),
        Mistake(
            "How far apart two means are is never negative.",
            gives=lambda maps, mean, var: np.median((maps.mean(axis=(0, 1, 2)) - mean) / np.sqrt(var)),
        ),
        Mistake(
            "This is how far single values are from the stored mean. First average each channel.",
            gives=lambda maps, mean, var: np.median(abs(maps - mean) / np.sqrt(var)),
        ),
        Mistake(
            "Divide by the spread that the layer stored, not by that of these maps.",
            gives=lambda maps, mean, var: np.median(apart(maps, mean) / maps.std(axis=(0, 1, 2))),
        ),
        Mistake(
            "Where is the stored spread? Channels with large values are far away by nature.",
            gives=lambda maps, mean, var: np.median(apart(maps, mean)),
        ),
        Mistake(
            "One channel with a tiny stored spread decides this mean alone. Take the median.",
            gives=lambda maps, mean, var: (apart(maps, mean) / np.sqrt(var)).mean(),
        ),
        Mistake(
            "This is one number for each channel. Take their median.",
            gives=lambda maps, mean, var: apart(maps, mean) / np.sqrt(var),
        ),
    ]
    hint = "For each channel: its mean over images and places, minus the stored mean, in stored standard deviations."
    rng = np.random.default_rng(0)
    pixel = np.array([5.0, -4, 1]).reshape(1, 1, 1, 3), np.array([1.0, 2, 7]), np.array([4.0, 9, 0.25])
    maps = rng.normal(0, 3, (3, 2, 4, 5)).round(1), rng.normal(0, 1, 5).round(1), np.array([1e-8, 4, 9, 1, 16])
    for label, call in (("one image of one pixel, three channels", pixel), ("three images", maps)):
        yield from called(
            answer,
            call,
            Number(_distance(*call)),
            name="distance",
            mistakes=mistakes,
            hint=hint,
            label=f"The distance of {label},",
            verb="is",
        )


@exercise("transfer/honest-stage", "function", "a function honest(valid, test)")
def honest_stage(answer: Any) -> Iterator[Case]:
    """Return the test accuracy of the stage that the validation images choose; of equal ones, the latest."""

    def right(valid: np.ndarray, test: np.ndarray) -> float:
        return float(test[np.flatnonzero(valid == valid.max())[-1]])

    mistakes = [
        Mistake(
            "This looks at the test images to choose. Then their accuracy is too good.",
            gives=lambda valid, test: test.max(),
        ),
        Mistake("The choice may be right, but this is an accuracy on the validation images.", gives=lambda v, t: v.max()),
        Mistake("Of stages that are equally good, take the latest.", gives=lambda valid, test: test[valid.argmax()]),
        Mistake(
            "This is the place of the stage. Its accuracy is asked for.",
            gives=lambda valid, test: int(np.flatnonzero(valid == valid.max())[-1]),
        ),
        Mistake("Not the last stage, but the one that is best on the validation images.", gives=lambda v, t: t[-1]),
        Mistake("This averages over all stages.", gives=lambda valid, test: test.mean()),
    ]
    hint = "Find the place of the highest number in `valid`, and look into `test` there."
    for label, valid, test in (
        ("two stages, [0.5, 0.75] and [0.625, 0.5]", [0.5, 0.75], [0.625, 0.5]),
        ("two stages that are equally good", [0.25, 0.75, 0.75], [0.875, 0.5, 0.625]),
        ("five stages", [0.5, 0.625, 0.875, 0.75, 0.375], [0.75, 0.9375, 0.6875, 0.8125, 0.4375]),
    ):
        call = (np.array(valid), np.array(test))
        yield from called(
            answer,
            call,
            Number(right(*call)),
            name="honest",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )


# --- Limits ------------------------------------------------------------------------------------------------------------


def _spring(w: np.ndarray, start: np.ndarray, pull: Any) -> np.ndarray:
    return (w + pull * start) / (1 + pull)


@exercise("transfer/spring-step", "function", "a function spring(w, start, strength, importance)")
def spring_step(answer: Any) -> Iterator[Case]:
    """Move weights toward their start, each as far as its importance says."""
    mistakes = [
        Mistake(
            "This is a step of plain gradient descent on the penalty. A strong spring makes it overshoot.",
            gives=lambda w, start, strength, importance: w - strength * importance * (w - start),
        ),
        Mistake(
            "All weights are pulled alike. Where is the importance?",
            gives=lambda w, start, strength, importance: _spring(w, start, strength),
        ),
        Mistake("Where is the strength?", gives=lambda w, start, strength, importance: _spring(w, start, importance)),
        Mistake(
            "The two are changed over: with a very weak spring the weight must stay where it is.",
            gives=lambda w, start, strength, importance: _spring(start, w, strength * importance),
        ),
        Mistake(
            "The weights are pulled toward zero, not toward the start.",
            gives=lambda w, start, strength, importance: _spring(w, 0 * start, strength * importance),
        ),
        Mistake(
            "With a very strong spring the weight must come to rest at the start. Here it runs away.",
            gives=lambda w, start, strength, importance: w + strength * importance * start,
        ),
    ]
    hint = "Set the derivative to zero: (w' - w) + strength * importance * (w' - start) = 0. What is w'?"
    rng = np.random.default_rng(0)
    for label, w, start, strength, importance in (
        ("one weight at 4, its start at 1, strength 2, importance 1.5", [4.0], [1.0], 2.0, [1.5]),
        ("two weights, one of them of no importance", [3.0, -1.0], [1.0, 1.0], 3.0, [0.0, 5.0]),
        ("a matrix", rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), 0.5, rng.uniform(0, 3, (3, 2))),
    ):
        call = (np.array(w), np.array(start), strength, np.array(importance))
        yield from called(
            answer,
            call,
            Array(_spring(call[0], call[1], call[2] * call[3]), kind="f"),
            name="spring",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return abs(one[:, None] - other[None]).mean(axis=(2, 3, 4))


@exercise("transfer/near-copies", "function", "a function near_copies(train, test, limit)")
def near_copies(answer: Any) -> Iterator[Case]:
    """Find the test images that have a near copy among the training images; images (n, h, w, c)."""

    def right(train: np.ndarray, test: np.ndarray, limit: float) -> np.ndarray:
        return np.flatnonzero(_apart(test, train).min(axis=1) < limit)

    mistakes = [
        Mistake(
            "These are numbers of training images. Which *test* images must go?",
            gives=lambda train, test, limit: np.flatnonzero(_apart(test, train).min(axis=0) < limit),
        ),
        Mistake(
            "These are truth values. The numbers of the images are asked for.",
            gives=lambda train, test, limit: _apart(test, train).min(axis=1) < limit,
        ),
        Mistake(
            "These are the test images without a near copy.",
            gives=lambda train, test, limit: np.flatnonzero(_apart(test, train).min(axis=1) >= limit),
        ),
        Mistake(
            "Each test image is compared with one training image only. Compare it with all of them.",
            gives=lambda train, test, limit: np.flatnonzero(
                abs(test[: len(train)] - train[: len(test)]).mean(axis=(1, 2, 3)) < limit
            ),
        ),
        Mistake(
            "This is how alike they are on average over the training images. One copy is enough.",
            gives=lambda train, test, limit: np.flatnonzero(_apart(test, train).mean(axis=1) < limit),
        ),
        Mistake(
            "Bright and dark pixels cancel each other. Take the difference of each pixel without its sign.",
            gives=lambda train, test, limit: np.flatnonzero(
                (test[:, None] - train[None]).mean(axis=(2, 3, 4)).min(axis=1) < limit
            ),
        ),
        Mistake(
            "This adds the pixels up; `limit` is for their mean.",
            gives=lambda train, test, limit: np.flatnonzero(
                abs(test[:, None] - train[None]).sum(axis=(2, 3, 4)).min(axis=1) < limit
            ),
        ),
    ]
    hint = "For each test image: the mean absolute difference to every training image. Is the smallest below the limit?"
    rng = np.random.default_rng(1)
    for label, n_train, n_test, copies in (
        ("one training image and two test images", 1, 2, {0: 0}),
        ("five training and four test images", 5, 4, {0: 3, 2: 4}),
        ("images without near copies, but one", 3, 6, {4: 1}),
    ):
        train = rng.random((n_train, 4, 3, 1)).round(2)
        test = rng.random((n_test, 4, 3, 1)).round(2)
        for to, of in copies.items():
            test[to] = np.clip(train[of] + 0.03 * rng.choice([-1, 1], train[of].shape), 0, 1)
        call = (train, test, 0.05)
        yield from called(
            answer,
            call,
            Array(right(*call), kind="iu"),
            name="near_copies",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )


@exercise("transfer/forgetting", "function", "a function forgetting(table)")
def forgetting(answer: Any) -> Iterator[Case]:
    """Measure forgetting from accuracies (tasks, tasks): row i is after task i, column j is on task j."""

    def right(table: np.ndarray) -> float:
        return float((table[:-1, :-1].max(axis=0) - table[-1, :-1]).mean())

    mistakes = [
        Mistake(
            "The last task is in it. Nothing came after it that could make it forgotten.",
            gives=lambda table: (table.max(axis=0) - table[-1]).mean(),
        ),
        Mistake(
            "A task may be at its best later than right after its own training. Take the best it ever was.",
            gives=lambda table: (table.diagonal()[:-1] - table[-1, :-1]).mean(),
        ),
        Mistake("The sign: what is lost counts as positive.", gives=lambda table: -right(table)),
        Mistake(
            "Rows and columns are changed over: a column is a task, a row is a time.",
            gives=lambda table: right(table.T),
        ),
        Mistake(
            "This is one number for each task. Average them.",
            gives=lambda table: table[:-1, :-1].max(axis=0) - table[-1, :-1],
        ),
        Mistake("This is what is left. How much was lost?", gives=lambda table: table[-1, :-1].mean()),
        Mistake("This adds the tasks up. Average them.", gives=lambda t: (t[:-1, :-1].max(axis=0) - t[-1, :-1]).sum()),
    ]
    hint = "For each task but the last: the best accuracy before the last row, minus that in the last row."
    for label, table in (
        ("two tasks, [[0.9, 0.1], [0.3, 0.8]]", [[0.9, 0.1], [0.3, 0.8]]),
        ("three tasks", [[0.9, 0.2, 0.1], [0.95, 0.8, 0.15], [0.4, 0.5, 0.7]]),
        ("four tasks", [[0.9, 0.1, 0, 0], [0.5, 0.9, 0, 0.1], [0.6, 0.7, 0.8, 0], [0.2, 0.9, 0.3, 0.9]]),
    ):
        call = (np.array(table, dtype=float),)
        yield from called(
            answer,
            call,
            Number(right(*call)),
            name="forgetting",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )
