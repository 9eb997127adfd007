"""The line of progress: shown to somebody who looks, and never kept in a notebook's outputs."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import nbformat
import pytest
from nbclient import NotebookClient

from gpulab.train import History, Progress, Run
from gpulab.train.callbacks import progress_for

CELL = """
import os
os.environ.pop("GPULAB_STRICT", None)
os.environ.update({variables})
import numpy as np
from gpulab.train import History, Run
from gpulab.train.callbacks import progress_for
class Fake(Run):
    def losses(self): return np.ones(1)
run, shown = Fake(None, History(), 1, 3), progress_for({verbose!r})
for callback in shown:
    callback.wait = 0
    for step in (1, 2, 3):
        callback.on_step(run)
    callback.close(run)
print(len(shown))
"""


class Fake(Run):
    """A run with a loss."""

    def losses(self) -> np.ndarray:
        return np.array([0.5])


def outputs(variables: dict[str, str], verbose: bool | str) -> list[Any]:
    """Return what a notebook's cell with a little progress leaves behind."""
    cell = nbformat.v4.new_code_cell(CELL.format(variables=variables, verbose=verbose))
    done = NotebookClient(nbformat.v4.new_notebook(cells=[cell]), timeout=60, kernel_name="python3").execute()
    return done.cells[0].outputs


@pytest.mark.parametrize("verbose", ["auto", True])
def test_nothing_is_stored_when_a_tool_executes_the_notebook(verbose: bool | str) -> None:
    stored = outputs({}, verbose)
    assert [output.get("text") for output in stored] == ["0\n"]


def test_a_live_notebook_shows_a_line_and_then_takes_it_away() -> None:
    shown = outputs({"JPY_SESSION_NAME": "lesson.ipynb"}, "auto")
    assert [output.get("text") or output["data"]["text/plain"] for output in shown] == ["", "1\n"]


class Terminal(io.StringIO):
    """Stands for a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_line_and_then_takes_it_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    (progress,) = progress_for("auto")
    run = Fake(None, History(), 2, 4)
    run.step = 1
    progress.on_step(run)
    assert "epoch 1/2  step 1/4  loss 0.5000" in sys.stderr.getvalue()
    run.step = 2
    progress.on_step(run)
    assert "step 2/4" not in sys.stderr.getvalue(), "too soon for a change"
    progress.close(run)
    assert sys.stderr.getvalue().endswith("\r\x1b[K")


def test_a_pipe_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert progress_for("auto") == [] and isinstance(progress_for(True)[0], Progress)
