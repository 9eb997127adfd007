"""The course keeps its promises."""

from __future__ import annotations

import pytest

from tests.promises.rules import RULES
from tests.promises.tree import Tree
from tools import isolate


@pytest.fixture(scope="module")
def course() -> Tree:
    """Return the course itself."""
    return Tree(isolate.ROOT)


@pytest.mark.parametrize("name", RULES)
def test_course_keeps_promise(name: str, course: Tree) -> None:
    problems = RULES[name](course)
    assert not problems, "\n" + "\n".join(problems)


def test_course_has_pages_to_check(course: Tree) -> None:
    assert course.notebooks
    assert course.labs


def test_every_data_set_has_a_complete_card() -> None:
    data = pytest.importorskip("gpulab.data")
    cards = data.cards()
    assert cards
    for name, card in cards.items():
        needed = ("title", "source", "license", "classes", "how_made", "splits")
        empty = [field for field in needed if not getattr(card, field)]
        assert not empty, f"the card of {name} says nothing about {empty}"
