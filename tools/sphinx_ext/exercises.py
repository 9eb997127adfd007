"""Sphinx extension: an exercise in the book is its open cell, with the solution folded below it.

One answer cell of the source becomes two on the page: what a learner starts from, and the solution behind a click. In the
students' edition the markers are gone already, so there is nothing to fold.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # Sphinx adds only this folder

from tools.student import clear_markers, has_solution, text_of, without_markers  # noqa: E402

PROMPTS = {"code_prompt_show": "Solution", "code_prompt_hide": "Solution"}


def fold_solutions(app: Sphinx, page: str, text: list[str]) -> None:
    """Put the open cell before each solution, and fold the solution."""
    if not str(app.env.doc2path(page)).endswith(".ipynb"):
        return
    nb = json.loads(text[0])
    if any(cell["cell_type"] == "code" and has_solution(text_of(cell)) for cell in nb["cells"]):
        nb["cells"] = [part for cell in nb["cells"] for part in folded(cell)]
        text[0] = json.dumps(nb)


def folded(cell: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells that stand for one cell of the source."""
    source = text_of(cell)
    if cell["cell_type"] != "code" or not has_solution(source):
        return [cell]
    skeleton = clear_markers(source, f"cell {cell.get('id', 'without an id')}")
    opened = {**cell, "source": skeleton, "outputs": [], "execution_count": None, "metadata": {"tags": ["exercise"]}}
    opened["id"] = f"{cell.get('id', 'exercise')}-open"
    metadata = cell.get("metadata", {})
    tags = [*(tag for tag in metadata.get("tags", []) if tag != "exercise"), "hide-cell", "solution"]
    mystnb = {**metadata.get("mystnb", {}), **PROMPTS}
    solved = {**cell, "source": without_markers(source), "metadata": {**metadata, "tags": tags, "mystnb": mystnb}}
    return [opened, solved]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the function above."""
    app.connect("source-read", fold_solutions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
