"""What a sequence costs: the list of cases, the ratios, and the stored rows."""

from __future__ import annotations

import pytest
from gpulab import results
from gpulab.data import Split, load

from benchmarks.sequence_cost.__main__ import rows_of, spread
from benchmarks.sequence_cost.cases import LENGTHS, LOOPS, Case, baseline, cases
from experiments.attention_pooling import COMMA, STAR, lists, marked


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_every_case_is_measured_once_and_the_baseline_is_among_them(framework: str) -> None:
    found = list(cases(framework))
    assert len(set(found)) == len(found)
    assert {baseline("forward"), baseline("training")} <= set(found)
    assert {case.kind for case in found if case.part == "loop"} == set(LOOPS[framework][1:])


def test_ratios_are_formed_within_a_round() -> None:
    order = list(cases("torch"))
    rounds = [[speed * (3.0 if case.steps == 1024 else 1.0) for case in order] for speed in (1.0, 10.0)]  # a slow round
    found = {
        (row["part"], row["kind"], row["mode"], row["steps"], row["batch"]): row for row in rows_of("torch", rounds)
    }
    assert found["length", "lstm", "training", 1024, 16]["ratio"] == {"median": 3.0, "low": 3.0, "high": 3.0}
    assert found["length", "lstm", "training", 64, 16]["ratio"]["median"] == 1.0


def test_what_was_left_out_has_no_row() -> None:
    order = list(cases("keras"))
    rounds = [[1.0 if case.steps <= 64 else None for case in order]]
    assert {row["steps"] for row in rows_of("keras", rounds) if row["part"] == "length"} == {16, 32, 64}


def test_the_spread_is_the_median_and_the_quartiles() -> None:
    assert spread([1, 2, 3, 4, 5]) == {"median": 3, "low": 2, "high": 4}
    assert spread([2.5]) == {"median": 2.5, "low": 2.5, "high": 2.5}


def test_all_cases_are_stored() -> None:
    stored = [row for row in results.load("sequence_cost") if row["part"] != "machine"]
    keys = ("part", "kind", "mode", "steps", "batch")
    for framework in ("torch", "keras"):
        found = [Case(*(row[key] for key in keys)) for row in stored if row["framework"] == framework]
        assert found == list(cases(framework))
    assert {row["steps"] for row in stored if row["part"] == "length"} == set(LENGTHS)


def test_a_list_has_its_name_marked_and_the_name_s_class() -> None:
    names = load("names").valid
    some = Split(names.x[:20], names.y[:20])
    x, y = lists(some, others=3, seed=0)
    assert (y == some.y).all() and ((x == STAR).sum(axis=1) == 1).all() and ((x == COMMA).sum(axis=1) == 3).all()
    for row, name in zip(x, some.x, strict=True):
        assert row[marked(row)].tolist() == [STAR, *name[name > 0]]
