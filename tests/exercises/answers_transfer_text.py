"""Answers to the exercises on sentence encoders."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def mean_of_tokens(states, tokens):
    real = tokens != 0
    return np.einsum("ntd,nt->nd", states, real) / real.sum(axis=1, keepdims=True)


def nearest(query, vectors, k):
    unit = vectors / np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    return (unit @ query).argsort()[::-1][:k]


def join(pieces):
    words = []
    for piece in pieces:
        if piece.startswith("##"):
            words[-1] += piece[2:]
        else:
            words.append(piece)
    return " ".join(words)


def unseen(train, test):
    known = set(" ".join(train).lower().split())
    words = " ".join(test).lower().split()
    return np.mean([word not in known for word in words])


ANSWERS = {
    "transfer/mean-of-tokens": Answers(
        mean_of_tokens,
        [
            (lambda states, tokens: states.mean(axis=1), "the padding are in this mean"),
            (lambda states, tokens: (states * (tokens != 0)[:, :, None]).mean(axis=1), "divided by all rows"),
            (lambda states, tokens: (states * (tokens != 0)[:, :, None]).sum(axis=1), "this is the sum"),
            (lambda states, tokens: states[:, 0], "the first token alone"),
            (lambda states, tokens: np.where((tokens != 0)[:, :, None], states, -9).max(axis=1), "the largest state"),
            (lambda states, tokens: (states * (tokens != 0)[:, :, None]).sum(axis=1) / (tokens != 0).sum(), "one of its own"),
            (lambda states, tokens: states[:, -1], "which rows of the states"),
        ],
    ),
    "transfer/nearest-sentences": Answers(
        nearest,
        [
            (lambda q, v, k: np.argsort(-(v @ q))[:k], "because it is long"),
            (lambda q, v, k: np.argsort(v @ q / np.linalg.norm(v, axis=1))[:k], "sorts upward"),
            (lambda q, v, k: nearest(q, v, k)[::-1], "stands last"),
            (lambda q, v, k: np.argsort(np.linalg.norm(v - q, axis=1))[:k], "by distance"),
            (lambda q, v, k: np.sort(v @ q / np.linalg.norm(v, axis=1))[::-1][:k], "these are cosines"),
            (lambda q, v, k: nearest(q, v, k + 1)[1:], "very best one is missing"),
        ],
    ),
    "transfer/join-pieces": Answers(
        join,
        [
            (lambda pieces: " ".join(pieces), "without a space"),
            (lambda pieces: "".join(pieces).replace("##", ""), "starts a new word"),
            (lambda pieces: " ".join(pieces).replace(" ##", "##"), "still there"),
            (lambda pieces: " ".join(pieces).replace("##", ""), "a space is left"),
            (lambda pieces: "".join(p[2:] if p.startswith("##") else " " + p for p in pieces), "space at the start"),
            (lambda pieces: " ".join(pieces).replace(" ##", "").replace("##", ""), "startswith"),
            (lambda pieces: pieces, "a string is asked for"),
        ],
    ),
    "transfer/unseen-words": Answers(
        unseen,
        [
            (lambda train, test: 1 - unseen(train, test), "that were seen"),
            (lambda train, test: unseen(train, sorted(set(" ".join(test).lower().split()))), "counts once"),
            (
                lambda train, test: np.mean([w not in " ".join(train).split() for w in " ".join(test).split()]),
                "use `lower()`",
            ),
            (lambda train, test: unseen(test, train), "the test texts lack"),
            (lambda train, test: float(unseen(train, test) * len(" ".join(test).split())), "a number of words"),
            (lambda train, test: 100 * unseen(train, test), "between 0 and 1"),
        ],
    ),
}
