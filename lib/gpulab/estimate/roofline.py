"""Seconds of each operator on a device: the roofline with one efficiency for each class of work.

An operator takes as long as its arithmetic or its memory traffic needs, whichever is longer (Williams, Waterman and
Patterson 2009), and never less than a kernel takes. A step takes as long as its operators, or as the host needs to start
them, whichever is longer.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from gpulab.estimate.device_model import Rates
from gpulab.estimate.operators import COMPUTING
from gpulab.estimate.workload import Op, Workload, value

FILE = Path(__file__).with_name("constants.json")
KERNEL_S = 4e-6  # the shortest kernel, its start included; not fitted
HOST_S = 55e-6  # the host's time for one operator, set by hand from latencies in validation.csv's source
SHARPNESS = 2.0  # how well arithmetic and memory traffic overlap: 1 not at all, infinity perfectly; set by hand
DEPTHWISE_BACKWARD = 4.0  # how much longer depthwise gradients take than traffic says; set by hand, from validation.csv


@dataclass(frozen=True)
class Constants:
    """The fitted constants; ``experiments/estimate_fit.py`` finds them.

    Attributes
    ----------
    matmul, conv : float
        How fast operands reach the tensor units, for matrix products and for convolutions: operations in 16 bits for each
        operation that the ordinary units could do, a multiprocessor counted as 64 of them. Wide tensor units starve
        first, which is why a share of the peak alone does not carry from one card to another.
    plain : float
        Share of the ordinary units' peak that products and convolutions reach in FP32.
    memory : float
        Share of the memory bandwidth that operators reach.
    step_s : float
        Seconds that one step of a recurrent layer takes at least.
    """

    matmul: float
    conv: float
    plain: float
    memory: float
    step_s: float


@cache
def constants() -> Constants:
    """Return the stored constants."""
    return Constants(**json.loads(FILE.read_text(encoding="utf-8"))["constants"])


@dataclass(frozen=True)
class Seconds:
    """An operator's time: what arithmetic alone and memory alone would take, and the whole."""

    compute: float
    memory: float
    overhead: float
    total: float

    @property
    def bound(self) -> str:
        """Which part is the longest."""
        parts = {"compute": self.compute, "memory": self.memory, "overhead": self.overhead}
        return max(parts, key=parts.__getitem__)


def op_seconds(op: Op, batch: int, rates: Rates, fitted: Constants, layout: float = 0.0) -> Seconds:
    """Return the seconds of one operator, once.

    Parameters
    ----------
    op : Op
    batch : int
    rates : Rates
        Of the device, at the precision.
    fitted : Constants
    layout : float
        Share of the layout changes around convolutions that happen: 0 with images channels-last, 1 without.
    """
    flops, moved = value(op.flops, batch), value(op.bytes, batch)
    if op.kind == "layout":
        if not (rates.tensor and layout):
            return Seconds(0.0, 0.0, 0.0, 0.0)
        moved *= layout
    if op.kind == "depthwise" and op.name in ("conv_images", "conv_weights"):
        moved *= DEPTHWISE_BACKWARD
    memory = moved / (rates.bytes * fitted.memory)
    compute = flops / arithmetic(op, rates, fitted) if flops else 0.0
    chain = op.steps * fitted.step_s  # each step waits for the one before it
    overhead = max(op.kernels * KERNEL_S, chain)
    return Seconds(compute, memory, overhead, max(both(compute, memory) + chain, overhead))


def both(compute: float, memory: float) -> float:
    """Return the time of arithmetic and memory traffic that overlap, but not perfectly."""
    return (compute**SHARPNESS + memory**SHARPNESS) ** (1 / SHARPNESS)


def arithmetic(op: Op, rates: Rates, fitted: Constants) -> float:
    """Return the operations per second that an operator reaches."""
    if op.kind == "depthwise" or op.kind not in COMPUTING:
        return rates.plain * fitted.plain
    if not rates.tensor:
        return rates.products * fitted.plain
    fed = rates.cores * (fitted.conv if op.kind == "conv" else fitted.matmul) * 16 / op.bits
    return 1.0 / (1.0 / rates.products + 1.0 / fed)


def step_seconds(work: Workload, rates: Rates, fitted: Constants, layout: float = 0.0) -> tuple[float, dict, dict]:
    """Return a step's seconds, the seconds by class, and the seconds by what bounds them."""
    by_class: dict[str, float] = {}
    by_bound = {"compute": 0.0, "memory": 0.0, "overhead": 0.0}
    started = 0.0
    for op in work.ops:
        once = op_seconds(op, work.batch, rates, fitted, layout)
        by_class[op.kind] = by_class.get(op.kind, 0.0) + once.total * op.count
        by_bound[once.bound] += once.total * op.count
        started += op.count if op.kind != "layout" else 0
    on_device = sum(by_class.values())
    on_host = started * HOST_S
    if on_host > on_device:
        by_class["waiting for the host"] = on_host - on_device
        by_bound["overhead"] += on_host - on_device
    return max(on_device, on_host), by_class, by_bound


def as_dict(fitted: Constants) -> dict[str, float]:
    """Return the constants as plain data."""
    return asdict(fitted)
