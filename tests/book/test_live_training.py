"""``fit(..., live=True)`` in a real JupyterLab: the picture changes while it trains, and Stop keeps what was learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from . import lab_server

pytest.importorskip("jupyterlab")
TRAIN = """from torch import nn
from gpulab.data import load
from gpulab.train import evaluate, fit
digits = load("digits")
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
history = fit(model, digits.train, digits.valid, epochs=100_000, live=True)"""
LOOK = """print(history.stopped)
print(len(history) > 1, evaluate(model, digits.valid)["accuracy"] > 0.5)"""
PICTURE = "img[alt^='Learning curves']"


def test_the_curves_move_and_stop_keeps_what_was_learned(open_page: Callable[..., Any], tmp_path: Path) -> None:
    lab_server.write_notebook(tmp_path / "tiny.ipynb", [TRAIN, LOOK])
    page = open_page()
    with lab_server.running(tmp_path) as address:
        lab_server.open_notebook(page, address, "tiny.ipynb")
        lab_server.run_all(page)
        picture = lab_server.output(page, 0).locator(PICTURE)
        picture.wait_for(timeout=30_000)
        before = picture.get_attribute("src")
        page.wait_for_function("([p, s]) => document.querySelector(p).src !== s", arg=[PICTURE, before], timeout=10_000)
        lab_server.output(page, 0).get_by_role("button", name="Stop").click()
        said = lab_server.output(page, 1).get_by_text("stopped by hand, in epoch")
        said.wait_for(timeout=10_000)  # the next cell runs: fit has returned
        assert "True True" in lab_server.output(page, 1).inner_text()
        assert lab_server.output(page, 0).get_by_role("button").count() == 0
        still = picture.get_attribute("alt")
        assert still.startswith("Learning curves over") and "Validation accuracy from" in still
