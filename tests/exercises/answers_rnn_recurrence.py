"""Answers to the exercises on the cost of recurrence, and on attention."""

from __future__ import annotations

import math

import numpy as np

from tests.exercises.walk import Answers


def critical_path(steps, layers, both_ways=False):
    return steps * layers if both_ways else steps + layers - 1


def state_and_cache(layers, width, earlier, size):
    state = 2 * layers * width * size
    return state, state * earlier


def layer_flop(T, d):
    return 16 * d * d * T, 8 * T * d * d + 4 * T * T * d


def faster_between(step, start, square):
    inside = step**2 - 4 * start * square
    if inside <= 0:
        return 0.0, 0.0
    return (step - math.sqrt(inside)) / (2 * square), (step + math.sqrt(inside)) / (2 * square)


def without_a_case(step, start, square):
    with np.errstate(invalid="ignore"):
        return tuple((step + sign * np.sqrt(step**2 - 4 * start * square)) / (2 * square) for sign in (-1, 1))


def may_look(lengths, steps):
    places = np.arange(steps)
    causal = places[None, :] <= places[:, None]
    return causal & (places < lengths[:, None])[:, None, :]


def attend(q, k, v, may, scale=None, masked=True, axis=-1, largest=True):
    scores = q @ np.swapaxes(k, -1, -2) / (scale or math.sqrt(q.shape[-1]))
    if masked:
        scores = np.where(may, scores, -np.inf)
    with np.errstate(all="ignore"):
        weights = np.exp(scores - (scores.max(axis=axis, keepdims=True) if largest else 0))
        weights /= weights.sum(axis=axis, keepdims=True)
        return weights @ v


def masked_after(q, k, v, may):
    scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.where(may, weights / weights.sum(axis=-1, keepdims=True), 0) @ v


def pooled(h, x, query, floor=-np.inf, scale=None, late=False):
    scores = h @ query / (scale or math.sqrt(h.shape[-1]))
    scores = scores if late else np.where(x > 0, scores, floor)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = weights / weights.sum(axis=1, keepdims=True)
    return ((weights * (x > 0) if late else weights)[..., None] * h).sum(axis=1)


ANSWERS = {
    "rnn/critical-path": Answers(
        critical_path,
        [
            (lambda steps, layers, both: steps * layers, "need not wait"),
            (lambda steps, layers, both: steps, "starts later"),
            (lambda steps, layers, both: steps + layers, "first round"),
            (lambda steps, layers, both: steps + layers - 1, "read the last step first"),
            (
                lambda steps, layers, both: 2 * steps * layers if both else steps + layers - 1,
                "do not wait for each other",
            ),
        ],
    ),
    "rnn/state-and-cache": Answers(
        state_and_cache,
        [
            (
                lambda layers, width, earlier, size: (layers * width * size, 2 * layers * width * size * earlier),
                "two states",
            ),
            (
                lambda layers, width, earlier, size: (2 * layers * width * size, layers * width * size * earlier),
                "Keys and values",
            ),
            (lambda layers, width, earlier, size: state_and_cache(layers, width, earlier, 1), "Bytes are asked for"),
            (lambda layers, width, earlier, size: state_and_cache(1, width, earlier, size), "Every layer"),
            (lambda *call: state_and_cache(*call)[::-1], "First the state"),
            (lambda *call: state_and_cache(*call)[1:] * 2, "does not grow"),
        ],
    ),
    "rnn/layer-flop": Answers(
        layer_flop,
        [
            (lambda T, d: tuple(n // 2 for n in layer_flop(T, d)), "count as two"),
            (lambda T, d: (4 * d * d * T, layer_flop(T, d)[1]), "more than one gate"),
            (lambda T, d: (8 * d * d * T, layer_flop(T, d)[1]), "the input and the state"),
            (lambda T, d: (16 * d * d * T, 8 * T * d * d + 2 * T * T * d), "as large as the scores"),
            (lambda T, d: (16 * d * d * T, 6 * T * d * d + 4 * T * T * d), "projection of the output"),
            (lambda T, d: (16 * d * d * T, 8 * T * d * d + 4 * T * d), "with all places"),
        ],
    ),
    "rnn/crossing": Answers(
        faster_between,
        [
            (lambda *call: faster_between(*call)[::-1], "shorter length comes first"),
            (lambda step, start, square: (0.0, step / square), "start counts"),
            (lambda *call: tuple(2 * root for root in faster_between(*call)), "twice the factor"),
            (without_a_case, "never comes below"),
        ],
    ),
    "rnn/may-look": Answers(
        may_look,
        [
            (lambda lengths, steps: may_look(np.full(len(lengths), steps), steps), "Padding must not"),
            (lambda lengths, steps: may_look(lengths, steps).transpose(0, 2, 1), "Rows are those who look"),
            (
                lambda lengths, steps: may_look(lengths, steps) & ~np.eye(steps, dtype=bool),
                "may look at itself",
            ),
            (
                lambda lengths, steps: np.repeat((np.arange(steps) < lengths[:, None])[:, None], steps, axis=1),
                "see the future",
            ),
            (lambda lengths, steps: ~may_look(lengths, steps), "looking is allowed"),
            (lambda lengths, steps: may_look(lengths, steps).astype(int), "Truth values"),
        ],
    ),
    "rnn/scaled-attention": Answers(
        attend,
        [
            (lambda *call: attend(*call, scale=1.0), "not divided"),
            (lambda q, *rest: attend(q, *rest, scale=q.shape[-1]), "not by d"),
            (lambda q, k, *rest: attend(q, k, *rest, scale=math.sqrt(k.shape[-2])), "size of a query"),
            (masked_after, "comes too late"),
            (lambda *call: attend(*call, masked=False), "is not used"),
            (lambda *call: attend(*call, axis=-2), "the last axis"),
            (lambda *call: attend(*call, largest=False), "largest score"),
        ],
    ),
    "rnn/pooled": Answers(
        pooled,
        [
            (lambda h, x, query: pooled(h, np.ones_like(x), query), "padding is looked at"),
            (lambda h, x, query: pooled(h, x, query, floor=0.0), "not a weight of zero"),
            (lambda h, x, query: pooled(h, x, query, late=True), "comes too late"),
            (lambda h, x, query: pooled(h, x, query, scale=1.0), "not divided"),
            (lambda h, x, query: pooled(h, x, 0 * query), "depend on the query"),
            (lambda h, x, query: h * query, "add up to one"),
        ],
    ),
}
