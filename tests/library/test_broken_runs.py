"""The stored runs of the broken programs come from the programs as the labs have them now."""

from __future__ import annotations

import pytest
from gpulab import results

from experiments import broken_runs


@pytest.mark.parametrize("framework", broken_runs.FRAMEWORKS)
@pytest.mark.parametrize("page", broken_runs.PAGES)
def test_stored_rows_are_of_the_programs_in_the_labs(page: str, framework: str) -> None:
    rows = [row for row in results.load("broken_runs") if (row["page"], row["framework"]) == (page, framework)]
    assert len(rows) == 2 * len(broken_runs.SEEDS)
    now = broken_runs.code_hash(page, framework)
    assert {row["code"] for row in rows} == {now}, "the lab changed: run `python -m experiments.broken_runs`"


@pytest.mark.parametrize("page", broken_runs.PAGES)
def test_a_program_has_a_run_and_its_repair_is_another_function_of_the_same_name(page: str) -> None:
    written, repair = broken_runs.program(page, "torch")
    assert "def run(" in written and "run()" not in written
    name = repair.split("def ")[1].split("(")[0]
    assert f"def {name}(" in written and "HANDED OUT" not in repair
