"""Stored results are those that the present script wrote, untouched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments import stamp
from gpulab import results

STORED = sorted(path.stem for path in results.FOLDER.glob("*.json"))
SPEED = set(results.SPEED)  # measured by benchmarks/
SCRIPTS = sorted(path.stem for path in (stamp.ROOT / "experiments").glob("*.py") if path.stem not in {"stamp", "rows", "__init__"})


def test_every_script_has_results_and_a_line_in_the_readme() -> None:
    readme = "".join((stamp.ROOT / name / "README.md").read_text(encoding="utf-8") for name in ("experiments", "benchmarks"))
    assert sorted({*SCRIPTS, *SPEED}) == STORED
    assert [name for name in STORED if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("name", STORED)
def test_results_were_written_by_the_present_script(name: str) -> None:
    recorded = results.read(name)["stamp"]
    assert recorded["script_sha256"] == stamp.script_hash(name), f"run again: {results.command(name)}"
    assert {"library_sha256", "lock_sha256", "versions", "seeds", "seconds"} <= set(recorded)


def test_a_folder_of_benchmarks_is_hashed_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("experiments/a.py", "benchmarks/flat.py", "benchmarks/folder/part.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    monkeypatch.setattr(stamp, "ROOT", tmp_path)
    before = {name: stamp.script_hash(name) for name in ("a", "flat", "folder")}
    assert len(set(before.values())) == 3
    (tmp_path / "benchmarks/folder/part.py").write_text("changed")
    assert {name for name in before if stamp.script_hash(name) != before[name]} == {"folder"}
    (tmp_path / "benchmarks/other.py").write_text("new")
    assert {name for name in ("a", "flat") if stamp.script_hash(name) != before[name]} == {"flat"}
    assert results.command("speed_run") == "python -m benchmarks.speed_run --write"


@pytest.mark.parametrize("name", STORED)
def test_rows_are_untouched(name: str) -> None:
    assert results.load(name)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    rows = [{"seed": 0, "accuracy": 0.5}]
    results.save("tiny", rows, {"seeds": [0]}, folder=tmp_path)
    assert results.load("tiny", folder=tmp_path) == rows
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.json"]


def test_an_edited_row_is_caught(tmp_path: Path) -> None:
    path = results.save("tiny", [{"accuracy": 0.5}], {}, folder=tmp_path)
    path.write_text(path.read_text().replace("0.5", "0.9"))
    with pytest.raises(results.ResultsError, match="not those the script wrote.*experiments.tiny"):
        results.load("tiny", folder=tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"rows": []})])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "tiny.json").write_text(text)
    with pytest.raises(results.ResultsError, match=r"tiny\.json is not a results file"):
        results.load("tiny", folder=tmp_path)


def test_missing_results_list_the_known_ones(tmp_path: Path) -> None:
    results.save("tiny", [], {}, folder=tmp_path)
    with pytest.raises(results.ResultsError, match="no results of 'huge'. Stored are: tiny"):
        results.load("huge", folder=tmp_path)
