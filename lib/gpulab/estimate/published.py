"""Published throughputs: the eleven that the constants are fitted to, and others that judge them.

Every row of ``published.csv`` and ``validation.csv`` names its source.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
GNMT_TOKENS = 30  # tokens of a sentence, source and target each: an assumption, the measurements don't say
TOKENS = {"gnmt": GNMT_TOKENS, "bert-base": 384, "bert-large": 384}


@dataclass(frozen=True)
class Point:
    """One published throughput.

    Attributes
    ----------
    device, model, mode, precision : str
    batch, image_size : int
    seq_len : int or None
    channels_last : bool or None
    samples_per_s : float
        In samples: a pair of sentences is one.
    source, note : str
    """

    device: str
    model: str
    mode: str
    precision: str
    batch: int
    image_size: int
    seq_len: int | None
    channels_last: bool | None
    samples_per_s: float
    source: str
    note: str = ""


def fit_points() -> list[Point]:
    """Return the eleven points that the constants are fitted to.

    Examples
    --------
    >>> len(fit_points())
    11
    """
    return [_fit_point(row) for row in _rows("published.csv")]


def validation_points() -> list[Point]:
    """Return the points of other devices and models.

    The five constants are not fitted to them, but some assumptions were set by hand after seeing their errors:
    ``experiments/estimate_fit.py`` lists these.
    """
    return [_validation_point(row) for row in _rows("validation.csv")]


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _fit_point(row: Mapping[str, str]) -> Point:
    """Return a row of the first table, whose model and precision are told in words."""
    words, told = row["model"], row["precision"]
    precision = "fp16" if "fp16" in told else "tf32" if "TF32" in told else "fp32"
    model = "resnet50" if "ResNet-50" in words else "bert-large" if "BERT" in words else "gnmt"
    batch = {"bert-large": 16 if "batch 16" in told else 32, "gnmt": 128}.get(
        model, _resnet_batch(row["device_id"], precision)
    )
    layout = "channels-last" in told if model == "resnet50" and precision == "fp16" else None
    speed = float(row["throughput"]) / (2 * GNMT_TOKENS if model == "gnmt" else 1)
    return Point(
        row["device_id"], model, "train", precision, batch, 224, TOKENS.get(model), layout, speed, row["source"]
    )


def _resnet_batch(device: str, precision: str) -> int:
    """Return the batch of a ResNet row: known for the RTX 3090, assumed (64 or more) for the others."""
    if device == "rtx-3090":
        return 448 if precision == "fp16" else 224
    return 256 if precision == "fp16" else 128


def _validation_point(row: Mapping[str, str]) -> Point:
    layout = {"yes": True, "no": False, "": None}[row["channels_last"]]
    speed = float(row["throughput"]) / (2 * GNMT_TOKENS if row["unit"] == "tok/s" else 1)
    tokens = int(row["seq_len"]) if row["seq_len"] else None
    return Point(row["device_id"], row["model"], row["mode"], row["precision"], int(row["batch"]),
                 int(row["image_size"] or 224), tokens, layout, speed, row["source"], row["note"])  # fmt: skip
