"""The command ``gpulab``: what a learner or a teacher does outside a notebook.

Each command is a module of its own here, with one function ``add`` that adds it to the grammar.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from gpulab.assets import AssetError
from gpulab.bench import BenchError
from gpulab.choose import ChooseError
from gpulab.cli import assets, bench, choose, doctor, energy, estimate
from gpulab.energy import EnergyError
from gpulab.estimate import EstimateError
from gpulab.hardware import HardwareError

COMMANDS = (assets, bench, energy, doctor, estimate, choose)
# What a command raises on purpose: shown as one line, without a traceback.
ERRORS = (AssetError, BenchError, EnergyError, HardwareError, EstimateError, ChooseError)


def parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    top = argparse.ArgumentParser(prog="gpulab", description="Helpers of the course")
    areas = top.add_subparsers(dest="area", required=True, metavar="AREA")
    for command in COMMANDS:
        command.add(areas)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status.

    Examples
    --------
    >>> main(["assets", "verify", "photos"])
    photos: ok
    0
    """
    arguments = parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except BrokenPipeError:  # the reader of a pipe has seen enough, as in `gpulab energy grid | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ERRORS as error:
        print(f"gpulab: {error}", file=sys.stderr)
        return 1
