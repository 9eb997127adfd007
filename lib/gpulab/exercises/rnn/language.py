"""Exercises on language models of characters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Number
from gpulab.exercises.engine import exercise


@exercise(
    "rnn/bits-and-perplexity", "function", "a function bits_and_perplexity(p) of the true characters' probabilities"
)
def bits_and_perplexity(answer: Any) -> Iterator[Case]:
    """Measure a model from the probabilities that it gave to the characters that came."""
    mistakes = [
        Mistake("These are nats. A bit is the unit of the logarithm to the base two.", gives=_measured(np.log, np.exp)),
        Mistake(
            "The bits are right. The perplexity is two to the power of the bits, for they are counted in base two.",
            gives=lambda p: (_bits(p), np.exp(_bits(p))),
        ),
        Mistake(
            "Take the logarithm of each probability first, and the mean of the logarithms then.",
            gives=lambda p: (-np.log2(np.mean(p)), 1 / np.mean(p)),
        ),
        Mistake(
            "The sign: a logarithm of a probability is not positive, and bits are.",
            gives=lambda p: (-_bits(p), 2 ** -_bits(p)),
        ),
        Mistake(
            "This adds up. Bits per character are a mean.",
            gives=lambda p: (_bits(p) * len(p), 2 ** (_bits(p) * len(p))),
        ),
        Mistake("First the bits, then the perplexity.", gives=lambda p: (2 ** _bits(p), _bits(p))),
    ]
    hint = "How many bits does one character cost that had the probability p? Take the mean, then two to that power."
    for p in ([0.5, 0.5], [0.5, 0.125], [1.0, 0.25, 0.25], [0.9, 0.3, 0.01, 0.6]):
        yield from called(
            answer,
            (np.array(p),),
            Array([_bits(p), 2 ** _bits(p)]),
            name="bits_and_perplexity",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for the probabilities {p}",
            verb="is",
        )


def _bits(p: Any) -> float:
    return float(-np.log2(p).mean())


def _measured(log: Any, power: Any) -> Any:
    return lambda p: (-log(p).mean(), power(-log(p).mean()))


@exercise("rnn/smoothed-bigrams", "function", "a function smoothed(ids, symbols, alpha)")
def smoothed_bigrams(answer: Any) -> Iterator[Case]:
    """Count pairs, add alpha to each, and make a distribution of each row."""
    once = "`counts[a, b] += 1` with arrays counts a pair that comes twice only once. Use `np.add.at`, or a loop."
    mistakes = [
        Mistake(once, gives=_once),
        Mistake("The alphas are in the numerator only, so a row does not add up to one.", gives=_without_total),
        Mistake(
            "A row is the character before, a column the one that follows.",
            gives=lambda i, s, a: _smoothed(i, s, a, turn=True),
        ),
        Mistake("Each row must add up to one: what follows one given character.", gives=_over_all),
        Mistake("Add alpha to the counts, before you divide.", gives=_late),
        Mistake("These are counts. Divide each row by its sum.", gives=lambda i, s, a: _pairs(i, s) + a),
        Mistake("A text of n characters has one pair fewer: the last character is followed by nothing.", gives=_ring),
    ]
    hint = "Count how often `ids[t + 1]` follows `ids[t]`, add alpha to each count, and divide each row by its sum."
    for ids, symbols, alpha in (
        ([0, 1], 2, 1.0),
        ([0, 1, 0, 1, 1], 2, 1.0),
        ([0, 1, 2, 0, 1, 2, 0, 0], 3, 0.5),
        ([2, 2, 2, 2, 1], 4, 0.1),
    ):
        yield from called(
            answer,
            (np.array(ids), symbols, alpha),
            Array(_smoothed(ids, symbols, alpha)),
            name="smoothed",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for ids {ids}, {symbols} symbols and alpha {alpha}",
            verb="is",
        )


def _pairs(ids: Any, symbols: int) -> np.ndarray:
    counts = np.zeros((symbols, symbols))
    np.add.at(counts, (np.asarray(ids)[:-1], np.asarray(ids)[1:]), 1)
    return counts


def _smoothed(ids: Any, symbols: int, alpha: float, turn: bool = False) -> np.ndarray:
    counts = _pairs(ids, symbols) + alpha
    counts = counts.T if turn else counts
    return counts / counts.sum(axis=1, keepdims=True)


def _once(ids: Any, symbols: int, alpha: float) -> np.ndarray:
    counts = (_pairs(ids, symbols) > 0) + alpha
    return counts / counts.sum(axis=1, keepdims=True)


def _without_total(ids: Any, symbols: int, alpha: float) -> np.ndarray:
    counts = _pairs(ids, symbols)
    return (counts + alpha) / counts.sum(axis=1, keepdims=True)


def _over_all(ids: Any, symbols: int, alpha: float) -> np.ndarray:
    counts = _pairs(ids, symbols) + alpha
    return counts / counts.sum()


def _late(ids: Any, symbols: int, alpha: float) -> np.ndarray:
    counts = _pairs(ids, symbols)
    return counts / counts.sum(axis=1, keepdims=True).clip(min=1) + alpha


def _ring(ids: Any, symbols: int, alpha: float) -> np.ndarray:
    return _smoothed([*ids, ids[0]], symbols, alpha)


@exercise("rnn/top-p", "function", "a function top_p(p, mass) of one distribution")
def top_p(answer: Any) -> Iterator[Case]:
    """Keep the fewest most probable symbols that together have at least the mass, and make them add up to one."""
    mistakes = [
        Mistake(
            "What is left must add up to one again.",
            gives=lambda p, mass: _top_p(p, mass) * p[_top_p(p, mass) > 0].sum(),
        ),
        Mistake(
            "The symbol with which the sum reaches the mass is kept, too.",
            gives=lambda p, mass: _top_p(p, mass, more=-1),
        ),
        Mistake(
            "One symbol too many: stop as soon as the sum has reached the mass.",
            gives=lambda p, mass: _top_p(p, mass, more=1),
        ),
        Mistake("Compare the running sum with the mass, not each single probability.", gives=_each_alone),
        Mistake(
            "The symbols must stay in their places. You return them sorted.",
            gives=lambda p, mass: np.sort(_top_p(p, mass))[::-1],
        ),
        Mistake("Begin with the most probable symbol, not with the least probable one.", gives=_from_below),
        Mistake("Sort first: the running sum goes from the most probable symbol down.", gives=_unsorted),
    ]
    hint = "Sort from the most probable down, take running sums, and see which symbols are needed to reach the mass."
    for p, mass in (
        ([0.6, 0.4], 0.5),
        ([0.5, 0.3, 0.2], 0.7),
        ([0.2, 0.1, 0.4, 0.3], 0.65),
        ([0.05, 0.15, 0.5, 0.05, 0.25], 0.8),
        ([0.25, 0.35, 0.4], 1.0),
    ):
        yield from called(
            answer,
            (np.array(p), mass),
            Array(_top_p(np.array(p), mass)),
            name="top_p",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for p = {p} and mass {mass}",
            verb="is",
        )


def _kept(p: np.ndarray, order: np.ndarray, mass: float, more: int = 0) -> np.ndarray:
    count = int((p[order].cumsum() < mass - 1e-9).sum()) + 1 + more
    q = np.zeros_like(p)
    q[order[:count]] = p[order[:count]]
    return q / q.sum()


def _top_p(p: np.ndarray, mass: float, more: int = 0) -> np.ndarray:
    return _kept(p, np.argsort(-p, kind="stable"), mass, more)


def _from_below(p: np.ndarray, mass: float) -> np.ndarray:
    return _kept(p, np.argsort(p, kind="stable"), mass)


def _unsorted(p: np.ndarray, mass: float) -> np.ndarray:
    return _kept(p, np.arange(len(p)), mass)


def _each_alone(p: np.ndarray, mass: float) -> np.ndarray:
    q = np.where(p >= mass, p, 0)
    return q / q.sum() if q.any() else q


@exercise("rnn/overlapping-pieces", "function", "a function windows(ids, length, stride)")
def overlapping_pieces(answer: Any) -> Iterator[Case]:
    """Cut a text into pieces that overlap, with their targets."""
    mistakes = [
        Mistake(
            "The targets are the inputs themselves. They must be one character later.",
            gives=lambda i, n, s: _windows(i, n, s, shift=0),
        ),
        Mistake("The targets begin one stride later. The next character is one place further.", gives=_by_stride),
        Mistake(
            "The targets are the characters before. The network is to predict what follows.",
            gives=lambda i, n, s: _windows(i, n, s)[::-1],
        ),
        Mistake(
            "A piece at the end still fits, with its targets.",
            gives=lambda i, n, s: tuple(a[:-1] for a in _windows(i, n, s)),
        ),
        Mistake(
            "These pieces do not overlap as asked: a new one begins every `stride` characters.",
            gives=lambda i, n, s: _windows(i, n, n),
        ),
        Mistake("The stride is 1 here, whatever was asked for.", gives=lambda i, n, s: _windows(i, n, 1)),
    ]
    hint = "A piece that begins at s has the inputs `ids[s : s + length]`. Where do its targets begin and end?"
    for ids, length, stride in ((6, 2, 1), (8, 3, 2), (10, 4, 5), (11, 4, 3)):
        yield from called(
            answer,
            (np.arange(ids) * 3 % 7, length, stride),
            Array(np.array(_windows(np.arange(ids) * 3 % 7, length, stride)), kind="iu"),
            name="windows",
            mistakes=mistakes,
            hint=hint,
            label=f"The pair for {ids} characters, length {length} and stride {stride}",
            verb="is",
        )


def _windows(ids: np.ndarray, length: int, stride: int, shift: int = 1) -> tuple[np.ndarray, np.ndarray]:
    starts = range(0, len(ids) - length, stride)
    x = np.array([ids[s : s + length] for s in starts])
    return x, np.array([ids[s + shift : s + shift + length] for s in starts])


def _by_stride(ids: np.ndarray, length: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    x = _windows(ids, length, stride)[0]
    return x[:-1], x[1:]


@exercise("rnn/encode-unknown", "function", "a function numbers(text, alphabet)")
def encode_unknown(answer: Any) -> Iterator[Case]:
    """Give each character its place in the alphabet, and each unknown one a number of its own kind."""
    mistakes = [
        Mistake(
            "Unknown characters are dropped. Each must stay, as the number after the last of the alphabet.",
            gives=_dropped,
        ),
        Mistake(
            "`find` says -1 for what it does not find, and -1 as an index is the last character.",
            gives=lambda t, a: [a.find(c) for c in t],
        ),
        Mistake(
            "These are the numbers of Unicode. A character's number is its place in the alphabet.",
            gives=lambda t, a: [ord(c) for c in t],
        ),
        Mistake(
            "The places are counted from one. Count from zero, as arrays do.",
            gives=lambda t, a: [n + 1 for n in _numbers(t, a)],
        ),
        Mistake(
            "The number for an unknown character is taken: it is that of the last known one.",
            gives=lambda t, a: [min(n, len(a) - 1) for n in _numbers(t, a)],
        ),
    ]
    hint = "A known character gets its place in the alphabet, counted from zero; all others get the next free number."
    for text, alphabet in (("ab", "ab"), ("bad", "abcd"), ("a-b", "ab"), ("Café!", "acef "), ("zebra", "abcdef")):
        yield from called(
            answer,
            (text, alphabet),
            Array(_numbers(text, alphabet), kind="iu"),
            name="numbers",
            mistakes=mistakes,
            hint=hint,
        )


def _numbers(text: str, alphabet: str) -> list[int]:
    return [alphabet.index(c) if c in alphabet else len(alphabet) for c in text]


def _dropped(text: str, alphabet: str) -> list[int]:
    return [alphabet.index(c) for c in text if c in alphabet]


@exercise("rnn/temperature-for-bits", "function", "a function temperature_for(logits, bits)")
def temperature_for_bits(answer: Any) -> Iterator[Case]:
    """Find the temperature at which a distribution has a given entropy."""
    mistakes = [
        Mistake(
            "The entropy is asked for in bits, and this is right for nats.",
            gives=lambda z, b: _temperature(z, b / np.log(2)),
        ),
        Mistake(
            "The logits are divided by the temperature, not multiplied.",
            gives=lambda z, b: 1 / _temperature(z, b),
        ),
        Mistake("You went the wrong way: a higher temperature gives more entropy.", when=lambda t: t > 40 or t < 0.02),
    ]
    hint = "The entropy rises with the temperature. Begin with a wide interval, and halve it again and again."
    for logits, temperature in (
        ([0.0, 1.0], 1.0),
        ([0.0, 1.0, 2.0], 0.5),
        ([3.0, 1.0, 0.0, -1.0], 2.0),
        ([4.0, 3.5, 0.0, 0.0, -2.0], 1.3),
    ):
        z = np.array(logits)
        bits = round(_entropy(z / temperature), 3)
        yield from called(
            answer,
            (z, bits),
            Number(_temperature(z, bits), rel=1e-3),
            name="temperature_for",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for the logits {logits} and {bits} bits",
            verb="is",
        )


def _entropy(z: np.ndarray) -> float:
    p = np.exp(z - z.max())
    p = p / p.sum()
    return float(-(p * np.log2(np.maximum(p, 1e-300))).sum())


def _temperature(z: np.ndarray, bits: float) -> float:
    low, high = 0.01, 100.0
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _entropy(z / middle) < bits else (low, middle)
    return low
