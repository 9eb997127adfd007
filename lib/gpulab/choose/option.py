"""One device for one need: what it would take, in numbers and in words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from gpulab.choose import costs
from gpulab.choose.need import SIXTEEN, Money, Need, software
from gpulab.estimate import Estimate, EstimateError, Workload, predict
from gpulab.hardware import Device, caveats
from gpulab.hardware.names import DIES

SEVERAL = {**DIES, "tpu-v2-8": 8}  # rows that a program sees as so many devices
BOUNDS = {"compute": "arithmetic", "memory": "memory bandwidth", "overhead": "starting kernels"}
FIGURES = ("fp32_tflops", "fp64_tflops", "fp16_tflops", "bf16_tflops", "tf32_tflops", "fp8_tflops", "int8_tops",
           "memory_gb", "bandwidth_gb_s", "tdp_w")  # fmt: skip
USED = ("fp32_tflops", "fp16_tflops", "bf16_tflops", "bandwidth_gb_s", "tdp_w")  # figures that a prediction is made of
OLD_CUDA = (7, 5)  # lower capabilities have no code in PyTorch's builds for CUDA 13


@dataclass(frozen=True)
class Option:
    """A device for a need. Where nothing could be predicted, the numbers are ``None`` and ``against`` says why.

    Attributes
    ----------
    device : Device
    precision : str
        What it would compute in.
    samples_per_s : float
        Of the whole computer: the device's speed, or the host's where that is lower.
    interval : (float, float)
        Samples per second, low and high.
    hours, step_ms, memory_gb : float
        Of the job, of one step, and at the highest moment; memory in 1e9 bytes.
    kwh : float or None
        Energy of the device alone; ``None`` where its design power is not known.
    price_usd, rate, cost_usd, break_even_hours : float or None
        Price, rent an hour, what the job costs, and after how many hours buying is cheaper than renting.
    price_from : str
        ``"your price"``, ``"launch price, 2020"``, ``"your rate"`` or nothing.
    bound_by : str
        ``"compute"``, ``"memory"``, ``"overhead"`` or ``"host"``.
    reasons, against, missing, warnings : tuple of str
        What speaks for it, what rules it out, what nobody knows, and where the prediction must not be trusted.
    """

    device: Device
    precision: str = ""
    samples_per_s: float | None = None
    interval: tuple[float, float] = (0.0, 0.0)
    hours: float | None = None
    step_ms: float | None = None
    memory_gb: float | None = None
    kwh: float | None = None
    price_usd: float | None = None
    price_from: str = ""
    rate: float | None = None
    cost_usd: float | None = None
    break_even_hours: float | None = None
    bound_by: str = ""
    reasons: tuple[str, ...] = field(default=())
    against: tuple[str, ...] = field(default=())
    missing: tuple[str, ...] = field(default=())
    warnings: tuple[str, ...] = field(default=())


def option(need: Need, work: Workload, money: Money, device: Device) -> Option:
    """Return what a device would take for a need."""
    one = one_device(device)
    try:
        guess, precision = predicted(need, work, one)
    except EstimateError as error:
        return Option(device, against=(str(error).rstrip("."),))
    speed = min(guess.samples_per_s, need.host_samples_per_s or guess.samples_per_s)
    waits = speed < guess.samples_per_s
    job, busy = costs.hours(need.amount, speed), costs.hours(need.amount, guess.samples_per_s)
    watts = busy_watts(guess)
    energy = costs.kwh(one, busy, job, watts)
    price, source = price_of(device, money)
    rate = money.rates.get(device.id)
    cost = None if rate is None else costs.renting(job, rate)
    if not money.rent:
        cost = None if price is None else costs.buying(price, energy, money.electricity)
    even = None
    if price is not None and rate is not None:
        even = costs.break_even_hours(price, rate, 1000 * (energy or 0.0) / job, money.electricity or 0.0)
    return Option(
        device, precision, speed, tuple(min(each, need.host_samples_per_s or each) for each in guess.interval),
        job, guess.step_time_s * 1000, guess.peak_memory_gb, energy, price,
        ("your rate" if rate is not None else "") if money.rent else source, rate, cost, even,
        "host" if waits else bound(guess), warnings=(*guess.warnings, *doubts(device)),
    )  # fmt: skip


def one_device(device: Device) -> Device:
    """Return what a program sees as one device: for a row of several dies, one of them.

    Examples
    --------
    >>> from gpulab.hardware import device
    >>> one_device(device("mi250x")).memory_gb
    64.0
    """
    parts = SEVERAL.get(device.id, 1)
    if parts == 1:
        return device
    figures = {name: getattr(device, name) for name in FIGURES}
    return replace(device, **{name: figure and figure / parts for name, figure in figures.items()})


def predicted(need: Need, work: Workload, device: Device) -> tuple[Estimate, str]:
    """Return the prediction and its precision; of the two with 16 bits, the first that the device has."""
    tries = ("fp16", "bf16") if need.precision == SIXTEEN else (need.precision,)
    for precision in tries:
        try:
            return predict(work, device, precision, need.channels_last), precision
        except EstimateError:
            if precision == tries[-1]:
                raise
    raise AssertionError("there is at least one precision")


def bound(guess: Estimate) -> str:
    """Return what limits a step: starting kernels, where the device waits for the next one, else the largest part."""
    return "overhead" if guess.by_class.get("waiting for the host") else guess.bound_by


def busy_watts(guess: Estimate) -> float | None:
    """Return the power of a device while it computes, as the estimate assumes it."""
    if guess.energy_wh_per_1000_samples is None:
        return None
    return guess.energy_wh_per_1000_samples / 1000 * guess.samples_per_s * 3600


def price_of(device: Device, money: Money) -> tuple[float | None, str]:
    """Return what a device costs to buy, and who says so."""
    if device.id in money.prices:
        return money.prices[device.id], "your price"
    if device.launch_price_usd is not None:
        return device.launch_price_usd, f"launch price, {device.year}"
    return None, ""


def doubts(device: Device) -> tuple[str, ...]:
    """Return what to know about a device before it is bought.

    Examples
    --------
    >>> from gpulab.hardware import device
    >>> doubts(device("v100-pcie-16gb"))
    ('compute capability 7.0: newer builds of the frameworks hold no code for it',)
    """
    found = []
    if parts := SEVERAL.get(device.id):
        found.append(f"a program sees {parts} devices: the figures are those of one")
    if capability := re.match(r"CUDA cc (\d+)\.(\d+)", device.software):
        if tuple(map(int, capability.groups())) < OLD_CUDA:
            version = ".".join(capability.groups())
            found.append(f"compute capability {version}: newer builds of the frameworks hold no code for it")
    if "Absent from the current ROCm hardware table" in device.note:
        found.append("not in the hardware table of current ROCm")
    weak = {figure: why for figure, why in caveats(device).items() if figure in USED}
    found += [f"weak figure in the catalog ({figure}): {why}" for figure, why in weak.items()]
    if software(device) == "metal":
        found.append("the memory is shared with the CPU, and this is the largest configuration")
    return tuple(found)
