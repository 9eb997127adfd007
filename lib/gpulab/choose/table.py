"""The predictions behind a choice as one table of plain data: what the widget ranks in a page, with no Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from gpulab.choose.costs import WAITING
from gpulab.choose.need import SIXTEEN, Need, software
from gpulab.choose.option import bound, busy_watts, doubts, one_device, predicted
from gpulab.choose.ready import READY
from gpulab.estimate import EstimateError
from gpulab.estimate.device_model import rates
from gpulab.hardware import catalog

BATCHES = (0.25, 1, 4)  # times the usual batch


def table(models: Iterable[str] = tuple(READY)) -> dict[str, Any]:
    """Return devices, and for each ready-made workload, mode, precision and a few batches what every device needs.

    Returns
    -------
    dict
        ``devices``: id, name, kind, software, memory in GB of what a program sees as one, watts, price, year, what to
        beware of.
        ``works``: for each a model, mode, precision and batch, the samples of a job, the memory of a step in GB, and
        ``runs``: by device, in the order of ``devices``, milliseconds of a step, watts while computing and what bounds
        it, or ``None`` where it cannot compute so. ``waiting`` is the share of the power that a waiting device draws.
    """
    rows = [_device(each) for each in catalog().values()]
    kinds = product(models, ("train", "infer"), (SIXTEEN, "fp32"))
    works = [work for kind in kinds for work in _works(*kind)]
    return {"devices": rows, "works": works, "waiting": WAITING}


def _device(each: Any) -> dict[str, Any]:
    one = one_device(each)
    return {"id": each.id, "name": each.name, "kind": each.kind, "software": software(each), "gb": one.memory_gb,
            "w": each.tdp_w, "part": one.tdp_w and one.tdp_w / each.tdp_w, "usd": each.launch_price_usd,
            "year": each.year, "beware": "; ".join((*_weak(each), *doubts(each)))}  # fmt: skip


def _weak(each: Any) -> tuple[str, ...]:
    try:
        return rates(each, "fp32").warnings
    except EstimateError:
        return ()


def _works(model: str, mode: str, precision: str) -> list[Mapping[str, Any]]:
    ready = READY[model]
    usual = ready.batch if mode == "train" else ready.infer_batch
    batches = sorted({max(1, round(usual * factor)) for factor in BATCHES})
    return [_work(Need(model, batch, precision, mode), ready.application) for batch in batches]


def _work(need: Need, application: str) -> dict[str, Any]:
    work, runs, held = need.workload(), [], 0.0
    for each in catalog().values():
        try:
            guess, _ = predicted(need, work, one_device(each))
        except EstimateError:
            runs.append(None)
            continue
        held = guess.peak_memory_gb
        watts = busy_watts(guess)
        runs.append([_short(guess.step_time_s * 1000), None if watts is None else _short(watts), bound(guess)[0]])
    return {"model": need.name, "application": application, "words": READY[need.name].words, "mode": need.mode,
            "precision": need.precision, "batch": need.steps_of, "samples": need.amount, "gb": _short(held),
            "runs": runs}  # fmt: skip


def _short(figure: float) -> float:
    """Return a figure to five digits: the page stays small, and no ranking changes."""
    return float(f"{figure:.5g}")
