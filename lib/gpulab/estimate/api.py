"""Predict time, memory and energy of a step on any device of the catalog."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gpulab.estimate import device_model, roofline
from gpulab.estimate.errors import EstimateError
from gpulab.estimate.models import SEQUENCE
from gpulab.estimate.workload import Workload, value
from gpulab.hardware import Device, HardwareError
from gpulab.hardware import device as find_device

READY = Path(__file__).with_name("workloads")
UNKNOWN_LAYOUT = 0.5  # share of the layout changes, where nobody said how the images lie in memory
FRAGMENTS = 1.05  # the allocator's losses


@dataclass(frozen=True)
class Estimate:
    """What one step of a model is predicted to take on a device. The time to load and prepare data is not in it.

    Attributes
    ----------
    model, device, precision, mode, optimizer : str
        What was asked; ``device`` is an id of the catalog.
    batch : int
    step_time_s, samples_per_s : float
    interval : (float, float)
        Samples per second, low and high: nine in ten published points lie so near to their prediction.
    peak_memory_gb : float
        In 1e9 bytes.
    memory : mapping of str to float
        Its parts in GB: weights, gradients, optimizer, activations, workspace, context, fragments.
    fits : bool
        Whether the device has that much memory.
    energy_wh_per_1000_samples : float or None
        An estimate from the device's design power; None where the catalog has none.
    bound_by : str
        ``"compute"``, ``"memory"`` (its bandwidth) or ``"overhead"`` (starting kernels, steps in a chain).
    by_class : mapping of str to float
        Seconds for each operator class.
    flops, utilization : float
        Operations of the step, and their share of the peak at this precision.
    warnings : tuple of str
        Where it must not be trusted.
    """

    model: str
    device: str
    precision: str
    batch: int
    mode: str
    optimizer: str
    step_time_s: float
    samples_per_s: float
    interval: tuple[float, float]
    peak_memory_gb: float
    memory: Mapping[str, float]
    fits: bool
    energy_wh_per_1000_samples: float | None
    bound_by: str
    by_class: Mapping[str, float]
    flops: float
    utilization: float
    warnings: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def predict(work: Workload, device: Device | str, precision: str = "fp32", channels_last: bool | None = None,
            fitted: roofline.Constants | None = None) -> Estimate:  # fmt: skip
    """Predict one step of a traced model on a device; no framework is needed.

    Parameters
    ----------
    work : Workload
        Its batch size is the step's. Must have been traced for 16 bits where the precision is fp16 or bf16.
    device : Device or str
        Of the catalog, or one that you describe.
    precision : {"fp32", "tf32", "fp16", "bf16"}
        ``fp32`` means FP32 everywhere; PyTorch's convolutions use TF32 unless told otherwise on cards that have it.
    channels_last : bool, optional
        How images lie in memory. In 16 bits this makes a large difference; without it, the middle is predicted.
    fitted : Constants, optional
        Others than the stored ones.

    Raises
    ------
    EstimateError
        The device or the precision is unknown or doesn't fit, or the workload was traced for another width.
    """
    device = _device(device)
    rates = device_model.rates(device, precision)
    if work.half != device_model.half(precision):
        raise EstimateError(
            f"{work.model} was traced in {16 if work.half else 32} bits: trace it again for {precision}"
        )
    layout = UNKNOWN_LAYOUT if channels_last is None else 1.0 - channels_last
    seconds, by_class, by_bound = roofline.step_seconds(work, rates, fitted or roofline.constants(), layout)
    memory = memory_parts(work)
    peak = sum(memory.values())
    factor = interval_factor(channels_last is None and by_class.get("layout", 0.0) > 0)
    speed = work.batch / seconds
    return Estimate(
        model=work.model, device=device.id, precision=precision, batch=work.batch, mode=work.mode,
        optimizer=work.optimizer, step_time_s=seconds, samples_per_s=speed, interval=(speed / factor, speed * factor),
        peak_memory_gb=peak, memory=memory, fits=device.memory_gb is None or peak <= device.memory_gb,
        energy_wh_per_1000_samples=_energy(device, seconds, work.batch, by_bound),
        bound_by=max(by_bound, key=by_bound.__getitem__), by_class=by_class, flops=work.flops,
        utilization=work.flops / seconds / rates.products, warnings=(*rates.warnings, *_doubts(work, by_class, channels_last)),
    )  # fmt: skip


def _device(device: Device | str) -> Device:
    if isinstance(device, Device):
        return device
    try:
        return find_device(device)
    except HardwareError as error:
        raise EstimateError(str(error)) from None


def memory_parts(work: Workload) -> dict[str, float]:
    """Return the parts of the peak memory of a step in GB."""
    held = work.memory
    parts = {
        "weights": held.weights,
        "gradients": held.gradients,
        "optimizer": held.optimizer,
        "activations": value(held.activations, work.batch),
        "workspace": value(held.workspace, work.batch),
    }
    found = {name: size / 1e9 for name, size in parts.items()}
    return {**found, "context": device_model.CONTEXT_GB, "fragments": (FRAGMENTS - 1) * sum(found.values())}


def largest_batch(work: Workload, device: Device | str) -> int:
    """Return the largest batch of a traced model that a device's memory holds; 0 if not even one sample fits.

    Raises
    ------
    EstimateError
        The device is unknown, its memory isn't in the catalog, or the counts are true for one batch size only.
    """
    device = _device(device)
    if device.memory_gb is None:
        raise EstimateError(f"the catalog has no memory size for {device.id}")

    def fits(batch: int) -> bool:
        return sum(memory_parts(work.with_batch(batch)).values()) <= device.memory_gb

    high = 1
    while fits(high) and high < 2**24:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def interval_factor(layout_unknown: bool) -> float:
    """Return the factor around a prediction that nine in ten published points kept to."""
    spread = json.loads(roofline.FILE.read_text(encoding="utf-8"))["spread"]
    return spread["layout_unknown"] if layout_unknown else spread["known"]


def _energy(device: Device, seconds: float, batch: int, by_bound: Mapping[str, float]) -> float | None:
    """Return Wh per 1000 samples: near the design power while computing or moving data, near half while waiting."""
    if device.tdp_w is None:
        return None
    waiting = by_bound["overhead"] / max(sum(by_bound.values()), 1e-30)
    power = device.tdp_w * (0.85 * (1 - waiting) + 0.45 * waiting)
    return power * seconds / batch * 1000 / 3600


def _doubts(work: Workload, by_class: Mapping[str, float], channels_last: bool | None) -> tuple[str, ...]:
    found = []
    if work.batch < 8:
        found.append("a batch below 8: starting kernels decides, and that depends on the host")
    if channels_last is None and by_class.get("layout", 0.0) > 0:
        found.append("memory layout not given: channels-last images run faster, others slower than this")
    if by_class.get("depthwise", 0.0) > 0.2 * sum(by_class.values()):
        found.append("many depthwise convolutions: their kernels differ much between versions")
    return tuple(found)


def estimate(
    model: Any,
    device: Device | str,
    batch: int,
    precision: str = "fp32",
    mode: str = "train",
    optimizer: str | None = None,
    image_size: int = 224,
    seq_len: int | None = None,
    channels_last: bool | None = None,
) -> Estimate:
    """Predict one step of a model on a device without having either in memory.

    Parameters
    ----------
    model : str, Subject, Workload or keras.Model
        A name, a folder or ``file.py:function`` as in ``gpulab.estimate.models.subject``; or a Keras model.
    device : Device or str
    batch : int
        Samples in a step.
    precision : {"fp32", "tf32", "fp16", "bf16"}
        16 bits mean mixed precision: weights in 32 bits.
    mode : {"train", "infer"}
    optimizer : {"sgd", "adam", "adamw"}, optional
        Without it, what the model is usually trained with.
    image_size, seq_len : int, optional
    channels_last : bool, optional

    Raises
    ------
    EstimateError

    Examples
    --------
    >>> estimate("resnet50", "rtx-3090", batch=128, precision="fp16").bound_by
    'memory'
    """
    found = _device(device)
    device_model.rates(found, precision)  # a precision that the device lacks is told before the trace
    work = workload(model, batch, precision, mode, optimizer, image_size, seq_len)
    return predict(work, found, precision, channels_last)


def workload(model: Any, batch: int, precision: str = "fp32", mode: str = "train", optimizer: str | None = None,
             image_size: int = 224, seq_len: int | None = None) -> Workload:  # fmt: skip
    """Return the counted step of a model: read where one is stored, traced otherwise. Arguments as in ``estimate``."""
    if batch < 1:
        raise EstimateError(f"a batch has at least one sample, not {batch}")
    half = device_model.half(precision)
    if isinstance(model, Workload):
        return model.with_batch(batch)
    if isinstance(model, str) and image_size == 224 and seq_len in (None, SEQUENCE.get(model)):
        stored = ready(model, half, mode, optimizer)
        if stored:
            return stored.with_batch(batch)
    if type(model).__module__.startswith("keras"):
        from gpulab.estimate.keras_layers import count

        return count(model, batch, half, mode, optimizer or "adam")
    return _traced(model, batch, half, mode, optimizer, image_size, seq_len)


def _traced(
    model: Any, batch: int, half: bool, mode: str, optimizer: str | None, image_size: int, seq_len: int | None
) -> Workload:
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise EstimateError("PyTorch is not installed, and tracing a model needs it. Install gpulab[torch]")
    from gpulab.estimate.models import subject
    from gpulab.estimate.trace import trace

    found = subject(model, image_size, seq_len) if isinstance(model, str) else model
    return trace(found, batch, half, mode, optimizer)


def ready(model: str, half: bool, mode: str, optimizer: str | None = None) -> Workload | None:
    """Return a stored step of a named model, or None: these need no framework and answer at once."""
    path = READY / f"{model}-{mode}-{16 if half else 32}.json"
    if "/" in model or not path.exists():
        return None
    found = Workload.load(path)
    return found if mode == "infer" or optimizer in (None, found.optimizer) else None
