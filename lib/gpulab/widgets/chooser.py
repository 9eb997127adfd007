"""The explorer that ranks devices for a workload: predictions made in advance, limits and prices set in the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpulab.widgets import still
from gpulab.widgets.core import Explorer

SHOWN = 5


def chooser(table: Mapping[str, Any]) -> Explorer:
    """Return the explorer of a choice.

    Parameters
    ----------
    table : mapping
        What ``gpulab.choose.table()`` returns: devices, and what each takes for each of the ready-made workloads.

    Examples
    --------
    >>> device = {"id": "a", "name": "A", "kind": "consumer", "software": "cuda", "gb": 8, "w": 100, "part": 1,
    ...           "usd": 300, "year": 2020}
    >>> work = {"model": "m", "application": "text", "words": "w", "mode": "train", "precision": "16-bit", "batch": 8,
    ...         "samples": 8000, "gb": 2.0, "runs": [[10.0, 80.0, "m"]]}
    >>> chooser({"devices": [device], "works": [work] * 3, "waiting": 0.45}).alt.partition(".")[0]
    'A bar chart of predicted hours for m'
    """
    work = _start(table)
    runs = [(run[0], each) for run, each in zip(work["runs"], table["devices"], strict=True)
            if run and each["usd"] is not None and (each["gb"] is None or work["gb"] <= each["gb"])]  # fmt: skip
    first = sorted(runs, key=lambda pair: (pair[0], pair[1]["usd"], pair[1]["id"]))[:SHOWN]
    hours = [(ms / 1000 / work["batch"] * work["samples"] / 3600, each) for ms, each in first]
    said = ", ".join(f"{each['name']} {value:.0f} h" for value, each in hours)
    return Explorer(
        name="chooser",
        title="Explorer: which device for which work",
        still=_bars(work, hours),
        alt=f"A bar chart of predicted hours for {work['model']}. From the fastest with a launch price: {said}. The "
        "live figure ranks all devices under limits of budget, power and software, with reasons.",
        data=table,
    )


def _start(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the work that the figure opens with: the first model's training at its usual batch."""
    first = table["works"][0]
    same = ("model", "mode", "precision")
    return [work for work in table["works"] if all(work[key] == first[key] for key in same)][1]


def _bars(work: Mapping[str, Any], hours: list[tuple[float, Mapping[str, Any]]]) -> str:
    longest = max(value for value, _ in hours)
    parts = [still.words(0, 16, f"{work['words']}: hours for {work['samples']:,} samples (predicted)")]
    for place, (value, each) in enumerate(hours):
        top = 30 + 30 * place
        width = 220 * value / longest
        parts.append(still.words(0, top + 15, each["name"]))
        parts.append(f"<rect x='250' y='{top}' width='{width:.1f}' height='20' fill='#0072B2'/>")
        parts.append(still.words(256 + width, top + 15, f"{value:.0f} h, {each['usd']:,.0f} USD ({each['year']})"))
    return still.picture(parts, 640, 40 + 30 * len(hours))
