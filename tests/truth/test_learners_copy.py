"""The copy that a learner opens runs from its own folder, away from the repository, and no exercise in it is answered."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.promises.rules import checked_name
from tools import notebooks
from tools.student import has_solution, student_text

ROOT = Path(__file__).resolve().parents[2]
WITH_EXERCISES = [
    path.relative_to(ROOT).as_posix()
    for path in notebooks.find(ROOT)
    if any(has_solution(cell.source) for cell in notebooks.code_cells(notebooks.read(path)))
]


def learners_copy(name: str) -> NotebookNode:
    """Return the learner's copy of a notebook."""
    return nbformat.from_dict(json.loads(student_text(ROOT / name, ROOT)))


def starts_with_imports(cell: NotebookNode) -> bool:
    """Tell whether a cell is a page's own import cell; it may load data, too. The bootstrap cell is another one."""
    if cell.cell_type != "code" or "bootstrap" in cell.metadata.get("tags", []):
        return False
    body = ast.parse(cell.source).body
    return bool(body) and isinstance(body[0], ast.Import | ast.ImportFrom)


def without_the_lesson(nb: NotebookNode) -> NotebookNode:
    """Return a lab's import cell and its section "Exercises": training it again takes too long.

    So the exercises of a lab must run on their own, which is good for a learner who comes back to them, too. A section
    after them (a program that runs again, with the repaired function) is part of the lesson.
    """
    markdown = [(i, cell.source) for i, cell in enumerate(nb.cells) if cell.cell_type == "markdown"]
    start = next(i for i, source in markdown if "## Exercises" in source)
    end = next((i for i, source in markdown if i > start and source.startswith("## ")), len(nb.cells))
    imports = next(cell for cell in nb.cells[:start] if starts_with_imports(cell))
    return nbformat.v4.new_notebook(metadata=nb.metadata, cells=[imports, *nb.cells[start:end]])


@pytest.mark.parametrize("name", ["labs/cnns/digits-first-look.ipynb"])
def test_learners_copy_runs_from_any_folder(name: str, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / Path(name).name
    path.parent.mkdir()
    nb = learners_copy(name)
    notebooks.run(nb, path)
    assert all(cell.execution_count for cell in notebooks.code_cells(nb))


@pytest.mark.parametrize("name", WITH_EXERCISES)
def test_run_all_stops_nowhere_and_every_check_says_not_answered(name: str, tmp_path: Path) -> None:
    """Chapters run from top to bottom; of labs with a framework, the imports and the exercises."""
    nb = learners_copy(name)
    framework = notebooks.read(ROOT / name).metadata.course["framework"]
    nb = nb if framework == "none" else without_the_lesson(nb)
    notebooks.run(nb, tmp_path / Path(name).name)
    checks = [cell for cell in notebooks.code_cells(nb) if checked_name(cell)]
    assert checks
    for cell in checks:
        (output,) = cell.outputs
        assert output.data["text/plain"].startswith(f"Not answered yet: {checked_name(cell)}."), output


def test_of_a_lab_the_imports_and_the_exercises_are_kept() -> None:
    markdown, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    cells = [markdown("# Lab"), code("import a\nfrom b import c"), code("import d\nd.train()"), code("x = 1")]
    exercises = [markdown("Text\n\n## Exercises"), code("y = ..."), code('check("a/b", y)')]
    after = [markdown("## Run it again"), code("d.train()")]
    kept = without_the_lesson(nbformat.v4.new_notebook(cells=cells + exercises + after)).cells
    assert [cell.source for cell in kept] == ["import a\nfrom b import c", *(cell.source for cell in exercises)]
