"""The device in use, and the catalog of accelerators with a source per figure."""

from __future__ import annotations

from gpulab.hardware.catalog import AS_OF, Device, HardwareError, catalog, device
from gpulab.hardware.caveats import caveats
from gpulab.hardware.facts import Machine
from gpulab.hardware.listing import table
from gpulab.hardware.machine import Accelerator, accelerator, machine
from gpulab.hardware.names import match
from gpulab.hardware.rules import Finding, Level, findings


def examine(found: Machine | None = None, *, deep: bool | None = None) -> tuple[Finding, ...]:
    """Return what is right and wrong with this machine, in the order of ``gpulab doctor``'s report.

    Parameters
    ----------
    found : Machine, optional
        Facts to look at; those of this machine if left out.
    deep : bool, optional
        As in `machine`, where the facts are gathered here.

    Examples
    --------
    >>> [finding.topic for finding in examine(deep=False)][:2]
    ['System', 'CPU']
    """
    return findings(found or machine(deep=deep))


__all__ = [
    "AS_OF", "Accelerator", "Device", "Finding", "HardwareError", "Level", "Machine",
    "accelerator", "catalog", "caveats", "device", "examine", "machine", "match", "table",
]  # fmt: skip
