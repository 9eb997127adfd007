"""A checkpoint is whole or refused, and a failed write leaves the one before it."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from gpulab.train import TrainError, checkpoint

OLD, NEW = b"old tensors", b"new tensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a checkpoint in it."""
    checkpoint.write(tmp_path / "run", OLD, {"step": 1})
    return tmp_path / "run"


def tensors_file(folder: Path) -> Path:
    (found,) = folder.glob("state-*.safetensors")
    return found


def test_what_was_written_is_read(folder: Path) -> None:
    assert checkpoint.read(folder) == (OLD, {"step": 1})
    checkpoint.write(folder, NEW, {"step": 2})
    assert checkpoint.read(folder) == (NEW, {"step": 2})
    assert len(list(folder.iterdir())) == 2, "the older one should be gone"


def test_missing_checkpoint_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="There is no checkpoint in .*Leave resume out"):
        checkpoint.read(tmp_path)


@pytest.mark.parametrize("content", [b"old ten", b"old tensorz", b""])
def test_truncated_or_altered_tensors_are_refused(folder: Path, content: bytes) -> None:
    tensors_file(folder).write_bytes(content)
    with pytest.raises(TrainError, match="truncated or altered"):
        checkpoint.read(folder)


def test_missing_tensors_are_refused(folder: Path) -> None:
    tensors_file(folder).unlink()
    with pytest.raises(TrainError, match="incomplete"):
        checkpoint.read(folder)


def test_truncated_record_is_refused(folder: Path) -> None:
    path = folder / checkpoint.RECORD
    path.write_text(path.read_text()[:-20])
    with pytest.raises(TrainError, match="truncated or not a checkpoint"):
        checkpoint.read(folder)


def test_altered_record_is_refused(folder: Path) -> None:
    path = folder / checkpoint.RECORD
    path.write_text(path.read_text().replace('"step": 1', '"step": 7'))
    with pytest.raises(TrainError, match="altered"):
        checkpoint.read(folder)


@pytest.mark.parametrize(
    "other", [{"format": "another program's"}, {}, [1, 2], {"format": checkpoint.FORMAT, "file": "../secret"}]
)
def test_foreign_record_is_refused(folder: Path, other: object) -> None:
    (folder / checkpoint.RECORD).write_text(json.dumps(other))
    with pytest.raises(TrainError, match="not written by gpulab.train"):
        checkpoint.read(folder)


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "no space left"), (errno.EROFS, "cannot be written")])
@pytest.mark.parametrize("fails_at", [0, 1], ids=["tensors", "record"])
def test_full_disk_or_read_only_folder_keeps_the_earlier_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str, fails_at: int
) -> None:
    real, calls = checkpoint.os.replace, []

    def refuse(source: str, target: Path) -> None:
        calls.append(target)
        if len(calls) > fails_at:
            raise OSError(number, "refused")
        real(source, target)

    monkeypatch.setattr(checkpoint.os, "replace", refuse)
    with pytest.raises(TrainError, match=f"{words}.*untouched"):
        checkpoint.write(folder, NEW, {"step": 2})
    assert checkpoint.read(folder) == (OLD, {"step": 1})
    assert not list(folder.glob(".part-*")), "nothing half-written stays"


def test_folder_is_tried_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainError, match="Cannot save the checkpoint in"):
        checkpoint.check_writable(tmp_path / "file")


def test_leftovers_of_a_killed_write_are_swept(folder: Path) -> None:
    (folder / ".part-x").write_text("half")
    checkpoint.check_writable(folder)
    assert not (folder / ".part-x").exists() and checkpoint.read(folder)[0] == OLD
