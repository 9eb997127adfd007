"""The learner's copy shows no MyST markup in JupyterLab, and its links lead somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools import plain
from tools.student import student_text

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = [path for folder in ("chapters", "labs") for path in sorted((ROOT / folder).rglob("*.ipynb"))]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course with one bibliography entry of each kind and one label."""
    entry = "@article{{{key}, author={{{who}}}, title={{T}}, year={{1998}}}}\n"
    people = {"one": "LeCun, Yann", "two": "LeCun, Yann and Bottou, L", "many": "LeCun, Yann and Bottou, L and Bengio, Y"}
    (tmp_path / "references.bib").write_text("".join(entry.format(key=key, who=who) for key, who in people.items()))
    (tmp_path / "chapters" / "cnns").mkdir(parents=True)
    cell = {"cell_type": "markdown", "source": ["text\n", "\n", "(C1)=\n", "## Why"]}
    (tmp_path / "chapters" / "cnns" / "why.ipynb").write_text(json.dumps({"cells": [cell]}, indent=1))
    return tmp_path


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{cite}`one`", "([LeCun, 1998](/static/chapters/references.html))"),
        ("{cite:p}`two`", "([LeCun and Bottou, 1998](/static/chapters/references.html))"),
        ("{cite}`many`", "([LeCun et al., 1998](/static/chapters/references.html))"),
        ("{glue:text}`rate` %", "97.5 %"),
        ("a {term}`batch` of", "a batch of"),
        ("{term}`several batches <batch>`", "several batches"),
        ("(C1)=\n## Why", "## Why"),
        ("[C1](#C1)", "[C1](/static/chapters/cnns/why.html#c1)"),
        ("[part](../../chapters/cnns/index.md)", "[part](/static/chapters/cnns/index.html)"),
        ("[lab](../rnns/lab.ipynb)", "[lab](../rnns/lab.ipynb)"),
        ("[web](https://example.org/a.md)", "[web](https://example.org/a.md)"),
        (":::{tip} Look\n:class: x\ntwo\n:::\nafter", "> **Look**\n>\n> two\nafter"),
        ("```{note}\none\n```", "> **Note**\n>\n> one"),
        ("```python\nx = {cite}\n```", "```python\nx = {cite}\n```"),
    ],
)
def test_markup_becomes_plain(root: Path, source: str, expected: str) -> None:
    assert plain.plain(source, root, "labs/cnns", {"rate": "97.5"}) == expected


def test_tabs_become_one_after_the_other_with_the_included_code(root: Path) -> None:
    (root / "chapters" / "cnns" / "code").mkdir()
    (root / "chapters" / "cnns" / "code" / "a.py").write_text("x = 1\n\n\n@f\ndef g(): ...\n")
    item = ":::{tab-item} PyTorch\n:sync: torch\n```{literalinclude} code/a.py\n:language: python\n```\n:::\n"
    tabs = f"::::{{tab-set}}\n:sync-group: framework\n\n{item}\n::::\nafter"
    made = plain.plain(tabs, root, "chapters/cnns", {})
    lines = ["**PyTorch**", "```python", "x = 1", "@f", "def g(): ...", "```", "after"]
    assert [line for line in made.split("\n") if line] == lines
    assert "x = 1\n\n\n@f" in made, "the code is changed"


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("pyobject: g", "@f\ndef g(): ..."),
        ("start-at: def g\n:end-at: y =", "def g(): ...\n\n\ny = 2"),
        ("lines: 4-", "@f\ndef g(): ...\n\n\ny = 2"),
        ("lines: 4-5", "@f\ndef g(): ..."),
        ("lines: 1", "x = 1"),
    ],
)
def test_a_part_of_a_file_is_included(root: Path, option: str, expected: str) -> None:
    (root / "labs").mkdir()
    (root / "labs" / "a.py").write_text("x = 1\n\n\n@f\ndef g(): ...\n\n\ny = 2\n")
    made = plain.plain(f"```{{literalinclude}} a.py\n:{option}\n```", root, "labs", {})
    assert made == f"```python\n{expected}\n```"


def test_options_inside_a_tab_are_kept(root: Path) -> None:
    (root / "labs").mkdir()
    (root / "labs" / "a.py").write_text("x = 1\ny = 2\n")
    tab = ":::{tab-item} PyTorch\n:sync: torch\n```{literalinclude} a.py\n:lines: 2-\n```\n:::"
    made = plain.plain(tab, root, "labs", {})
    assert "y = 2" in made and "x = 1" not in made


def test_a_directive_without_an_end_loses_no_text(root: Path) -> None:
    assert plain.plain("before\n:::{note}\none", root, "labs", {}).split() == "before > **Note** > > one".split()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_markup_is_left_in_the_course(path: Path) -> None:
    nb = json.loads(student_text(path, ROOT))
    text = "\n".join("".join(cell["source"]) for cell in nb["cells"] if cell["cell_type"] == "markdown")
    assert not re.findall(r"\{[\w:-]+\}`|^\([\w-]+\)=|^(?:`{3,}|:{3,})\{|\]\(#", text, flags=re.MULTILINE)
