"""Energy and CO2 of a run: measured where there is a counter, else estimated and labeled so.

>>> from gpulab import energy
>>> used = energy.estimate(seconds=3600, watts=350, utilization=0.8)
>>> print(used)
280 Wh in 3600 s (estimate: 350 W x 0.8 x time)
>>> print(f"{energy.co2_g(used, 'SWE', pue=1.2):.0f} g in Sweden, {energy.co2_g(used, 'POL', pue=1.2):.0f} g in Poland")
14 g in Sweden, 222 g in Poland
"""

from __future__ import annotations

from gpulab.energy.callback import MeterCallback
from gpulab.energy.grid import SOURCE as GRID_SOURCE, Country, co2_g, country, grid
from gpulab.energy.meter import Meter
from gpulab.energy.result import Energy, EnergyError, Part, estimate
from gpulab.energy.sources import WATTS_PER_CORE

__all__ = [
    "GRID_SOURCE",
    "WATTS_PER_CORE",
    "Country",
    "Energy",
    "EnergyError",
    "Meter",
    "MeterCallback",
    "Part",
    "co2_g",
    "country",
    "estimate",
    "grid",
]
