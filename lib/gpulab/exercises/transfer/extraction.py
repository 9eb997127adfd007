"""Exercises on feature extraction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Integer, Number
from gpulab.exercises.engine import exercise
from gpulab.exercises.several import Got, Holds, kept, of, same

# --- Counting, and what a store of features saves ------------------------------------------------------------------


@exercise(
    "transfer/head-parameters", "function", "a function head_parameters(height, width, channels, hidden, classes, pooled)"
)
def head_parameters(answer: Any) -> Iterator[Case]:
    """Count the parameters of a head of two dense layers on flattened or averaged maps."""

    def count(places: int, channels: int, hidden: int, classes: int, first: int = 1, second: int = 1) -> int:
        return hidden * (places * channels + first) + classes * (hidden + second)

    def flat(h: int, w: int, c: int, m: int, k: int, pooled: bool) -> int:
        return count(h * w, c, m, k)

    def averaged(h: int, w: int, c: int, m: int, k: int, pooled: bool) -> int:
        return count(1, c, m, k)

    def without(first: int, second: int) -> Callable[..., int]:
        return lambda h, w, c, m, k, pooled: count(1 if pooled else h * w, c, m, k, first, second)

    mistakes = [
        Mistake("The maps are flattened whatever `pooled` says.", gives=flat),
        Mistake("The maps are averaged whatever `pooled` says.", gives=averaged),
        Mistake("It is the other way around: with `pooled` the places are averaged away.",
                gives=lambda h, w, c, m, k, pooled: count(h * w if pooled else 1, c, m, k)),
        Mistake("The biases are missing.", gives=without(0, 0)),
        Mistake("The bias of one of the two layers is missing.", gives=without(1, 0)),
        Mistake("The bias of one of the two layers is missing.", gives=without(0, 1)),
        Mistake("This is the first dense layer alone. A second one follows.",
                gives=lambda h, w, c, m, k, pooled: m * ((1 if pooled else h * w) * c + 1)),
    ]  # fmt: skip
    for call, right in (
        ((1, 1, 2, 3, 2, True), 17),
        ((2, 2, 3, 4, 2, False), 62),
        ((2, 2, 3, 4, 2, True), 26),
        ((7, 7, 512, 128, 10, False), 3_212_682),
        ((3, 5, 1280, 128, 8, True), 165_000),
    ):
        yield from called(
            answer,
            call,
            Integer(right),
            name="head_parameters",
            mistakes=mistakes,
            hint="How many numbers does the first dense layer get? Each unit has a weight for each of them, and a bias.",
        )


@exercise("transfer/cache-speedup", "function", "a function speedup(epochs, base, head)")
def cache_speedup(answer: Any) -> Iterator[Case]:
    """Compute how many times faster training is when the features are computed once."""
    mistakes = [
        Mistake("This is the inverse: a large number must mean that the store is faster.",
                gives=lambda e, b, h: (b + e * h) / (e * (b + h))),
        Mistake("Without a store the head costs time, too.", gives=lambda e, b, h: e * b / (b + e * h)),
        Mistake("To compute the features once takes a pass through the base.", gives=lambda e, b, h: (b + h) / h),
        Mistake("The head is not free: with a store it still runs in each epoch.", gives=lambda e, b, h: e),
        Mistake("Without a store, each epoch is a pass through the base and one through the head.",
                gives=lambda e, b, h: (e * b + h) / (b + e * h)),
        Mistake("This is a difference of times. Times faster is a ratio.",
                gives=lambda e, b, h: e * (b + h) - (b + e * h)),
    ]  # fmt: skip
    for call, right in (
        ((1, 3.0, 1.0), 1.0),
        ((4, 2.0, 1.0), 2.0),
        ((30, 1.5, 0.05), 15.5),
        ((100, 7.0, 0.0), 100.0),
        ((50, 1.0, 1.0), 100 / 51),
    ):
        yield from called(
            answer,
            call,
            Number(right),
            name="speedup",
            mistakes=mistakes,
            hint="Write down both times first: `epochs` epochs of both parts; one pass of the base and all of the head.",
        )


@exercise("transfer/lowest-loss", "function", "a function lowest_loss(classes)")
def lowest_loss(answer: Any) -> Iterator[Case]:
    """Compute the floor of the cross-entropy where softmax is applied twice."""
    mistakes = [
        Mistake("Zero needs a logit that is far above the others. How large can the output of a softmax be?",
                gives=lambda k: 0.0),
        Mistake("This is the loss of guessing: all classes alike. Which output is best?", gives=math.log),
        Mistake("The true class is one of the classes: the sum has one term of e, and the others are not as many as all.",
                gives=lambda k: math.log(math.e + k) - 1),
        Mistake("The loss is the logarithm of the sum minus the logit of the true class.",
                gives=lambda k: math.log(math.e + k - 1)),
        Mistake("The others have the logit 0, and their exponentials are not 0.", gives=lambda k: math.log(math.e)),
        Mistake("The sign is wrong: a loss is not negative.", gives=lambda k: 1 - math.log(math.e + k - 1)),
        Mistake("This is the logarithm to base 2. The loss takes the natural one.",
                gives=lambda k: math.log2(1 + (k - 1) / math.e)),
    ]  # fmt: skip
    for k in (2, 3, 10, 1000):
        perfect = np.zeros(k)
        perfect[0] = 1.0
        yield from called(
            answer,
            (k,),
            Number(float(np.logaddexp.reduce(perfect) - 1.0), rel=1e-5),
            name="lowest_loss",
            mistakes=mistakes,
            hint="The best output is 1 for the true class and 0 for the others. Put these into the loss as logits.",
        )


@exercise("transfer/fold-standardization", "function", "a function fold(weight, bias, mean, spread)")
def fold_standardization(answer: Any) -> Iterator[Case]:
    """Turn a head for standardized features into one for the features as they are."""

    def right(w: np.ndarray, b: np.ndarray, m: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        turned = np.array([row / spread for row, spread in zip(w, s, strict=True)])
        return turned, b - sum(mean * row for mean, row in zip(m, turned, strict=True))

    def got(function: Callable[..., Any]) -> Callable[..., Got]:
        return lambda *call: Got(function(*call), close=True)

    def pair(value: Any) -> bool:
        return isinstance(value, list | tuple) and len(value) == 2

    mistakes = [
        Mistake("A weight and a bias are asked for: `return weight, bias`.", when=of(lambda value: not pair(value))),
        Mistake("Weights of a feature with a large spread must become smaller, not larger.",
                gives=got(lambda w, b, m, s: (w * s[:, None], b - m @ (w * s[:, None])))),
        Mistake("The mean is divided by the spread, too. Put z = (s - mean) / spread into z W + b, and sort.",
                gives=got(lambda w, b, m, s: (w / s[:, None], b - m @ w))),
        Mistake("The bias must take up the mean.", gives=got(lambda w, b, m, s: (w / s[:, None], b))),
        Mistake("The sign of the mean: it is subtracted from the features.",
                gives=got(lambda w, b, m, s: (w / s[:, None], b + m @ (w / s[:, None])))),
        Mistake("The weight has the wrong shape. It stays (d, K).",
                when=of(lambda value: pair(value) and np.shape(value[0]) != np.shape(value[0])[:1] + np.shape(value[1]))),
        Mistake("The weights are as they were. Each belongs to a feature that was divided by its spread.",
                gives=got(lambda w, b, m, s: (w, b - m @ (w / s[:, None])))),
    ]  # fmt: skip
    rng = np.random.default_rng(4)
    one = (np.array([[2.0, 1.0]]), np.array([0.5, 0.0]), np.array([3.0]), np.array([4.0]))
    more = [
        (rng.normal(size=(d, k)), rng.normal(size=k), rng.normal(size=d), rng.uniform(0.5, 3, d))
        for d, k in ((3, 2), (6, 4))
    ]
    for label, call in (("one feature and two classes", one), ("three features", more[0]), ("six features", more[1])):
        wanted = right(*call)
        yield from called(
            kept(answer, close=True),
            call,
            Holds(lambda value, wanted=wanted: "" if _alike(value, wanted) else ", which is not right"),
            name="fold",
            mistakes=mistakes,
            hint="For any features, the logits must be what they were. Try one feature and one class with numbers.",
            label=f"The head for {label},",
            verb="is",
        )


def _alike(value: Any, wanted: tuple[np.ndarray, np.ndarray]) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and same(tuple(value), wanted, close=True)
