"""Checkpoints: a folder with one safetensors file and one JSON file. Nothing in them can run code.

The tensors are written first, under a name made from their hash; then ``checkpoint.json``, which names them, is put
in place by one atomic step. Whatever happens before that step, the folder holds the checkpoint that it held before.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from gpulab.train.errors import NO_SPACE, READ_ONLY, TrainError

FORMAT = "gpulab checkpoint 1"
RECORD = "checkpoint.json"


def write(folder: Path, tensors: bytes, record: dict[str, Any]) -> None:
    """Replace the checkpoint in a folder by a newer one, in one atomic step.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    tensors : bytes
        The content of a safetensors file.
    record : dict
        Plain data.

    Raises
    ------
    TrainError
        The folder cannot be written or the disk is full. What was there before is untouched.
    """
    digest = hashlib.sha256(tensors).hexdigest()
    name = f"state-{digest[:16]}.safetensors"
    outer = {"format": FORMAT, "file": name, "sha256": digest, "record_sha256": _digest(record), "record": record}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _put(folder / name, tensors)
        _put(folder / RECORD, json.dumps(outer, indent=1).encode())
        for old in folder.glob("state-*.safetensors"):
            if old.name != name:
                old.unlink()
    except OSError as error:
        raise _refused(folder, error, len(tensors)) from error


def check_writable(folder: Path) -> None:
    """Make the folder and try it, before an hour of training depends on it.

    Raises
    ------
    TrainError
        It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        for left in folder.glob(".part-*"):  # of a run that was killed while it wrote
            left.unlink()
    except OSError as error:
        raise _refused(folder, error, 0) from error


def read(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """Return the tensors' file content and the record of a checkpoint, both verified.

    Raises
    ------
    TrainError
        There is no checkpoint, or it is truncated, altered or another program's.
    """
    outer = _read_record(folder)
    path = folder / outer["file"]
    try:
        tensors = path.read_bytes()
    except OSError as error:
        raise TrainError(f"The checkpoint in {folder} is incomplete: {path.name}: {error.strerror}.") from error
    if hashlib.sha256(tensors).hexdigest() != outer["sha256"]:
        raise TrainError(
            f"The checkpoint file {path} is truncated or altered: its hash differs. It is not used; start again."
        )
    return tensors, outer["record"]


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / RECORD
    try:
        outer = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise TrainError(
            f"There is no checkpoint in {folder} (no {RECORD}). Leave resume out to start a new run."
        ) from error
    except OSError as error:
        raise TrainError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise TrainError(f"{path} is truncated or not a checkpoint's record ({error}). It is not used.") from error
    known = isinstance(outer, dict) and outer.get("format") == FORMAT
    if not known or not isinstance(outer.get("file"), str) or Path(outer["file"]).name != outer["file"]:
        raise TrainError(f"{path} was not written by gpulab.train (expected the format {FORMAT!r}). It is not used.")
    if outer.get("record_sha256") != _digest(outer.get("record")):
        raise TrainError(f"{path} was altered after it was written: its hash differs. It is not used; start again.")
    return outer


def _digest(record: Any) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _put(path: Path, content: bytes) -> None:
    """Write a whole file or nothing; it is on the disk before it gets its name."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)


def _refused(folder: Path, error: OSError, size: int) -> TrainError:
    if error.errno in NO_SPACE:
        why = f"no space left; this checkpoint needs {size / 1e6:.1f} MB"
    elif error.errno in READ_ONLY:
        why = f"the folder cannot be written ({error.strerror}); choose another one"
    else:
        why = error.strerror or str(error)
    return TrainError(f"Cannot save the checkpoint in {folder}: {why}. An earlier checkpoint there is untouched.")
