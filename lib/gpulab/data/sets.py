"""Load a data set: verified, split, ready to train on. Images are float32 in 0..1, channels last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gpulab.data import images, sequences
from gpulab.data.cards import Card, cards
from gpulab.data.splits import by_hash, groups, look_alike

# Training, validation and test; the official test recordings of the vowels are a part of their own.
SHARES = {
    "digits": (0.7, 0.1, 0.2),
    "photos": (0.6, 0.15, 0.25),
    "emoji": (0.6, 0.15, 0.25),
    "names": (0.7, 0.1, 0.2),
    "snippets": (0.7, 0.1, 0.2),
    "vowels": (0.8, 0.2),
}


class Split(NamedTuple):
    """Samples and labels of one part of a data set.

    Attributes
    ----------
    x : ndarray, (n, ...)
        Images: float32 in 0..1, (n, height, width, channels). Sequences: tokens, int64 (n, steps), or features,
        float32 (n, steps, features), both with zeros at the end; or text, str (n,).
    y : ndarray, (n,), int64
        The class of each sample: an index into :attr:`DataSet.classes`.
    """

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class DataSet:
    """A data set in three parts that share no sample.

    Attributes
    ----------
    train, valid, test : Split
        Learn on the first, decide on the second, and report on the third, once.
    card : Card
        Where it comes from and what to keep in mind.
    """

    train: Split
    valid: Split
    test: Split
    card: Card

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the labels."""
        return self.card.classes

    def __repr__(self) -> str:
        """Say what is in it, in one line."""
        sizes = " / ".join(f"{len(part.y):,}" for part in (self.train, self.valid, self.test))
        shape = f" of shape {self.card.shape}" if self.card.shape else ""
        return f"{self.card.title}: {sizes} {self.card.samples} (train / valid / test){shape}"


def _images(name: str) -> list[Split]:
    x, labels = images.raw(name)
    # Digits are too many and too plain for near copies to mean anything: only equal images are kept together.
    group = None if name == "digits" else groups(look_alike(x))
    parts = by_hash(x, labels, SHARES[name], group)
    return [Split(x[i].astype(np.float32) / 255, labels[i].astype(np.int64)) for i in parts]


def _sequences(name: str) -> list[Split]:
    read = {"names": sequences.raw_names, "snippets": sequences.raw_snippets}
    x, y = sequences.in_order_of_hash(*(read[name]() if name in read else sequences.raw_vowels("train")))
    splits = [Split(x[i], y[i]) for i in by_hash(x, y, SHARES[name])]
    if name == "vowels":
        splits.append(Split(*sequences.in_order_of_hash(*sequences.raw_vowels("test"))))
    return splits


def load(name: str) -> DataSet:
    """Load a data set of images or of sequences.

    Parameters
    ----------
    name : {"digits", "photos", "emoji", "names", "vowels", "snippets"}
        Images: pixels are float32 in 0..1, channels last. Names: letters are int64, 1 to 26, then 0. Vowels: float32,
        (n, 29, 12), zeros after the end of a recording. Snippets: str.

    Returns
    -------
    DataSet
        Labels are int64.

    Raises
    ------
    ValueError
        There is no data set of that name.
    gpulab.assets.AssetError
        Its file is missing or damaged; the message says how to get it.

    Examples
    --------
    >>> load("emoji")
    Emoji: 539 / 137 / 224 images (train / valid / test) of shape (96, 96, 3)
    >>> load("vowels")
    Japanese vowels: 216 / 54 / 370 recordings (train / valid / test) of shape (29, 12)
    """
    if name not in cards():
        raise ValueError(f"There is no data set {name!r}. Choose one of: {', '.join(sorted(cards()))}.")
    splits = _images(name) if cards()[name].samples == "images" else _sequences(name)
    return DataSet(*splits, card=cards()[name])
