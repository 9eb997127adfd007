"""Reading, storing, stamping and executing notebooks."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks


def stored(*cells: NotebookNode) -> NotebookNode:
    """Return a notebook that looks executed and stamped."""
    nb = new_notebook(cells=[new_markdown_cell("# Title"), *cells])
    for count, cell in enumerate(notebooks.code_cells(nb), start=1):
        cell.execution_count = count
    notebooks.stamp(nb)
    return nb


def printing(text: str, **options: object) -> NotebookNode:
    """Return a code cell with a stored printed output."""
    return new_code_cell("print(x)", outputs=[new_output("stream", name="stdout", text=text)], **options)


def error_cell(**options: object) -> NotebookNode:
    """Return a code cell with a stored error."""
    output = new_output("error", ename="ValueError", evalue="bad", traceback=["ValueError: bad"])
    return new_code_cell("fail()", outputs=[output], **options)


def test_sound_notebook_has_no_problem() -> None:
    nb = stored(printing("1\n"))
    assert notebooks.problems(nb, notebooks.normal_form(nb)) == []


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (printing("saved in /home/someone/x\n"), "path of one machine"),
        (printing("saved in C:\\Users\\someone\n"), "path of one machine"),
        (printing("1", metadata={"tags": ["nbval-skip"]}), "unknown tag 'nbval-skip'"),
        (printing("1", metadata={"tags": ["measured"]}), "must assert"),
        (error_cell(), "stored error ValueError: bad"),
        (printing("1", metadata={"tags": ["raises-exception"]}), "stores no error"),
    ],
)
def test_each_untrustworthy_cell_is_named(cell: NotebookNode, message: str) -> None:
    found = notebooks.problems(stored(cell))
    assert len(found) == 1
    assert message in found[0]


def test_error_shown_on_purpose_is_allowed() -> None:
    assert notebooks.problems(stored(error_cell(metadata={"tags": ["raises-exception"]}))) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("assert seconds < 3", True),
        ("%time f()\nassert x", True),
        ("np.testing.assert_allclose(a, b)", True),
        ("assert True", False),
        ("assert (x < 3, 'always true')", False),
        ("# assert x < 3", False),
        ("assert (", False),
    ],
)
def test_assertion_must_be_able_to_fail(source: str, expected: bool) -> None:
    assert notebooks.asserts(source) is expected


def test_counts_out_of_order_are_named() -> None:
    nb = stored(printing("1"), printing("2"))
    nb.cells[1].execution_count = 5
    assert "not executed from top to bottom: the counts are [5, 2]" in notebooks.problems(nb)


def test_too_large_a_notebook_is_named() -> None:
    nb = stored(printing("x" * notebooks.MAX_BYTES))
    assert any("the limit is 1,000,000" in problem for problem in notebooks.problems(nb, notebooks.normal_form(nb)))


def test_outputs_digest_sees_pictures_and_not_how_prints_were_cut() -> None:
    picture = new_output("display_data", data={"image/png": "AAAA", "text/plain": "<Figure>"})
    nb = stored(new_code_cell("plot()", outputs=[picture]))
    before = notebooks.digest_outputs(nb)
    nb.cells[1].outputs[0].data["image/png"] = "AAAB"
    assert notebooks.digest_outputs(nb) != before
    whole, cut = stored(printing("ab")), stored(printing("a"))
    cut.cells[1].outputs.append(new_output("stream", name="stdout", text="b"))
    assert notebooks.normal_form(whole).count('"ab"') == notebooks.normal_form(cut).count('"ab"') == 1
    assert notebooks.digest_outputs(whole) == notebooks.digest_outputs(cut)


def test_normal_form_drops_what_the_editor_leaves() -> None:
    nb = stored(printing("1"))
    nb.metadata["widgets"] = {"state": {}}
    nb.metadata["language_info"] = {"name": "python", "version": "3.12.1"}
    nb.cells[1].metadata["execution"] = {"iopub.execute_input": "now"}
    nb.cells[1].id = nb.cells[0].id
    clean = notebooks.parse(notebooks.normal_form(nb))
    assert sorted(clean.metadata) == ["course", "kernelspec", "language_info"]
    assert clean.metadata.language_info == {"name": "python"}
    assert clean.cells[1].metadata == {}
    assert len({cell.id for cell in clean.cells}) == 2
    assert notebooks.normal_form(clean) == notebooks.normal_form(nb)


def test_a_page_with_a_pretrained_model_asks_for_what_the_model_needs() -> None:
    found = {side: notebooks.bootstrap_source(side, ["minilm"], "u").split("\n")[0] for side in notebooks.EXTRAS}
    assert found["torch"].startswith('EXTRAS, ASSETS = "notebooks,torch,transfer", ["minilm"]')
    assert '"keras,notebooks,text"' in found["keras"] and '"notebooks,text"' in found["none"]
    assert '"notebooks,torch,transfer"' in notebooks.bootstrap_source("torch", ["mobilenet-v2", "minilm"], "u")
    assert '"notebooks,torch"' in notebooks.bootstrap_source("torch", ["digits"], "u")


def test_bootstrap_cell_can_be_rewritten_without_a_new_execution(tmp_path: Path) -> None:
    source = notebooks.bootstrap_source("torch", ["digits"], "https://one.example/course")
    boot = new_code_cell(source, metadata={"tags": notebooks.BOOTSTRAP_TAGS})
    nb = stored(boot, printing("1"))
    nb.metadata.course["framework"] = "torch"
    path = tmp_path / "page.ipynb"
    notebooks.write(nb, path)
    assert notebooks.rewrite_bootstrap(path, "https://two.example/fork")
    after = notebooks.read(path)
    assert after.cells[1].source == notebooks.bootstrap_source("torch", ["digits"], "https://two.example/fork")
    assert notebooks.problems(after, path.read_text(encoding="utf-8")) == []
    assert not notebooks.rewrite_bootstrap(path, "https://two.example/fork")


def test_bootstrap_cell_is_short_and_silent_where_the_course_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    source = notebooks.bootstrap_source("none", ["digits"], "https://one.example/course")
    assert len(source.splitlines()) <= 20
    exec(compile(source, "bootstrap", "exec"), {})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}', "plain text", '{"nbformat": 4, "metadata": {}}'])
def test_unreadable_notebook_gets_one_message_that_names_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(notebooks.NotebookError, match="broken.ipynb: cannot be read as a notebook") as caught:
        notebooks.read(path)
    assert "\n" not in str(caught.value)


def test_failing_cell_is_named_and_the_file_is_untouched(tmp_path: Path) -> None:
    path = tmp_path / "page.ipynb"
    notebooks.write(stored(printing("1"), new_code_cell("\n1 / 0"), printing("2")), path)
    nb = notebooks.read(path)
    nb.cells[1].source = "x = 1\nprint(x)"
    notebooks.write(nb, path)
    before = path.read_bytes()
    with pytest.raises(notebooks.NotebookError, match=r"cell 2 \('1 / 0'\) raised ZeroDivisionError: division by zero"):
        notebooks.execute(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.ipynb"]


def test_executing_too_long_says_so(tmp_path: Path) -> None:
    path = tmp_path / "page.ipynb"
    notebooks.write(new_notebook(cells=[new_code_cell("import time\ntime.sleep(30)")]), path)
    with pytest.raises(notebooks.NotebookError, match=r"cell 0 \('import time'\) took more than 1 s"):
        notebooks.execute(path, timeout=1)


def test_prints_that_arrive_in_pieces_fit_their_stamp(tmp_path: Path) -> None:
    path = tmp_path / "page.ipynb"
    code = "import time\nfor n in range(3):\n    print(n, flush=True)\n    time.sleep(0.3)"
    notebooks.write(new_notebook(cells=[new_code_cell(code)]), path)
    notebooks.execute(path)
    assert notebooks.problems_in_file(path) == []


def test_notebook_runs_in_its_own_folder_offline_and_strict(tmp_path: Path) -> None:
    path = tmp_path / "page.ipynb"
    shown = "pathlib.Path.cwd().name, os.environ['GPULAB_STRICT'], os.environ['HF_HUB_OFFLINE']"
    code = f"import os, pathlib\nprint({shown})"
    notebooks.write(new_notebook(cells=[new_code_cell(code)]), path)
    notebooks.execute(path)
    assert notebooks.read(path).cells[0].outputs[0].text == f"{tmp_path.name} 1 1\n"
    assert notebooks.problems_in_file(path) == []
