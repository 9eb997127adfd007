"""Answers to the exercises of the chapters on convolutional networks, beside those in answers_cnn.py."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from tests.exercises.walk import Answers

SOBEL = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])


def multiply_adds(n, k, c_in, c_out, stride=1):
    side = (n - k) // stride + 1
    return side * side * k * k * c_in * c_out


def still_empty(*_):
    raise NotImplementedError()


def receptive_field(layers):
    size, step = 1, 1
    for k, stride in layers:
        size += (k - 1) * step
        step *= stride
    return size


def pool_gradient(x, g, k, stride, places=None):
    dx = np.zeros_like(x)
    for i, j in np.ndindex(places or g.shape):
        top, left = i * stride, j * stride
        row, column = np.unravel_index(x[top : top + k, left : left + k].argmax(), (k, k))
        dx[top + row, left + column] += g[i, j]
    return dx


def pool_gradient_without_sum(x, g, k, stride):
    dx = np.zeros_like(x)
    for i, j in np.ndindex(g.shape):
        row, column = np.unravel_index(x[i * stride : i * stride + k, j * stride : j * stride + k].argmax(), (k, k))
        dx[i * stride + row, j * stride + column] = g[i, j]
    return dx


def pool_gradient_to_all_ties(x, g, k, stride):
    dx = np.zeros_like(x)
    for i, j in np.ndindex(g.shape):
        place = slice(i * stride, i * stride + k), slice(j * stride, j * stride + k)
        dx[place] += g[i, j] * (x[place] == x[place].max())
    return dx


def cross_entropy(z, y):
    z = z - z.max(axis=1, keepdims=True)
    return float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]).mean())


def unsafe_cross_entropy(z, y):
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y]).mean()


def late_cross_entropy(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y]).mean()


def parameters(sizes):
    return sum(a * b + b for a, b in pairwise(sizes))


def layer_gradients(X, W, b, T):  # noqa: N803  the page's letters
    g = 2 * (X @ W + b - T) / len(X)
    return X.T @ g, g.sum(axis=0)


def steps(images, batch, epochs):
    return -(-images // batch) * epochs


def warm_up(step, total):
    return min(1.0, step / (0.1 * total))


ANSWERS = {
    "cnn/batch-shape": Answers(
        (32, 3, 224, 200),
        [
            ((32, 224, 200, 3), "stand last"),
            ((32, 3, 200, 224), "first the height"),
            ((3, 224, 200), "one image"),
            ((32, 224, 200), "an axis of its own"),
            ((3, 32, 224, 200), "images stay in front"),
            (32 * 3 * 224 * 200, "a shape is asked for"),
            ((32, 1, 224, 200), "one after the other"),
        ],
    ),
    "cnn/horizontal-edges": Answers(
        SOBEL,
        [
            (SOBEL.T, "each row of weights"),
            (np.ones((3, 3)) / 9, "add up to"),
            (np.zeros((3, 3)), "must differ"),
            (SOBEL.ravel(), "small image"),
            (SOBEL + 1, "add up to"),
            (np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]), "each row of weights"),
        ],
    ),
    "cnn/multiply-adds": Answers(
        multiply_adds,
        [
            (lambda n, k, c_in, c_out, stride=1: k * k * c_in * c_out, "in every place"),
            (lambda n, k, c_in, c_out, stride=1: n * n * k * k * c_in * c_out, "not the pixels of the input"),
            (lambda n, k, c_in, c_out, stride=1: (n - k + 1) ** 2 * k * k * c_out, "reads all channels"),
            (lambda n, k, c_in, c_out, stride=1: (n - k + 1) ** 2 * (k * k * c_in + 1) * c_out, "bias"),
            (lambda n, k, c_in, c_out, stride=1: (n - k + 1) ** 2 * k * k * c_in * c_out, "stride makes"),
            (
                lambda n, k, c_in, c_out, stride=1: ((n - k) / stride + 1) ** 2 * k * k * c_in * c_out,
                "divides and rounds down",
            ),
            (lambda n, k, c_in, c_out, stride=1: (n - k + 1) * k * k * c_in * c_out, "a square"),
            (lambda n, k, c_in, c_out, stride=1: still_empty(n, k) ** 2, "calls `still_empty`, which is not written"),
            (lambda n, k, c_in, c_out, stride=1: (n - k + 1) ** 2 * k * c_in * c_out, "rows and columns"),
            (lambda n, k, c_in, c_out: multiply_adds(n, k, c_in, c_out), "unexpected keyword argument 'stride'"),
        ],
    ),
    "cnn/receptive-field": Answers(
        receptive_field,
        [
            (lambda layers: 1 + sum(k - 1 for k, _ in layers), "make a step longer"),
            (lambda layers: receptive_field(layers) - 1, "sees one"),
            (lambda layers: math.prod(k for k, _ in layers), "do not multiply"),
            (lambda layers: sum(k for k, _ in layers), "already counted"),
            (lambda layers: receptive_field([(k, 1) for k, _ in layers]), "make a step longer"),
            (lambda layers: receptive_field([(1, s) for _, s in layers]), "keep two numbers"),
        ],
    ),
    "cnn/overlapping-pool": Answers(
        pool_gradient,
        [
            (pool_gradient_without_sum, "add up"),
            (pool_gradient_to_all_ties, "only the first"),
            (lambda x, g, k, stride: pool_gradient(x, g, k, k), "where does the next window start"),
            (lambda x, g, k, stride: np.full_like(x, g.sum() / x.size), "average pooling"),
            (lambda x, g, k, stride: g, "find its largest pixel"),
            (lambda x, g, k, stride: pool_gradient(x, g, k, stride).ravel(), "the shape of x"),
            (lambda x, g, k, stride: pool_gradient(x, g, k, stride, (len(g), len(g))), "need not be a square"),
            (lambda x, g, k, stride: pool_gradient(x, g, k, stride, (min(g.shape),) * 2), "need not be a square"),
        ],
    ),
    "cnn/first-loss": Answers(
        math.log(1000),
        [
            (0.001, "probability of one class"),
            (-math.log(1000), "not negative"),
            (3.0, "base 10"),
            (9.97, "bits"),
            (2.3, "ten classes"),
            (1.0, "which one"),
            ("ln 1000", "a number is asked for"),
        ],
    ),
    "cnn/cross-entropy": Answers(
        cross_entropy,
        [
            (unsafe_cross_entropy, "overflows"),
            (late_cross_entropy, "rounds to zero"),
            (lambda z, y: -np.log(still_empty(z)[0, y]), "calls `still_empty`, which is not written"),
            (lambda z, y: cross_entropy(z, y) * len(y), "averaged over the images"),
            (lambda z, y: -cross_entropy(z, y), "minus that"),
            (lambda z, y: -z[np.arange(len(y)), y].mean(), "softmax comes first"),
            (lambda z, y: cross_entropy(z, y) / math.log(10), "natural one"),
            (lambda z, y: np.array([cross_entropy(z[i : i + 1], y[i : i + 1]) for i in range(len(y))]), "one number"),
            (lambda z, y: np.mean([cross_entropy(z, np.full(len(z), k)) for k in range(z.shape[1])]), "true class"),
        ],
    ),
    "cnn/dense-parameters": Answers(
        parameters,
        [
            (lambda sizes: sum(a * b for a, b in pairwise(sizes)), "a bias, too"),
            (lambda sizes: math.prod(sizes), "multiply neighbors"),
            (lambda sizes: parameters(sizes) + sizes[0], "no neurons"),
            (lambda sizes: sum(a * b + a for a, b in pairwise(sizes)), "not to an input"),
            (lambda sizes: parameters(sizes[:2]), "more layers than one"),
            (lambda sizes: sum(a * b + 1 for a, b in pairwise(sizes)), "not one in all"),
        ],
    ),
    "cnn/dense-gradient": Answers(
        layer_gradients,
        [
            (lambda X, W, b, T: tuple(len(X) * g for g in layer_gradients(X, W, b, T)), "divide by their number"),
            (lambda X, W, b, T: tuple(g / 2 for g in layer_gradients(X, W, b, T)), "brings a factor down"),
            (lambda X, W, b, T: tuple(-g for g in layer_gradients(X, W, b, T)), "the sign"),
            (lambda X, W, b, T: (layer_gradients(X, W, b, T)[0].T, layer_gradients(X, W, b, T)[1]), "the shape of W"),
            (lambda X, W, b, T: (layer_gradients(X, W, b, T)[0], 2 * (X @ W + b - T) / len(X)), "in every image"),
            (
                lambda X, W, b, T: (layer_gradients(X, W, b, T)[0], layer_gradients(X, W, b, T)[1].sum()),
                "one number for each neuron",
            ),
            (lambda X, W, b, T: tuple(g / T.shape[1] for g in layer_gradients(X, W, b, T)), "of images only"),
            (
                lambda X, W, b, T: (layer_gradients(X, W, b, T)[0], layer_gradients(X, W, b, T)[1] / len(b)),
                "of images only",
            ),
            (lambda X, W, b, T: layer_gradients(X, W, b, T)[0], "must return two arrays"),
        ],
    ),
    "cnn/steps": Answers(
        steps,
        [
            (lambda images, batch, epochs: images // batch * epochs, "may be smaller"),
            (lambda images, batch, epochs: images / batch * epochs, "number of steps is whole"),
            (lambda images, batch, epochs: -(-images * epochs // batch), "starts anew"),
            (lambda images, batch, epochs: -(-images // batch), "one epoch"),
            (lambda images, batch, epochs: images * epochs, "not an image"),
            (lambda images, batch, epochs: (images // batch + 1) * epochs, "no further one"),
            (lambda images, batch, epochs: round(images / batch + 0.5) * epochs, "no further one"),
        ],
    ),
    "cnn/warm-up": Answers(
        warm_up,
        [
            (lambda step, total: step / (0.1 * total), "stays at one"),
            (lambda step, total: step / total, "through the whole run"),
            (lambda step, total: float(step >= total / 10), "jumps"),
            (lambda step, total: min(1.0, step / 10), "depends on `total`"),
            (lambda step, total: min(1.0, (step + 1) / (0.1 * total)), "the first step"),
            (lambda step, total: 1 - warm_up(step, total), "does not fall"),
            (lambda step, total: min(1.0, step / (0.2 * total)), "which share"),
            (lambda step, total: min(1, step / (total // 10)), "do not round it"),
            (lambda step, total: min(1, step / max(1, total // 10)), "do not round it"),
            (lambda step, total: min(1, step / math.ceil(total / 10)), "do not round it"),
        ],
    ),
}
