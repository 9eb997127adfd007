"""Pictures of machines: the roofline, and where a machine stands among others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gpulab.bench.roof import roofline as limit
from gpulab.plots.look import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE, POINTS, RIDGE = COLORS[0], COLORS[1], "#555555"
KINDS = {  # each kind of device has a color and a shape of its own
    "cpu": (COLORS[6], "s"),
    "integrated": (COLORS[3], "v"),
    "consumer": (COLORS[0], "o"),
    "workstation": (COLORS[5], "D"),
    "datacenter": (COLORS[2], "^"),
    "tpu": (COLORS[4], "P"),
}


def roofline(
    peak_tflops: float,
    bandwidth_gb_s: float,
    points: Iterable[tuple[str, float, float]] = (),
    *,
    title: str = "Roofline",
) -> Figure:
    """Draw how fast an operation can be on a machine, by its arithmetic intensity, and how fast some are.

    Parameters
    ----------
    peak_tflops : float
        Highest rate of arithmetic, TFLOPS.
    bandwidth_gb_s : float
        Memory bandwidth, GB/s (1e9 bytes).
    points : iterable of (str, float, float)
        Operations: name, arithmetic intensity in FLOP/B, rate in TFLOPS.
    title : str

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        A number is not above 0, so it has no place on a logarithmic axis.
    """
    import matplotlib.pyplot as plt
    import numpy as np

    points = list(points)
    _check([("peak_tflops", peak_tflops), ("bandwidth_gb_s", bandwidth_gb_s)])
    _check([(name, value) for name, *values in points for value in values])
    slope = bandwidth_gb_s / 1000  # TB/s: times FLOP/B it is TFLOPS
    ridge = peak_tflops / slope
    known = [ridge, *(intensity for _, intensity, _ in points)]
    intensities = np.geomspace(min(known) / 10, max(known) * 10, 200)
    figure, ax = plt.subplots()
    ax.plot(intensities, limit(intensities, peak_tflops, slope), color=LINE, linewidth=2)
    ax.axvline(ridge, color=RIDGE, linestyle=":", linewidth=1)
    ax.annotate(f"ridge: {ridge:.3g} FLOP/B", (ridge, peak_tflops), (4, -14), textcoords="offset points", fontsize=9)
    for name, intensity, rate in points:
        ax.plot(intensity, rate, "o", color=POINTS)
        ax.annotate(name, (intensity, rate), (5, -12), textcoords="offset points", fontsize=9)
    ax.set(xscale="log", yscale="log", title=title)
    ax.set(xlabel="arithmetic intensity (FLOP/B)", ylabel="rate (TFLOPS)")
    return figure


def place_in_catalog(
    tflops: float,
    bandwidth_gb_s: float,
    devices: Iterable[Any],
    *,
    label: str = "this machine",
    named: Sequence[str] = (),
    title: str = "Where this machine stands",
) -> Figure:
    """Draw a machine among devices, by memory bandwidth and rate of arithmetic in single precision.

    The devices stand at their published peaks. What was measured on a machine stays below its own peak.

    Parameters
    ----------
    tflops : float
        Rate of the machine in single precision, TFLOPS.
    bandwidth_gb_s : float
        Its memory bandwidth, GB/s (1e9 bytes).
    devices : iterable of Device
        Rows of ``gpulab.hardware.catalog()``. Those without a figure for single precision are left out.
    label : str
        What to write at the machine.
    named : sequence of str
        Ids of the devices to write names at.
    title : str

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        A number is not above 0, or a named device is not among the devices drawn.
    """
    import matplotlib.pyplot as plt

    _check([("tflops", tflops), ("bandwidth_gb_s", bandwidth_gb_s)])
    drawn = [device for device in devices if device.fp32_tflops]
    if lost := set(named) - {device.id for device in drawn}:
        raise ValueError(f"named has {', '.join(sorted(lost))}, which is not among the devices with an fp32 rate.")
    figure, ax = plt.subplots(figsize=(6.4, 4.4))
    for kind, (color, marker) in KINDS.items():
        _scatter(ax, [device for device in drawn if device.kind == kind], kind, color, marker)
    for device in drawn:
        if device.id in named:
            _write(ax, device.name, device.bandwidth_gb_s, device.fp32_tflops)
    ax.plot(bandwidth_gb_s, tflops, "*", color=POINTS, markersize=16, markeredgecolor="black", label=label)
    _write(ax, label, bandwidth_gb_s, tflops, weight="bold")
    ax.set(xscale="log", yscale="log", title=title)
    ax.set(xlabel="memory bandwidth (GB/s)", ylabel="single precision (TFLOPS)")
    ax.legend(fontsize=8, loc="upper left")
    return figure


def _scatter(ax: Axes, devices: Sequence[Any], kind: str, color: str, marker: str) -> None:
    """Draw the devices of one kind."""
    if devices:
        across, up = [each.bandwidth_gb_s for each in devices], [each.fp32_tflops for each in devices]
        ax.scatter(across, up, s=26, color=color, marker=marker, alpha=0.75, label=kind)


def _write(ax: Axes, text: str, across: float, up: float, weight: str = "normal") -> None:
    ax.annotate(text, (across, up), (7, -9), textcoords="offset points", fontsize=8, fontweight=weight)


def _check(named: Iterable[tuple[str, float]]) -> None:
    """Raise ValueError if a number has no place on a logarithmic axis."""
    for name, value in named:
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} has {value}; expected a number above 0, for a logarithmic axis.")
