"""Load a series: one number a year, a month or a week, to forecast."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from gpulab import assets
from gpulab.data.cards import SERIES, SeriesCard


@dataclass(frozen=True)
class Series:
    """Numbers measured at equal steps of time.

    Attributes
    ----------
    values : ndarray, (n,), float64
        In :attr:`unit`.
    times : ndarray, (n,), float64
        When, in years: 1958.5 is the middle of 1958. A yearly value has the number of its year, a monthly one the
        middle of the month, a weekly one its day.
    period : int
        Steps after which the course of the series about repeats.
    unit : str
        The unit of the values.
    card : SeriesCard
        Where it comes from and what to keep in mind.
    """

    values: np.ndarray
    times: np.ndarray
    period: int
    unit: str
    card: SeriesCard

    def __repr__(self) -> str:
        """Say what is in it, in one line."""
        first, last = int(self.times[0]), int(self.times[-1])
        return f"{self.card.title}: {len(self.values):,} values, {first} to {last}, in {self.unit}"


def _rows(filename: str) -> list[list[str]]:
    """Return the rows of one of the files, without the names of its columns."""
    with assets.file("series", filename).open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))[1:]


def _sunspots() -> tuple[np.ndarray, np.ndarray]:
    years, numbers = zip(*_rows("sunspots.csv"), strict=True)
    return np.array(years, np.float64), np.array(numbers, np.float64)


def _elnino() -> tuple[np.ndarray, np.ndarray]:
    table = np.array(_rows("elnino.csv"), np.float64)  # a row is a year and its 12 months
    return (table[:, :1] + (np.arange(12) + 0.5) / 12).ravel(), table[:, 1:].ravel()


def _co2() -> tuple[np.ndarray, np.ndarray]:
    days, numbers = zip(*_rows("co2.csv"), strict=True)
    times = np.array([_decimal_year(day) for day in days])
    known = np.array([number != "" for number in numbers])
    measured = np.array([float(number) for number in numbers if number])
    # A missing week lies on the straight line between the measured weeks around it.
    return times, np.round(np.interp(np.arange(len(days)), np.flatnonzero(known), measured), 3)


def _decimal_year(day: str) -> float:
    """Return a day written as YYYYMMDD in years."""
    when = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    start, end = date(when.year, 1, 1), date(when.year + 1, 1, 1)
    return when.year + (when - start).days / (end - start).days


READ: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {"sunspots": _sunspots, "elnino": _elnino, "co2": _co2}


def series(name: str) -> Series:
    """Load a series.

    Parameters
    ----------
    name : {"sunspots", "elnino", "co2"}
        The yearly number of sunspots, the monthly temperature of the sea off Peru, or the weekly share of carbon
        dioxide in the air at Mauna Loa, where weeks without a measurement are filled along a straight line.

    Returns
    -------
    Series

    Raises
    ------
    ValueError
        There is no series of that name.
    gpulab.assets.AssetError
        Its file is missing or damaged; the message says how to get it.

    Examples
    --------
    >>> series("sunspots")
    Sunspots: 309 values, 1700 to 2008, in sunspot number
    >>> series("elnino").period
    12
    """
    known = {card.name: card for card in SERIES}
    if name not in known:
        raise ValueError(f"There is no series {name!r}. Choose one of: {', '.join(sorted(known))}.")
    times, values = READ[name]()
    return Series(values, times, known[name].period, known[name].unit, known[name])
