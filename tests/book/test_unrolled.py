"""The unrolled network in a browser: NumPy's numbers, its controls, and its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from gpulab.widgets import reading, unrolled

EXPLORER = '.gpulab-explorer[data-explorer="unrolled"]'
STATE = "root => [root.explorer.state.name, root.explorer.state.read]"
OpenPage = Callable[..., Any]


@pytest.fixture
def root(open_page: OpenPage) -> Iterator[Any]:
    """Yield the explorer on a page of its own; the page must make no errors."""
    page, errors = open_page(), []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.emulate_media(reduced_motion="no-preference")
    page.set_content(f"<!doctype html><meta charset='utf-8'><body><div>{unrolled()._repr_html_()}</div></body>")
    yield page.locator(EXPLORER)
    assert errors == []


def test_page_computes_what_numpy_computes(root: Any) -> None:
    for name in (*reading.NAMES, "a", "zzzzzzzzz", "qwertyuio"):
        found = np.array(root.evaluate("(root, name) => root.explorer.compute({name})", name))
        states, male = reading.read(name)
        assert np.allclose(found, np.column_stack([states, male]), rtol=0, atol=1e-12), name


def test_shown_numbers_are_those_of_the_letters_read(root: Any) -> None:
    root.evaluate("root => root.explorer.set({name: 'clifford', read: 5})")
    states, male = reading.read("cliff")
    shown = root.locator(".gu-done .gu-cell text").all_text_contents()
    assert np.allclose([float(text.replace("−", "-")) for text in shown], states.ravel(), atol=0.0051)
    words = root.locator(".gpulab-summary").inner_text()
    assert "After “cliff” the state is (" in words and f"{100 * male[-1]:.0f} % for a male name" in words
    assert "answer" not in words  # three letters are still to come
    assert "one cell for each letter" in root.locator("[role=img]").get_attribute("aria-label")


def test_steps_go_to_the_end_and_back(root: Any) -> None:
    step, back = root.get_by_role("button", name="Step"), root.get_by_role("button", name="Back")
    back.click()
    assert root.evaluate(STATE) == ["johanna", 0]
    for _ in range(9):
        step.click()
    assert root.evaluate(STATE) == ["johanna", 7]
    assert "the answer is female" in root.locator(".gpulab-summary").inner_text()
    back.click()
    assert root.evaluate(STATE) == ["johanna", 6] and root.locator(".gu-now").count() == 0


def test_it_plays_and_can_be_stopped(root: Any) -> None:
    root.get_by_role("button", name="Play").press("Enter")
    assert root.evaluate(STATE) == ["johanna", 1]
    assert root.locator(".gu-now .gu-packet").evaluate("e => getComputedStyle(e).animationName") == "gu-hand"
    assert root.locator(".gpulab-summary").get_attribute("aria-live") == "off"
    root.get_by_role("button", name="Stop").press("Enter")
    assert root.locator(".gpulab-summary").get_attribute("aria-live") == "polite"
    root.evaluate("root => root.explorer.set({read: 7})")
    root.get_by_role("button", name="Play").press("Enter")  # at the end it starts anew
    assert root.evaluate(STATE) == ["johanna", 0]


def test_nothing_moves_for_those_who_want_no_motion(root: Any) -> None:
    root.page.emulate_media(reduced_motion="reduce")
    root.get_by_role("button", name="Step").click()
    look = "e => [getComputedStyle(e).animationName, getComputedStyle(e).opacity]"
    assert root.locator(".gu-now .gu-packet").evaluate(look) == ["none", "0"]
    assert root.locator(".gu-now .gu-cell").evaluate(look) == ["none", "1"]


def test_own_name_is_read_and_other_signs_are_not(root: Any) -> None:
    box = root.get_by_label("or your own")
    box.fill("Zoe")
    assert (root.evaluate(STATE), box.get_attribute("aria-invalid")) == (["zoe", 3], "false")
    box.fill("Zoë")
    assert (root.evaluate(STATE), box.get_attribute("aria-invalid")) == (["zoe", 3], "true")
    root.get_by_label("A test name").select_option("melissa")
    assert root.evaluate(STATE) == ["melissa", 0] and box.input_value() == ""


@pytest.mark.parametrize("width", [1280, 390])
def test_it_lives_in_the_book_and_fits(open_page: OpenPage, address: str, width: int) -> None:
    page = open_page(width)
    page.goto(f"{address}chapters/rnns/sequences.html")
    root = page.locator(EXPLORER)
    assert root.locator(".gpulab-still").is_hidden()
    root.evaluate("root => root.explorer.set({name: 'alexandra', read: 9})")  # the longest that fits
    right = "root => Math.max(...[...root.querySelectorAll('*')].map(e => e.getBoundingClientRect().right))"
    assert root.evaluate(right) <= root.evaluate("root => root.getBoundingClientRect().right")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


def test_without_scripts_its_picture_stands_with_its_words(browser: Any, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}chapters/rnns/sequences.html")
    picture = page.locator(f"{EXPLORER} img")
    assert picture.is_visible() and "an arrow hands it on" in (picture.get_attribute("alt") or "")
    context.close()
