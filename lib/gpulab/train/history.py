"""What a run leaves behind: plain data that can be printed, plotted, stored and compared."""

from __future__ import annotations

import json
import math
import statistics
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

COLUMNS = ("epoch", "seconds", "loss", "accuracy", "valid_loss", "valid_accuracy", "learning_rate")
FORMATS: Mapping[str, str] = {"epoch": "d", "seconds": ".1f", "learning_rate": ".2g"}


@dataclass
class History:
    """The record of one run.

    Attributes
    ----------
    epochs : list of dict
        One row an epoch with the columns epoch (from 1), seconds (of training, without validation), loss and accuracy
        (means over the epoch, while the weights moved), valid_loss, valid_accuracy (at its end) and learning_rate (of
        its last step). None where there is no such number. The row of an epoch that the stop button cut short also
        has a share: how much of it was done.
    settings : dict
        The arguments, the framework, the device, threads and versions.
    samples_per_second : float or None
        Training throughput: the median of the epochs, because the first one also warms up.
    peak_memory_mb : float or None
        The most memory in use: of the device if it has its own, else of the whole process. 1 MB is 10**6 bytes.
    seconds : float
        Wall time of the run, everything included; over all parts of a run that was resumed.
    stopped : str
        Why the run ended before its last epoch, "" if it did not.

    Examples
    --------
    >>> history = History([{"epoch": 1, "seconds": 2.0, "loss": 0.5, "accuracy": 0.8, "learning_rate": 0.001}])
    >>> print(history)
    epoch  seconds    loss  accuracy  learning_rate
        1      2.0  0.5000    0.8000          0.001
    >>> history["loss"]
    [0.5]
    >>> History.from_json(history.to_json()) == history
    True
    """

    epochs: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    samples_per_second: float | None = None
    peak_memory_mb: float | None = None
    seconds: float = 0.0
    stopped: str = ""

    def __getitem__(self, column: str) -> list[Any]:
        """Return one column, an entry an epoch."""
        if column not in COLUMNS:
            raise KeyError(f"There is no column {column!r}. Choose one of: {', '.join(COLUMNS)}.")
        return [row.get(column) for row in self.epochs]

    def __len__(self) -> int:
        """Return the number of epochs done."""
        return len(self.epochs)

    def __str__(self) -> str:
        """Return the epochs as a small table, without the columns that hold nothing."""
        shown = [name for name in COLUMNS if any(row.get(name) is not None for row in self.epochs)]
        if not shown:
            return "no epoch finished"
        cells = [shown, *([_cell(name, row.get(name)) for name in shown] for row in self.epochs)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in cells]
        return "\n".join([*lines, *([f"stopped: {self.stopped}"] if self.stopped else [])])

    def throughput(self, samples: int) -> float | None:
        """Return samples a second, the median over the epochs, each of which saw so many."""
        rates = [samples * row.get("share", 1) / row["seconds"] for row in self.epochs]
        return statistics.median(rates) if rates else None

    def to_json(self) -> str:
        """Return everything as JSON; a number that is not finite becomes null."""
        return json.dumps(_plain(asdict(self)), indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> History:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            The text is not a history.
        """
        entries = json.loads(text)
        if not isinstance(entries, dict) or not entries.keys() <= cls.__dataclass_fields__.keys():
            raise ValueError(
                "This JSON is not a History; expected the keys " + ", ".join(cls.__dataclass_fields__) + "."
            )
        return cls(**entries)


def _cell(name: str, value: Any) -> str:
    return "-" if value is None else format(value, FORMATS.get(name, ".4f"))


def _plain(value: Any) -> Any:
    """Return the value with dictionaries, lists, numbers, text and None only."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def process_peak() -> float | None:
    """Return the most memory that this process has had, MB; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
