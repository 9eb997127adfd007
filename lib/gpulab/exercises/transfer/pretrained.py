"""Exercises on using a pretrained model as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called, value
from gpulab.exercises.compare import Array, Integer
from gpulab.exercises.engine import exercise

MEAN, STD = (0.5, 0.25, 0.75), (0.25, 0.5, 0.125)  # of the exercise; no model's


@exercise("transfer/first-answers", "function", "a function first_answers(logits, k)")
def first_answers(answer: Any) -> Iterator[Case]:
    """Find the numbers of the k classes with the highest logits, the highest one first; logits are (n, classes)."""
    mistakes = [
        Mistake(
            "These are the right classes in the other order: the highest logit comes first.",
            gives=lambda z, k: np.argsort(z, axis=1)[:, -k:],
        ),
        Mistake("These are the classes with the lowest logits.", gives=lambda z, k: np.argsort(z, axis=1)[:, :k]),
        Mistake(
            "These are the logits. The numbers of the classes are asked for: their places in a row.",
            gives=lambda z, k: -np.sort(-z, axis=1)[:, :k],
        ),
        Mistake("This is one answer for each row, not k of them.", gives=lambda z, k: z.argmax(axis=1)),
        Mistake(
            "Sort along each row: a row is an image, a column a class.", gives=lambda z, k: np.argsort(-z, axis=0)[:k].T
        ),
    ]
    rng = np.random.default_rng(0)
    for label, logits, k in (
        ("one image, the logits 1, 3, 2, and k = 2", [[1.0, 3.0, 2.0]], 2),
        ("two images and four classes", [[0.5, -1.0, 2.0, 1.0], [3.0, 4.0, -2.0, 0.0]], 3),
        ("six images and 20 classes", rng.normal(size=(6, 20)), 5),
    ):
        call = (np.array(logits), k)
        yield from called(
            answer,
            call,
            Array(np.argsort(-call[0], axis=1)[:, :k], kind="i"),
            name="first_answers",
            mistakes=mistakes,
            hint="NumPy sorts upward. What must be sorted so that the highest logit comes first?",
            label=f"The result for {label},",
            verb="is",
        )


@exercise("transfer/probability-of-a-group", "function", "a function group_probability(logits, members)")
def group_probability(answer: Any) -> Iterator[Case]:
    """Add up the probabilities of some classes; logits are (n, classes), members are their numbers."""

    def shares(z: np.ndarray) -> np.ndarray:
        powers = np.exp(z - z.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def right(z: np.ndarray, members: list[int]) -> np.ndarray:
        return shares(z)[:, members].sum(axis=1)

    mistakes = [
        Mistake(
            "A large logit makes `np.exp` overflow. Subtract the largest logit of the row first.", when=_not_finite
        ),
        Mistake(
            "The probabilities of the members must compete with all classes: softmax first, then take the members out.",
            gives=lambda z, m: shares(z[:, m]).sum(axis=1),
        ),
        Mistake(
            "A cat of any kind: add up, do not take the largest member alone.",
            gives=lambda z, m: shares(z)[:, m].max(axis=1),
        ),
        Mistake(
            "Add the members up; a mean gets smaller with every class in the group.",
            gives=lambda z, m: shares(z)[:, m].mean(axis=1),
        ),
        Mistake("Logits are no probabilities: softmax comes first.", gives=lambda z, m: z[:, m].sum(axis=1)),
        Mistake(
            "This is one number for all images. One for each row is asked for.", gives=lambda z, m: shares(z)[:, m].sum()
        ),
        Mistake(
            "Softmax is taken over the classes of one image, not over the whole array.",
            gives=lambda z, m: (np.exp(z) / np.exp(z).sum())[:, m].sum(axis=1),
        ),
    ]
    rng = np.random.default_rng(1)
    for label, logits, members in (
        ("one image with three equal logits and the members 0, 2", [[0.0, 0.0, 0.0]], [0, 2]),
        ("two images and four classes", [[2.0, 0.0, 1.0, -1.0], [0.0, 3.0, 0.0, 0.0]], [1, 2]),
        ("three images and ten classes", rng.normal(size=(3, 10)), [0, 4, 5, 9]),
        ("one image with logits of about 1,000", [[1000.0, 1001.0, 999.0]], [0, 1]),
    ):
        call = (np.array(logits), members)
        yield from called(
            answer,
            call,
            Array(right(*call), kind="f"),
            name="group_probability",
            mistakes=mistakes,
            hint="First turn each row of logits into probabilities of all classes. Which of them are wanted?",
            label=f"The result for {label},",
            verb="is",
        )


def _not_finite(got: Any) -> bool:
    return not np.isfinite(np.asarray(got, dtype=float)).all()


def careless(images: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """Normalize bytes as if they were pixels from 0 to 1, with one number for all colors: what is handed out."""
    return (images - np.mean(mean)) / np.mean(std)


@exercise("transfer/prepare-images", "repaired", "a repaired function prepare(images, mean, std)", broken=careless)
def prepare_images(answer: Any) -> Iterator[Case]:
    """Turn bytes (n, h, w, 3) into normalized float32 images: pixels from 0 to 1, then mean and std of each color."""

    def right(x: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
        return ((x / 255 - np.array(mean)) / np.array(std)).astype(np.float32)

    mistakes = [
        Mistake(
            "The mean and the std belong to pixels from 0 to 1; these are still bytes.",
            gives=lambda x, mean, std: (x - np.array(mean)) / np.array(std),
        ),
        Mistake(
            "Each color has a mean and a std of its own.",
            gives=lambda x, mean, std: (x / 255 - np.mean(mean)) / np.mean(std),
        ),
        Mistake("The pixels are right now. The normalization is missing.", gives=lambda x, mean, std: x / 255),
        Mistake(
            "First the mean is taken off, then the std divides.",
            gives=lambda x, mean, std: x / 255 / std - np.array(mean),
        ),
        Mistake("The std divides; it does not multiply.", gives=lambda x, mean, std: (x / 255 - np.array(mean)) * std),
        Mistake(
            "A byte of 255 is a pixel of 1: divide by 255.",
            gives=lambda x, mean, std: (x / 256 - np.array(mean)) / np.array(std),
        ),
        Mistake(
            "These are not the mean and the std that the function is given.",
            gives=lambda x, mean, std: (x / 255 - x.mean((0, 1, 2)) / 255) / (x.std((0, 1, 2)) / 255 + 1e-9),
        ),
    ]
    rng = np.random.default_rng(2)
    ramp = np.array([[[[0, 51, 255], [255, 0, 102]]]], dtype=np.uint8)
    for label, images, mean, std in (
        ("one image of 1 x 2 pixels", ramp, MEAN, STD),
        ("two images of 4 x 5 pixels", rng.integers(0, 256, (2, 4, 5, 3), dtype=np.uint8), MEAN, STD),
        ("another mean and std", rng.integers(0, 256, (1, 3, 3, 3), dtype=np.uint8), (0.1, 0.2, 0.3), (0.5, 0.4, 0.3)),
    ):
        call = (images, mean, std)
        yield from called(
            answer,
            call,
            Array(right(*call), kind="f", rel=1e-4),
            name="prepare",
            mistakes=mistakes,
            hint="Two steps: bytes become pixels from 0 to 1; then each color is moved and scaled by its own two numbers.",
            label=f"The result for {label},",
            verb="is",
        )


BASE, OLD, WIDTH = 2_223_872, 1_281_000, 1280  # MobileNetV2 without its head, its head, and the features it ends with


@exercise("transfer/parameters-of-a-new-head", "value", "a whole number")
def parameters_of_a_new_head(answer: Any) -> Iterator[Case]:
    """Count MobileNetV2's parameters after its head was exchanged for one of 8 classes."""
    weights = WIDTH * 8
    mistakes = [
        Mistake("The new head is missing: weights and biases for 8 classes.", gives=BASE),
        Mistake("Each of the 8 classes has a bias, too.", gives=BASE + weights),
        Mistake("The old head is gone: subtract its parameters.", gives=BASE + OLD + weights + 8),
        Mistake("This is the network with its old head.", gives=BASE + OLD),
        Mistake("This is the new head alone. The base counts, too.", gives=weights + 8),
        Mistake(
            "The old head is a weight for each feature and class, and a bias for each class: take all of it off.",
            gives=BASE + 1000 + weights + 8,
        ),
        Mistake("There is one bias for each class, not for each feature.", gives=BASE + weights + WIDTH),
    ]
    hint = "The head reads 1,280 features. Take the old head's parameters off, and add those of the new one."
    yield from value(answer, Integer(BASE + weights + 8), mistakes=mistakes, hint=hint)
