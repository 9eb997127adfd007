"""Exercises on sentence encoders with few labels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Difference, Number, show
from gpulab.exercises.engine import exercise


@exercise("transfer/mean-of-tokens", "function", "a function mean_of_tokens(states, tokens)")
def mean_of_tokens(answer: Any) -> Iterator[Case]:
    """Average the states of the tokens that are no padding; states is (n, T, d), tokens is (n, T)."""

    def real(tokens: np.ndarray) -> np.ndarray:
        return (tokens != 0)[:, :, None]

    mistakes = [
        Mistake("The states of the padding are in this mean. Token 0 is padding.", gives=lambda s, t: s.mean(axis=1)),
        Mistake(
            "The padding is taken out of the sum, but the sum is divided by all rows of the array.",
            gives=lambda s, t: (s * real(t)).mean(axis=1),
        ),
        Mistake(
            "This is the sum. Divide it by the number of tokens that count.",
            gives=lambda s, t: (s * real(t)).sum(axis=1),
        ),
        Mistake("This is the state of the first token alone.", gives=lambda s, t: s[:, 0]),
        Mistake(
            "This is the largest state. Asked for is the mean.",
            gives=lambda s, t: np.where(real(t), s, -np.inf).max(axis=1),
        ),
        Mistake(
            "All sentences are in one mean. Each sentence has one of its own.",
            gives=lambda s, t: (s * real(t)).sum(axis=1) / real(t).sum(),
        ),
    ]
    rng = np.random.default_rng(0)
    plain = np.array([[[2.0, 0.0], [4.0, 1.0], [9.0, 9.0]]])
    several = rng.normal(size=(3, 5, 4)).round(2)
    steps = (5, 2, 3)
    numbers = np.array([[7 + j if j < n else 0 for j in range(5)] for n in steps])
    means = [several[i, :n].mean(axis=0) for i, n in enumerate(steps)]
    for label, states, tokens, right in (
        ("two tokens and one of padding", plain, np.array([[5, 6, 0]]), [[3.0, 0.5]]),
        ("three sentences of 5, 2 and 3 tokens", several, numbers, means),
    ):
        yield from called(
            answer,
            (states, tokens),
            Array(right, kind="f"),
            name="mean_of_tokens",
            mistakes=mistakes,
            hint="Which rows of the states belong to tokens that are not 0, and how many are there in each sentence?",
            label=f"The result for {label}",
            verb="is",
        )


@exercise("transfer/nearest-sentences", "function", "a function nearest(query, vectors, k)")
def nearest_sentences(answer: Any) -> Iterator[Case]:
    """Return the places of the k vectors with the highest cosine to a query, the best one first."""

    def by(score: Any, sign: int = -1, first: int = 0) -> Any:
        def mistaken(query: np.ndarray, vectors: np.ndarray, k: int) -> np.ndarray:
            return np.argsort(sign * score(query, vectors), kind="stable")[first : first + k]

        return mistaken

    def cosine(query: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        return vectors @ query / np.linalg.norm(vectors, axis=1)

    mistakes = [
        Mistake(
            "A long vector wins here because it is long. Divide each product by the length of the vector.",
            gives=by(lambda q, v: v @ q),
        ),
        Mistake("These are the farthest ones: `np.argsort` sorts upward.", gives=by(cosine, sign=1)),
        Mistake(
            "The best ones are there, but the best of all stands last.", gives=lambda q, v, k: by(cosine)(q, v, k)[::-1]
        ),
        Mistake(
            "These are the nearest by distance. The cosine knows directions only.",
            gives=by(lambda q, v: -np.linalg.norm(v - q, axis=1)),
        ),
        Mistake(
            "These are cosines. Asked for are the places of the vectors.", gives=lambda q, v, k: -np.sort(-cosine(q, v))[:k]
        ),
        Mistake("The very best one is missing.", gives=by(cosine, first=1)),
    ]
    small = np.array([[9.0, 9.0], [1.0, 0.1], [0.0, 1.0], [5.0, 2.5]])
    rng = np.random.default_rng(3)
    large = rng.normal(size=(20, 6)) * rng.uniform(0.2, 5, size=(20, 1))
    unit = large / np.linalg.norm(large, axis=1, keepdims=True)
    order = sorted(range(20), key=lambda i: float(np.linalg.norm(unit[i] - unit[4])))  # the smallest angle first
    for label, query, vectors, k, right in (
        ("four vectors and the query [1, 0], k = 2,", np.array([1.0, 0.0]), small, 2, [1, 3]),
        ("20 vectors and k = 5", 2 * large[4], large, 5, order[:5]),
    ):
        yield from called(
            answer,
            (query, vectors, k),
            Array(right),
            name="nearest",
            mistakes=mistakes,
            hint="Compute the cosine of the query with each row, then look at the order that `np.argsort` gives.",
            label=f"The result for {label}",
            verb="is",
        )


class Text:
    """A text, letter by letter."""

    def __init__(self, value: str) -> None:
        self.value = value

    def difference(self, got: Any) -> Difference | None:
        """Return what is wrong with a text."""
        if not isinstance(got, str):
            return Difference(show(got), f", a {type(got).__name__}; a string is asked for")
        return None if got == self.value else Difference(show(got))

    def secrets(self) -> list[str]:
        """Return what feedback must not show."""
        return [self.value] if " " in self.value else []


@exercise("transfer/join-pieces", "function", "a function join(pieces)")
def join_pieces(answer: Any) -> Iterator[Case]:
    """Put the pieces of a tokenizer together again: ## marks a piece that goes on with a word."""
    mistakes = [
        Mistake("Pieces with `##` belong to the word before them, without a space.", gives=" ".join),
        Mistake(
            "The words have run into one: a piece without `##` starts a new word.",
            gives=lambda p: "".join(p).replace("##", ""),
        ),
        Mistake(
            "The marks `##` are still there.",
            gives=lambda p: "".join(x if x.startswith("##") else f" {x}" for x in p).strip(),
        ),
        Mistake(
            "The marks are gone, but a space is left inside the words.",
            gives=lambda p: " ".join(p).replace("##", ""),
        ),
        Mistake(
            "There is a space at the start.",
            gives=lambda p: "".join(x[2:] if x.startswith("##") else f" {x}" for x in p),
        ),
        Mistake(
            "A piece goes on with a word only if the mark stands at its start: look at `startswith`.",
            gives=lambda p: " ".join(p).replace(" ##", "").replace("##", ""),
        ),
    ]
    for pieces, right in (
        (["kitten"], "kitten"),
        (["un", "##ins", "##pired"], "uninspired"),
        (["the", "go", "##bbled", "##y", "##go", "##ok", "of", "critics"], "the gobbledygook of critics"),
        (["no", "c##", "un", "##fair"], "no c## unfair"),
    ):
        yield from called(
            answer,
            (pieces,),
            Text(right),
            name="join",
            mistakes=mistakes,
            hint="Go through the pieces, and decide for each whether a space comes before it.",
        )


@exercise("transfer/unseen-words", "function", "a function unseen(train, test)")
def unseen_words(answer: Any) -> Iterator[Case]:
    """Return which share of the words of the test texts occurs in no training text."""

    def words(texts: list[str], lower: bool = True) -> list[str]:
        return [word for text in texts for word in (text.lower() if lower else text).split()]

    def share(of: list[str], known: list[str]) -> float:
        return sum(word not in known for word in of) / len(of)

    mistakes = [
        Mistake("This is the share of words that were seen.", gives=lambda a, b: 1 - share(words(b), words(a))),
        Mistake(
            "Each different word counts once here. Count each place where a word stands.",
            gives=lambda a, b: share(sorted(set(words(b))), words(a)),
        ),
        Mistake(
            "Capitals make another word here. Use `lower()`.", gives=lambda a, b: share(words(b, False), words(a, False))
        ),
        Mistake("These are training words that the test texts lack.", gives=lambda a, b: share(words(a), words(b))),
        Mistake("This is a number of words. Divide it.", gives=lambda a, b: sum(word not in words(a) for word in words(b))),
        Mistake("Percent: a share lies between 0 and 1.", gives=lambda a, b: 100 * share(words(b), words(a))),
        Mistake(
            "These are letters that were not seen, not words: use `split()`.",
            gives=lambda a, b: share(list("".join(b)), list("".join(a))),
        ),
    ]
    for train, test, right in (
        (["a good film"], ["a bad film"], 1 / 3),
        (["So good"], ["good but so so long"], 2 / 5),
        (["one two", "Three two"], ["two Four", "four", "five one"], 3 / 5),
    ):
        yield from called(
            answer,
            (train, test),
            Number(right),
            name="unseen",
            mistakes=mistakes,
            hint="Make one set of all training words, and ask of each word of the test texts whether it is in it.",
        )
