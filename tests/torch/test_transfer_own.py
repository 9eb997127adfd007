"""The course's own networks in PyTorch: the stored weights give the stored accuracy."""

from __future__ import annotations

import pytest
from gpulab import results
from gpulab.data import load
from gpulab.train import evaluate
from gpulab.transfer.own import SOURCES, as_digits, own


@pytest.mark.parametrize("source", SOURCES)
def test_the_stored_network_is_as_good_as_its_row_says(source: str) -> None:
    test = load(source).test
    row = next(r for r in results.load("small_sources") if r["source"] == source and r["seed"] == 0)
    x = test.x if source == "digits" else as_digits(test.x)
    assert evaluate(own(source, "torch"), (x, test.y))["accuracy"] == pytest.approx(row["test"], abs=0.01)
