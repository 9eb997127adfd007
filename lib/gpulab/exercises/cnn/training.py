"""Exercises on neurons, gradients and the training loop."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Integer, Number
from gpulab.exercises.engine import exercise


@exercise("cnn/dense-parameters", "function", "a function parameters(sizes)")
def dense_parameters(answer: Any) -> Iterator[Case]:
    """Count the parameters of a chain of dense layers."""

    def weights(sizes: tuple[int, ...]) -> int:
        return sum(a * b for a, b in pairwise(sizes))

    mistakes = [
        Mistake("Each neuron has a bias, too.", gives=weights),
        Mistake("The inputs are no neurons: they have no bias.", gives=lambda sizes: weights(sizes) + sum(sizes)),
        Mistake("Each layer reads the one before it: multiply neighbors, and add the products up.", gives=math.prod),
        Mistake(
            "A bias belongs to a neuron of the layer, not to an input of it.", gives=lambda s: weights(s) + sum(s[:-1])
        ),
        Mistake("Each layer has one bias for every neuron, not one in all.", gives=lambda s: weights(s) + len(s) - 1),
        Mistake("There are more layers than one: go through all neighbors.", gives=lambda s: s[0] * s[1] + s[1]),
    ]
    hint = "Start with two sizes: how many weights lead from the first to the second, and how many biases are there?"
    for sizes in ((1, 1), (2, 3), (2, 3, 4), (784, 128, 10)):
        yield from called(answer, (sizes,), Integer(_arrows(sizes)), name="parameters", mistakes=mistakes, hint=hint)


def _arrows(sizes: tuple[int, ...]) -> int:
    """Count each neuron with its arrows and its bias."""
    count, inputs = 0, sizes[0]
    for neurons in sizes[1:]:
        count += sum(inputs + 1 for _ in range(neurons))
        inputs = neurons
    return count


@exercise("cnn/dense-gradient", "function", "a function layer_gradients(X, W, b, T) that returns two arrays")
def dense_gradient(answer: Any) -> Iterator[Case]:
    """Compute the gradients of a dense layer with a squared error; checked by small changes of the weights."""

    def error(x: np.ndarray, w: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
        return x @ w + b - t

    for_weights = [
        Mistake(
            "The loss is a mean over the images: divide by their number.",
            gives=lambda x, w, b, t: 2 * x.T @ error(x, w, b, t),
        ),
        Mistake(
            "The square brings a factor down: the slope of e * e is not e.",
            gives=lambda x, w, b, t: x.T @ error(x, w, b, t) / len(x),
        ),
        Mistake(
            "The sign: the slope is positive where the output is too large and the input positive.",
            gives=lambda x, w, b, t: -2 * x.T @ error(x, w, b, t) / len(x),
        ),
        Mistake(
            "The gradient has the shape of W: one row for each input, one column for each neuron.",
            gives=lambda x, w, b, t: (2 * x.T @ error(x, w, b, t) / len(x)).T,
        ),
        Mistake(
            "Divide by the number of images only. The loss adds up over the neurons.",
            gives=lambda x, w, b, t: 2 * x.T @ error(x, w, b, t) / t.size,
        ),
    ]
    for_biases = [
        Mistake("A bias takes part in every image: add up over the images.", when=lambda r: np.ndim(r) == 2),
        Mistake("The gradient has the shape of b: one number for each neuron.", when=lambda r: np.ndim(r) == 0),
        Mistake(
            "The loss is a mean over the images: divide by their number.",
            gives=lambda x, w, b, t: 2 * error(x, w, b, t).sum(axis=0),
        ),
        Mistake(
            "The square brings a factor down: the slope of e * e is not e.",
            gives=lambda x, w, b, t: error(x, w, b, t).mean(axis=0),
        ),
        Mistake(
            "Divide by the number of images only. The loss adds up over the neurons.",
            gives=lambda x, w, b, t: 2 * error(x, w, b, t).sum(axis=0) / t.size,
        ),
    ]
    rng = np.random.default_rng(0)
    hint = "Write the loss of one image with one input and one neuron, and differentiate it by hand."
    for label, (n, d, m) in (
        ("one image, one input, one neuron", (1, 1, 1)),
        ("4 images, 2 inputs, 3 neurons", (4, 2, 3)),  # not 2 neurons: the factor 2 of the square must stand out
    ):
        call = tuple(rng.integers(-3, 4, size=shape).astype(float) for shape in ((n, d), (d, m), (m,), (n, m)))
        for place, name, mistakes in ((0, "W", for_weights), (1, "b", for_biases)):
            part = _part(answer, place)
            right = _by_changes(call, 1 + place)
            yield from called(
                part,
                call,
                Array(right, rel=1e-4, absolute=1e-5),
                name="layer_gradients",
                mistakes=mistakes,
                hint=hint,
                label=f"For {label}, the gradient for {name}",
                verb="is",
            )


def _part(answer: Any, place: int) -> Any:
    """Return a function that gives one of the two arrays that the learner's returns."""
    if not callable(answer):
        return answer

    def chosen(*arguments: np.ndarray) -> Any:
        result = answer(*arguments)
        if result is not None and not (isinstance(result, tuple | list) and len(result) == 2):
            raise ValueError("layer_gradients must return two arrays, `return dW, db`")
        return result if result is None else result[place]

    return chosen


def _by_changes(call: tuple[np.ndarray, ...], which: int, step: float = 1e-4) -> np.ndarray:
    """Return the slope of the loss in each number of one array, by a change up and a change down."""

    def loss(arrays: list[np.ndarray]) -> float:
        x, w, b, t = arrays
        return float(((x @ w + b - t) ** 2).sum(axis=1).mean())

    slope = np.zeros_like(call[which])
    for place in np.ndindex(slope.shape):
        both = []
        for change in (step, -step):
            arrays = [array.copy() for array in call]
            arrays[which][place] += change
            both.append(loss(arrays))
        slope[place] = (both[0] - both[1]) / (2 * step)
    return slope


@exercise("cnn/steps", "function", "a function steps(images, batch, epochs)")
def steps(answer: Any) -> Iterator[Case]:
    """Count the steps of a run."""
    mistakes = [
        Mistake(
            "The last batch of an epoch may be smaller, and it is a step, too.",
            gives=lambda n, batch, e: n // batch * e,
        ),
        Mistake(
            "A number of steps is whole. Does a batch that is not full make a step?",
            when=lambda r: isinstance(r, float),
        ),
        Mistake(
            "Each epoch starts anew: its last batch is not filled up with images of the next epoch.",
            gives=lambda n, batch, e: -(-n * e // batch),
        ),
        Mistake("This is one epoch.", gives=lambda n, batch, e: -(-n // batch)),
        Mistake("A step takes a batch, not an image.", gives=lambda n, batch, e: n * e),
        Mistake(
            "When the last batch is full, there is no further one.", gives=lambda n, batch, e: (n // batch + 1) * e
        ),
    ]
    hint = "Write the batches of one epoch down, for five images and batches of two."
    for call in ((4, 2, 1), (6, 2, 1), (5, 2, 1), (5, 2, 2), (3500, 64, 16)):
        images, batch, epochs = call
        right = epochs * len(range(0, images, batch))
        yield from called(answer, call, Integer(right), name="steps", mistakes=mistakes, hint=hint)


@exercise("cnn/warm-up", "function", "a function warm_up(step, total)")
def warm_up(answer: Any) -> Iterator[Case]:
    """Write a schedule that rises in a straight line for a tenth of the run, and stays at one."""
    rounded = "A tenth of the run need not be a whole number of steps: do not round it."
    mistakes = [
        Mistake("After the first tenth it stays at one.", gives=lambda step, total: step / (0.1 * total)),
        Mistake(
            "It rises in the first tenth of the run only. This one rises through the whole run.",
            gives=lambda step, total: step / total,
        ),
        Mistake("It rises step by step. This one jumps.", gives=lambda step, total: float(step >= 0.1 * total)),
        Mistake("It rises, and does not fall.", gives=lambda step, total: 1 - min(1.0, step / (0.1 * total))),
        Mistake(
            "A run may have fewer than 100 steps, or more. The tenth depends on `total`.",
            gives=lambda step, total: min(1.0, step / 10),
        ),
        Mistake(rounded, gives=lambda step, total: min(1.0, step / max(1, total // 10))),
        Mistake(rounded, gives=lambda step, total: min(1.0, step / -(-total // 10))),
        Mistake(
            "The first step has the factor zero: steps are counted from there.",
            gives=lambda step, total: min(1.0, (step + 1) / (0.1 * total)),
        ),
    ]
    hint = "At which step is the tenth of the run over? Which share of that way is done?"
    for call, right in (
        ((0, 100), 0),
        ((5, 100), 0.5),
        ((10, 100), 1),
        ((60, 100), 1),
        ((1, 20), 0.5),
        ((20, 400), 0.5),
        ((2, 25), 0.8),
        ((1, 8), 1),
    ):
        yield from called(answer, call, Number(right), name="warm_up", mistakes=mistakes, hint=hint)
