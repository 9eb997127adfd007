"""Make a learner's copy of a source notebook (no solutions, no hidden tests, no outputs), or a page without solutions.

The markers are nbgrader's, so that one source serves the book, the learner and the grader; the line ``### HANDED OUT``
inside a solution is ours. `make lab` runs this over every notebook before JupyterLab opens, so it must stay quick.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.plain import for_page

ROOT = Path(__file__).resolve().parents[1]
Notebook = dict[str, Any]

YOUR_CODE = "# YOUR CODE HERE"
# Below a solution's code: what a learner gets in its place, as comments. For cells that are to be repaired.
HANDED_OUT = re.compile(r"^[ \t]*### HANDED OUT[ \t]*$")
KEPT_METADATA = ("kernelspec", "language_info")
KEPT_CELL_METADATA = ("tags", "nbgrader")
# Anything that looks like a marker: what is not written exactly right is an error, since it would leave a solution in.
MARKER_LIKE = re.compile(r"^\s*#+\s*((begin|end)\s*(solution|hidden\s*tests?)|handed\s*out)\b", re.IGNORECASE)
MARKER = re.compile(r"^(?P<indent>[ \t]*)### (?P<edge>BEGIN|END) (?P<kind>SOLUTION|HIDDEN TESTS)[ \t]*$")
# Stores a number for the book's text; the learner's copy has the number in its text already (tools.plain).
GLUE = re.compile(r"^(?:glue\(.*\)|from gpulab\.notebook import glue)$\n?", re.MULTILINE)
INNER_GLUE = re.compile(r"^( +)glue\(.*\)$", re.MULTILINE)  # in a loop: something must stay in its place
CHECK_CALL = re.compile(r"^check\(", re.MULTILINE)
OPEN_LINE = re.compile(r"^\w[\w, ]* = \.\.\.$")  # says of an answer that is no function that it is not given yet
SOLUTION_FENCE = re.compile(
    r"^[ ]{0,3}(?P<fence>`{3,}|:{3,}|~{3,})[ \t]*\{(?:solution[\w-]*\}|[\w-]+\}[ \t]*solution)", re.IGNORECASE
)


class MarkerError(ValueError):
    """A solution or hidden-test marker is misspelled, nested, or has no partner."""


def student_copy(nb: Notebook, plain: Callable[[str], str] | None = None) -> Notebook:
    """Return the learner's copy of a notebook; the source is left as it is.

    Parameters
    ----------
    nb
        A notebook of format 4 as plain dictionaries (what ``json.load`` or ``nbformat.read`` gives).
    plain
        Applied to the text of Markdown cells, last: `tools.plain` makes one. By default the text is kept.

    Returns
    -------
    dict
        The copy: solutions replaced by a stub with the same indentation, hidden tests and cells tagged ``instructor``
        removed, solution dropdowns removed from Markdown, outputs, counts and stamps cleared.

    Raises
    ------
    MarkerError
        A marker is misspelled, nested or has no partner. The message names the cell.
    ValueError
        The notebook is not of format 4, or a cell has no source.
    """
    check_format(nb)
    made = copy.deepcopy(nb)
    made["metadata"] = {key: made["metadata"][key] for key in KEPT_METADATA if key in made["metadata"]}
    made["cells"] = [cell for number, source in enumerate(made["cells"], 1) if (cell := student_cell(source, number))]
    for cell in made["cells"]:
        if plain and cell["cell_type"] == "markdown":
            cell["source"] = plain(cell["source"])
    return made


def check_format(nb: Notebook) -> None:
    """Raise ValueError where `nb` is not a notebook this module can read."""
    if not isinstance(nb, dict) or nb.get("nbformat") != 4 or not isinstance(nb.get("cells"), list):
        raise ValueError("not a notebook of format 4: open it in JupyterLab and save it again")
    if not isinstance(nb.get("metadata"), dict):
        raise ValueError("the notebook has no metadata: open it in JupyterLab and save it again")
    for number, cell in enumerate(nb["cells"], 1):
        if not isinstance(cell, dict) or not isinstance(cell.get("source"), (str, list)) or "cell_type" not in cell:
            raise ValueError(f"cell {number} has no type or no source")


def student_cell(cell: dict[str, Any], number: int) -> dict[str, Any] | None:
    """Return the learner's version of one cell, or None where nothing of it is left."""
    metadata = cell.get("metadata", {})
    tags = metadata.get("tags", [])
    if "instructor" in tags:
        return None
    source = text_of(cell)
    where = f"cell {number} (id {cell.get('id', 'none')})"
    if cell["cell_type"] == "code":
        cleared = GLUE.sub("", INNER_GLUE.sub(r"\1pass", clear_markers(source, where))).strip("\n")
        cell["outputs"], cell["execution_count"] = [], None
    else:
        cleared = remove_solution_blocks(source, where)
    if source.strip() and not cleared.strip():
        return None
    cell["source"] = cleared
    cell["metadata"] = {key: metadata[key] for key in KEPT_CELL_METADATA if key in metadata}
    if "bootstrap" in tags:  # it does nothing on a machine with the course installed: folded, not removed
        cell["metadata"]["jupyter"] = {"source_hidden": True}
    return cell


def clear_markers(source: str, where: str) -> str:
    """Replace solutions by a stub and drop hidden tests; raise MarkerError where the markers are not balanced.

    Inside a function the stub raises ``NotImplementedError``. Elsewhere that would stop *Run All*: there the stub is a
    comment, and the line above the solution (``padding = ...``) says that nothing is answered yet. Below a line
    ``### HANDED OUT`` stands, as comments, the code that takes the solution's place.
    """
    kept: list[str] = []
    opened, indent, first = None, "", 0
    handed_out: list[str] | None = None
    for number, line in enumerate(source.split("\n"), 1):
        marker = MARKER.match(line)
        at = f"{where}, line {number}: {line.strip()!r}"
        if HANDED_OUT.match(line):
            if opened != "SOLUTION" or handed_out is not None:
                raise MarkerError(f"{at} stands once inside a solution, below its code")
            handed_out = []
        elif marker is None:
            if MARKER_LIKE.match(line):
                raise MarkerError(
                    f"{at} is not a marker: write '### BEGIN SOLUTION', '### HANDED OUT', "
                    "'### END SOLUTION', '### BEGIN HIDDEN TESTS' or '### END HIDDEN TESTS'"
                )
            if handed_out is not None:
                handed_out.append(_uncommented(line, at))
            elif opened is None:
                kept.append(line)
        elif marker["edge"] == "BEGIN":
            if opened is not None:
                raise MarkerError(f"{at} stands inside an open {opened}: close that first")
            opened, indent, first = marker["kind"], marker["indent"], number
        elif opened != marker["kind"]:
            raise MarkerError(f"{at} has no '### BEGIN {marker['kind']}' before it")
        else:
            if opened == "SOLUTION":
                kept.extend(handed_out or [indent + text for text in _stub(source, indent, first)])
            opened, handed_out = None, None
    if opened is not None:
        raise MarkerError(f"{where}: '### BEGIN {opened}' has no '### END {opened}' after it")
    return "\n".join(kept).strip("\n")


def _uncommented(line: str, at: str) -> str:
    """Return a line of the code that is handed out: ``    # return x`` becomes ``    return x``."""
    bare = re.match(r"^([ \t]*)#(?: (.*))?$", line)
    if bare is None and line.strip():
        raise MarkerError(f"{at}: below '### HANDED OUT' each line is a comment, '# ' and then the code")
    return f"{bare[1]}{bare[2] or ''}".rstrip() if bare else ""


def _stub(source: str, indent: str, line: int) -> list[str]:
    """Return the lines that stand for the solution that begins at a line."""
    if not indent:
        return [YOUR_CODE]
    return [YOUR_CODE, "raise NotImplementedError()" if _in_function(source, line) else "..."]


def _in_function(source: str, line: int) -> bool:
    """Tell whether a line stands inside a function; in code that Python cannot read (magics), assume that it does."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return True
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return any(node.lineno < line <= (node.end_lineno or 0) for node in functions)


def without_markers(source: str) -> str:
    """Return a solution as a reader of the book sees it: no markers, nothing handed out, no line ``padding = ...``."""
    kept, handed_out = [], False
    for line in source.split("\n"):
        marker = bool(MARKER.match(line))
        handed_out = bool(HANDED_OUT.match(line)) or (handed_out and not marker)
        if not (handed_out or marker or OPEN_LINE.match(line)):
            kept.append(line)
    return "\n".join(kept).strip("\n")


def has_solution(source: str) -> bool:
    """Tell whether a cell has a solution in it."""
    return any((marker := MARKER.match(line)) and marker["kind"] == "SOLUTION" for line in source.split("\n"))


def text_of(cell: dict[str, Any]) -> str:
    """Return a cell's source, which files store as a text or as a list of lines."""
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def student_page(nb: Notebook) -> Notebook:
    """Return a notebook for the students' edition of the book: no solutions, and every other output kept.

    Like :func:`student_copy`, but the page is still the book's: tags, glue and MyST stay. Dropped are the outputs of
    answer cells and of checks, which speak of the solution, and the stamp.
    """
    check_format(nb)
    made = copy.deepcopy(nb)
    made["metadata"].get("course", {}).pop("stamp", None)
    cells = [page_cell(cell, number) for number, cell in enumerate(made["cells"], 1)]
    made["cells"] = [cell for cell in cells if cell]
    return made


def page_cell(cell: dict[str, Any], number: int) -> dict[str, Any] | None:
    """Return one cell for the students' edition, or None where nothing of it is left."""
    source, metadata = text_of(cell), cell.get("metadata", {})
    where = f"cell {number} (id {cell.get('id', 'none')})"
    if "instructor" in metadata.get("tags", []):
        return None
    code = cell["cell_type"] == "code"
    cell["source"] = clear_markers(source, where) if code else remove_solution_blocks(source, where)
    if source.strip() and not cell["source"].strip():
        return None
    answers = code and has_solution(source)
    if answers or (code and CHECK_CALL.search(source)):
        cell["outputs"], cell["execution_count"] = [], None
    if answers:
        metadata.pop("mystnb", None)  # words for a picture that is not there: they would describe the answer
    return cell


def remove_solution_blocks(source: str, where: str) -> str:
    """Drop MyST blocks whose title starts with "Solution" (a dropdown, an admonition) from Markdown."""
    kept: list[str] = []
    fence: str | None = None
    for line in source.split("\n"):
        bare = line.strip()
        if fence is None:
            start = SOLUTION_FENCE.match(line)
            if start:
                fence = start["fence"]
            else:
                kept.append(line)
        elif bare and set(bare) == {fence[0]} and len(bare) >= len(fence):
            fence = None
    if fence is not None:
        raise MarkerError(f"{where}: a solution block opened with {fence} is never closed")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n")


def notebook_text(nb: Notebook) -> str:
    """Return a notebook as the text of its file: one form, so that equal notebooks are equal files."""
    return json.dumps(nb, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def student_text(path: Path, root: Path) -> str:
    """Return the text of the learner's copy of the notebook at `path`, in the course at `root`.

    Raises
    ------
    ValueError
        The file is not a notebook, or its markers are wrong. The message names the file.
    """
    try:
        nb = json.loads(path.read_text(encoding="utf-8"))
        check_format(nb)
        return notebook_text(student_copy(nb, for_page(root, path, nb)))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not a notebook (line {error.lineno} is not valid JSON): restore the file") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a notebook (not UTF-8 text): restore the file") from error
    except ValueError as error:
        raise type(error)(f"{path}: {error}") from error


def main(arguments: list[str] | None = None) -> int:
    """Print the learner's copy of a notebook."""
    parser = argparse.ArgumentParser(prog="python -m tools.student", description=main.__doc__)
    parser.add_argument("notebook", type=Path)
    try:
        sys.stdout.write(student_text(parser.parse_args(arguments).notebook.resolve(), ROOT))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
