"""The notebook tests must turn red when they should: each way a page can lie is tried on a copy of a sound notebook."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import isolate, notebooks, run_tests

PICTURE = """\
import io
from PIL import Image
from IPython.display import Image as Picture
buffer = io.BytesIO()
Image.new("L", (32, 32), 128).save(buffer, "png")
Picture(buffer.getvalue())"""


def sound_notebook() -> NotebookNode:
    """Return a notebook with every kind of cell, not executed yet."""
    measured = {"tags": ["measured"]}
    cells = [
        new_markdown_cell("# Canary"),
        new_code_cell("answer = 6 * 7\nanswer"),
        new_code_cell("answer;"),
        new_code_cell("Out[1]"),
        new_code_cell("import time\nseconds = time.perf_counter()\nprint(seconds)", metadata=measured),
        new_code_cell("assert seconds > 0"),
        new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}),
        new_code_cell("object()"),
        new_code_cell(PICTURE),
    ]
    course = {"covers": [], "framework": "none", "minutes": 1}
    return new_notebook(cells=cells, metadata={"course": course})


def edit_output_and_stamp(nb: NotebookNode) -> None:
    nb.cells[1].outputs[0].data["text/plain"] = "43"
    notebooks.stamp(nb)


def edit_measured_number(nb: NotebookNode) -> None:
    nb.cells[4].outputs[0].text = "0.001\n"


def change_code(nb: NotebookNode) -> None:
    nb.cells[5].source = "assert seconds >= 0"


def raise_exception(nb: NotebookNode) -> None:
    nb.cells[5].source = "raise ValueError('planted')"
    notebooks.stamp(nb)


def break_syntax(nb: NotebookNode) -> None:
    nb.cells[5].source = "assert seconds >"
    notebooks.stamp(nb)


def strip_outputs(nb: NotebookNode) -> None:
    for cell in notebooks.code_cells(nb):
        cell.outputs, cell.execution_count = [], None
    notebooks.stamp(nb)


def drop_code_cells(nb: NotebookNode) -> None:
    nb.cells = nb.cells[:1]
    notebooks.stamp(nb)


def drop_assertion(nb: NotebookNode) -> None:
    nb.cells[5].source = "seconds > 0;"
    notebooks.stamp(nb)


def reach_out(nb: NotebookNode) -> None:
    source = "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=3)"
    nb.cells[5].source = f"assert seconds > 0\n{source}"
    notebooks.stamp(nb)


def change_picture(nb: NotebookNode) -> None:
    nb.cells[8].source = nb.cells[8].source.replace("128", "250")
    notebooks.stamp(nb)


def load_foreign_framework(nb: NotebookNode) -> None:
    nb.cells[5].source = "import sys, types\nassert seconds > 0\nsys.modules['torch'] = types.ModuleType('torch')"
    notebooks.stamp(nb)


def kill_kernel(nb: NotebookNode) -> None:
    nb.cells[5].source = "import os\nassert seconds > 0\nos._exit(1)"
    notebooks.stamp(nb)


def switch_comparison_off(nb: NotebookNode) -> None:
    nb.cells[1].source = "# NBVAL_IGNORE_OUTPUT\nanswer = 6 * 7\nanswer"
    nb.cells[1].outputs[0].data["text/plain"] = "43"
    notebooks.stamp(nb)


# What is done to the copy, and what the report must say about it.
BREAKS: dict[str, tuple[Callable[[NotebookNode], None], str]] = {
    "wrong-output": (edit_output_and_stamp, "Cell outputs differ"),
    "edited-measured": (edit_measured_number, "edited: the stored outputs"),
    "stale-code": (change_code, "stale: the code changed"),
    "exception": (raise_exception, "ValueError"),
    "syntax-error": (break_syntax, "SyntaxError"),
    "stripped": (strip_outputs, "stripped: 8 of 8"),
    "no-code": (drop_code_cells, "no code cell"),
    "no-assertion": (drop_assertion, "must assert what holds"),
    "network": (reach_out, "OSError"),
    "picture": (change_picture, "a picture changed"),
    "framework": (load_foreign_framework, "framework: none"),
    "dead-kernel": (kill_kernel, "the kernel died"),
    "switched-off": (switch_comparison_off, "Cell outputs differ"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with the executed notebook and its broken copies."""
    place = tmp_path_factory.mktemp("canary")
    sound = place / "sound.ipynb"
    notebooks.write(sound_notebook(), sound)
    notebooks.execute(sound)
    for name, (break_it, _) in BREAKS.items():
        nb = notebooks.read(sound)
        break_it(nb)
        notebooks.write(nb, place / f"{name}.ipynb")
    (place / "broken-json.ipynb").write_text(sound.read_text(encoding="utf-8")[:-50], encoding="utf-8")
    (place / "not-normal.ipynb").write_text(json.dumps(notebooks.read(sound)), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def failures(folder: Path) -> dict[str, str]:
    """Run all copies in one pytest process, as `make test` would; return the failure text of each notebook."""
    report = folder / "report.xml"
    arguments = run_tests.notebook_arguments(sorted(folder.glob("*.ipynb")))
    command = [*run_tests.pytest_command(), f"--rootdir={folder}", f"--junitxml={report}", *arguments]
    wrapped, variables = isolate.isolated(command, notebooks.environment())
    done = subprocess.run(wrapped, env=variables, cwd=run_tests.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    texts: dict[str, str] = {path.stem: "" for path in folder.glob("*.ipynb")}
    for case in ET.parse(report).getroot().iter("testcase"):
        stem = case.get("classname", "").removesuffix(".ipynb")
        texts[stem] += "".join(bad.text or "" for kind in ("failure", "error") for bad in case.iter(kind))
    return texts


def test_sound_notebook_is_green(failures: dict[str, str]) -> None:
    assert failures["sound"] == ""


@pytest.mark.parametrize("name", BREAKS)
def test_broken_copy_is_red_for_the_right_reason(name: str, failures: dict[str, str]) -> None:
    assert BREAKS[name][1] in failures[name]


def test_broken_json_is_one_clear_failure(failures: dict[str, str]) -> None:
    assert "cannot be read as a notebook" in failures["broken-json"]
    assert "Traceback" not in failures["broken-json"]


def test_notebook_not_in_normal_form_is_red(failures: dict[str, str]) -> None:
    assert "not in normal form" in failures["not-normal"]


def test_wrong_output_is_caught_by_the_run_not_only_by_the_stamp(failures: dict[str, str]) -> None:
    assert "edited" not in failures["wrong-output"]


def test_executing_twice_gives_the_same_file_but_for_measured_cells(folder: Path) -> None:
    first = notebooks.read(folder / "sound.ipynb")
    again = notebooks.read(folder / "sound.ipynb")
    notebooks.run(again, folder / "sound.ipynb")
    for nb in (first, again):
        del nb.cells[4]
        nb.metadata = nbformat.from_dict({})
    assert notebooks.normal_form(first) == notebooks.normal_form(again)
