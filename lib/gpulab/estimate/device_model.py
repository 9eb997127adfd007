"""What a device can do at a precision: the right peak, the bandwidth, and when not to believe it.

Rates are the catalog's: dense, with FP32 accumulation. Units that a card doesn't have are never assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpulab.estimate.errors import EstimateError
from gpulab.hardware import Device, catalog

PRECISIONS = ("fp32", "tf32", "fp16", "bf16")
NO_BF16 = ("Turing", "Volta", "Pascal")  # first NVIDIA generation with it: Ampere
CONTEXT_GB = 0.45  # the CUDA context and the libraries' own memory; about this much on every card

# The card of each generation that is given the most power for its size; the first mark found in the name counts.
FULL_POWER = {"Volta": "v100-sxm2-32gb", "Turing": "rtx-2080-ti", "GA100": "a100-sxm-80gb", "Ampere": "rtx-3090",
              "Ada": "rtx-4090", "Hopper": "h100-sxm", "GB20": "rtx-5090"}  # fmt: skip


@dataclass(frozen=True)
class Rates:
    """A device's rates for one precision.

    Attributes
    ----------
    products : float
        Operations per second of matrix products and convolutions.
    plain : float
        Operations per second outside the tensor units, in 32 bits.
    bytes : float
        Bytes per second of the memory.
    tensor : bool
        Whether ``products`` is the rate of tensor units.
    cores : float
        Multiprocessors times clock, counted as 128 operations each: how fast operands can be brought to the units.
    warnings : tuple of str
        Why the figures may mislead.
    """

    products: float
    plain: float
    bytes: float
    tensor: bool
    cores: float = 0.0
    warnings: tuple[str, ...] = ()


def rates(device: Device, precision: str) -> Rates:
    """Return what a device can do at a precision.

    Raises
    ------
    EstimateError
        The precision is unknown, or the device cannot compute in it.

    Examples
    --------
    >>> from gpulab.hardware import device
    >>> rates(device("t4"), "bf16")
    Traceback (most recent call last):
    ...
    gpulab.estimate.errors.EstimateError: Tesla T4 (Turing) has no bf16. Use fp16 or fp32.
    """
    if precision not in PRECISIONS:
        raise EstimateError(f"no precision {precision!r}. There are: {', '.join(PRECISIONS)}")
    if device.bandwidth_gb_s is None:
        raise EstimateError(f"the catalog has no memory bandwidth for {device.id}: nothing can be estimated")
    peak, tensor, notes = _peak(device, precision)
    plain = device.fp32_tflops or peak / 8
    clock = sustained(device)
    cores = plain * 64 / _lanes(device)
    figures = (peak * clock * 1e12, plain * clock * 1e12, device.bandwidth_gb_s * 1e9)
    return Rates(*figures, tensor, cores * clock * 1e12, (*notes, *_doubts(device)))


def sustained(device: Device) -> float:
    """Return the share of its boost clock that a card can hold within its design power.

    The same chip is sold with very different power limits. The card of its generation with the most watts for each
    operation holds its clock; another slows down until its power fits, and power grows about with the clock's square.

    Examples
    --------
    >>> from gpulab.hardware import device
    >>> round(sustained(device("a10")), 2), sustained(device("rtx-3090"))
    (0.7, 1.0)
    """
    full = next((name for mark, name in FULL_POWER.items() if mark in device.architecture), None)
    if full is None or not device.tdp_w or not device.fp32_tflops:
        return 1.0
    ample = catalog()[full]
    return min(1.0, ((device.tdp_w / device.fp32_tflops) / (ample.tdp_w / ample.fp32_tflops)) ** 0.5)


def _lanes(device: Device) -> int:
    """Return the FP32 units of one multiprocessor: 64 in Volta, Turing, GP100 and GA100, 128 in the others of NVIDIA."""
    few = ("Volta", "Turing", "GP100", "GA100")
    return 128 if device.vendor == "NVIDIA" and not any(name in device.architecture for name in few) else 64


def half(precision: str) -> bool:
    """Return whether a precision computes in 16 bits."""
    return precision in ("fp16", "bf16")


def _peak(device: Device, precision: str) -> tuple[float, bool, tuple[str, ...]]:
    """Return the rate of products in TFLOPS, whether tensor units give it, and warnings."""
    if precision == "bf16":
        return _bf16(device)
    if precision == "fp16" and device.fp16_tflops:
        return device.fp16_tflops, True, ()
    if precision == "tf32" and device.tf32_tflops:
        return device.tf32_tflops, True, ()
    if device.fp32_tflops:
        missing = {"fp16": "no tensor units for fp16: computed at the FP32 rate, with half the bytes",
                   "tf32": "no TF32: computed in FP32"}  # fmt: skip
        return device.fp32_tflops, False, (missing[precision],) if precision in missing else ()
    if device.bf16_tflops and precision != "fp16":
        return device.bf16_tflops / 6, True, ("no FP32 rate in the catalog: six passes of bf16 assumed",)
    raise EstimateError(f"{device.name} has no {precision} in the catalog. Use bf16.")


def _bf16(device: Device) -> tuple[float, bool, tuple[str, ...]]:
    if device.bf16_tflops:
        return device.bf16_tflops, True, ()
    if device.vendor == "NVIDIA" and device.architecture.startswith(NO_BF16):
        raise EstimateError(f"{device.name} ({device.architecture.split(' ')[0]}) has no bf16. Use fp16 or fp32.")
    if device.kind == "cpu" or device.vendor == "Apple":
        return device.fp32_tflops or 0.0, False, ("bf16 computed at the FP32 rate, with half the bytes",)
    raise EstimateError(f"the catalog has no bf16 rate for {device.name}. Use fp16 or fp32.")


def _doubts(device: Device) -> tuple[str, ...]:
    """Return what makes a prediction for a device weak."""
    found = []
    if device.kind == "cpu":
        found.append("a CPU: caches, threads and clocks are not in the model; an order of magnitude only")
    if device.kind == "tpu":
        found.append("a TPU: its compiler fuses and pads; no point was measured on one")
    if device.vendor in ("AMD", "Apple", "Intel"):
        found.append(f"{device.vendor}: the constants were fitted on NVIDIA cards only")
    if "low confidence" in device.note.lower() or "unverified" in device.source_kind:
        found.append("the catalog's own figures of this device are weak")
    return tuple(found)
