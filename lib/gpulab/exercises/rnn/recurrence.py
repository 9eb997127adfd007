"""Exercises on the cost of recurrence, and on attention."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Integer, Pair
from gpulab.exercises.engine import exercise

# --- What waits for what ---------------------------------------------------------------------------------------------


@exercise("rnn/critical-path", "function", "a function critical_path(steps, layers, both_ways)")
def critical_path(answer: Any) -> Iterator[Case]:
    """Count the steps on the longest chain of a stack of recurrent layers."""
    one_way = [
        Mistake(
            "Layer 2 need not wait until layer 1 has read everything.", gives=lambda steps, layers, both: steps * layers
        ),
        Mistake(
            "The last layer starts later than the first: draw the wavefront.", gives=lambda steps, layers, both: steps
        ),
        Mistake(
            "The first round counts as a round of the first layer, too.",
            gives=lambda steps, layers, both: steps + layers,
        ),
    ]
    two_ways = [
        Mistake(
            "What comes back has read the last step first. When is the first place of a layer ready?",
            gives=lambda steps, layers, both: steps + layers - 1,
        ),
        Mistake(
            "The two directions of a layer do not wait for each other.",
            gives=lambda steps, layers, both: 2 * steps * layers,
        ),
    ]
    for call, right in (((1, 3, False), 3), ((7, 1, False), 7), ((20, 6, False), 25)):
        hint = "Number the rounds of a small grid by hand."
        yield from called(answer, call, Integer(right), name="critical_path", mistakes=one_way, hint=hint)
    for call, right in (((9, 1, True), 9), ((12, 4, True), 48)):
        hint = "What does the first step of a layer wait for, if the layer below reads both ways?"
        yield from called(answer, call, Integer(right), name="critical_path", mistakes=two_ways, hint=hint)


# --- Bytes and operations --------------------------------------------------------------------------------------------


@exercise("rnn/state-and-cache", "function", "a function state_and_cache(layers, width, earlier, size)")
def state_and_cache(answer: Any) -> Iterator[Case]:
    """Compute the bytes of an LSTM's state, and of the key-value cache."""

    def right(layers: int, width: int, earlier: int, size: int, *, parts: int = 2, kept: int = 2) -> tuple[int, int]:
        return parts * layers * width * size, kept * layers * width * earlier * size

    mistakes = [
        Mistake("An LSTM has two states.", gives=lambda *call: right(*call, parts=1)),
        Mistake("Keys and values are both kept.", gives=lambda *call: right(*call, kept=1)),
        Mistake("Bytes are asked for, not numbers.", gives=lambda a, b, c, size: right(a, b, c, 1)),
        Mistake("Every layer has its own.", gives=lambda layers, b, c, size: right(1, b, c, size)),
        Mistake("First the state, then the cache.", gives=lambda *call: right(*call)[::-1]),
        Mistake(
            "The state does not grow with the steps behind it.",
            gives=lambda *call: (right(*call)[1], right(*call)[1]),
        ),
    ]
    for call in ((1, 3, 5, 4), (4, 256, 1000, 2), (24, 1024, 7, 2)):
        yield from called(
            answer,
            call,
            Pair(right(*call)),
            name="state_and_cache",
            mistakes=mistakes,
            hint="What is kept for each layer?",
        )


@exercise("rnn/layer-flop", "function", "a function layer_flop(T, d)")
def layer_flop(answer: Any) -> Iterator[Case]:
    """Count the operations of an LSTM layer and of a self-attention layer."""

    def right(T: int, d: int, *, factor: int = 2, gates: int = 4, products: int = 2, maps: int = 4) -> tuple[int, int]:
        return factor * T * gates * d * 2 * d, factor * (maps * T * d * d + products * T * T * d)

    mistakes = [
        Mistake("A multiplication and an addition count as two.", gives=lambda *call: right(*call, factor=1)),
        Mistake("An LSTM has more than one gate.", gives=lambda *call: right(*call, gates=1)),
        Mistake(
            "Each gate sees the input and the state.", gives=lambda T, d: (right(T, d)[0] // 2, right(T, d)[1])
        ),
        Mistake(
            "The weighted means are a product as large as the scores.", gives=lambda *call: right(*call, products=1)
        ),
        Mistake("Do not forget the projection of the output.", gives=lambda *call: right(*call, maps=3)),
        Mistake(
            "Each place has scores with all places.",
            gives=lambda T, d: (right(T, d)[0], 8 * T * d * d + 4 * T * d),
        ),
    ]  # fmt: skip
    for call in ((3, 5), (64, 128), (1000, 96)):
        yield from called(
            answer,
            call,
            Pair(right(*call)),
            name="layer_flop",
            mistakes=mistakes,
            hint="Write down the shapes of each product.",
        )


@exercise("rnn/crossing", "function", "a function faster_between(step, start, square)")
def crossing(answer: Any) -> Iterator[Case]:
    """Find the lengths between which a Transformer layer is faster than a recurrent one."""

    def right(step: float, start: float, square: float) -> tuple[float, float]:
        inside = step * step - 4 * start * square
        if inside <= 0:
            return 0.0, 0.0
        return (step - math.sqrt(inside)) / (2 * square), (step + math.sqrt(inside)) / (2 * square)

    mistakes = [
        Mistake("The shorter length comes first.", gives=lambda *call: right(*call)[::-1]),
        Mistake(
            "The start counts as well, at every length.",
            gives=lambda step, start, square: (0.0, step / square),
        ),
        Mistake(
            "Check the formula for the roots: all of it is divided by twice the factor of the square.",
            gives=lambda step, start, square: tuple(2 * root for root in right(step, start, square)),
        ),
        Mistake(
            "What if the curve never comes below the line? The statement says what to return then.",
            when=lambda got: not np.isfinite(np.asarray(got, float)).all(),
        ),
    ]
    for call in ((3.0, 2.0, 1.0), (1.0, 16.0, 0.01), (20e-6, 4e-3, 3e-9), (1.0, 100.0, 0.01)):
        yield from called(
            answer, call, Array(right(*call), rel=1e-6), name="faster_between", mistakes=mistakes,
            hint="Where are the two times equal? That is a quadratic equation for the length.",
        )  # fmt: skip


# --- Attention -------------------------------------------------------------------------------------------------------


@exercise("rnn/may-look", "function", "a function may_look(lengths, steps)")
def may_look(answer: Any) -> Iterator[Case]:
    """Make the mask of a causal attention layer over padded sequences."""

    def right(lengths: Any, steps: int, *, causal: int = 0, padding: bool = True) -> np.ndarray:
        places = np.arange(steps)
        back = places[None, :] <= places[:, None] + causal
        real = places < np.asarray(lengths)[:, None] if padding else np.ones((len(lengths), steps), bool)
        return back[None] & real[:, None, :]

    mistakes = [
        Mistake("Padding must not be looked at, either.", gives=lambda *call: right(*call, padding=False)),
        Mistake("Who may look at whom? Rows are those who look.", gives=lambda *call: right(*call).transpose(0, 2, 1)),
        Mistake("A place may look at itself.", gives=lambda *call: right(*call, causal=-1)),
        Mistake(
            "This lets every place see the future.", gives=lambda lengths, steps: right(lengths, steps, causal=steps)
        ),
        Mistake("True means that looking is allowed.", gives=lambda *call: ~right(*call)),
        Mistake("Truth values are asked for.", when=lambda got: np.asarray(got).dtype.kind != "b"),
    ]
    for lengths, steps in (([3], 3), ([2, 4], 4), ([1, 5, 3], 6)):
        call = (np.array(lengths), steps)
        yield from called(
            answer, call, Array(right(*call), kind="b"), name="may_look", mistakes=mistakes,
            label=f"`may_look(np.array({lengths}), {steps})`",
            hint="One table of places for each sequence: (sequences, those who look, those who are looked at).",
        )  # fmt: skip


@exercise("rnn/scaled-attention", "function", "a function attend(q, k, v, may)")
def scaled_attention(answer: Any) -> Iterator[Case]:
    """Write scaled dot-product attention with a mask."""

    def right(
        q: Any, k: Any, v: Any, may: Any, *, scale: float | None = None, masked: str = "before", axis: int = -1
    ) -> np.ndarray:
        scores = q @ np.swapaxes(k, -1, -2) / (scale or math.sqrt(q.shape[-1]))
        if masked == "before":
            scores = np.where(may, scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
        weights = weights / weights.sum(axis=axis, keepdims=True)
        if masked == "after":
            weights = np.where(may, weights, 0)
        return weights @ v

    mistakes = [
        Mistake("The scores are not divided by the square root of d.", gives=lambda *call: right(*call, scale=1.0)),
        Mistake("Divide by the square root of d, not by d.", gives=lambda q, *rest: right(q, *rest, scale=q.shape[-1])),
        Mistake(
            "d is the size of a query, not the number of places.",
            gives=lambda q, k, *rest: right(q, k, *rest, scale=math.sqrt(k.shape[-2])),
        ),
        Mistake(
            "The mask comes too late: the weights must add up to one.", gives=lambda *call: right(*call, masked="after")
        ),
        Mistake("The mask is not used.", gives=lambda *call: right(*call, masked="never")),
        Mistake(
            "The softmax runs over those who are looked at: the last axis.", gives=lambda *call: right(*call, axis=-2)
        ),
        Mistake(
            "Some results are no numbers. Subtract the largest score of a row before exp.",
            when=lambda got: not np.isfinite(np.asarray(got, float)).all(),
        ),
    ]
    rng = np.random.default_rng(0)
    for n, places, d, size, factor in ((1, 3, 4, 2, 1.0), (2, 5, 8, 8, 1.0), (1, 4, 4, 3, 400.0)):
        q, k, v = (rng.normal(size=(n, places, s)) for s in (d, d, size))
        may = np.tril(np.ones((places, places), bool))
        call = (factor * q, k, v, may)
        large = ", with large queries" if factor > 1 else ""
        yield from called(
            answer, call, Array(right(*call)), name="attend", mistakes=mistakes,
            label=f"The result for {n} × {places} places of size {d}{large}", verb="is",
            given="random `q`, `k`, `v`, and `may = np.tril(np.ones((places, places), bool))`",
            hint="Scores, division, mask, softmax, weighted mean: check the shape after each.",
        )  # fmt: skip


@exercise("rnn/pooled", "function", "a function pooled(h, x, query)")
def pooled(answer: Any) -> Iterator[Case]:
    """Sum up the states of a sequence by attention, without its padding."""

    def right(
        h: Any, x: Any, query: Any, *, scale: float = 1.0, padding: bool = False, divide: bool = True
    ) -> np.ndarray:
        scores = h @ query * scale / math.sqrt(h.shape[-1])
        scores = scores if padding else np.where(x > 0, scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights = weights / weights.sum(axis=1, keepdims=True) if divide else weights
        return (weights[..., None] * h).sum(axis=1)

    def late(h: Any, x: Any, query: Any) -> np.ndarray:
        scores = h @ query / math.sqrt(h.shape[-1])
        weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return ((weights * (x > 0))[..., None] * h).sum(axis=1)

    def zeroed(h: Any, x: Any, query: Any) -> np.ndarray:
        scores = np.where(x > 0, h @ query / math.sqrt(h.shape[-1]), 0)
        weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        return (weights[..., None] * h).sum(axis=1)

    mistakes = [
        Mistake("The padding is looked at.", gives=lambda *call: right(*call, padding=True)),
        Mistake("A score of zero is not a weight of zero.", gives=zeroed),
        Mistake("The mask comes too late: the weights must add up to one.", gives=late),
        Mistake("The scores are not divided.", gives=lambda h, *rest: right(h, *rest, scale=math.sqrt(h.shape[-1]))),
        Mistake("The weights do not depend on the query.", gives=lambda *call: right(*call, scale=0.0)),
        Mistake("The weights of a sequence must add up to one.", when=lambda got: np.ndim(got) == 3),
    ]
    rng = np.random.default_rng(1)
    for ends, d in (((3,), 2), ((2, 4), 3), ((5, 1, 3), 8)):
        steps = max(ends) + 1
        x = np.where(np.arange(steps) < np.array(ends)[:, None], 1 + np.arange(steps), 0)
        call = (rng.normal(size=(len(ends), steps, d)), x, 2 * rng.normal(size=d))
        yield from called(
            answer, call, Array(right(*call)), name="pooled", mistakes=mistakes,
            label=f"The summary of sequences with {', '.join(map(str, ends))} of {steps} places real", verb="is",
            given="random `h` and `query`, and some zeros at the end of `x`",
            hint="Scores, mask, softmax over the places, weighted mean.",
        )  # fmt: skip
