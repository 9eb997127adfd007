"""Stamped results of the longer runs in ``experiments/``, for notebooks that plot them.

A run that takes minutes is made once, by a script, and stored with what it depended on. The notebook plots the stored
rows and reruns one small point, which must fall inside the stored spread. Edited rows and a changed script are caught.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

FOLDER = Path(__file__).parent


class ResultsError(Exception):
    """Stored results are missing, unreadable or were changed by hand; the message says how to make them again."""


def digest(rows: Sequence[Mapping[str, object]]) -> str:
    """Return a SHA-256 over the rows, independent of spacing and key order."""
    return hashlib.sha256(json.dumps(list(rows), sort_keys=True).encode()).hexdigest()


def save(name: str, rows: Sequence[Mapping[str, object]], stamp: Mapping[str, object], folder: Path = FOLDER) -> Path:
    """Store the rows of an experiment with its stamp, in one step.

    Parameters
    ----------
    name : str
        Name of the experiment, and of the file.
    rows : sequence of mapping
        One mapping of plain values for each run.
    stamp : mapping
        What the rows depend on: hashes of the script and the lock, versions, seeds.
    """
    path = folder / f"{name}.json"
    record = {"experiment": name, "stamp": {**stamp, "rows_sha256": digest(rows)}, "rows": list(rows)}
    text = json.dumps(record, indent=1, ensure_ascii=False)
    scratch = path.with_suffix(".part")
    scratch.write_text(text + "\n", encoding="utf-8")
    os.replace(scratch, path)
    return path


def load(name: str, folder: Path = FOLDER) -> list[dict[str, float]]:
    """Return the stored rows of an experiment, as its script wrote them.

    Raises
    ------
    ResultsError
        There is no such file, it is not readable, or its rows were edited after the run.
    """
    record = read(name, folder)
    if digest(record["rows"]) != record["stamp"]["rows_sha256"]:
        raise ResultsError(f"{name}: the stored rows are not those the script wrote. {_again(name)}")
    return record["rows"]


def read(name: str, folder: Path = FOLDER) -> dict:
    """Return the whole stored record: ``experiment``, ``stamp`` and ``rows``, unchecked."""
    path = folder / f"{name}.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        record["rows"], record["stamp"]["rows_sha256"]
    except FileNotFoundError:
        known = ", ".join(sorted(found.stem for found in folder.glob("*.json")))
        raise ResultsError(f"There are no results of {name!r}. Stored are: {known}. {_again(name)}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ResultsError(f"{path.name} is not a results file ({error}). {_again(name)}") from None
    return record


SPEED = ("cached_features", "fit_speed", "sequence_cost", "speed_run")  # measured by benchmarks/


def command(name: str) -> str:
    """Return the command that makes the results of a name again."""
    return f"python -m {f'benchmarks.{name} --write' if name in SPEED else f'experiments.{name}'}"


def _again(name: str) -> str:
    return f"Make them again: {command(name)}"
