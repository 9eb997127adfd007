"""What rules a device out, what is not known of it, and what speaks for it."""

from __future__ import annotations

from gpulab.choose.need import Limits, Money, Need, software
from gpulab.choose.option import BOUNDS, Option, one_device
from gpulab.choose.words import amount, dollars, duration
from gpulab.estimate import EstimateError, Workload, largest_batch

NAMES = {"cuda": "CUDA", "rocm": "ROCm", "metal": "Metal", "xpu": "oneAPI (XPU)", "xla": "XLA", "cpu": "the CPU"}


def against(each: Option, need: Need, limits: Limits, work: Workload) -> tuple[str, ...]:
    """Return everything that rules an option out; empty if nothing does."""
    found = list(each.against)
    device = each.device
    if limits.kinds and device.kind not in limits.kinds:
        found.append(f"is of kind {device.kind}")
    if limits.software and software(device) not in limits.software:
        wanted = " or ".join(NAMES[name] for name in limits.software)
        found.append(f"is programmed with {NAMES[software(device)]}, not {wanted}")
    if limits.power_w and device.tdp_w and device.tdp_w > limits.power_w:
        found.append(f"draws {device.tdp_w:g} W, more than {limits.power_w:g} W")
    if limits.memory_gb and device.memory_gb and device.memory_gb < limits.memory_gb:
        found.append(f"has {device.memory_gb:g} GB, less than {limits.memory_gb:g} GB")
    if each.samples_per_s is not None:
        found += [*_memory(each, work), *_time(each, limits), *_budget(each, limits)]
    return tuple(found)


def _memory(each: Option, work: Workload) -> list[str]:
    have = one_device(each.device).memory_gb
    if have is None or each.memory_gb <= have:
        return []
    try:
        most = largest_batch(work, one_device(each.device))
        do = f"a batch of {most:,} would fit" if most else "not even a batch of 1 fits"
    except EstimateError:
        do = "try a smaller batch"
    return [f"needs {each.memory_gb:.2f} GB and has {have:g} GB; {do}"]


def _time(each: Option, limits: Limits) -> list[str]:
    found = []
    if limits.hours and each.hours > limits.hours:
        found.append(f"takes {duration(each.hours)}, longer than {duration(limits.hours)}")
    if limits.latency_ms and each.step_ms > limits.latency_ms:
        found.append(f"takes {each.step_ms:.3g} ms a step, longer than {limits.latency_ms:g} ms")
    return found


def _budget(each: Option, limits: Limits) -> list[str]:
    if limits.budget_usd is None or each.cost_usd is None or each.cost_usd <= limits.budget_usd:
        return []
    source = f" ({each.price_from})" if each.price_from else ""
    return [f"costs {dollars(each.cost_usd)}{source}, more than {dollars(limits.budget_usd)}"]


def missing(each: Option, limits: Limits, money: Money) -> tuple[str, ...]:
    """Return what nobody knows of an option and would have to be known to rank it."""
    found = []
    if money.rent and each.rate is None:
        found.append("no rate: you gave none")
    if not money.rent and each.price_usd is None:
        found.append("no price: you gave none, and the catalog has no launch price")
    if limits.power_w and each.device.tdp_w is None:
        found.append("its design power is not in the catalog")
    return tuple(found)


def reasons(each: Option, need: Need) -> tuple[str, ...]:
    """Return what an option offers, in words."""
    low, high = (need.amount / speed / 3600 for speed in reversed(each.interval))
    have = one_device(each.device).memory_gb
    what = "the host: the device waits for it" if each.bound_by == "host" else BOUNDS[each.bound_by]
    found = [f"{duration(each.hours)} for {amount(need.amount)} samples ({duration(low)} to {duration(high)})",
             f"bound by {what}"]  # fmt: skip
    found.append(f"{each.memory_gb:.1f} of {have:g} GB" if have else f"{each.memory_gb:.1f} GB of main memory")
    if each.cost_usd is not None:
        found.append(f"{dollars(each.cost_usd)} ({each.price_from})")
    if each.kwh is not None:
        found.append(f"{each.kwh:.3g} kWh")
    if each.break_even_hours is not None:
        never = each.break_even_hours == float("inf")
        pays = f"buying pays after {each.break_even_hours:,.0f} h of use"
        found.append("buying never pays: the electricity costs more than the rent" if never else pays)
    return tuple(found)
