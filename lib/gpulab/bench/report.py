"""What a benchmark leaves behind: plain data that is read without a framework."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1  # of the JSON; a reader refuses another one
RATES: Mapping[str, tuple[float, str]] = {"FLOP": (1e9, "GFLOPS"), "byte": (1e9, "GB/s")}


class BenchError(Exception):
    """A benchmark cannot be run or read as asked; the message says what to do."""


class Unsupported(BenchError):
    """This device cannot do what would be measured; the message says why. :func:`run` goes on without it."""


@dataclass(frozen=True)
class Measurement:
    """The time of one operation.

    Attributes
    ----------
    name : str
        What was timed, such as ``"matmul"``.
    size : str
        Its size, such as ``"1024"`` for matrices of 1024 x 1024, or ``"256 MiB"`` for each array.
    precision : str
        ``"fp32"``, ``"tf32"``, ``"bf16"``, ``"fp16"`` or ``"fp64"``.
    device : str
        ``"cpu"``, ``"cuda"``, ``"mps"`` or ``"xpu"``.
    threads : int
        Threads of the CPU that it could use.
    median, low, high : float
        Seconds for one call: the median and the two quartiles of the timings.
    repeats : int
        Number of timings, after the warm-up. Each is of one call, or the mean of a block of short ones.
    unit : {"FLOP", "byte", "call"}
        What ``work`` counts; a multiply-add is two FLOP.
    work : float
        Units that one call does.
    note : str
        What to know about the number.

    Examples
    --------
    >>> row = Measurement("matmul", "1000", "fp32", "cpu", 2, 0.02, 0.019, 0.023, 25, "FLOP", 2e9)
    >>> row.rate, row.shown_rate, round(row.spread, 2)
    (100000000000.0, '100 GFLOPS', 0.2)
    """

    name: str
    size: str
    precision: str
    device: str
    threads: int
    median: float
    low: float
    high: float
    repeats: int
    unit: str
    work: float
    note: str = ""

    @property
    def rate(self) -> float:
        """Units a second, from the median."""
        return self.work / self.median

    @property
    def spread(self) -> float:
        """The distance of the quartiles as a share of the median."""
        return (self.high - self.low) / self.median

    @property
    def shown_rate(self) -> str:
        """The rate with its unit, for reading; the time of a call where that says more."""
        if self.unit not in RATES:
            return f"{self.median * 1e6:.3g} us"
        scale, name = RATES[self.unit]
        return f"{digits(self.rate / scale)} {name}"


@dataclass(frozen=True)
class Skip:
    """What was not measured, and why."""

    name: str
    size: str
    precision: str
    reason: str


@dataclass(frozen=True)
class Report:
    """All measurements of one machine.

    Attributes
    ----------
    measurements : tuple of Measurement
    skipped : tuple of Skip
    machine : dict
        The device measured and its name, the CPU, threads and versions.
    quick : bool
        Whether it was the short round.
    seconds : float
        How long it took.
    """

    measurements: tuple[Measurement, ...]
    skipped: tuple[Skip, ...] = ()
    machine: dict[str, Any] = field(default_factory=dict)
    quick: bool = False
    seconds: float = 0.0

    def peak_tflops(self, precision: str = "fp32") -> float | None:
        """Return the highest rate of a matrix product in this precision, in TFLOPS; None if there is none."""
        rates = [row.rate for row in self.measurements if (row.name, row.precision) == ("matmul", precision)]
        return max(rates) / 1e12 if rates else None

    @property
    def bandwidth_gb_s(self) -> float | None:
        """The highest memory bandwidth, in GB/s (1e9 bytes); None if there is none."""
        rates = [row.rate for row in self.measurements if row.name.startswith("memory ")]
        return max(rates) / 1e9 if rates else None

    def select(self, name: str) -> list[Measurement]:
        """Return the measurements of one name."""
        return [row for row in self.measurements if row.name == name]

    def table(self) -> list[dict[str, Any]]:
        """Return one row a measurement: what, seconds, quartiles, repeats, rate."""
        return [asdict(row) | {"rate": row.rate, "shown": row.shown_rate} for row in self.measurements]

    def __str__(self) -> str:
        """Return the measurements as text, with what was skipped."""
        return "\n".join([*_lines(self.measurements), *_skipped(self.skipped)])

    def to_json(self) -> str:
        """Return everything as JSON."""
        return json.dumps({"format": FORMAT} | asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read what :meth:`to_json` wrote; this needs no framework.

        Raises
        ------
        BenchError
            The text is no report, or of another version of the format.
        """
        try:
            entries = dict(json.loads(text))
            found = entries.pop("format", None)
            rows = tuple(Measurement(**row) for row in entries.pop("measurements"))
            skipped = tuple(Skip(**row) for row in entries.pop("skipped"))
            report = cls(rows, skipped, **entries)
        except (ValueError, TypeError, KeyError) as error:
            raise BenchError(f"this is no report of gpulab bench ({error}); expected what to_json() wrote.") from None
        if found != FORMAT:
            again = "Measure again: python -m gpulab bench"
            raise BenchError(f"this report has format {found}; expected {FORMAT}. {again}")
        return report


def _lines(rows: Sequence[Measurement]) -> list[str]:
    head = ("name", "size", "precision", "threads", "rate", "time", "quartiles", "repeats")
    cells = [head] + [
        (
            row.name,
            row.size,
            row.precision,
            str(row.threads) if row.device == "cpu" else row.device,
            row.shown_rate if row.unit in RATES else "",
            duration(row.median),
            f"{duration(row.low)} to {duration(row.high)}",
            str(row.repeats),
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _skipped(skipped: Sequence[Skip]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for row in skipped:
        reasons.setdefault(row.reason, []).append(" ".join(filter(None, (row.name, row.size, row.precision))))
    return [f"skipped: {'; '.join(names)}: {reason}" for reason, names in reasons.items()]


def digits(value: float) -> str:
    """Return a number with three significant digits and no exponent.

    Examples
    --------
    >>> digits(1234.5), digits(99.96), digits(0.01234)
    ('1234', '100', '0.0123')
    """
    return f"{value:.0f}" if value >= 999.5 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """Return a time in the unit that reads best.

    Examples
    --------
    >>> duration(1.5e-5), duration(0.0215), duration(3)
    ('15 us', '21.5 ms', '3 s')
    """
    for scale, unit in ((1, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{digits(seconds / scale)} {unit}"
    return f"{digits(seconds * 1e6)} us"
