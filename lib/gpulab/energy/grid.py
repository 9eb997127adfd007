"""From energy to CO2: how much greenhouse gas a kWh of electricity stands for, by country.

The figures are a country's mean over a year, in grams of CO2-equivalent. They leave out the hour, the region, contracts
for green power, and what it took to make the machine.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType

from gpulab.energy.result import Energy, EnergyError, check_quantity

FILE = Path(__file__).with_name("grid.csv")
SOURCE = "codecarbon 3.3.2 (MIT License), from Our World in Data; world: IEA 2019"


@dataclass(frozen=True)
class Country:
    """The electricity of one country.

    Attributes
    ----------
    code : str
        ISO 3166 alpha-3, such as ``"FRA"``; ``"WLD"`` for the world.
    name : str
    g_per_kwh : float
        Grams of CO2-equivalent per kWh.
    year : int
        The year of the figure.
    """

    code: str
    name: str
    g_per_kwh: float
    year: int


@cache
def grid() -> Mapping[str, Country]:
    """Return every country by its code, and the world as ``"WLD"``.

    Examples
    --------
    >>> grid()["SWE"]
    Country(code='SWE', name='Sweden', g_per_kwh=40.695, year=2023)
    """
    with FILE.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(line for line in lines if not line.startswith("#"))
        found = [Country(row["code"], row["country"], float(row["g_per_kwh"]), int(row["year"])) for row in rows]
    return MappingProxyType({each.code: each for each in found})


def country(name: str) -> Country:
    """Return a country by its code or its name, in any case.

    Raises
    ------
    EnergyError
        There is no such country; the message names similar ones.

    Examples
    --------
    >>> country("fra") == country("France")
    True
    """
    wanted = str(name).casefold()
    for each in grid().values():
        if wanted in (each.code.casefold(), each.name.casefold()):
            return each
    labels = {spelling.casefold(): each for each in grid().values() for spelling in (each.name, each.code)}
    near = [labels[match] for match in get_close_matches(wanted, labels, n=3, cutoff=0.5)]
    similar = ", ".join(f"{each.code} ({each.name})" for each in dict.fromkeys(near)) or "FRA, USA, WLD (the world)"
    raise EnergyError(f"no country {name!r}. Give a code such as: {similar}. All: python -m gpulab energy grid")


def co2_g(energy: Energy | float, country: str = "WLD", pue: float = 1.0) -> float:
    """Return the greenhouse gases of a run, in grams of CO2-equivalent: energy x PUE x intensity of the grid.

    The formula is that of Strubell et al. (2019, arXiv:1906.02243) and Patterson et al. (2021, arXiv:2104.10350).

    Parameters
    ----------
    energy : Energy or float
        What a :class:`Meter` measured, or a number of watt-hours.
    country : str
        Where the electricity comes from: a code such as ``"FRA"``, or a name; by default the world.
    pue : float
        Power usage effectiveness: the energy of the whole data center over the energy of its computers. 1 for a
        computer at home; Strubell et al. (2019) use 1.58, a mean of data centers then.

    Raises
    ------
    EnergyError
        There is no such country, the energy is negative, or the PUE is below 1.

    Examples
    --------
    >>> round(co2_g(1000, "FRA"), 3), round(co2_g(1000, "FRA", pue=1.5), 4)
    (56.039, 84.0585)
    """
    wh = energy.wh if isinstance(energy, Energy) else check_quantity("energy (in Wh)", energy)
    return wh / 1000 * check_quantity("pue", pue, least=1) * _intensity(country)


def _intensity(name: str) -> float:
    return country(name).g_per_kwh
