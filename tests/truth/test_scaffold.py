"""A new lesson starts with one command: its page and labs run, and every promise holds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.promises.rules import HERE, RULES
from tests.promises.tree import Tree
from tools import isolate, notebooks, scaffold
from tools.scaffold import Lesson, ScaffoldError

# Two topics that no page covers yet: a scaffolded lesson takes them off the list of pending ones.
PENDING = tuple((isolate.ROOT / HERE / "pending.txt").read_text(encoding="utf-8").split()[:2])
POOLING = Lesson("cnns", "pooling-in-a-copy", "Pooling", PENDING)
TOC = """\
# Only this file knows the order.
root: chapters/welcome
parts:
  - caption: Convolutional networks
    chapters:
      - file: chapters/cnns/index
      - file: chapters/cnns/why # first
      - file: labs/cnns/digits
  - caption: Recurrent networks
    chapters:
      - file: chapters/rnns/index
"""


def copy_course(target: Path) -> Path:
    """Copy the files that git knows."""
    course = Tree(isolate.ROOT)
    for name in course.files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(course.root / name, target / name)
    return target


@pytest.fixture(scope="module")
def scaffolded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Start a lesson in a copy of the course."""
    root = copy_course(tmp_path_factory.mktemp("course"))
    scaffold.write_lesson(POOLING, root)
    return root


def test_all_promises_hold_after_scaffolding(scaffolded: Path) -> None:
    before, after = Tree(isolate.ROOT), Tree(scaffolded)
    new = {name: set(rule(after)) - set(rule(before)) for name, rule in RULES.items() if name != "notebook_form"}
    assert {name: problems for name, problems in new.items() if problems} == {}


@pytest.mark.parametrize("name", [POOLING.chapter, *POOLING.labs.values()])
def test_scaffolded_notebook_is_executed_and_sound(name: str, scaffolded: Path) -> None:
    path = scaffolded / f"{name}.ipynb"
    assert notebooks.problems_in_file(path) == []
    assert all(cell.execution_count for cell in notebooks.code_cells(notebooks.read(path)))


def test_scaffolded_pages_are_listed_and_no_longer_pending(scaffolded: Path) -> None:
    listed = Tree(scaffolded).toc_files
    assert {POOLING.chapter, *POOLING.labs.values()} <= set(listed)
    assert not set(POOLING.covers) & set((scaffolded / HERE / "pending.txt").read_text(encoding="utf-8").split())


def test_nothing_is_overwritten(scaffolded: Path) -> None:
    before = {name: (scaffolded / name).read_bytes() for name in Tree(scaffolded).files}
    with pytest.raises(ScaffoldError, match="pooling-in-a-copy.ipynb exists; nothing was written"):
        scaffold.write_lesson(POOLING, scaffolded)
    assert {name: (scaffolded / name).read_bytes() for name in Tree(scaffolded).files} == before


def test_failure_leaves_nothing_behind(scaffolded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(nb: object, path: Path) -> None:
        if "torch" in path.name:
            raise notebooks.NotebookError("planted")

    monkeypatch.setattr(notebooks, "run", fail)
    before = Tree(scaffolded).files
    with pytest.raises(notebooks.NotebookError, match="planted"):
        scaffold.write_lesson(Lesson("rnns", "cells", "Cells", ("R1",)), scaffolded)
    assert Tree(scaffolded).files == before


def test_pages_are_put_in_their_part_and_comments_stay() -> None:
    lines = scaffold.with_pages(TOC, Lesson("cnns", "pooling", "Pooling", ("C3",))).splitlines()
    assert [line for line in TOC.splitlines() if line not in lines] == []
    chapters = yaml.safe_load("\n".join(lines))["parts"][0]["chapters"]
    names = ["chapters/cnns/index", "chapters/cnns/why", "chapters/cnns/pooling", "labs/cnns/digits"]
    assert [entry["file"] for entry in chapters] == [*names, "labs/cnns/pooling-torch", "labs/cnns/pooling-keras"]


def test_first_labs_of_a_part_stand_after_its_chapters() -> None:
    parts = yaml.safe_load(scaffold.with_pages(TOC, Lesson("rnns", "cells", "Cells", ("R1",))))["parts"]
    names = [entry["file"] for entry in parts[1]["chapters"]]
    assert names == ["chapters/rnns/index", "chapters/rnns/cells", "labs/rnns/cells-torch", "labs/rnns/cells-keras"]


@pytest.mark.parametrize(
    ("lesson", "message"),
    [
        (Lesson("robots", "arms", "Arms", ("C3",)), "there is no part 'robots'"),
        (Lesson("cnns", "Pooling Layers", "Pooling", ("C3",)), "is no name"),
        (Lesson("cnns", "../pooling", "Pooling", ("C3",)), "is no name"),
        (Lesson("cnns", "pooling-torch", "Pooling", ("C3",)), "is no name"),
        (Lesson("cnns", "pooling", "Pooling", ("C99",)), "not in the syllabus: C99"),
        (Lesson("cnns", "pooling", "Pooling", ()), "covers at least one id"),
        (Lesson("cnns", "pooling", " ", ("C3",)), "has a title"),
    ],
)
def test_wrong_request_is_refused_with_a_reason(lesson: Lesson, message: str) -> None:
    with pytest.raises(ScaffoldError, match=message):
        scaffold.check(lesson, isolate.ROOT)


def test_second_page_on_a_topic_gets_a_label_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "one.md").write_text("(C3)=\n## Pooling\n", encoding="utf-8")
    labels = scaffold.choose_labels(Lesson("cnns", "more", "More", ("C2", "C3")), tmp_path)
    assert labels == {"C2": "C2", "C3": "C3-more"}


def test_command_line_prints_one_clear_line_on_a_wrong_part(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(isolate.MARK, "1")
    assert scaffold.main(["robots", "arms", "--covers", "C3", "--title", "Arms"]) == 1
    assert capsys.readouterr().err.startswith("there is no part 'robots'")
