"""Answers to the exercises on fine-tuning."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def stage_rates(stages, lr, decay):
    return lr * decay ** np.arange(stages)[::-1]


def merged(w, a, b, alpha):
    return w + alpha / a.shape[1] * a @ b


ANSWERS = {
    "transfer/rates-by-stage": Answers(
        stage_rates,
        [
            (lambda n, lr, d: stage_rates(n, lr, d)[::-1], "from the input to the head"),
            (lambda n, lr, d: d * stage_rates(n, lr, d), "gets the full rate"),
            (lambda n, lr, d: lr * (1 - (1 - d) * np.arange(n)[::-1]), "no difference"),
            (lambda n, lr, d: np.array([lr * d] * (n - 1) + [lr]), "differ among each other"),
            (lambda n, lr, d: stage_rates(n, lr, 1 / d), "makes it grow"),
        ],
    ),
    "transfer/merged-weights": Answers(
        merged,
        [
            (lambda w, a, b, alpha: w + a @ b, "alpha over the rank"),
            (lambda w, a, b, alpha: w + alpha * a @ b, "divided by the rank"),
            (lambda w, a, b, alpha: w + alpha / len(a) * a @ b, "not its rows"),
            (lambda w, a, b, alpha: alpha / a.shape[1] * a @ b, "still needed"),
            (lambda w, a, b, alpha: 2 * w - merged(w, a, b, alpha), "not taken away"),
        ],
    ),
    "transfer/training-memory": Answers(
        lambda total, trainable: 4 * total + 12 * trainable,
        [
            (lambda total, trainable: 16 * total, "A frozen weight has no gradient"),
            (lambda total, trainable: 4 * total + 8 * trainable, "one number for each trainable weight"),
            (lambda total, trainable: 4 * total + 4 * trainable, "moments are missing"),
            (lambda total, trainable: 16 * trainable, "frozen weights lie in memory"),
            (lambda total, trainable: total + 3 * trainable, "four bytes"),
        ],
    ),
    "transfer/open-groups": Answers(
        lambda epoch, every, groups: min(groups, 1 + epoch // every),
        [
            (lambda epoch, every, groups: 1 + epoch // every, "no more groups"),
            (lambda epoch, every, groups: min(groups, epoch // every), "open from the start"),
            (lambda epoch, every, groups: min(groups, 1 + epoch), "not after each"),
            (lambda epoch, every, groups: min(groups, 1 - (-epoch // every)), "When is the next one due"),
        ],
    ),
}
