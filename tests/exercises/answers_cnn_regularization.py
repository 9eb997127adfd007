"""Answers to the exercises on training well that need no framework."""

from __future__ import annotations

import math

import numpy as np

from tests.exercises.walk import Answers


def choose_rate(rates, losses):
    return rates[np.nanargmin(losses)] / 10


def warm_cosine(step, total, warm, start=1, from_zero=False, of_all=False):
    if step < warm:
        return (step + start) / warm
    done = step if from_zero else step - warm
    return 0.5 * (1 + math.cos(math.pi * done / (total if of_all else total - warm)))


def drop(x, keep, p, training):
    return x * keep / (1 - p) if training else x


def normalize(x, running_mean, running_var, training, axes=(0, 1, 2), eps=1e-5, power=0.5):
    mean, var = running_mean, running_var
    if training:
        mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mean) / (var + eps) ** power


def smooth(y, classes, a):
    return (1 - a) * np.eye(classes)[y] + a / classes


def stops(losses, patience, better=lambda new, best: new < best, extra=0):
    best, waited = 0, 0
    for epoch, loss in enumerate(losses):
        if epoch == 0 or better(loss, losses[best]):
            best, waited = epoch, 0
        else:
            waited += 1
        if waited == patience + extra:
            break
    return epoch + 1, best + 1


ANSWERS = {
    "cnn/choose-rate": Answers(
        choose_rate,
        [
            (lambda rates, losses: rates[np.nanargmin(losses)], "leave the margin"),
            (lambda rates, losses: rates[np.argmin(losses)] / 10, "no number"),
            (lambda rates, losses: rates[-1] / 10, "the last rate"),
            (lambda rates, losses: int(np.nanargmin(losses)), "a place in the array"),
            (lambda rates, losses: np.nanmin(losses), "this is a loss"),
            (lambda rates, losses: rates[np.nanargmin(losses)] / 2, "at the same place"),
        ],
    ),
    "cnn/warm-cosine": Answers(
        warm_cosine,
        [
            (lambda s, t, w: warm_cosine(s, t, w, start=0), "rate 0 is wasted"),
            (lambda s, t, w: warm_cosine(s, t, w, from_zero=True), "count its steps from there"),
            (lambda s, t, w: warm_cosine(s, t, w, of_all=True), "left over"),
            (lambda s, t, w: min(1.0, (s + 1) / w), "still missing"),
            (lambda s, t, w: 0.5 * (1 + math.cos(math.pi * s / t)), "the warm-up is missing"),
            (lambda s, t, w: 2 * warm_cosine(s, t, w) - 1 if s >= w else (s + 1) / w, "has negative values"),
            (lambda s, t, w: 0.7, "two cases"),
        ],
    ),
    "cnn/inverted-dropout": Answers(
        drop,
        [
            (lambda x, keep, p, training: x * keep if training else x, "makes up for them"),
            (lambda x, keep, p, training: x * keep / p if training else x, "probability 1 − p"),
            (lambda x, keep, p, training: x * keep * (1 - p) if training else x, "scale up, not down"),
            (lambda x, keep, p, training: drop(x, ~keep, p, training), "you dropped those"),
            (lambda x, keep, p, training: drop(x, keep, p, True), "nothing is dropped"),
            (lambda x, keep, p, training: drop(x, keep, p, training) * (1 if training else 1 - p), "training only"),
            (lambda x, keep, p, training: x, "two cases"),
        ],
    ),
    "cnn/batch-norm": Answers(
        normalize,
        [
            (lambda x, mean, var, training: normalize(x, mean, var, False), "those of this batch"),
            (lambda x, mean, var, training: normalize(x, mean, var, True), "must not depend on others"),
            (lambda x, mean, var, training: normalize(x, mean, var, not training), "changed over"),
            (lambda x, mean, var, training: normalize(x, mean, var, training, power=1), "square root"),
            (lambda x, mean, var, training: normalize(x, mean, var, training, axes=None), "channels apart"),
            (lambda x, mean, var, training: normalize(x, mean, var, training, axes=(1, 2)), "one for each image"),
            (lambda x, mean, var, training: normalize(x, mean, var, training, axes=(0,)), "rows and columns, too"),
            (lambda x, mean, var, training: normalize(x, mean, var, training, eps=0), "ε"),
        ],
    ),
    "cnn/smooth-labels": Answers(
        smooth,
        [
            (lambda y, k, a: np.where(np.eye(k)[y] > 0, 1 - a, a / k), "add up to 1"),
            (lambda y, k, a: np.where(np.eye(k)[y] > 0, 1 - a, a / (k - 1)), "over all classes"),
            (lambda y, k, a: (1 - a) * np.eye(k)[y] + a, "an equal share"),
            (lambda y, k, a: np.eye(k)[y], "without smoothing"),
            (lambda y, k, a: smooth(y, k, a).T, "a row is an image"),
        ],
    ),
    "cnn/early-stopping": Answers(
        stops,
        [
            (lambda losses, patience: stops(losses, patience)[::-1], "then the best one"),
            (lambda losses, patience: tuple(n - 1 for n in stops(losses, patience)), "counted from 1"),
            (lambda losses, patience: stops(losses, patience, lambda new, best: new <= best), "no better one"),
            (lambda losses, patience: stops(losses, patience, extra=1), "too long"),
            (lambda losses, patience: (len(losses), int(np.argmin(losses)) + 1), "never stops"),
            (lambda losses, patience: (stops(losses, patience)[0], int(np.argmin(losses)) + 1), "after the stop"),
            (lambda losses, patience: stops(losses, patience)[0], "two numbers are asked for"),
        ],
    ),
}
