"""The primer's gradient by hand is the one that both frameworks print."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

CHAPTERS = Path(__file__).resolve().parents[2] / "chapters" / "cnns"


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_the_page_shows_by_hand_what_the_framework_prints(framework: str) -> None:
    nb = nbformat.read(CHAPTERS / "neurons-and-gradients.ipynb", as_version=4)
    outputs = [output for cell in nb.cells if cell.cell_type == "code" for output in cell.outputs]
    printed = [output.text for output in outputs if output.output_type == "stream"]
    assert (CHAPTERS / "code" / f"tiny-network-{framework}.txt").read_text(encoding="utf-8") in printed
