"""A long experiment goes on where it stopped, and stores each case once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from experiments import rows, stamp


def cases(side: str) -> list[rows.Case]:
    return [{"size": size, "seed": seed} for size in (1, 2) for seed in (0, 1)]


def test_a_second_run_makes_only_what_the_log_lacks(tmp_path: Path) -> None:
    log, made = tmp_path / "deep" / "x.log", []

    def measure(side: str, size: int, seed: int) -> rows.Row:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append((size, seed))
        return {"score": size + seed}

    with pytest.raises(KeyboardInterrupt):
        rows.work("torch", cases("torch"), measure, log)
    log.write_text(log.read_text() + '{"side": "torch", "ca')  # the power failed in the middle of a line
    made.clear()
    rows.work("torch", cases("torch")[:3], measure, log)
    assert made == [(2, 0)]
    assert [line["case"] for line in rows.read(log)] == cases("torch")[:3]


def test_the_rows_are_in_the_order_of_the_cases_whatever_the_log_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, stored = tmp_path / "x.log", {}

    def measure(side: str, **case: int) -> rows.Row:
        return {"score": case["size"] * 10 + case["seed"]}

    def in_this_process(command: list[str], **_: object) -> None:
        rows.work(command[3], list(reversed(cases(""))), measure, log)

    def keep(name: str, found: list, seeds: list, packages: object, seconds: float) -> Path:
        stored.update(rows=found, seeds=seeds, seconds=seconds)
        return stamp.ROOT / name

    rows.work("torch", [{"size": 9, "seed": 9}], measure, log)  # a case of an older version of the experiment
    monkeypatch.setattr(subprocess, "run", in_this_process)
    monkeypatch.setattr(stamp, "store", keep)
    monkeypatch.setattr(sys, "argv", ["x", "--log", str(log)])
    rows.main("x", cases, measure, packages=(), sides=("torch", "keras"))
    assert stored["seeds"] == [0, 1] and stored["seconds"] > 0
    assert [(row["framework"], row["score"]) for row in stored["rows"]] == [
        (side, score) for side in ("torch", "keras") for score in (10, 11, 20, 21)
    ]
