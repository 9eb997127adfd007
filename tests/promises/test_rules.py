"""Each promise check must be able to fail: it is silent on a small sound course and speaks up on a broken one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.promises import rules
from tests.promises.tree import Tree
from tools import notebooks

URL = "https://example.org/course"
CARD = "| This lab | |\n|---|---|\n" + "".join(
    f"| **{row}** | {'[C1](#C1)' if row == 'Covers' else 'something'} |\n" for row in rules.CARD_ROWS
)
TOC = """\
format: jb-book
root: chapters/welcome
parts:
  - caption: Convolutional networks
    chapters:
      - file: chapters/cnns/why
      - file: labs/cnns/edges-torch
      - file: labs/cnns/edges-keras
"""


PAGE = """\
---
course:
  covers: []
  minutes: 2
---
# Welcome

## What it is

See [why](cnns/why.ipynb) and [C1](#C1).
"""


def stored_notebook(opening: str, framework: str, *cells: NotebookNode) -> NotebookNode:
    """Return a notebook that looks executed."""
    boot = new_code_cell(notebooks.bootstrap_source(framework, [], URL), metadata={"tags": notebooks.BOOTSTRAP_TAGS})
    printed = new_code_cell("print(1)", outputs=[new_output("stream", name="stdout", text="1\n")])
    nb = new_notebook(cells=[new_markdown_cell(opening), boot, printed, *cells])
    nb.metadata["course"] = {"covers": ["C1"], "framework": framework, "minutes": 5}
    for count, cell in enumerate(notebooks.code_cells(nb), start=1):
        cell.execution_count = count
    notebooks.stamp(nb)
    return nb


def make_course(root: Path) -> None:
    """Write a small course that keeps every promise."""
    files = {
        "_config.yml": f"repository:\n  url: {URL}\n",
        "_toc.yml": TOC,
        "README.md": "See [the start](chapters/welcome.md#what-it-is).\n",
        "chapters/welcome.md": PAGE,
        f"{rules.HERE}/syllabus.json": json.dumps({"C1": "Why", "C2": "How"}),
        f"{rules.HERE}/pending.txt": "C2\n",
        f"{rules.HERE}/large_files.txt": "# none\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    pages = {"chapters/cnns/why": stored_notebook("# Why\n\n(C1)=\n## Why convolution", "none")}
    for framework in ("torch", "keras"):
        pages[f"labs/cnns/edges-{framework}"] = stored_notebook(f"# Edges\n\nOne line.\n\n{CARD}", framework)
    for name, nb in pages.items():
        (root / f"{name}.ipynb").parent.mkdir(parents=True, exist_ok=True)
        notebooks.write(nb, root / f"{name}.ipynb")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return the root of a sound course."""
    make_course(tmp_path)
    return tmp_path


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Return a break: replace a text in a file."""

    def apply(root: Path) -> None:
        text = (root / name).read_text(encoding="utf-8")
        assert old in text
        (root / name).write_text(text.replace(old, new), encoding="utf-8")

    return apply


def add(name: str, text: str) -> Callable[[Path], None]:
    """Return a break: append to a file, or make it."""

    def apply(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        with (root / name).open("a", encoding="utf-8") as file:
            file.write(text)

    return apply


def remove(name: str) -> Callable[[Path], None]:
    """Return a break: delete a file."""
    return lambda root: (root / name).unlink()


def change(name: str, edit_notebook: Callable[[NotebookNode], object]) -> Callable[[Path], None]:
    """Return a break: change a notebook and stamp it again."""

    def apply(root: Path) -> None:
        nb = notebooks.read(root / name)
        edit_notebook(nb)
        notebooks.stamp(nb)
        notebooks.write(nb, root / name)

    return apply


def draw(nb: NotebookNode) -> None:
    """Let the last cell show a picture."""
    nb.cells[-1].outputs = [new_output("display_data", data={"image/png": "AAAA", "text/plain": "<Figure>"})]


def long_cell(nb: NotebookNode) -> None:
    """Make the last cell too long."""
    nb.cells[-1].source = "\n".join(f"x = {n}" for n in range(21))


def wide_cell(nb: NotebookNode) -> None:
    """Make a line of the last cell wider than the page."""
    nb.cells[-1].source = "x = " + " + ".join(["1"] * 30)


PASSED = new_output("execute_result", data={"text/plain": "Passed: cnn/two.\nAll 3 cases are right."})


def add_exercise(
    statement: str = "(cnn-two)=\n### Two\n\nGive two.",
    answer: str = "two = ...\n### BEGIN SOLUTION\ntwo = 2\n### END SOLUTION",
    check: str = 'check("cnn/two", two)',
    *,
    tags: list[str] | None = None,
    output: NotebookNode = PASSED,
) -> Callable[[Path], None]:
    """Return a change: an exercise at the end of a page, sound where nothing is given."""
    metadata = {"tags": ["exercise"] if tags is None else tags}
    cells = [new_code_cell(answer, metadata=metadata), new_code_cell(check, outputs=[output])]
    kept = [new_markdown_cell(statement), *(cell for cell in cells if cell.source)]
    return change(WHY, lambda nb: nb.cells.extend(kept))


WELCOME, WHY = "chapters/welcome.md", "chapters/cnns/why.ipynb"
TORCH, KERAS = "labs/cnns/edges-torch.ipynb", "labs/cnns/edges-keras.ipynb"
PENDING, LARGE = f"{rules.HERE}/pending.txt", f"{rules.HERE}/large_files.txt"
BREAKS = [
    ("syllabus_coverage", add(PENDING, "C1\n"), "take it off pending.txt"),
    ("syllabus_coverage", edit(PENDING, "C2", ""), "C2 (How) has no chapter and no lab"),
    ("syllabus_coverage", add(PENDING, "C9\n"), "unknown id C9"),
    ("syllabus_coverage", add(PENDING, "C2\n"), "C2 stands there twice"),
    ("syllabus_coverage", edit(WELCOME, "covers: []", "covers: [X1]"), "'X1', which is not in the syllabus"),
    ("labeled_sections", edit(WELCOME, "covers: []", "covers: [C2]"), "no section labeled (C2)="),
    ("labeled_sections", edit(WELCOME, "## What", "(C2)=\n## What"), "labels (C2)= but does not cover it"),
    ("labeled_sections", edit(WELCOME, "## What", "(C1)=\n## What"), "(C1)= stands in"),
    ("labeled_sections", change(WHY, lambda nb: nb.cells[0].update(source="(C1)=\n\nText")), "before no heading"),
    ("page_metadata", edit(WELCOME, "  minutes: 2\n", ""), "no `minutes` above 0"),
    ("page_metadata", edit(WELCOME, "covers: []", "covers: C1"), "no list `covers`"),
    ("page_metadata", edit(WELCOME, "covers: []", "covers: ["), "chapters/welcome:"),
    ("page_metadata", change(WHY, lambda nb: nb.metadata.course.update(framework="jax")), "`framework` is 'jax'"),
    ("page_metadata", edit(WHY, "{", ""), "cannot be read as a notebook"),
    ("table_of_contents", edit("_toc.yml", "      - file: chapters/cnns/why\n", ""), "in no place of _toc.yml"),
    ("table_of_contents", remove(KERAS), "labs/cnns/edges-keras is no page"),
    ("table_of_contents", add("_toc.yml", "      - file: chapters/cnns/why\n"), "stands there twice"),
    ("framework_pairs", remove(KERAS), "partner labs/cnns/edges-keras is missing"),
    ("framework_pairs", change(KERAS, lambda nb: nb.metadata.course.update(covers=["C2"])), "covers other ids"),
    ("framework_pairs", change(KERAS, lambda nb: nb.metadata.course.update(framework="none")), "its metadata none"),
    ("file_names", add("labs/cnns/01-intro.py", ""), "01-intro.py"),
    ("file_names", add("experiments/week3/run.py", ""), "week3"),
    ("alt_text", add(WELCOME, "\n![](picture.png)\n"), "no alt text for picture.png"),
    ("alt_text", add(WELCOME, "\n```{figure} picture.png\n:width: 3\n\nCaption\n```\n"), "{figure} picture.png"),
    ("alt_text", add(WELCOME, '\n:::{image} picture.png\n:alt:\n:::\n'), "{image} picture.png"),
    ("alt_text", add(WELCOME, '\n<img src="a.png" alt="">\n'), "<img"),
    ("alt_text", change(WHY, draw), "cell 2 draws a picture and has no alt text"),
    ("links", add(WELCOME, "\n[gone](nowhere.md)\n"), "link to nowhere.md leads nowhere"),
    ("links", add(WELCOME, "\n[gone](#nowhere)\n"), "link to #nowhere leads nowhere"),
    ("links", add(WELCOME, "\n[gone](cnns/why.ipynb#nowhere)\n"), "why.ipynb#nowhere leads nowhere"),
    ("links", add("README.md", "[gone](../outside.md)\n"), "README.md: the link to ../outside.md"),
    ("lab_cards", change(TORCH, lambda nb: nb.cells[0].update(source="Edges")), "no Markdown with a title"),
    ("lab_cards", edit(TORCH, "| **Memory** | something |", "| **Memory** | |"), "its card has no Memory"),
    ("lab_cards", edit(TORCH, "[C1](#C1)", "C1"), "does not link to [C1](#C1)"),
    ("notebook_form", edit(TORCH, "print(1)", "print(2)"), "stale"),
    ("notebook_form", add("experiments/loose.ipynb", "{"), "cannot be read as a notebook"),
    ("bootstrap_cells", change(TORCH, lambda nb: nb.cells.pop(1)), "the second cell, and no other"),
    ("bootstrap_cells", edit("_config.yml", "example.org", "example.com"), "bootstrap cell is out of date"),
    ("bootstrap_cells", change(TORCH, lambda nb: nb.metadata.course.update(framework="none")), "is out of date"),
    ("cell_sizes", change(WHY, long_cell), "a cell of 21 lines"),
    ("cell_sizes", change(WHY, long_cell), "21 lines at the median"),
    ("cell_sizes", change(WHY, wide_cell), "121 characters, at most 84"),
    ("exercise_form", add_exercise("### Two"), "labeled (cnn-two)="),
    ("exercise_form", add_exercise("(cnn-two)=\nGive two."), "no heading `### ...`"),
    ("exercise_form", add_exercise(tags=[]), "belong together"),
    ("exercise_form", add_exercise(answer="two = 2"), "belong together"),
    ("exercise_form", add_exercise(answer="### BEGIN SOLUTION\ntwo = 2"), "has no '### END SOLUTION'"),
    ("exercise_form", add_exercise(answer="two = ...\n### BEGIN SOLUTION\n### END SOLUTION"), "solution is empty"),
    ("exercise_form", add_exercise(check=""), "the cell after an answer is its check"),
    ("exercise_form", add_exercise(check='x = 1\ncheck("cnn/two", two)'), "the cell after an answer is its check"),
    ("exercise_form", add_exercise(answer=""), "a check stands right after its answer"),
    ("exercise_form", add_exercise(output=new_output("execute_result", data={"text/plain": "Not"})), "does not say"),
    ("machine_paths", add("README.md", "Look into /home/someone/course.\n"), "README.md:2: a path of one machine"),
    ("machine_paths", add("Makefile", "X = C:\\Users\\someone\n"), "Makefile:1"),
    ("large_files", add("data.bin", "x" * 1_000_001), "data.bin: 1,000,001 bytes"),
    ("large_files", add(LARGE, "gone.bin: needed\n"), "gone.bin is not there"),
    ("large_files", add(LARGE, "README.md:\n"), "no reason for README.md"),
]


@pytest.mark.parametrize("name", rules.RULES)
def test_rule_is_silent_on_a_sound_course(name: str, course: Path) -> None:
    assert rules.RULES[name](Tree(course)) == []


def test_a_sound_exercise_is_no_problem(course: Path) -> None:
    add_exercise()(course)
    function = "def two():\n    ### BEGIN SOLUTION\n    return 2\n    ### END SOLUTION"
    add_exercise("(cnn-two-torch)=\n### Two", function)(course)
    assert rules.exercise_form(Tree(course)) == []


@pytest.mark.parametrize(("name", "damage", "message"), BREAKS, ids=[f"{b[0]}-{b[2][:24]}" for b in BREAKS])
def test_rule_names_what_is_broken(name: str, damage: Callable[[Path], None], message: str, course: Path) -> None:
    damage(course)
    found = rules.RULES[name](Tree(course))
    assert any(message in problem for problem in found), found


def test_every_rule_has_a_break() -> None:
    assert {name for name, _, _ in BREAKS} == rules.RULES.keys()


def test_examples_in_code_are_no_links_or_labels(course: Path) -> None:
    add(WELCOME, "\nWrite `[x](nowhere.md)` or\n\n```markdown\n(C2)=\n![](p.png)\n[x](#gone)\n```\n")(course)
    assert [problem for rule in rules.RULES.values() for problem in rule(Tree(course))] == []


def test_ignored_files_do_not_count(course: Path) -> None:
    import subprocess

    subprocess.run(["git", "init", "--quiet"], cwd=course, check=True)
    (course / ".gitignore").write_text("made/\n", encoding="utf-8")
    add("made/data.bin", "x" * 1_000_001)(course)
    assert rules.large_files(Tree(course)) == []
