"""Exercises on fine-tuning: rates for each stage, adapters of low rank, memory, and openings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Integer
from gpulab.exercises.engine import exercise


@exercise("transfer/rates-by-stage", "function", "a function stage_rates(stages, lr, decay)")
def rates_by_stage(answer: Any) -> Iterator[Case]:
    """Compute the learning rate of each stage, from the input to the head."""
    mistakes = [
        Mistake(
            "The order is from the input to the head: the last number is the head's, and it is the highest.",
            gives=lambda n, lr, d: lr * d ** np.arange(n),
        ),
        Mistake("The head itself gets the full rate; only what stands before it gets less.", gives=_shifted),
        Mistake(
            "Each stage has the rate of the next one times the factor: a product, no difference.",
            gives=lambda n, lr, d: lr * (1 - (1 - d) * np.arange(n)[::-1]),
        ),
        Mistake("Only the head has its full rate; the stages differ among each other, too.", gives=_two_rates),
        Mistake(
            "Dividing by a factor below 1 makes it grow: here the input learns fastest.",
            gives=lambda n, lr, d: lr / d ** np.arange(n)[::-1],
        ),
    ]
    hint = "Begin with the head, which has the rate lr. Multiply once for each step toward the input."
    for call in ((2, 1.0, 0.5), (3, 0.1, 0.5), (5, 2e-3, 0.8)):
        right = Array(_stage_rates(*call))
        yield from called(answer, call, right, name="stage_rates", mistakes=mistakes, hint=hint)


def _stage_rates(n: int, lr: float, decay: float) -> np.ndarray:
    return lr * decay ** np.arange(n)[::-1]


def _shifted(n: int, lr: float, decay: float) -> np.ndarray:
    return lr * decay ** np.arange(1, n + 1)[::-1]


def _two_rates(n: int, lr: float, decay: float) -> np.ndarray:
    return np.array([lr * decay] * (n - 1) + [lr])


@exercise("transfer/merged-weights", "function", "a function merged(w, a, b, alpha)")
def merged_weights(answer: Any) -> Iterator[Case]:
    """Add an adapter to the weights beside it."""
    mistakes = [
        Mistake(
            "The product of the two small matrices is scaled by alpha over the rank.",
            gives=lambda w, a, b, s: w + a @ b,
        ),
        Mistake("alpha is divided by the rank, the columns of a.", gives=lambda w, a, b, s: w + s * a @ b),
        Mistake("The rank is the small number: the columns of a, not its rows.", gives=_over_inputs),
        Mistake(
            "Add it to the frozen weights, which are still needed.", gives=lambda w, a, b, s: s / a.shape[1] * a @ b
        ),
        Mistake("The adapter is added, not taken away.", gives=lambda w, a, b, s: w - s / a.shape[1] * a @ b),
    ]
    rng = np.random.default_rng(0)
    hint = "Which product of a and b has the shape of w? Scale it, and add it."
    for inputs, rank, outputs, alpha in ((2, 1, 3, 3.0), (4, 2, 2, 1.0), (6, 3, 5, 12.0)):
        shapes = ((inputs, outputs), (inputs, rank), (rank, outputs))
        w, a, b = (rng.integers(-3, 4, shape).astype(float) for shape in shapes)
        right = Array(w + alpha / rank * a @ b)
        label = f"The result for {inputs} inputs, {outputs} outputs, rank {rank} and alpha {alpha:g}"
        yield from called(
            answer, (w, a, b, alpha), right, name="merged", mistakes=mistakes, hint=hint, label=label, verb="is"
        )


def _over_inputs(w: np.ndarray, a: np.ndarray, b: np.ndarray, alpha: float) -> np.ndarray:
    return w + alpha / a.shape[0] * a @ b


@exercise("transfer/training-memory", "function", "a function training_bytes(total, trainable)")
def training_memory(answer: Any) -> Iterator[Case]:
    """Count the bytes that weights, gradients and Adam's moments need."""
    mistakes = [
        Mistake("A frozen weight has no gradient and no moments; only itself.", gives=lambda n, t: 16 * n),
        Mistake(
            "A trainable weight brings more: one number for each trainable weight is its gradient, and Adam keeps two.",
            gives=lambda n, t: 4 * n + 8 * t,
        ),
        Mistake("Adam's moments are missing.", gives=lambda n, t: 4 * n + 4 * t),
        Mistake("The frozen weights lie in memory, too: the forward pass needs them.", gives=lambda n, t: 16 * t),
        Mistake("These are numbers, not bytes: a float32 has four bytes.", gives=lambda n, t: n + 3 * t),
    ]
    hint = "How many numbers does each weight bring along: a frozen one, and a trainable one? Then bytes."
    for call in ((10, 10), (10, 2), (1000, 0), (2_236_682, 12_810)):
        right = Integer(4 * (call[0] + 3 * call[1]))
        yield from called(answer, call, right, name="training_bytes", mistakes=mistakes, hint=hint)


@exercise("transfer/open-groups", "function", "a function open_groups(epoch, every, groups)")
def open_groups(answer: Any) -> Iterator[Case]:
    """Count the groups that are trained in an epoch of gradual unfreezing."""
    mistakes = [
        Mistake(
            "There are no more groups than that: at some point all are open.", gives=lambda e, every, n: 1 + e // every
        ),
        Mistake("The head is open from the start: one group in epoch 0.", gives=lambda e, every, n: min(n, e // every)),
        Mistake("A new group opens after so many epochs, not after each.", gives=lambda e, every, n: min(n, 1 + e)),
        Mistake(
            "Rounding up opens a group as soon as the first epoch is over. When is the next one due?",
            gives=lambda e, every, n: min(n, 1 - (-e // every)),
        ),
    ]
    hint = "Write down the groups for epochs 0 to 5 with a new one every 2 epochs."
    for call in ((0, 1, 3), (1, 1, 3), (3, 2, 4), (4, 2, 4), (50, 2, 4)):
        right = Integer(min(call[2], 1 + call[0] // call[1]))
        yield from called(answer, call, right, name="open_groups", mistakes=mistakes, hint=hint)
