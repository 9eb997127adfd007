"""The chapters' PyTorch files run, and print what the page says they print."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(ROOT.glob("chapters/*/code/*-torch.py"))


def test_there_are_files_to_run() -> None:
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_file_runs_and_prints_what_the_page_shows(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(path), run_name="__main__")
    shown = path.with_suffix(".txt")
    if shown.exists():
        assert capsys.readouterr().out == shown.read_text(encoding="utf-8")
    assert "tensorflow" not in sys.modules


def test_each_printed_text_belongs_to_a_file() -> None:
    texts = {path.with_suffix("") for path in ROOT.glob("chapters/*/code/*-torch.txt")}
    assert texts <= {path.with_suffix("") for path in FILES}
