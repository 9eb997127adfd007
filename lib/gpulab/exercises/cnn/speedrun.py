"""The exercises on the speed run: the triangle, averaged weights, averaged views, and how many seeds one needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Integer, Number
from gpulab.exercises.engine import exercise


@exercise("cnn/triangle", "function", "a function triangle(step, total, top)")
def triangle(answer: Any) -> Iterator[Case]:
    """Compute the factor of the rate: up along a line until step top, then down to nothing after the last step."""

    def right(step: int, total: int, top: int) -> float:
        return (step + 1) / (top + 1) if step <= top else (total - step) / (total - top)

    mistakes = [
        Mistake(
            "The first step has a rate of zero, so it learns nothing. On the way up, count the steps from one.",
            gives=lambda step, total, top: step / max(top, 1) if step <= top else (total - step) / (total - top),
        ),
        Mistake(
            "The last step has a rate of zero, so it is wasted. Zero comes one step after the last.",
            gives=lambda s, n, top: (s + 1) / (top + 1) if s <= top else (n - 1 - s) / max(n - 1 - top, 1),
        ),
        Mistake(
            "After `top` it must fall.", gives=lambda step, total, top: min(1.0, (step + 1) / (top + 1))
        ),
        Mistake(
            "The two lines do not meet at the top. How many steps is the way down long?",
            gives=lambda s, n, top: (s + 1) / (top + 1) if s <= top else (n - s) / n,
        ),
        Mistake("It falls from the very first step. It rises first, up to step `top`.", gives=lambda s, n, top: 1 - s / n),
    ]
    hint = "Draw the points for six steps with the top at step 2: three go up, and three come down."
    for call in ((2, 6, 2), (0, 6, 2), (5, 6, 2), (3, 6, 2), (0, 4, 0), (3, 4, 0), (70, 110, 32)):
        yield from called(answer, call, Number(right(*call)), name="triangle", mistakes=mistakes, hint=hint)


@exercise("cnn/averaged-weights", "function", "a function averaged(history, decay)")
def averaged_weights(answer: Any) -> Iterator[Case]:
    """Average the weights of all steps with weights that fade, and correct the start from zero."""

    def moving(history: np.ndarray, decay: float, start: Any = 0.0, swap: bool = False) -> np.ndarray:
        keep = 1 - decay if swap else decay
        mean = np.zeros(history.shape[1:]) + start
        for weights in history:
            mean = keep * mean + (1 - keep) * weights
        return mean

    def right(history: np.ndarray, decay: float) -> np.ndarray:
        return moving(history, decay) / (1 - decay ** len(history))

    mistakes = [
        Mistake(
            "It began at zero, and that zero is still part of it. The shares of the steps do not add up to 1: divide by what "
            "they add up to.",
            gives=moving,
        ),
        Mistake("The newest weights have the share 1 - decay, what was before has the share decay.",
                gives=lambda h, d: moving(h, d, swap=True) / (1 - (1 - d) ** len(h))),
        Mistake("The sum of the shares depends on the number of steps, not only on the decay.",
                gives=lambda h, d: moving(h, d) / (1 - d)),
        Mistake("The first weights count as if they had been there forever. Begin at zero and correct that.",
                gives=lambda h, d: moving(h, d, start=h[0])),
        Mistake("In a plain mean all steps count the same. Here the old ones fade.", gives=lambda h, d: h.mean(axis=0)),
        Mistake("These are the last weights. Average them with those before.", gives=lambda h, d: h[-1]),
    ]
    hint = "After one step the result must be the weights of this step, whatever the decay is."
    rng = np.random.default_rng(0)
    for history, decay in (
        (np.array([[2.0, 4.0]]), 0.9),
        (np.array([[1.0], [3.0]]), 0.5),
        (np.array([[1.0, 0.0], [2.0, 0.0], [4.0, 8.0]]), 0.75),
        (rng.normal(size=(30, 2, 3)).round(2), 0.95),
    ):
        wanted = Array(right(history, decay), kind="f")
        yield from called(answer, (history, decay), wanted, name="averaged", mistakes=mistakes, hint=hint)


def _moved(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return images moved by at most one pixel; what comes in is zero."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = images.shape[1:3]
    return padded[:, 1 - down : 1 - down + height, 1 - right : 1 - right + width]


PLACES = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


def _views(
    logits: Callable[[np.ndarray], np.ndarray], images: np.ndarray, places: Any = PLACES, how: Any = None
) -> np.ndarray:
    every = np.stack([logits(_moved(images, *place)) for place in places])
    return every.mean(axis=0) if how is None else how(every)


def _sheet(images: np.ndarray) -> np.ndarray:
    """A toy network without rotation or mirror symmetry: logits (n, 3) from sums with fixed weights."""
    flat = images.reshape(len(images), -1)
    weights = np.sin(np.arange(3 * flat.shape[1])).reshape(3, -1)
    return np.maximum(flat @ weights.T, 0)


@exercise("cnn/averaged-views", "function", "a function averaged_views(logits, images)")
def averaged_views(answer: Any) -> Iterator[Case]:
    """Average a network's logits over an image and its four copies moved by one pixel."""
    places = "An image as it is, and moved by one pixel up, down, left and right: five views."
    mistakes = [
        Mistake(places + " You left out the image as it is.", gives=lambda f, x: _views(f, x, PLACES[1:])),
        Mistake("The copies moved the other way are missing. " + places, gives=lambda f, x: _views(f, x, PLACES[::2])),
        Mistake("This is the answer for the images as they are. " + places, gives=lambda f, x: f(x)),
        Mistake("Average the logits, not the images: a mean of images is a blurred image.",
                gives=lambda f, x: f(np.mean([_moved(x, *place) for place in PLACES], axis=0))),
        Mistake("This is the sum of the five. A mean is asked for.", gives=lambda f, x: _views(f, x, how=lambda e: e.sum(0))),
        Mistake("What leaves the image on one side must not come in on the other: fill with zeros.",
                gives=lambda f, x: np.mean([f(np.roll(x, place, axis=(1, 2))) for place in PLACES], axis=0)),
        Mistake("These are classes. Average the logits first; who asks for the class takes argmax later.",
                gives=lambda f, x: _views(f, x).argmax(1)),
    ]
    hint = "Pad the images with one row and column of zeros on each side, and cut the five windows out."
    rng = np.random.default_rng(1)
    for images in (
        np.ones((1, 1, 1, 1)),
        np.arange(1.0, 5.0).reshape(1, 2, 2, 1),
        rng.random((2, 3, 4, 1)).round(2),
    ):
        yield from called(
            answer,
            (_sheet, images),
            Array(_views(_sheet, images), kind="f"),
            name="averaged_views",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {len(images)} image{'s' * (len(images) > 1)} of shape {images.shape[1:]}",
        )


@exercise("cnn/seeds-needed", "function", "a function seeds_needed(spread, difference)")
def seeds_needed(answer: Any) -> Iterator[Case]:
    """Count the seeds each of two recipes needs, so that twice the error of the difference is below the difference."""

    def seeds(spread: float, difference: float, factor: float = 8) -> float:
        return factor * (spread / difference) ** 2

    def up(number: float) -> int:
        return math.ceil(round(number, 9))

    mistakes = [
        Mistake("A part of a seed cannot be run: round up, and return a whole number.", gives=seeds),
        Mistake("With so many seeds the error is still a little too large. Round up.",
                gives=lambda s, d: math.floor(seeds(s, d))),
        Mistake("Both means have an error. The variance of a difference is the sum of both variances.",
                gives=lambda s, d: up(seeds(s, d, 4))),
        Mistake("Twice the error must fit, not once.", gives=lambda s, d: up(seeds(s, d, 2))),
        Mistake("The error of a mean falls with the square root of the number of seeds.",
                gives=lambda s, d: up(8**0.5 * s / d)),
        Mistake("How large is the difference compared with the spread? You divided the other way round.",
                gives=lambda s, d: up(seeds(d, s))),
    ]
    hint = "The error of the difference is the root of spread² / n + spread² / n. Solve 2 · error = difference for n."
    for call in ((0.5, 1.0), (0.5, 0.5), (0.3, 0.5), (0.4, 0.1), (0.25, 0.6)):
        yield from called(
            answer, call, Integer(up(seeds(*call))), name="seeds_needed", mistakes=mistakes, hint=hint
        )
