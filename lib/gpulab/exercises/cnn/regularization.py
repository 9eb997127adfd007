"""The exercises on training well: learning rates, schedules, and remedies against overfitting."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Number, Pair
from gpulab.exercises.engine import exercise

EPS = 1e-5  # of batch normalization, as the statement says
NAN = math.nan


@exercise("cnn/choose-rate", "function", "a function choose_rate(rates, losses)")
def choose_rate(answer: Any) -> Iterator[Case]:
    """Read a range test: a tenth of the rate at which the loss is lowest."""

    def lowest(losses: np.ndarray) -> int:
        return int(np.nanargmin(losses))

    mistakes = [
        Mistake("At this rate the loss is lowest, and one step later it rises. Leave the margin that is asked for.",
                gives=lambda rates, losses: rates[lowest(losses)]),
        Mistake("Some losses are no number (nan), and `argmin` takes the first of them for the lowest.",
                gives=lambda rates, losses: rates[int(np.argmin(losses))] / 10),
        Mistake("This is a tenth of the last rate. Look for the lowest loss.",
                gives=lambda rates, losses: rates[-1] / 10),
        Mistake("This is a place in the array. Look up the rate at this place.",
                gives=lambda rates, losses: lowest(losses)),
        Mistake("This is a place in the array, divided. Look up the rate at this place first.",
                gives=lambda rates, losses: lowest(losses) / 10),
        Mistake("This is a loss. The learning rate is asked for.", gives=lambda rates, losses: np.nanmin(losses)),
        Mistake("This is a loss, divided. The learning rate is asked for.",
                gives=lambda rates, losses: np.nanmin(losses) / 10),
    ]  # fmt: skip
    hint = "At which place of `losses` is the smallest number? What is the rate at the same place?"
    for rates, losses, place in (
        ([0.01, 0.1, 1.0], [2.3, 1.7, 8.5], 1),
        ([0.001, 0.003, 0.009, 0.027, 0.081], [2.3, 2.2, 1.9, 1.1, 4.4], 3),
        ([0.002, 0.02, 0.2, 2.0], [2.3, 1.4, 5.6, NAN], 1),
        ([0.05, 0.15, 0.45, 1.35, 4.05], [2.3, 2.1, 1.3, math.inf, NAN], 2),
    ):
        call = (np.array(rates), np.array(losses))
        label = f"The rate for the losses {losses} at the rates {rates}".replace("nan", "NaN")
        right = Number(rates[place] / 10)
        yield from called(
            answer, call, right, name="choose_rate", mistakes=mistakes, hint=hint, label=label, verb="is"
        )


def _half_cosine(share: float) -> float:
    """Return the height of half a cosine that falls from 1 to 0: the square of the cosine of the half angle."""
    return math.cos(math.pi * share / 2) ** 2


@exercise("cnn/warm-cosine", "function", "a function warm_cosine(step, total, warm)")
def warm_cosine(answer: Any) -> Iterator[Case]:
    """Rise in a straight line for some steps, then fall along half a cosine."""
    mistakes = [
        Mistake("The first step has number 0, and its factor is not 0: a step with rate 0 is wasted.",
                gives=lambda step, total, warm: (
                    step / warm if step < warm else _half_cosine((step - warm) / (total - warm)))),
        Mistake("The cosine begins when the warm-up is over: count its steps from there.",
                gives=lambda step, total, warm: (
                    (step + 1) / warm if step < warm else _half_cosine(step / (total - warm)))),
        Mistake("The cosine has only the steps that the warm-up left over.",
                gives=lambda step, total, warm: (
                    (step + 1) / warm if step < warm else _half_cosine((step - warm) / total))),
        Mistake("After the warm-up the factor falls: the cosine is still missing.",
                gives=lambda step, total, warm: min(1.0, (step + 1) / warm)),
        Mistake("The warm-up is missing: the first steps have smaller factors.",
                gives=lambda step, total, warm: _half_cosine(step / total)),
        Mistake("A cosine has negative values, too. Move it up and halve it, so that it ends at zero.",
                gives=lambda step, total, warm: (
                    (step + 1) / warm if step < warm else math.cos(math.pi * (step - warm) / (total - warm)))),
        Mistake("Half a wave is enough: with a whole one the factor rises again.",
                gives=lambda step, total, warm: (
                    (step + 1) / warm if step < warm
                    else (1 + math.cos(2 * math.pi * (step - warm) / (total - warm))) / 2)),
    ]  # fmt: skip
    hint = "Two cases: step < warm, and the rest. In the second, which share of its steps is done?"
    for call, right in (
        ((0, 12, 4), 1 / 4),
        ((3, 12, 4), 1.0),
        ((4, 12, 4), 1.0),
        ((8, 12, 4), 1 / 2),
        ((6, 12, 4), (2 + math.sqrt(2)) / 4),
        ((1, 100, 10), 1 / 5),
        ((40, 100, 10), 3 / 4),
        ((70, 100, 10), 1 / 4),
    ):
        yield from called(answer, call, Number(right), name="warm_cosine", mistakes=mistakes, hint=hint)


@exercise("cnn/inverted-dropout", "function", "a function drop(x, keep, p, training)")
def inverted_dropout(answer: Any) -> Iterator[Case]:
    """Apply dropout: zeros where a unit is dropped, the others scaled; nothing after training."""

    def scaled(x: np.ndarray, keep: np.ndarray, p: float, training: bool) -> np.ndarray:
        return np.where(keep, x / (1 - p), 0) if training else x

    mistakes = [
        Mistake("The dropped units are gone, and nothing makes up for them: the mean of the outputs is too small.",
                gives=lambda x, keep, p, training: np.where(keep, x, 0) if training else x),
        Mistake("A unit is kept with probability 1 − p. Scale by this, not by p.",
                gives=lambda x, keep, p, training: np.where(keep, x / p, 0) if training else x),
        Mistake("Scale up, not down: fewer units must do the work of all.",
                gives=lambda x, keep, p, training: np.where(keep, x * (1 - p), 0) if training else x),
        Mistake("`keep` is true for the units that stay. You dropped those.",
                gives=lambda x, keep, p, training: scaled(x, ~keep, p, training)),
        Mistake("After training, nothing is dropped and nothing is scaled.",
                gives=lambda x, keep, p, training: scaled(x, keep, p, True)),
        Mistake("The scaling belongs to the training only: after it, x comes out as it went in.",
                gives=lambda x, keep, p, training: np.where(keep, x, 0) if training else x * (1 - p)),
        Mistake("The scaling belongs to the training only: after it, x comes out as it went in.",
                gives=lambda x, keep, p, training: np.where(keep, x / (1 - p), 0) if training else x * (1 - p)),
    ]  # fmt: skip
    hint = "Two cases: in training, drop and scale; after training, return x."
    rng = np.random.default_rng(0)
    for label, shape, p, training in (
        ("two units, one of them dropped, p = 0.5,", None, 0.5, True),
        ("the same two units after training", None, 0.5, False),
        ("three images of four units, p = 0.25,", (3, 4), 0.25, True),
        ("them after training", (3, 4), 0.25, False),
        ("maps of shape (2, 3, 3, 4), p = 0.8,", (2, 3, 3, 4), 0.8, True),
    ):
        x = np.array([3.0, 7.0]) if shape is None else np.round(rng.normal(size=shape), 2)
        keep = np.array([True, False]) if shape is None else rng.random(shape) >= p
        right = x * keep / (1 - p) if training else x
        yield from called(
            answer, (x, keep, p, training), Array(right), name="drop", mistakes=mistakes, hint=hint,
            label=f"The output for {label}", verb="is",
        )  # fmt: skip


@exercise("cnn/batch-norm", "function", "a function normalize(x, running_mean, running_var, training)")
def batch_norm(answer: Any) -> Iterator[Case]:
    """Normalize maps (n, h, w, c): by the batch in training, by the running statistics after it."""

    def by(axes: tuple[int, ...], power: float = 0.5, eps: float = EPS) -> Callable[..., np.ndarray]:
        """Return a function that takes the statistics of the batch over these axes."""

        def mistaken(x: np.ndarray, mean: np.ndarray, var: np.ndarray, training: bool) -> np.ndarray:
            m, v = (x.mean(axes, keepdims=True), x.var(axes, keepdims=True)) if training else (mean, var)
            return (x - m) / (v + eps) ** power

        return mistaken

    mistakes = [
        Mistake("In training, the mean and the variance are those of this batch.",
                gives=lambda x, mean, var, training: (x - mean) / np.sqrt(var + EPS)),
        Mistake("After training, the running statistics are used: the answer for an image must not depend on others.",
                gives=lambda x, mean, var, training: by((0, 1, 2))(x, mean, var, True)),
        Mistake("Training and evaluation are changed over.",
                gives=lambda x, mean, var, training: by((0, 1, 2))(x, mean, var, not training)),
        Mistake("Divide by the square root of the variance.", gives=by((0, 1, 2), power=1)),
        Mistake("Each channel has its own mean: average over images, rows and columns, and keep the channels apart.",
                gives=by((0, 1, 2, 3))),
        Mistake("The mean is over all images of the batch, too, not one for each image.", gives=by((1, 2))),
        Mistake("The mean is over rows and columns, too: one for each channel.", gives=by((0,))),
        Mistake("A channel that is the same everywhere has variance 0. The small number ε under the root is for it.",
                gives=by((0, 1, 2), eps=0)),
        Mistake("Some numbers are not finite: the small number ε under the root keeps the divisor above 0.",
                when=lambda got: not np.isfinite(got).all()),
        Mistake("ε is added to the variance, under the root.",
                gives=lambda x, mean, var, training: (
                    (x - x.mean((0, 1, 2))) / (x.std((0, 1, 2)) + EPS) if training
                    else (x - mean) / (np.sqrt(var) + EPS))),
    ]  # fmt: skip
    hint = "Which mean and variance: those of the batch, one for each channel, or those that were handed in?"
    rng = np.random.default_rng(0)
    small = np.array([1.0, 3.0]).reshape(2, 1, 1, 1)
    for label, x, training in (
        ("two images of one pixel, 1 and 3, in training", small, True),
        ("the same two images after training", small, False),
        ("four images of 3 x 2 with two channels, in training", rng.normal(3, 2, (4, 3, 2, 2)), True),
        ("one image of 3 x 2 with two channels, after training", rng.normal(3, 2, (1, 3, 2, 2)), False),
        ("two images whose second channel is the same everywhere, in training", None, True),
    ):
        if x is None:
            x = rng.normal(3, 2, (2, 2, 2, 2))
            x[..., 1] = 4.0
        c = x.shape[-1]
        mean, var = np.linspace(0.5, 1.5, c), np.linspace(0.64, 2.25, c)
        yield from called(
            answer, (x, mean, var, training), Array(_normalized(x, mean, var, training), rel=1e-6),
            name="normalize", mistakes=mistakes, hint=hint, label=f"The output for {label},", verb="is",
        )  # fmt: skip


def _normalized(x: np.ndarray, mean: np.ndarray, var: np.ndarray, training: bool) -> np.ndarray:
    """Return normalized maps, channel by channel."""
    y = np.empty_like(x)
    for c in range(x.shape[-1]):
        values = x[..., c].ravel()
        m = values.sum() / len(values) if training else mean[c]
        v = ((values - m) ** 2).sum() / len(values) if training else var[c]
        y[..., c] = (x[..., c] - m) / math.sqrt(v + EPS)
    return y


@exercise("cnn/smooth-labels", "function", "a function smooth(y, classes, a)")
def smooth_labels(answer: Any) -> Iterator[Case]:
    """Make smoothed targets (n, classes) of labels (n,)."""
    mistakes = [
        Mistake("A row does not add up to 1: the label gets its share of a, too.",
                gives=lambda y, classes, a: np.where(np.eye(classes)[y] > 0, 1 - a, a / classes)),
        Mistake("Here the label gets no share of a. In this course a is shared out over all classes.",
                gives=lambda y, classes, a: np.where(np.eye(classes)[y] > 0, 1 - a, a / (classes - 1))),
        Mistake("Each class gets an equal share of a, not all of a.",
                gives=lambda y, classes, a: (1 - a) * np.eye(classes)[y] + a),
        Mistake("These are the targets without smoothing.", gives=lambda y, classes, a: np.eye(classes)[y]),
        Mistake("The label gives up a, the others get it: not the other way round.",
                gives=lambda y, classes, a: a * np.eye(classes)[y] + (1 - a) / classes),
        Mistake("A row is an image, a column a class.",
                gives=lambda y, classes, a: ((1 - a) * np.eye(classes)[y] + a / classes).T),
    ]  # fmt: skip
    hint = "Start with the one-hot targets: `np.eye(classes)[y]`. Then share out a. Does each row add up to 1?"
    for y, classes, a in (([1], 2, 0.2), ([0, 2, 2], 4, 0.1), ([3, 1, 4, 1, 5], 10, 0.3), ([1, 0], 3, 0.0)):
        right = [[(1 - a if k == label else 0) + a / classes for k in range(classes)] for label in y]
        yield from called(
            answer, (np.array(y), classes, a), Array(right), name="smooth", mistakes=mistakes, hint=hint,
            label=f"The result for y = {y}, classes = {classes}, a = {a}", verb="is",
        )  # fmt: skip


@exercise("cnn/early-stopping", "function", "a function stops(losses, patience)")
def early_stopping(answer: Any) -> Iterator[Case]:
    """Find the epoch that early stopping ends with, and the epoch whose weights it brings back."""

    def variant(ties: bool = False, previous: bool = False, longer: int = 0, shorter: int = 0) -> Any:
        """Return the loop with one part of it changed."""

        def mistaken(losses: list[float], patience: int) -> tuple[int, int]:
            best, waited, last = 1, 0, losses[0]
            for epoch, loss in enumerate(losses[1:], start=2):
                against = last if previous else losses[best - 1]
                better, last = loss < against or (ties and loss == against), loss
                best, waited = (epoch, 0) if better else (best, waited + 1)
                if waited >= patience + longer - shorter:
                    return epoch, best
            return len(losses), best

        return mistaken

    right_one = variant()

    def never_reset(losses: list[float], patience: int) -> tuple[int, int]:
        best, waited = 1, 0
        for epoch, loss in enumerate(losses[1:], start=2):
            if loss < losses[best - 1]:
                best = epoch
            else:
                waited += 1
            if waited == patience:
                return epoch, best
        return len(losses), best

    mistakes = [
        Mistake("First the epoch at which it stops, then the best one.",
                gives=lambda losses, patience: right_one(losses, patience)[::-1]),
        Mistake("Epochs are counted from 1.",
                gives=lambda losses, patience: tuple(n - 1 for n in right_one(losses, patience))),
        Mistake("Compare with the best loss so far, not with the one before.", gives=variant(previous=True)),
        Mistake("An equal loss is no better one.", gives=variant(ties=True)),
        Mistake("After something better, the waiting begins anew.", gives=never_reset),
        Mistake("It waits one epoch too long.", gives=variant(longer=1)),
        Mistake("It waits one epoch too little.", gives=variant(shorter=1)),
        Mistake("The best epoch must be one that was trained: nothing after the stop is known.",
                gives=lambda losses, patience: (right_one(losses, patience)[0], int(np.argmin(losses)) + 1)),
        Mistake("The best weights are those of the lowest loss, not those of the end.",
                gives=lambda losses, patience: (right_one(losses, patience)[0],) * 2),
        Mistake("This never stops before the last epoch.",
                gives=lambda losses, patience: (len(losses), int(np.argmin(losses)) + 1)),
    ]  # fmt: skip
    hint = "Go through the losses with two numbers: the best epoch so far, and how long nothing better came."
    for losses, patience, right in (
        ([0.9, 0.5, 0.6], 1, (3, 2)),
        ([0.9, 0.5, 0.6, 0.7, 0.8, 0.9], 2, (4, 2)),
        ([0.9, 0.8, 0.7], 2, (3, 3)),
        ([0.9, 0.5, 0.8, 0.7, 0.6, 0.4], 3, (5, 2)),
        ([0.9, 0.5, 0.5, 0.5, 0.4], 2, (4, 2)),
        ([0.9, 0.6, 0.7, 0.5, 0.6, 0.7, 0.3], 2, (6, 4)),
    ):
        yield from called(
            answer, (losses, patience), Pair(right), name="stops", mistakes=mistakes, hint=hint,
            label=f"The pair for losses = {losses}, patience = {patience}", verb="is",
        )  # fmt: skip
