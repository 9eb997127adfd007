"""Rules that every test run keeps."""

from __future__ import annotations

import sys

import pytest

_reported = pytest.StashKey[bool]()


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Fail the first test after which both frameworks are loaded: in one process they can crash each other."""
    both = {"torch", "tensorflow"} <= sys.modules.keys()
    if both and not item.config.stash.get(_reported, False):
        item.config.stash[_reported] = True
        pytest.fail("torch and tensorflow are loaded in one process; keep their tests in tests/torch and tests/keras")
