"""Answers to the exercises of the labs on convolutional networks that need no framework."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from gpulab.data import load

from tests.exercises.walk import Answers, Made


def by_class(counts):
    return counts.diagonal() / counts.sum(axis=1)


def moved_down(images, pixels):
    return np.pad(images, ((0, 0), (pixels, 0), (0, 0), (0, 0)))[:, : images.shape[1]]


def moved_right(images, pixels):
    return np.pad(images, ((0, 0), (0, 0), (pixels, 0), (0, 0)))[:, :, : images.shape[2]]


def drawn(
    move=moved_down,
    percent=1,
    xlabel="shift down (pixels)",
    ylabel="accuracy",
    title="Moving down",
    first=0,
    swap=False,
):
    """Return a function that draws what the exercise asks for, or a variant of it."""

    def draw():
        digits = load("digits")
        x, y = digits.train
        means = np.stack([x[y == k].mean(axis=0).ravel() for k in range(10)])
        shares = []
        for n in range(first, 7):
            images = move(digits.valid.x, n).reshape(500, -1)
            nearest = ((images[:, None] - means) ** 2).sum(axis=-1).argmin(axis=1)
            shares.append(percent * (nearest == digits.valid.y).mean())
        figure, ax = plt.subplots()
        data = (list(range(first, 7)), shares)
        ax.plot(*(data[::-1] if swap else data))
        ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
        plt.close(figure)
        return ax

    return Made(draw)


def depthwise(x, w, sides=(1, 2), fewer=0):
    """The right one; or with loops over other sides of the image, or over fewer places."""
    k = len(w)
    rows, columns = (x.shape[side] - k + 1 - fewer for side in sides)
    y = np.zeros((len(x), rows, columns, x.shape[3]))
    for i, j in np.ndindex(rows, columns):
        y[:, i, j] = (x[:, i : i + k, j : j + k] * w).sum(axis=(1, 2))
    return y


def padded_depthwise(x, w):
    sides = ((len(w) - 1) // 2, len(w) // 2)
    return depthwise(np.pad(x, ((0, 0), sides, sides, (0, 0))), w)


def worst_of_row(counts):
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    row = int(wrong.sum(axis=1).argmax())
    return row, int(wrong[row].argmax())


def worst_of_column(counts):
    return worst_of_row(counts.T)[::-1]


def worst_pair(counts):
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    return tuple(int(n) for n in np.unravel_index(wrong.argmax(), wrong.shape))


def shuffled(x, y, seed):
    order = np.random.default_rng(seed).permutation(len(x))
    return x[order], y[order]


def drawn_with_repeats(x, y, seed):
    chosen = np.random.default_rng(seed).integers(len(x), size=len(x))
    return x[chosen], y[chosen]


def shuffled_each(x, y, seed):
    rng = np.random.default_rng(seed)
    rng.shuffle(x)
    rng.shuffle(y)
    return x, y


def shuffled_by(generator):
    """Return a function that takes its order from a generator that may not know the seed."""

    def shuffle(x, y, seed):
        order = generator(seed).permutation(len(x))
        return x[order], y[order]

    return shuffle


def handed_out_shuffled(x: np.ndarray, y: np.ndarray, seed: int):
    """Return images and labels in a random order."""  # another docstring, and a comment: the same lines
    rng = np.random.default_rng(seed)
    return x[rng.permutation(len(x))], y[rng.permutation(len(y))]


def prepare(images):
    return images.astype(np.float32) / 255


def report(answers_of, train, valid):
    return {name: float((answers_of(x) == y).mean()) for name, (x, y) in (("train", train), ("valid", valid))}


def of_both(answers_of, train, valid):
    both = tuple(np.concatenate(pair) for pair in zip(train, valid, strict=True))
    return report(answers_of, train, both)


ANSWERS = {
    "cnn/accuracy-by-class": Answers(
        by_class,
        [
            (lambda counts: counts.diagonal() / counts.sum(axis=0), "images of the class, a row"),
            (lambda counts: counts.diagonal() / counts.sum(), "not by all images"),
            (lambda counts: counts.trace() / counts.sum(), "all classes together"),
            (lambda counts: counts.diagonal() * 1.0, "these are counts"),
            (lambda counts: 1 - by_class(counts), "wrong answers"),
            (lambda counts: counts.diagonal(), "floats are asked for"),
        ],
    ),
    "cnn/plot-moved-down": Answers(
        drawn(),
        [
            (drawn(moved_right), "down: along the axis of the rows"),
            (drawn(lambda images, n: moved_down(images[:, ::-1], n)[:, ::-1]), "digits moved up"),
            (drawn(percent=100), "not percent"),
            (drawn(xlabel=""), "label of the x axis"),
            (drawn(ylabel="y"), "does not say what is drawn"),
            (drawn(xlabel="shift"), "the unit is missing"),
            (drawn(title=""), "the title is empty"),
            (drawn(first=1), "not the right shape"),
            (drawn(first=1), "x is the shift in pixels"),
            (drawn(swap=True), "takes x first"),
            (Made(lambda: plt.figure()), "the axes of a plot are asked for"),
        ],
    ),
    "cnn/depthwise": Answers(
        depthwise,
        [
            (lambda x, w: depthwise(x, w).sum(axis=-1, keepdims=True), "stay apart"),
            (lambda x, w: depthwise(x, w).sum(axis=-1), "stay apart"),
            (lambda x, w: depthwise(x, np.repeat(w[:, :, :1], w.shape[2], axis=2)), "filter of its own"),
            (lambda x, w: depthwise(x, w[::-1, ::-1]), "not turned around"),
            (padded_depthwise, "smaller than the image"),
            (lambda x, w: depthwise(x, w, sides=(1, 1)), "need not be a square"),
            (lambda x, w: depthwise(x, w, fewer=1), "n − k + 1"),
            (lambda x, w: x @ w, "with an array of shape (1, 2, 2, 1) and an array of shape (2, 2, 1)"),
            (lambda x, w: None, "the function returns nothing"),
        ],
    ),
    "cnn/worst-pair": Answers(
        worst_pair,
        [
            (lambda counts: tuple(map(int, np.unravel_index(counts.argmax(), counts.shape))), "diagonal"),
            (lambda counts: worst_pair(counts)[::-1], "first the true class"),
            (lambda counts: int((counts * (1 - np.eye(len(counts)))).argmax()), "np.unravel_index"),
            (lambda counts: worst_pair(counts + counts.T), "one direction"),
            (worst_of_row, "the most errors in all"),
            (worst_of_column, "wrong most often in all"),
            (lambda counts: int(worst_pair(counts)[0]), "two numbers are asked for"),
            (lambda counts: (*worst_pair(counts), 0), "two numbers are asked for"),
            (lambda counts: worst_pair(counts / counts.sum(axis=1, keepdims=True)), "how often"),
            (lambda counts: int((counts * (1 - np.eye(len(counts)))).max()), "how often it happened"),
        ],
    ),
    "cnn/repair-shuffle": Answers(
        shuffled,
        [
            (lambda x, y, seed: (x, y), "nothing is shuffled"),
            (lambda x, y, seed: (shuffled(x, y, seed)[0], y), "the same order"),
            (drawn_with_repeats, "exactly once"),
            (lambda x, y, seed: shuffled(x, y, seed)[0], "a pair of arrays"),
            (lambda x, y, seed: (shuffled(x, y, seed)[0], shuffled(x, y, seed + 1)[1]), "draw one order"),
            (shuffled_each, "images and labels get different orders"),
            (shuffled_by(lambda seed: np.random.default_rng()), "twice with the same seed"),
            (shuffled_by(lambda seed: np.random.default_rng(0)), "with two different seeds"),
        ],
    ),
    "cnn/repair-scale": Answers(
        prepare,
        [
            (lambda images: images.astype(np.float32) / 256, "brightest byte"),
            (lambda images: (images // 255).astype(np.float32), "without rest"),
            (lambda images: (images / images.max()).astype(np.float32), "in another batch"),
            (lambda images: images / 255, "float32"),
            (lambda images: images.astype(np.float32) / 255 - 0.5, "black must stay"),
        ],
    ),
    "cnn/repair-report": Answers(
        report,
        [
            (lambda f, train, valid: report(f, valid, train), "changed over"),
            (lambda f, train, valid: report(f, valid, valid), "now both are measured"),
            (of_both, "measure it alone"),
            (lambda f, train, valid: {k: 100 * v for k, v in report(f, train, valid).items()}, "between 0 and 1"),
            (lambda f, train, valid: tuple(report(f, train, valid).values()), "a dictionary"),
        ],
    ),
}
