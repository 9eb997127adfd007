"""Every device of the catalog for one need: ranked, listed apart, or ruled out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from gpulab.choose import rules
from gpulab.choose.errors import ChooseError
from gpulab.choose.need import Limits, Money, Need
from gpulab.choose.option import Option, option
from gpulab.choose.words import duration
from gpulab.hardware import Device, HardwareError, catalog, device

# What can be asked for: the smallest comes first.
ORDERS: dict[str, Callable[[Option], float]] = {
    "time": lambda each: each.hours,
    "cost": lambda each: _or_last(each.cost_usd),
    "energy": lambda each: _or_last(each.kwh),
    "value": lambda each: _or_last(each.rate if each.price_from == "your rate" else each.price_usd) * each.hours,
}


@dataclass(frozen=True)
class Choice:
    """What came out.

    Attributes
    ----------
    need : Need
    by : str
        What the devices are ranked by.
    ranked : tuple of Option
        The best first, each with its reasons.
    apart : tuple of Option
        What keeps to every limit that can be judged, but has no price, or no figure that a limit asks for.
    ruled_out : tuple of Option
        The rest, each with everything that rules it out.
    """

    need: Need
    by: str
    ranked: tuple[Option, ...]
    apart: tuple[Option, ...]
    ruled_out: tuple[Option, ...]

    @property
    def best(self) -> Option | None:
        """The first of the ranked, if there is one."""
        return self.ranked[0] if self.ranked else None

    def rows(self, top: int | None = None) -> list[dict[str, object]]:
        """Return the ranked ones as plain rows, for a notebook's table."""
        return [_row(place, each) for place, each in enumerate(self.ranked[:top], start=1)]

    def __str__(self) -> str:
        """Return all of it as text."""
        return as_text(self)


def choose(need: Need | str, limits: Limits | None = None, money: Money | None = None, by: str = "time",
           devices: Iterable[Device | str] | None = None) -> Choice:  # fmt: skip
    """Rank the devices of the catalog for a need, under limits.

    Parameters
    ----------
    need : Need or str
        Or the name of a ready-made workload.
    limits : Limits, optional
    money : Money, optional
        Prices and rents; launch prices without it.
    by : {"time", "cost", "energy", "value"}
        The smallest first. ``value`` is price times hours (or rate times hours): least money for the same speed.
    devices : iterable of Device or str, optional
        All of the catalog without it.

    Returns
    -------
    Choice

    Raises
    ------
    ChooseError
        The need is incomplete, or a name is unknown.

    Examples
    --------
    >>> found = choose("bert-base", Limits(budget_usd=800, software=("cuda",)))
    >>> found.best.device.vendor, found.best.price_from[:12]
    ('NVIDIA', 'launch price')
    >>> [each.against[0] for each in found.ruled_out if each.device.id == "rx-7900-xtx"]
    ['is programmed with ROCm, not CUDA']
    """
    need = Need(need) if isinstance(need, str) else need
    limits, money = limits or Limits(), money or Money()
    if by not in ORDERS:
        raise ChooseError(f"no order {by!r}. Rank by: {', '.join(ORDERS)}")
    work = need.workload()
    judged = []
    for each in _devices(devices):
        found = option(need, work, money, each)
        bad = rules.against(found, need, limits, work)
        good = () if bad else rules.reasons(found, need)
        judged.append(replace(found, against=bad, missing=rules.missing(found, limits, money), reasons=good))
    fit = sorted((each for each in judged if not each.against), key=lambda each: _key(each, by))
    return Choice(
        need, by,
        ranked=tuple(each for each in fit if not each.missing),
        apart=tuple(each for each in fit if each.missing),
        ruled_out=tuple(each for each in judged if each.against),
    )  # fmt: skip


def _devices(wanted: Iterable[Device | str] | None) -> list[Device]:
    if wanted is None:
        return list(catalog().values())
    try:
        return [device(each) if isinstance(each, str) else each for each in wanted]
    except HardwareError as error:
        raise ChooseError(str(error)) from None


def _key(each: Option, by: str) -> tuple[float, float, float, str]:
    """Return what an option is sorted by: equal ones by cost, by power, by name."""
    first = ORDERS[by](each)
    rounded = float(f"{first:.9g}") if math.isfinite(first) else first  # equal up to the last digits is equal
    return rounded, _or_last(each.cost_usd), _or_last(each.device.tdp_w), each.device.id


def _or_last(figure: float | None) -> float:
    return math.inf if figure is None else figure


def _row(place: int, each: Option) -> dict[str, object]:
    return {
        "place": place, "device": each.device.id, "time": duration(each.hours), "samples/s": round(each.samples_per_s),
        "GB used": round(each.memory_gb, 1), "W": each.device.tdp_w,
        "USD": None if each.cost_usd is None else round(each.cost_usd, 2), "price": each.price_from,
        "bound by": each.bound_by,
    }  # fmt: skip


def as_text(choice: Choice, top: int = 5) -> str:
    """Return a choice as lines for a reader: the first few with reasons, then what is apart, then what is out."""
    need = choice.need
    lines = [f"{need.name}, {need.mode}, batch {need.steps_of}, {need.precision}: ranked by {choice.by} (predicted)"]
    for place, each in enumerate(choice.ranked[:top], start=1):
        lines.append(f"{place:3}. {each.device.name}: {'; '.join(each.reasons)}")
        lines += [f"     beware: {warning}" for warning in each.warnings]
    if not choice.ranked:
        lines.append("  Nothing with a price keeps to these limits.")
    if len(choice.ranked) > top:
        lines.append(f"  and {len(choice.ranked) - top} more")
    if choice.apart:
        lines.append(f"Listed apart, {len(choice.apart)}:")
        apart = choice.apart[:top]
        lines += [f"   - {each.device.name}: {duration(each.hours)}; {'; '.join(each.missing)}" for each in apart]
    if choice.ruled_out:
        lines.append(f"Ruled out, {len(choice.ruled_out)}:")
        lines += [f"   - {each.device.name}: {'; '.join(each.against)}" for each in choice.ruled_out[:top]]
    return "\n".join(lines)
