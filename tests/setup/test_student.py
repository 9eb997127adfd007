"""The learner's copy of a notebook has no solution in it, whatever the source looks like."""

from __future__ import annotations

import copy
import json

import pytest

from tools.student import (
    MarkerError,
    clear_markers,
    remove_solution_blocks,
    student_copy,
    student_page,
    student_text,
    without_markers,
)


def code(source: str, **metadata: object) -> dict:
    return {
        "cell_type": "code",
        "id": "c1",
        "source": source,
        "metadata": metadata,
        "execution_count": 3,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "42\n"}],
    }


def markdown(source: str) -> dict:
    return {"cell_type": "markdown", "id": "m1", "source": source, "metadata": {}}


def notebook(*cells: dict) -> dict:
    metadata = {
        "kernelspec": {"name": "python3"},
        "language_info": {"name": "python"},
        "course": {"stamp": {"code": "a", "outputs": "b"}},
    }
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}


def test_a_solution_becomes_a_stub_with_its_indentation() -> None:
    source = (
        "def f(x):\n    for _ in x:\n        ### BEGIN SOLUTION\n        y = 1\n        ### END SOLUTION\n    return 2"
    )
    stub = "        # YOUR CODE HERE\n        raise NotImplementedError()\n"
    assert clear_markers(source, "cell 1") == f"def f(x):\n    for _ in x:\n{stub}    return 2"


def test_several_solutions_in_one_cell_are_all_replaced() -> None:
    one = "### BEGIN SOLUTION\nsecret = 1\n### END SOLUTION\nopen_ = 2\n"
    cleared = clear_markers(one + one, "cell 1")
    assert cleared.count("# YOUR CODE HERE") == 2 and cleared.count("open_") == 2 and "secret" not in cleared


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = ...\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "x = ...\n# YOUR CODE HERE"),
        (
            "with a:\n    ### BEGIN SOLUTION\n    x = 1\n    ### END SOLUTION",
            "with a:\n    # YOUR CODE HERE\n    ...",
        ),
        (
            "class A:\n    def f(self):\n        ### BEGIN SOLUTION\n        return 1\n        ### END SOLUTION",
            "class A:\n    def f(self):\n        # YOUR CODE HERE\n        raise NotImplementedError()",
        ),
        (
            "%time x = 1\ndef f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION",
            "%time x = 1\ndef f():\n    # YOUR CODE HERE\n    raise NotImplementedError()",
        ),
    ],
)
def test_only_a_function_raises_so_that_run_all_goes_on(source: str, expected: str) -> None:
    assert clear_markers(source, "cell 1") == expected


REPAIR = """\
def f(x):
    ### BEGIN SOLUTION
    return x / 255
    ### HANDED OUT
    # if x:
    #     return x // 255
    #
    # return 0
    ### END SOLUTION"""


def test_what_is_handed_out_takes_the_place_of_the_solution() -> None:
    assert clear_markers(REPAIR, "cell 1") == "def f(x):\n    if x:\n        return x // 255\n\n    return 0"
    assert without_markers(REPAIR) == "def f(x):\n    return x / 255"


def test_the_book_shows_a_solution_without_its_markers_and_its_open_line() -> None:
    source = "import m\n\na, b = ...\n### BEGIN SOLUTION\na, b = 1, 2\n### END SOLUTION"
    assert without_markers(source) == "import m\n\na, b = 1, 2"


def test_a_page_of_the_students_edition_keeps_the_outputs_that_do_not_speak_of_solutions() -> None:
    secret = code("x = ...\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION", mystnb={"image": {"alt": "A line to 1"}})
    source = notebook(
        markdown("# T\n\n{glue:text}`a`\n\n```{dropdown} Solution\n1\n```"),
        code("glue('a', 1)", tags=["measured"]),
        secret,
        code('check("a/b", x)'),
        code("secret = 2", tags=["instructor"]),
    )
    before = copy.deepcopy(source)
    made = student_page(source)
    assert source == before
    text, glued, answer, checked = made["cells"]
    assert text["source"] == "# T\n\n{glue:text}`a`"
    assert glued == before["cells"][1]
    assert (answer["source"], answer["outputs"], answer["metadata"]) == ("x = ...\n# YOUR CODE HERE", [], {})
    assert (checked["source"], checked["outputs"], checked["execution_count"]) == ('check("a/b", x)', [], None)
    assert "stamp" not in made["metadata"]["course"]


def test_hidden_tests_leave_nothing_behind() -> None:
    source = "assert f(1) == 1\n### BEGIN HIDDEN TESTS\nassert f(2) == 4\n### END HIDDEN TESTS"
    assert clear_markers(source, "cell 1") == "assert f(1) == 1"
    only_hidden = code("### BEGIN HIDDEN TESTS\nassert f(2) == 4\n### END HIDDEN TESTS")
    assert student_copy(notebook(only_hidden))["cells"] == []


@pytest.mark.parametrize(
    "source",
    [
        "### BEGIN SOLUTION\nx = 1",
        "x = 1\n### END SOLUTION",
        "### BEGIN SOLUTION\nx = 1\n### END HIDDEN TESTS",
        "### BEGIN SOLUTION\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n### END SOLUTION",
        "# BEGIN SOLUTION\nx = 1\n# END SOLUTION",
        "### Begin solution\nx = 1\n### End solution",
        "### BEGIN SOLUTION: easy\nx = 1\n### END SOLUTION",
        "### HANDED OUT\n# x = 1",
        "### BEGIN SOLUTION\nx = 1\n### HANDED OUT\nx = 2\n### END SOLUTION",
        "### BEGIN SOLUTION\nx = 1\n### Handed out\n# x = 2\n### END SOLUTION",
    ],
)
def test_wrong_markers_are_an_error_that_names_the_cell(source: str) -> None:
    with pytest.raises(MarkerError, match=r"cell 2 \(id c1\)"):
        student_copy(notebook(markdown("# Title"), code(source)))


def test_glue_is_for_the_book_only() -> None:
    source = "import x\nfrom gpulab.notebook import glue\n\ny = x.sum()\nglue('y', f'{y:.1f}')\nprint(y)"
    (cell,) = student_copy(notebook(code(source)))["cells"]
    assert cell["source"] == "import x\n\ny = x.sum()\nprint(y)"


def test_the_error_names_the_file(tmp_path) -> None:
    path = tmp_path / "lab.ipynb"
    path.write_text(json.dumps(notebook(code("### BEGIN SOLUTION"))))
    with pytest.raises(MarkerError, match="lab.ipynb: cell 1"):
        student_text(path, tmp_path)


@pytest.mark.parametrize("text", ["", "{", '{"nbformat": 3}', "[]", '{"nbformat": 4, "metadata": {}, "cells": [{}]}'])
def test_a_broken_file_is_named(tmp_path, text: str) -> None:
    path = tmp_path / "lab.ipynb"
    path.write_text(text)
    with pytest.raises(ValueError, match="lab.ipynb"):
        student_text(path, tmp_path)


def test_outputs_counts_and_stamps_are_cleared_and_the_source_is_left_alone() -> None:
    source = notebook(code("x = 1", tags=["measured"], scrolled=True))
    before = copy.deepcopy(source)
    made = student_copy(source)
    assert source == before
    cell = made["cells"][0]
    assert (cell["outputs"], cell["execution_count"], cell["metadata"]) == ([], None, {"tags": ["measured"]})
    assert set(made["metadata"]) == {"kernelspec", "language_info"}


def test_cells_for_the_instructor_are_removed() -> None:
    assert (
        student_copy(notebook(code("answers = 1", tags=["instructor"]), code("x = 1")))["cells"][0]["source"] == "x = 1"
    )


def test_the_bootstrap_cell_is_kept_and_folded() -> None:
    (cell,) = student_copy(notebook(code("import gpulab", tags=["bootstrap", "remove-cell"])))["cells"]
    assert cell["source"] == "import gpulab" and cell["metadata"]["jupyter"] == {"source_hidden": True}


def test_sources_stored_as_lists_of_lines_are_read() -> None:
    cell = code("")
    cell["source"] = ["### BEGIN SOLUTION\n", "secret = 1\n", "### END SOLUTION"]
    assert "secret" not in student_copy(notebook(cell))["cells"][0]["source"]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("```{dropdown} Solution", "```"),
        (":::{dropdown} Solution to the first exercise", ":::"),
        ("````{admonition} Solution\n:class: dropdown", "````"),
        (":::{solution} my-exercise", ":::"),
        (":::{solution-start} my-exercise", ":::"),
    ],
)
def test_solution_blocks_are_removed_from_markdown(opening: str, closing: str) -> None:
    inner = "```python\nsecret = 1\n```\n" if len(closing) > 3 or closing[0] == ":" else "secret\n"
    cleared = remove_solution_blocks(f"Before\n\n{opening}\n{inner}{closing}\n\nAfter", "cell 1")
    assert cleared == "Before\n\nAfter"


def test_other_blocks_stay_and_an_unclosed_solution_is_an_error() -> None:
    hint = "```{dropdown} Hint\nThink of the shape.\n```"
    assert remove_solution_blocks(hint, "cell 1") == hint
    with pytest.raises(MarkerError, match="cell 1"):
        remove_solution_blocks("```{dropdown} Solution\nsecret", "cell 1")
