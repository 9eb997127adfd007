"""The copy that a learner opens runs from its own folder, away from the repository."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest

from tools import notebooks
from tools.student import student_text

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["labs/cnns/digits-first-look.ipynb"])
def test_learners_copy_runs_from_any_folder(name: str, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / Path(name).name
    path.parent.mkdir()
    nb = nbformat.from_dict(json.loads(student_text(ROOT / name, ROOT)))
    notebooks.run(nb, path)
    assert all(cell.execution_count for cell in notebooks.code_cells(nb))
