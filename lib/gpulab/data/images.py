"""Load a data set of images: verified, split, as float32 in 0..1, channels last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gpulab import assets
from gpulab.data.cards import Card, cards
from gpulab.data.splits import by_hash, groups, look_alike

SHARES = {"digits": (0.7, 0.1, 0.2), "photos": (0.6, 0.15, 0.25), "emoji": (0.6, 0.15, 0.25)}


class Split(NamedTuple):
    """Images and labels of one part of a data set.

    Attributes
    ----------
    x : ndarray, (n, height, width, channels), float32 in 0..1
    y : ndarray, (n,), int64
        The class of each image: an index into :attr:`DataSet.classes`.
    """

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class DataSet:
    """A data set in three parts that share no image.

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
        return f"{self.card.title}: {sizes} images (train / valid / test) of shape {self.card.shape}"


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from safetensors.numpy import load_file

    tensors = load_file(assets.file("digits"))
    return tensors["images"][..., None], tensors["labels"]


def _archive(name: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(assets.file(name), allow_pickle=False) as archive:
        return archive["images"], archive["labels"]


def raw(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return all images, uint8 (n, height, width, channels), and labels, int (n,), in the order they came."""
    return _digits() if name == "digits" else _archive(name)


def load(name: str) -> DataSet:
    """Load a data set of images.

    Parameters
    ----------
    name : {"digits", "photos", "emoji"}

    Returns
    -------
    DataSet
        Pixels are float32 in 0..1, channels last; labels are int64.

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
    """
    if name not in cards():
        raise ValueError(f"There is no data set {name!r}. Choose one of: {', '.join(sorted(cards()))}.")
    images, labels = raw(name)
    # Digits are too many and too plain for near copies to mean anything: only equal images are kept together.
    group = None if name == "digits" else groups(look_alike(images))
    parts = by_hash(images, labels, SHARES[name], group)
    splits = (Split(images[i].astype(np.float32) / 255, labels[i].astype(np.int64)) for i in parts)
    return DataSet(*splits, card=cards()[name])
