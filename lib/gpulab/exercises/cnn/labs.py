"""The exercises of the labs on convolutional networks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from gpulab.data import load
from gpulab.exercises.cases import Case, Mistake, called, plotted, trained
from gpulab.exercises.compare import Array, Difference, Filled, Pair, show
from gpulab.exercises.engine import exercise

LIMIT = 20_000  # parameters of the small network


@exercise("cnn/accuracy-by-class", "function", "a function by_class(counts) of a confusion matrix (K, K)")
def accuracy_by_class(answer: Any) -> Iterator[Case]:
    """Compute the share of right answers of each class from a confusion matrix."""
    mistakes = [
        Mistake(
            "This asks how often an answer is right. Divide by the images of the class, a row.",
            gives=lambda c: c.diagonal() / c.sum(axis=0),
        ),
        Mistake("Divide by the images of the class, not by all images.", gives=lambda c: c.diagonal() / c.sum()),
        Mistake("This is one number for all classes together.", gives=lambda c: c.trace() / c.sum()),
        Mistake("These are counts. A share lies between 0 and 1.", gives=lambda c: c.diagonal()),
        Mistake("These are the shares of wrong answers.", gives=lambda c: 1 - c.diagonal() / c.sum(axis=1)),
    ]
    hint = "A row of the matrix is a true class. How many images does it have, and how many of them were right?"
    for label, counts, right in (
        ("two classes, [[3, 1], [0, 4]]", [[3, 1], [0, 4]], [3 / 4, 1]),
        ("classes of different sizes, [[1, 1], [2, 8]]", [[1, 1], [2, 8]], [1 / 2, 8 / 10]),
        ("three classes", [[5, 0, 0], [2, 1, 1], [0, 5, 5]], [1, 1 / 4, 1 / 2]),
    ):
        call = (np.array(counts),)
        yield from called(
            answer,
            call,
            Array(right, kind="f"),
            name="by_class",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )


@exercise("cnn/plot-moved-down", "plot", "the axes of a plot")
def plot_moved_down(answer: Any) -> Iterator[Case]:
    """Draw the accuracy of the nearest average against a move down."""
    pixels = np.arange(7)
    mistakes = [
        Mistake(
            "These are digits moved to the right. Move them down: along the axis of the rows.",
            gives=_accuracies(axis=2),
        ),
        Mistake(
            "These are digits moved up. Row 0 is the uppermost one: moving down adds rows in front.",
            gives=_accuracies(axis=1, sign=-1),
        ),
        Mistake("Draw shares between 0 and 1, not percent.", gives=100 * _accuracies(axis=1)),
        Mistake("Draw the share of right answers, not of wrong ones.", gives=1 - _accuracies(axis=1)),
        Mistake("The x axis shows the shift in pixels, from none to six.", gives=pixels + 1),
    ]
    yield from plotted(
        answer,
        lines=[("the nearest average", pixels, _accuracies(axis=1))],
        xlabel=Filled(("pixel", "px"), "the unit is missing"),
        ylabel=("accuracy", "share", "right"),
        title=(),
        rel=1e-3,
        mistakes=mistakes,
        hint="Move the 500 validation digits down, as `shifted` moves them to the right, and count the right answers.",
        x_hint="x is the shift in pixels, 0 to 6: one point for each shift, and one for the digits that stay.",
    )


@cache
def _accuracies(axis: int, sign: int = 1) -> np.ndarray:
    """Return the accuracy of the nearest average on validation digits that were moved by 0 to 6 pixels."""
    digits = load("digits")
    x, y = digits.train
    means = np.stack([x[y == k].mean(axis=0) for k in range(10)])
    shares = []
    for n in range(7):
        images = np.roll(digits.valid.x, sign * n, axis=axis)
        edge: list[Any] = [slice(None)] * 4
        edge[axis] = slice(0, n) if sign > 0 else slice(28 - n, 28)
        images[tuple(edge)] = 0
        flat, centers = (a.reshape(len(a), -1).astype(np.float64) for a in (images, means))
        squared = (flat**2).sum(1)[:, None] + (centers**2).sum(1) - 2 * flat @ centers.T
        shares.append((squared.argmin(1) == digits.valid.y).mean())
    return np.array(shares)


@exercise("cnn/depthwise", "function", "a function depthwise(x, w)")
def depthwise(answer: Any) -> Iterator[Case]:
    """Filter each channel with a filter of its own; x is (n, h, w, c), w is (k, k, c)."""

    def with_parts(add: bool = False, first: bool = False, flip: bool = False) -> Any:
        """Return the loops with one part of them changed."""

        def mistaken(x: np.ndarray, w: np.ndarray) -> np.ndarray:
            w = w[::-1, ::-1] if flip else w
            w = np.repeat(w[:, :, :1], w.shape[2], axis=2) if first else w
            y = _by_pixels(x, w)
            return y.sum(axis=-1, keepdims=True) if add else y

        return mistaken

    apart = "The channels stay apart: add up over the window only, not over the channels."
    not_square = "An image need not be a square: count the places in its rows and in its columns, each for themselves."
    mistakes = [
        Mistake(apart, gives=with_parts(add=True)),
        Mistake(apart, gives=lambda x, w: _by_pixels(x, w).sum(axis=-1)),
        Mistake("Each channel has a filter of its own: `w[:, :, channel]`.", gives=with_parts(first=True)),
        Mistake("The filter is not turned around before it slides.", gives=with_parts(flip=True)),
        Mistake(
            "Without padding the output is smaller than the image.",
            gives=lambda x, w: _by_pixels(_framed(x, len(w) - 1), w),
        ),
        Mistake(
            "The output is one row and one column too small: a window fits at n − k + 1 places, the first included.",
            gives=lambda x, w: _by_pixels(x[:, :-1, :-1], w),
        ),
        Mistake(not_square, gives=lambda x, w: _by_pixels(x[:, :, : x.shape[1]], w)),
        Mistake(not_square, gives=lambda x, w: _by_pixels(x[:, : x.shape[2]], w)),
    ]
    hint = "Take the loops of `convolve`. Which axes of the patch are added up, and which one is kept?"
    rng = np.random.default_rng(0)
    for label, (n, rows, columns, c, k) in (
        ("one image of 2 x 2, one channel, window 2", (1, 2, 2, 1, 2)),
        ("two channels", (1, 3, 3, 2, 2)),
        ("an image of 3 rows and 5 columns", (1, 3, 5, 1, 2)),
        ("an image of 5 rows and 3 columns", (1, 5, 3, 1, 2)),
        ("three images of 6 x 6 with four channels", (3, 6, 6, 4, 3)),
    ):
        call = (rng.integers(-2, 4, (n, rows, columns, c)).astype(float), rng.integers(-2, 4, (k, k, c)).astype(float))
        yield from called(
            answer,
            call,
            Array(_by_pixels(*call)),
            name="depthwise",
            mistakes=mistakes,
            hint=hint,
            label=f"The output for {label},",
            verb="is",
        )


def _framed(x: np.ndarray, width: int) -> np.ndarray:
    """Return images with a frame of zeros."""
    sides = (width // 2, width - width // 2)
    return np.pad(x, ((0, 0), sides, sides, (0, 0)))


def _by_pixels(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the depthwise convolution, as a sum of shifted images."""
    k = len(w)
    rows, columns = (size - k + 1 for size in x.shape[1:3])
    return sum(w[i, j] * x[:, i : i + rows, j : j + columns] for i in range(k) for j in range(k))


@exercise("cnn/worst-pair", "function", "a function worst_pair(counts) of a confusion matrix (K, K)")
def worst_pair(answer: Any) -> Iterator[Case]:
    """Find which class is most often taken for which other."""

    def off(counts: np.ndarray) -> np.ndarray:
        return counts - np.diag(counts.diagonal())

    def place(counts: np.ndarray) -> tuple[int, int]:
        i, j = np.unravel_index(counts.argmax(), counts.shape)
        return int(i), int(j)

    mistakes = [
        Mistake("Right answers are no confusion: leave the diagonal out.", gives=lambda c: place(c)),
        Mistake(
            "A row is the true class, a column the answer: first the true class.", gives=lambda c: place(off(c))[::-1]
        ),
        Mistake(
            "This is the place in the flattened matrix. `np.unravel_index` turns it into a row and a column.",
            gives=lambda c: int(off(c).argmax()),
        ),
        Mistake("This is how often it happened. The two classes are asked for.", gives=lambda c: int(off(c).max())),
        Mistake(
            "One direction is asked for. Do not add a taken for b and b taken for a.",
            gives=lambda c: place(off(c) + off(c).T),
        ),
        Mistake(
            "Look for the largest single number, not for the class with the most errors in all.",
            gives=lambda c: place(off(c) * (off(c).sum(axis=1) == off(c).sum(axis=1).max())[:, None]),
        ),
        Mistake(
            "Look for the largest single number, not for the answer that is wrong most often in all.",
            gives=lambda c: place(off(c) * (off(c).sum(axis=0) == off(c).sum(axis=0).max())),
        ),
        Mistake(
            "Ask how often, not which share of the class.", gives=lambda c: place(off(c) / c.sum(axis=1, keepdims=True))
        ),
    ]
    hint = "Copy the matrix, set its diagonal to 0, and look for the largest number that is left."
    for label, counts, right in (
        ("[[9, 1], [0, 9]]", [[9, 1], [0, 9]], (0, 1)),
        ("[[8, 1], [2, 1]]", [[8, 1], [2, 1]], (1, 0)),
        ("[[9, 3, 3], [0, 9, 5], [0, 0, 9]]", [[9, 3, 3], [0, 9, 5], [0, 0, 9]], (1, 2)),
        ("[[9, 4, 0], [4, 9, 1], [6, 0, 2]]", [[9, 4, 0], [4, 9, 1], [6, 0, 2]], (2, 0)),
        ("[[9, 0, 4], [0, 9, 3], [0, 5, 9]]", [[9, 0, 4], [0, 9, 3], [0, 5, 9]], (2, 1)),
        ("classes of different sizes", [[50, 0, 0, 3], [1, 0, 0, 0], [0, 0, 9, 2], [0, 5, 0, 40]], (3, 1)),
    ):
        call = (np.array(counts),)
        yield from called(
            answer,
            call,
            Pair(right),
            name="worst_pair",
            mistakes=mistakes,
            hint=hint,
            label=f"The pair for {label},",
            verb="is",
        )


@exercise("cnn/small-network", "trained model", "a trained network", needs=("torch", "keras"), seconds=60)
def small_network(answer: Any) -> Iterator[Case]:
    """Train a network with few parameters until it names 93 % of the test digits."""
    hint = "Hand in the network itself, such as `small`."
    yield Case("Your answer", lambda: answer, _Network(), hint=hint, verb="is")
    hint = "Where are most of the parameters? Often in the dense layer after flatten. Pool once more."
    yield Case("The number of parameters", lambda: _parameters(answer), _AtMost(LIMIT), hint=hint, verb="is")
    hint = "It knows little more than guessing: was it trained at all, and is this the network that you gave to `fit`?"
    untrained = Mistake(hint, when=lambda accuracy: accuracy < 0.3)
    hint = "It learns, but not enough: more epochs, a higher learning rate with one_cycle, or a few more filters."
    yield from trained(answer, lambda: load("digits").test, 0.93, on="the test digits", mistakes=[untrained], hint=hint)


def _parameters(model: Any) -> int:
    from gpulab.models import parameter_count

    return parameter_count(model)


class _Network:
    """A torch module or a Keras model with trainable parameters."""

    def difference(self, got: Any) -> Difference | None:
        if isinstance(got, type) or not (hasattr(got, "parameters") or hasattr(got, "trainable_weights")):
            return Difference(show(got), "; a torch module or a Keras model is asked for")
        return None

    def secrets(self) -> list[str]:
        return []


class _AtMost:
    """A number that must stay below a bound the statement names."""

    def __init__(self, bound: int) -> None:
        self.bound = bound

    def difference(self, got: int) -> Difference | None:
        return None if got < self.bound else Difference(f"{got:,}", f"; fewer than {self.bound:,} are asked for")

    def secrets(self) -> list[str]:
        return []
