"""What cached features save: the ratios, and the stored rows."""

from __future__ import annotations

import pytest
from gpulab import results

from benchmarks.cached_features.__main__ import KINDS, rows_of, seconds


def test_ratios_are_formed_within_a_round() -> None:
    rounds = [{"full": 3 * speed, "frozen": speed, "extract": speed, "cached": speed / 100} for speed in (1.0, 8.0)]
    found = {row["kind"]: row["ratio"] for row in rows_of("torch", rounds)}
    assert found["full"] == {"median": 3.0, "low": 3.0, "high": 3.0}
    assert found["cached"]["median"] == 0.01 and list(found) == list(KINDS)


def test_a_call_is_timed_once_at_least() -> None:
    calls: list[int] = []
    assert seconds(lambda: calls.append(1), least=0.0) >= 0 and calls == [1]


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_thirty_epochs_on_stored_features_are_ten_times_as_fast(framework: str) -> None:
    rows = [row for row in results.load("cached_features") if row.get("framework") == framework]
    ratio = {row["kind"]: row["ratio"]["median"] for row in rows}
    assert list(ratio) == list(KINDS) and ratio["full"] > ratio["frozen"] == 1
    assert 30 / (ratio["extract"] + 30 * ratio["cached"]) > 10
