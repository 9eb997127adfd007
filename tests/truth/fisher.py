"""The diagonal of the Fisher information of a linear classifier, written out."""

from __future__ import annotations

import numpy as np


def linear_fisher(x: np.ndarray, logits: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return it for the weight (d, classes) and the bias (classes,): a class is drawn for each sample, as fisher does.

    The gradient of the log probability of class c is (one-hot of c - probabilities), times x for the weight.
    """
    odds = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    draws = np.random.default_rng(seed).random((len(x), 1))
    drawn = (draws > np.cumsum(odds, axis=1)).sum(axis=1)
    wrong = np.eye(odds.shape[1])[drawn] - odds
    per_sample = x[:, :, None] * wrong[:, None, :]
    return (per_sample**2).mean(axis=0), (wrong**2).mean(axis=0)
