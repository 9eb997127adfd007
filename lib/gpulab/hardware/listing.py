"""The catalog as plain rows, for a notebook's table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields

from gpulab.hardware.catalog import Device, HardwareError, catalog, device
from gpulab.hardware.caveats import caveats

SHOWN = ("name", "year", "memory_gb", "bandwidth_gb_s", "fp32_tflops", "fp16_tflops", "tdp_w")


def table(devices: Iterable[Device | str] | None = None, columns: Sequence[str] = SHOWN) -> list[dict[str, object]]:
    """Return one plain row per device.

    Parameters
    ----------
    devices : iterable of Device or str, optional
        Devices or their ids, in the order wanted; every device if left out.
    columns : sequence of str
        Names of the attributes of `Device`, and ``"weak"``: the names of the figures that `caveats` lists.

    Raises
    ------
    HardwareError
        There is no such device or no such column.

    Examples
    --------
    >>> table(["t4", "a100-sxm-40gb"], ["name", "memory_gb"])
    [{'name': 'Tesla T4', 'memory_gb': 16.0}, {'name': 'A100 SXM4 40 GB', 'memory_gb': 40.0}]
    """
    known = [each.name for each in fields(Device)] + ["weak"]
    if wrong := [column for column in columns if column not in known]:
        raise HardwareError(f"no column {wrong[0]!r}. Columns: {', '.join(known)}")
    rows = catalog().values() if devices is None else devices
    chosen = [device(each) if isinstance(each, str) else each for each in rows]
    return [{column: _cell(each, column) for column in columns} for each in chosen]


def _cell(each: Device, column: str) -> object:
    return ", ".join(caveats(each)) if column == "weak" else getattr(each, column)
