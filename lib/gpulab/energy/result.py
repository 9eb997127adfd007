"""What a measurement of energy leaves behind: plain data that adds up, with its source."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

JOULES_PER_WH = 3600.0
MEASURED, ESTIMATE = "measured", "estimate"


class EnergyError(Exception):
    """A quantity, a country or a use of a meter is not possible; the message says what to do."""


@dataclass(frozen=True)
class Part:
    """The energy of one part of the machine.

    Attributes
    ----------
    name : str
        Such as ``"package-0"``, ``"dram 0"``, ``"gpu 0"`` or ``"cpu"``.
    joules : float
    source : str
        Where the number comes from.
    kind : {"measured", "estimate"}
    """

    name: str
    joules: float
    source: str
    kind: str


@dataclass(frozen=True)
class Energy:
    """The energy of one run.

    Attributes
    ----------
    joules : float
        The sum of the parts.
    seconds : float
        Wall time.
    source : str
        Where the number comes from; begins with "estimate" if any part of it is estimated.
    kind : {"measured", "estimate"}
        "measured" only if every part is.
    parts : tuple of Part
    notes : tuple of str
        What could not be read, and why.

    Examples
    --------
    >>> used = Energy.of_parts([Part("gpu 0", 5400.0, "NVML energy counter", "measured")], seconds=60.0)
    >>> used.wh, used.watts, used.kind
    (1.5, 90.0, 'measured')
    >>> Energy.from_json(used.to_json()) == used
    True
    """

    joules: float
    seconds: float
    source: str
    kind: str
    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of_parts(cls, parts: Sequence[Part], seconds: float, notes: Sequence[str] = ()) -> Energy:
        """Return the energy that the parts add up to."""
        guessed = any(part.kind == ESTIMATE for part in parts)
        described = "; ".join(dict.fromkeys(part.source for part in parts)) or "nothing could be read"
        if guessed and not described.startswith(ESTIMATE):
            described = f"{ESTIMATE} in part: {described}"
        kind = ESTIMATE if guessed or not parts else MEASURED
        total = math.fsum(part.joules for part in parts)
        return cls(total, seconds, described, kind, tuple(parts), tuple(dict.fromkeys(notes)))

    @property
    def wh(self) -> float:
        """Watt-hours: 3600 joules each."""
        return self.joules / JOULES_PER_WH

    @property
    def watts(self) -> float:
        """The mean power; 0 for a run of no length."""
        return self.joules / self.seconds if self.seconds else 0.0

    def __add__(self, other: Energy) -> Energy:
        """Return the energy of two runs, one after the other; parts of the same name and source are joined."""
        joined: dict[tuple[str, str, str], float] = {}
        for part in (*self.parts, *other.parts):
            key = (part.name, part.source, part.kind)
            joined[key] = joined.get(key, 0.0) + part.joules
        parts = [Part(name, joules, source, kind) for (name, source, kind), joules in joined.items()]
        return Energy.of_parts(parts, self.seconds + other.seconds, (*self.notes, *other.notes))

    def __str__(self) -> str:
        """Return the energy with its unit, time and source."""
        amount = f"{self.wh:.3g} Wh" if self.wh >= 0.1 else f"{self.joules:.3g} J"
        return f"{amount} in {self.seconds:.4g} s ({self.source})"

    def to_json(self) -> str:
        """Return everything as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Energy:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        EnergyError
            The text is no energy record.
        """
        try:
            entries = json.loads(text)
            parts = tuple(Part(**part) for part in entries.pop("parts"))
            return cls(**entries | {"parts": parts, "notes": tuple(entries["notes"])})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise EnergyError(f"This is not the JSON of an Energy ({error}); expected what to_json() wrote.") from None


def estimate(seconds: float, watts: float, utilization: float = 1.0) -> Energy:
    """Return the energy of a device that nobody measured: power x utilization x time.

    The formula of Lacoste et al. (2019, arXiv:1910.09700), with a utilization beside it. With the thermal design power
    (TDP) and a utilization of 1 it is an upper bound for most runs.

    Parameters
    ----------
    seconds : float
    watts : float
        Power at full load, such as the TDP in ``gpulab.hardware.device("rtx-3090").tdp_w``.
    utilization : float
        Share of that power, 0 to 1.

    Raises
    ------
    EnergyError
        A quantity is negative or not finite, or the utilization is above 1.

    Examples
    --------
    >>> estimate(seconds=10, watts=200, utilization=0.5).joules
    1000.0
    """
    for name, value, most in (("seconds", seconds, None), ("watts", watts, None), ("utilization", utilization, 1)):
        check_quantity(name, value, most=most)
    described = f"{ESTIMATE}: {watts:g} W x {utilization:g} x time"
    return Energy.of_parts([Part("device", watts * utilization * seconds, described, ESTIMATE)], seconds)


def check_quantity(name: str, value: float, *, least: float = 0, most: float | None = None) -> float:
    """Return the value if it is a finite number in its range.

    Raises
    ------
    EnergyError
        It is not.
    """
    expected = f"at least {least:g}" + (f" and at most {most:g}" if most is not None else "")
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < least or (most is not None and value > most):
        raise EnergyError(f"{name} is {value!r}; expected a number of {expected}.")
    return value
