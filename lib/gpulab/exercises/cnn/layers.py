"""Exercises on the layers of a convolutional network: shapes, counts, what a unit sees, pooling."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called, value
from gpulab.exercises.compare import Array, Difference, Integer, Shape, as_array, show
from gpulab.exercises.engine import exercise


@exercise("cnn/batch-shape", "shape", "a shape, a tuple of whole numbers")
def batch_shape(answer: Any) -> Iterator[Case]:
    """Write the shape of 32 color images of 224 rows and 200 columns, channels first."""
    mistakes = [
        Mistake("The channels stand last here. PyTorch wants them right after the images.", gives=(32, 224, 200, 3)),
        Mistake("Rows stand before columns: first the height, then the width.", gives=(32, 3, 200, 224)),
        Mistake("This is one image. The first axis counts the images of the batch.", gives=(3, 224, 200)),
        Mistake("A color image has channels, an axis of its own.", gives=(32, 224, 200)),
        Mistake(
            "Only the axis of the channels moves. The images stay in front of everything.", gives=(3, 32, 224, 200)
        ),
    ]
    hint = "Go through the axes one after the other: images, channels, rows, columns."
    yield from value(answer, Shape((32, 3, 224, 200)), mistakes=mistakes, hint=hint)


@exercise("cnn/horizontal-edges", "value", "an array of shape (3, 3)")
def horizontal_edges(answer: Any) -> Iterator[Case]:
    """Find a filter that answers to horizontal edges only; many are right, so its answers are looked at."""
    yield Case(
        "The filter",
        lambda: as_array(answer).shape,
        Shape((3, 3)),
        hint="A filter is a small image.",
        verb="has the shape",
    )
    flat, rows = np.ones((5, 5)), np.repeat([[0.0], [0], [1], [1], [1]], 5, axis=1)

    def on(image: np.ndarray) -> Callable[[], np.ndarray]:
        return lambda: _slide(as_array(answer).astype(float), image)

    nothing = np.zeros((3, 3))
    hint = "On an even image no pixel differs from its neighbors. What must the nine weights add up to?"
    yield Case("The answer to an image of ones", on(flat), Array(nothing), hint=hint, verb="is")
    hint = (
        "The left of this image is black, the right white. To be blind for it, each row of weights adds up to nothing."
    )
    yield Case("The answer to a vertical edge", on(rows.T), Array(nothing), hint=hint, verb="is")
    hint = "The upper part of this image is black, the lower part is white. Weights above and below must differ."
    yield Case("The answer to a horizontal edge", on(rows), _Something(), hint=hint, verb="is")


def _slide(weights: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return what a filter answers in each place of an image."""
    k = len(weights)
    size = len(image) - k + 1
    return np.array([[(image[i : i + k, j : j + k] * weights).sum() for j in range(size)] for i in range(size)])


@dataclass(frozen=True)
class _Something:
    """Anything but zeros."""

    def difference(self, got: Any) -> Difference | None:
        return None if np.abs(got).max() > 1e-6 else Difference(show(got), ", and all of it is zero")

    def secrets(self) -> list[str]:
        return []


@exercise("cnn/output-size", "function", "a function count_windows(n, k, stride=1, padding=0, dilation=1)")
def output_size(answer: Any) -> Iterator[Case]:
    """Count the windows of a convolution; the right counts come from going through its pixels, not from the formula."""

    def with_parts(rounded: Any = math.floor, span: Any = None, sides: int = 2, first: int = 1) -> Any:
        """Return the formula with one part of it changed."""
        spanned = span or (lambda k, dilation: dilation * (k - 1) + 1)

        def mistaken(n: int, k: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
            return rounded((n + sides * padding - spanned(k, dilation)) / stride) + first

        return mistaken

    mistakes = [
        Mistake(
            "A size is a whole number. Which operator divides and rounds down?", when=lambda r: isinstance(r, float)
        ),
        Mistake("The floor: a step that does not fit is not made. Round down.", gives=with_parts(math.ceil)),
        Mistake("The first window needs no step, and it counts, too.", gives=with_parts(first=0)),
        Mistake("The padding is on both sides of the row.", gives=with_parts(sides=1)),
        Mistake("The padding makes the row longer. Where is it in your function?", gives=with_parts(sides=0)),
        Mistake("Dilation leaves gaps inside the window: how many pixels does it span?", gives=with_parts(span=_width)),
        Mistake(
            "Between the weights of a window there are gaps: one gap fewer than weights.",
            gives=with_parts(span=_all_gaps),
        ),
        Mistake("The stride is how far one step goes. Where is it in your function?", gives=_without_stride),
        Mistake("A window that ends on the last pixel still fits: it belongs to the count.", gives=_cut_short),
        Mistake("A window must fit into the row whole. Where does the last one start?", gives=_hanging_over),
    ]
    calls: list[tuple[tuple[int, int], dict[str, int]]] = [
        ((3, 3), {}),
        ((5, 3), {}),
        ((5, 3), {"padding": 1}),
        ((7, 3), {"stride": 2}),
        ((8, 3), {"stride": 2}),
        ((7, 3), {"dilation": 2}),
        ((9, 4), {"stride": 3, "padding": 2, "dilation": 2}),
        ((224, 7), {"stride": 2, "padding": 3}),
    ]
    for call, named in calls:
        wanted = Integer(_windows(*call, **named))
        hint = "Draw the row of pixels, and below it each window. How much room has the window to move?"
        yield from called(answer, call, wanted, name="count_windows", mistakes=mistakes, hint=hint, **named)


def _windows(n: int, k: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Count the windows by sliding one along the padded row."""
    count, start = 0, -padding
    while start + (k - 1) * dilation < n + padding:
        count, start = count + 1, start + stride
    return count


def _width(k: int, dilation: int) -> int:
    return k


def _all_gaps(k: int, dilation: int) -> int:
    return dilation * k


def _cut_short(n: int, k: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    return len(range(-padding, n + padding - dilation * (k - 1) - 1, stride))


def _hanging_over(n: int, k: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    return len(range(-padding, n + padding, stride))


def _without_stride(n: int, k: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    return n + 2 * padding - dilation * (k - 1)


@exercise("cnn/keep-size", "value", "a whole number")
def keep_size(answer: Any) -> Iterator[Case]:
    """Find the padding that keeps the size with a window of 5 and a dilation of 3, at stride 1."""
    mistakes = [
        Mistake("With dilation there are gaps between the pixels that a window reads. How far does it reach?", gives=2),
        Mistake("This is the padding of both sides together. The padding is counted on one side.", gives=12),
        Mistake("Between the weights of a window there are gaps: one gap fewer than weights.", gives=7),
        Mistake("The row keeps its size if the padding makes up for all that the window takes away.", gives=0),
    ]
    hint = "How many pixels get lost without padding? The padding gives back the same number, half on each side."
    yield from value(answer, Integer(6), mistakes=mistakes, hint=hint)


@exercise("cnn/multiply-adds", "function", "a function multiply_adds(n, k, c_in, c_out, stride=1)")
def multiply_adds(answer: Any) -> Iterator[Case]:
    """Count the multiply-adds of a convolution on an image of n by n pixels, without padding."""

    def with_parts(places: Any = None, bias: int = 0, channels: bool = True, area: bool = True) -> Any:
        """Return the count with one part of it changed."""

        def mistaken(n: int, k: int, c_in: int, c_out: int, stride: int = 1) -> int:
            side = _windows(n, k, stride)
            window = (k * k if area else k) * (c_in if channels else 1)
            return (side * side if places is None else places(n, side)) * (window + bias) * c_out

        return mistaken

    mistakes = [
        Mistake(
            "A count is a whole number. Which operator divides and rounds down?", when=lambda r: isinstance(r, float)
        ),
        Mistake(
            "These are the weights. Each weight is used once in every place of the output.",
            gives=with_parts(lambda n, side: 1),
        ),
        Mistake(
            "The filter does not fit everywhere. Count the places of the output, not the pixels of the input.",
            gives=with_parts(lambda n, side: n * n),
        ),
        Mistake("The places of the output form a square, not a row.", gives=with_parts(lambda n, side: side)),
        Mistake("A filter reads all channels of the input in each place.", gives=with_parts(channels=False)),
        Mistake("The window has rows and columns.", gives=with_parts(area=False)),
        Mistake("Adding a bias is no multiplication. Leave it out.", gives=with_parts(bias=1)),
        Mistake(
            "The stride makes the output smaller. Where is it in your count?",
            gives=lambda n, k, c_in, c_out, stride=1: (n - k + 1) ** 2 * k * k * c_in * c_out,
        ),
    ]
    hint = "How many products make one number of the output? And how many numbers are there?"
    for call, named in (
        ((3, 3, 1, 1), {}),
        ((4, 3, 1, 1), {}),
        ((4, 3, 2, 5), {}),
        ((9, 3, 2, 4), {"stride": 2}),
        ((28, 3, 1, 32), {}),
    ):
        yield from called(
            answer,
            call,
            Integer(_products(*call, **named)),
            name="multiply_adds",
            mistakes=mistakes,
            hint=hint,
            **named,
        )


def _products(n: int, k: int, c_in: int, c_out: int, stride: int = 1) -> int:
    """Count the products by going through all of them."""
    starts = range(0, n - k + 1, stride)
    return sum(1 for _ in itertools.product(starts, starts, range(k), range(k), range(c_in), range(c_out)))


@exercise("cnn/receptive-field", "function", "a function receptive_field(layers)")
def receptive_field(answer: Any) -> Iterator[Case]:
    """Compute how many pixels one unit sees, from the (window, stride) of each layer, the first layer first."""

    def with_parts(first: int = 1, strides: bool = True, early: bool = False, gaps: int = 1) -> Any:
        """Return the recursion with one part of it changed."""

        def mistaken(layers: list[tuple[int, int]]) -> int:
            size, step = first, 1
            for k, stride in layers:
                step = step * stride if early else step
                size += (k - gaps) * step
                step = step if early or not strides else step * stride
            return size

        return mistaken

    mistakes = [
        Mistake(
            "The strides of earlier layers make a step longer. Where are they in your function?",
            gives=with_parts(strides=False),
        ),
        Mistake(
            "The stride of a layer matters to the layers after it, not to its own window.", gives=with_parts(early=True)
        ),
        Mistake("Without any layer a unit is a pixel, and sees one.", gives=with_parts(first=0)),
        Mistake("A window of k makes k - 1 steps: its first place is already counted.", gives=with_parts(gaps=0)),
        Mistake(
            "A window of k makes k - 1 steps: its first place is already counted.", gives=with_parts(first=0, gaps=0)
        ),
        Mistake(
            "Layers behind each other do not multiply their windows. Draw two of them on a row of pixels.",
            gives=lambda layers: math.prod(k for k, _ in layers),
        ),
    ]
    hint = "Go from the first layer to the last. Keep two numbers: the size so far, and the length of a step in pixels."
    for layers in (
        [(3, 1)],
        [(3, 1), (3, 1)],
        [(2, 2)],
        [(2, 2), (3, 1)],
        [(3, 1), (2, 2), (3, 1), (2, 2), (3, 1)],
        [(7, 2), (3, 2), (3, 1)],
    ):
        yield from called(
            answer, (layers,), Integer(_seen(layers)), name="receptive_field", mistakes=mistakes, hint=hint
        )


def _seen(layers: list[tuple[int, int]]) -> int:
    """Count the pixels between the first and the last that reach unit 0, by going back from it."""
    places = {0}
    for k, stride in reversed(layers):
        places = {stride * place + offset for place in places for offset in range(k)}
    return max(places) - min(places) + 1


@exercise("cnn/overlapping-pool", "function", "a function pool_gradient(x, g, k, stride)")
def overlapping_pool(answer: Any) -> Iterator[Case]:
    """Send the gradient of max pooling back, where windows may overlap; checked by small changes of x."""

    def with_parts(
        start: Any = None, add: bool = True, ties: bool = False, spread: bool = False, sides: Any = None
    ) -> Any:
        """Return the loop with one part of it changed."""

        def mistaken(x: np.ndarray, g: np.ndarray, k: int, stride: int) -> np.ndarray:
            dx = np.zeros_like(x)
            for i, j in np.ndindex(g.shape if sides is None else (g.shape[sides],) * 2):
                top, left = (n * (stride if start is None else k) for n in (i, j))
                window = x[top : top + k, left : left + k]
                winner = window == window.max()
                if not ties:
                    winner = np.arange(window.size).reshape(window.shape) == window.argmax()
                share = np.full(window.shape, 1 / window.size) if spread else winner * 1.0
                part = dx[top : top + k, left : left + k]
                part[...] = share * g[i, j] + part if add else np.where(winner, g[i, j], part)
            return dx

        return mistaken

    mistakes = [
        Mistake("A pixel can win in several windows. Its gradients add up.", gives=with_parts(add=False)),
        Mistake(
            "Where does the next window start? The stride says it, not the size of the window.",
            gives=with_parts(start="k"),
        ),
        Mistake(
            "If two pixels of a window are equal, only the first of them gets the gradient.",
            gives=with_parts(ties=True),
        ),
        Mistake("This is average pooling. In max pooling the winner takes all.", gives=with_parts(spread=True)),
        Mistake("A map need not be a square: go through all rows and all columns of `g`.", gives=with_parts(sides=0)),
        Mistake("A map need not be a square: go through all rows and all columns of `g`.", gives=with_parts(sides=1)),
        Mistake("The result has the shape of x: a gradient for each pixel.", when=lambda r: as_array(r).ndim != 2),
    ]
    hint = "For each window: find its largest pixel, and add the gradient of the window there."
    rng = np.random.default_rng(0)
    tied = np.array([[5.0, 5], [1, 5]]), np.array([[2.0]]), 2, 2
    cases: list[tuple[str, tuple[Any, ...], np.ndarray]] = []
    for label, rows, columns, k, stride in (
        ("one window of 2", 2, 2, 2, 2),
        ("four windows of 2 side by side", 4, 4, 2, 2),
        ("windows of 3 that overlap, stride 2", 6, 6, 3, 2),
        ("more windows of 3, stride 2", 7, 7, 3, 2),
        ("windows of 2 that overlap, stride 1", 4, 4, 2, 1),
        ("a map of 4 rows and 6 columns, windows of 2", 4, 6, 2, 2),
        ("a map of 7 rows and 5 columns, windows of 3, stride 2", 7, 5, 3, 2),
    ):
        x = rng.permutation(rows * columns).reshape(rows, columns).astype(float)
        places = [(size - k) // stride + 1 for size in x.shape]
        call = (x, np.arange(1.0, math.prod(places) + 1).reshape(places), k, stride)
        cases.append((f"the gradient for {label}", call, _by_changes(*call)))
    cases.insert(1, ("the gradient for a window with a tie, [[5, 5], [1, 5]]", tied, np.array([[2.0, 0], [0, 0]])))
    for label, call, right in cases:
        yield from called(
            answer,
            call,
            Array(right, rel=1e-4, absolute=1e-6),
            name="pool_gradient",
            mistakes=mistakes,
            hint=hint,
            label=f"{label[0].upper()}{label[1:]},",
            verb="is",
        )


def _by_changes(x: np.ndarray, g: np.ndarray, k: int, stride: int, step: float = 1e-3) -> np.ndarray:
    """Return the slope of sum(g * pooled) in each pixel, by a change up and a change down."""

    def pooled(image: np.ndarray) -> float:
        windows = (image[i * stride : i * stride + k, j * stride : j * stride + k] for i, j in np.ndindex(g.shape))
        return float(sum(weight * window.max() for weight, window in zip(g.ravel(), windows, strict=True)))

    slope = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        change = np.zeros_like(x)
        change[place] = step
        slope[place] = (pooled(x + change) - pooled(x - change)) / (2 * step)
    return slope
