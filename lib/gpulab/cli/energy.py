"""``gpulab energy``: what an amount of energy stands for in CO2, country by country."""

from __future__ import annotations

import argparse

from gpulab import energy


def convert(arguments: argparse.Namespace) -> int:
    """Print the CO2 of an amount of energy."""
    if arguments.wh is None:
        example = "python -m gpulab energy --wh 12 --country SWE --pue 1.2"
        raise energy.EnergyError(f"how much energy? For example: {example}")
    where = energy.country(arguments.country)
    grams = energy.co2_g(arguments.wh, where.code, arguments.pue)
    print(f"{arguments.wh:g} Wh x PUE {arguments.pue:g} x {where.g_per_kwh:g} g/kWh = {grams:.3g} g CO2e")
    print(f"({where.name}, {where.year}; source: {energy.GRID_SOURCE})")
    return 0


def list_grid(arguments: argparse.Namespace) -> int:
    """Print every country, the cleanest electricity first."""
    for each in sorted(energy.grid().values(), key=lambda each: each.g_per_kwh):
        print(f"{each.code}  {each.g_per_kwh:7.1f} g CO2e/kWh  {each.year}  {each.name}")
    print(f"source: {energy.GRID_SOURCE}")
    return 0


def add(areas: argparse._SubParsersAction) -> None:
    """Add the command and its action to the grammar."""
    command = areas.add_parser("energy", help="CO2 of an amount of energy")
    command.add_argument("--wh", type=float, help="watt-hours")
    command.add_argument("--country", default="WLD", metavar="CODE", help="such as SWE; default: the world's mean")
    command.add_argument("--pue", type=float, default=1.0, help="power usage effectiveness; default: 1")
    command.set_defaults(run=convert)
    actions = command.add_subparsers(dest="action", metavar="ACTION")
    actions.add_parser("grid", help="list the countries").set_defaults(run=list_grid)
