"""Numbers in the text come from runs: `glue` stores what MyST-NB reads."""

from __future__ import annotations

import pytest

from gpulab.notebook import glue


def test_outside_a_notebook_the_value_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    glue("count", f"{3500:,}")
    assert capsys.readouterr().out == "3,500\n"


def test_a_bare_float_is_refused() -> None:
    with pytest.raises(TypeError, match="format the float first"):
        glue("accuracy", 0.1 + 0.2)


def test_myst_nb_finds_the_value_in_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython
    import IPython.display
    import nbformat.v4 as v4
    from myst_nb.ext.glue import extract_glue_data_cell
    from myst_nb.core.variables import format_plain_text

    shown: list[tuple[dict, dict]] = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "publish_display_data", lambda data, metadata: shown.append((data, metadata)))
    glue("count", f"{3500:,}")
    cell = v4.new_code_cell(outputs=[v4.new_output("display_data", data=shown[0][0], metadata=shown[0][1])])
    [(name, output)] = extract_glue_data_cell(cell)
    assert name == "count"
    assert format_plain_text(output["data"]["text/plain"], "s") == "3,500"
    assert cell.outputs == []  # stored for the text, not shown a second time

