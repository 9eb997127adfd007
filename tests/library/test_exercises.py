"""Every exercise of the course: its check is right about the solution and about typical mistakes, and it is in use."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import nbformat
import pytest
from gpulab.exercises import check, exercises

from tests.exercises import walk
from tests.promises.rules import checked_name
from tools import notebooks

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = walk.load()
WRONG = [(name, answer, words) for name, answers in ANSWERS.items() for answer, words in answers.wrong]


def test_every_exercise_has_its_answers() -> None:
    walk.assert_complete()


@pytest.mark.parametrize("name", ANSWERS)
def test_the_solution_passes(name: str) -> None:
    walk.assert_passes(name, ANSWERS[name])


@pytest.mark.parametrize(("name", "answer", "words"), WRONG, ids=[f"{name}-{words}" for name, _, words in WRONG])
def test_a_wrong_answer_gets_its_hint_and_not_the_answer(name: str, answer: object, words: str) -> None:
    walk.assert_hinted(name, answer, words)


@pytest.mark.parametrize("name", exercises())
@pytest.mark.parametrize("answer", [..., None], ids=["dots", "none"])
def test_no_answer_is_said_to_be_none(name: str, answer: object) -> None:
    verdict = check(name, answer)
    assert not verdict.answered and not verdict.passed
    assert verdict.text.startswith(f"Not answered yet: {name}.")


def test_the_search_for_given_away_answers_finds_one() -> None:
    verdict = check("cnn/keep-size", 2)
    assert walk.leaks("cnn/keep-size", 2, verdict) == []
    told = type(verdict)(verdict.name, verdict.state, verdict.message, "It is 6.", verdict.words)
    assert walk.leaks("cnn/keep-size", 2, told) == ["6"]


def checks_in_notebooks() -> dict[str, list[str]]:
    """Return the notebooks that check each exercise; a pair of labs counts as one."""
    found = defaultdict(list)
    for path in notebooks.find(ROOT):
        page = re.sub(r"-(torch|keras)$", "", path.relative_to(ROOT).with_suffix("").as_posix())
        for cell in notebooks.code_cells(notebooks.read(path)):
            if "check(" in cell.source and (name := checked_name(cell)):
                found[name].append((page, path.stem))
    return found


def test_every_exercise_is_in_exactly_one_place_and_every_check_names_one() -> None:
    found = checks_in_notebooks()
    assert found.keys() == exercises().keys()
    for name, places in found.items():
        assert len({page for page, _ in places}) == 1, f"{name} stands in {places}"
        pair = [stem.rpartition("-")[2] for _, stem in places if stem.endswith(("-torch", "-keras"))]
        if pair:
            assert sorted(pair) == sorted(exercises()[name].needs or ("keras", "torch")), f"{name} stands in {places}"
        else:
            assert len(places) == 1, f"{name} stands in {places}"


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_exercises_of_a_framework_are_tested_beside_it(framework: str) -> None:
    assert (ROOT / "tests" / framework / "test_exercises.py").is_file()


def functions_of(source: str) -> set[str]:
    """Return the functions and classes that a cell makes."""
    tree = ast.parse("\n".join(line for line in source.splitlines() if not line.startswith(("%", "!"))))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


PAGES = sorted(path for folder in ("chapters", "labs") for path in (ROOT / folder).rglob("*.ipynb"))


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_an_empty_answer_cell_breaks_nothing_else_on_its_page(path: Path) -> None:
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    is_answer = ["exercise" in cell.metadata.get("tags", []) for cell in cells]
    page = set().union(
        *(functions_of(cell.source) for cell, answer in zip(cells, is_answer, strict=True) if not answer)
    )
    for cell, answer in zip(cells, is_answer, strict=True):
        if answer and "### HANDED OUT" not in cell.source:  # a repair is meant to take the broken function's place
            assert not functions_of(cell.source) & page
