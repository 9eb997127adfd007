"""Answers to the exercises on using a pretrained model as it is."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def softmax(z):
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


ANSWERS = {
    "transfer/first-answers": Answers(
        lambda logits, k: logits.argsort(axis=1)[:, ::-1][:, :k],
        [
            (lambda logits, k: np.argsort(logits)[:, -k:], "other order"),
            (lambda logits, k: np.argsort(logits)[:, :k], "lowest logits"),
            (lambda logits, k: np.sort(logits)[:, ::-1][:, :k], "places in a row"),
            (lambda logits, k: logits.argmax(axis=1), "not k of them"),
            (lambda logits, k: np.zeros((len(logits), k), int), "NumPy sorts upward"),
        ],
    ),
    "transfer/probability-of-a-group": Answers(
        lambda logits, members: np.take(softmax(logits), members, axis=1).sum(axis=1),
        [
            (lambda logits, members: softmax(logits[:, members]).sum(axis=1), "softmax first"),
            (lambda logits, members: softmax(logits)[:, members].max(axis=1), "add up"),
            (lambda logits, members: softmax(logits)[:, members].mean(axis=1), "a mean gets smaller"),
            (lambda logits, members: logits[:, members].sum(axis=1), "no probabilities"),
            (lambda logits, members: softmax(logits)[:, members].sum(), "One for each row"),
            (lambda logits, members: (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))[:, members].sum(axis=1), "overflow"),
        ],
    ),
    "transfer/prepare-images": Answers(
        lambda images, mean, std: ((images / 255.0 - np.asarray(mean)) / np.asarray(std)).astype(np.float32),
        [
            (lambda images, mean, std: (images.astype(float) - mean) / std, "still bytes"),
            (lambda images, mean, std: (images / 255 - np.mean(mean)) / np.mean(std), "of its own"),
            (lambda images, mean, std: images / 255, "normalization is missing"),
            (lambda images, mean, std: images / 255 / std - np.asarray(mean), "First the mean"),
            (lambda images, mean, std: (images / 255 - np.asarray(mean)) * std, "divides"),
            (lambda images, mean, std: images, "Two steps"),
        ],
    ),
    "transfer/parameters-of-a-new-head": Answers(
        2_223_872 + 1281 * 8,
        [
            (2_223_872, "new head is missing"),
            (2_223_872 + 1280 * 8, "a bias, too"),
            (3_504_872 + 1281 * 8, "old head is gone"),
            (3_504_872, "with its old head"),
            (10_248, "alone"),
            (12, "1,280 features"),
        ],
    ),
}
