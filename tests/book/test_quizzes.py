"""The quizzes in the built book and in JupyterLab: answered by keyboard, explained, counted, and kept in the browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpulab.quizzes import Choice, Number, Order, Quiz, names, quiz

from . import lab_server

OpenPage = Callable[..., Any]
FIRST = next(name for name in names() if isinstance(quiz(name).questions[0], Number))
KEY = "gpulab-quizzes"


def fieldset(page: Any, number: int) -> Any:
    """Return a question of the page's quiz, counted from 0."""
    return page.locator(".gpulab-quiz fieldset").nth(number)


def press_check(page: Any, number: int) -> str:
    """Press a question's Check button by the keyboard and return what is said."""
    button = fieldset(page, number).get_by_role("button", name=f"Check question {number + 1}")
    button.focus()
    page.keyboard.press("Enter")
    return fieldset(page, number).get_by_role("status").inner_text()


def choose(page: Any, number: int, places: list[int], *, several: bool) -> None:
    """Choose options by the keyboard: Space for a box, arrows among radio buttons."""
    inputs = fieldset(page, number).locator("input")
    if several:
        for place in range(inputs.count()):
            if inputs.nth(place).is_checked() != (place in places):
                inputs.nth(place).focus()
                page.keyboard.press("Space")
        return
    inputs.nth(0).focus()
    page.keyboard.press("Space")
    for _ in range(places[0]):
        page.keyboard.press("ArrowDown")
    assert inputs.nth(places[0]).is_checked()


def put_in_order(page: Any, number: int, question: Order) -> None:
    """Sort the items by the keyboard: each moves up until it stands in its place."""
    for place, text in enumerate(question.items):
        items = fieldset(page, number).locator("li")
        now = [items.nth(k).get_attribute("data-item") for k in range(items.count())].index(str(place))
        fieldset(page, number).get_by_role("button", name=f"Move up: {text}", exact=True).focus()
        for _ in range(now - place):
            page.keyboard.press("Enter")


def answer(page: Any, made: Quiz, *, right: bool) -> list[str]:
    """Answer all questions, rightly or wrongly, and return what is said."""
    said = []
    for number, question in enumerate(made.questions):
        if isinstance(question, Choice):
            places = [place for place, option in enumerate(question.options) if option.right == right]
            choose(page, number, places if question.several else places[:1], several=question.several)
        elif isinstance(question, Number):
            field = fieldset(page, number).locator("input")
            field.fill(str(question.value if right else question.wrong[0][0]))
        elif right:
            put_in_order(page, number, question)
        said.append(press_check(page, number))
    return said


def score(page: Any) -> str:
    return page.locator(".gpulab-quiz-score").inner_text()


@pytest.mark.parametrize(("name", "width"), [*((name, 1280) for name in names()), (FIRST, 390)])
def test_wrong_then_right_by_keyboard_and_kept_after_a_reload(
    open_page: OpenPage, address: str, name: str, width: int
) -> None:
    made, page = quiz(name), open_page(width)
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{address}chapters/{name}.html")
    everything = len(made.questions)
    assert score(page) == f"Score: 0 of {everything}."
    assert all(text == "" for text in page.locator(".gpulab-quiz [role=status]").all_inner_texts())
    asked = len(requests)

    said = answer(page, made, right=False)
    assert all(text.startswith("Not right.") and len(text) > 30 for text in said), said
    assert score(page) == f"Score: 0 of {everything}."
    said = answer(page, made, right=True)
    assert all(text.startswith("Right.") and len(text) > 30 for text in said), said
    assert score(page) == f"Score: {everything} of {everything}."
    assert requests[asked:] == [] and errors == []
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width

    page.reload()
    assert score(page) == f"Score: {everything} of {everything}."
    assert all(text.startswith("Right.") for text in page.locator(".gpulab-quiz [role=status]").all_inner_texts())
    page.get_by_role("button", name="Forget my answers").click()
    assert score(page) == f"Score: 0 of {everything}."
    page.reload()
    assert score(page) == f"Score: 0 of {everything}."
    assert page.locator(".gpulab-quiz input:checked").count() == 0


@pytest.fixture
def first(open_page: OpenPage, address: str) -> Any:
    """Open a page whose quiz begins with a number."""
    page = open_page()
    page.goto(f"{address}chapters/{FIRST}.html")
    return page


@pytest.mark.parametrize("text", ["", "abc", "1/", "--3", "1,5"])
def test_what_is_no_number_is_asked_for_again_and_not_counted(first: Any, text: str) -> None:
    fieldset(first, 0).locator("input").fill(text)
    assert press_check(first, 0).startswith("Write a number")
    assert first.evaluate(f"localStorage.getItem('{KEY}')") is None


def test_numbers_may_be_written_in_several_ways(first: Any) -> None:
    value = quiz(FIRST).questions[0].value
    grouped = f"{value:,.0f}" if value == int(value) else str(value)
    for text in (grouped, f" {value} ", f"{value * 4:g}/4", f"{value:e}"):
        fieldset(first, 0).locator("input").fill(text)
        first.keyboard.press("Enter")
        assert fieldset(first, 0).get_by_role("status").inner_text().startswith("Right."), text


def test_an_empty_choice_is_asked_for(first: Any) -> None:
    number = next(n for n, question in enumerate(quiz(FIRST).questions) if isinstance(question, Choice))
    assert press_check(first, number) == "Choose an answer first."


@pytest.mark.parametrize("kept", ["nonsense", "5", "null", '{"%s": 3}' % FIRST, '{"%s": {"x": {}}}' % FIRST])
def test_what_others_left_in_the_store_does_no_harm(first: Any, kept: str) -> None:
    first.evaluate("([key, kept]) => localStorage.setItem(key, kept)", [KEY, kept])
    errors: list[str] = []
    first.on("pageerror", lambda error: errors.append(str(error)))
    first.reload()
    answer(first, quiz(FIRST), right=True)
    assert errors == [] and score(first).startswith(f"Score: {len(quiz(FIRST).questions)} of")


def test_without_a_store_it_works_until_the_page_is_left(open_page: OpenPage, address: str) -> None:
    page = open_page()
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused'); }})")
    page.goto(f"{address}chapters/{FIRST}.html")
    answer(page, quiz(FIRST), right=True)
    assert score(page).startswith(f"Score: {len(quiz(FIRST).questions)} of")


def test_without_scripts_the_questions_stand_there_and_it_says_what_is_missing(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}chapters/{FIRST}.html")
    text = page.locator(".gpulab-quiz").inner_text()
    assert "checked by a script" in text and quiz(FIRST).questions[0].why not in text
    assert page.locator(".gpulab-quiz fieldset").count() == len(quiz(FIRST).questions)
    context.close()


def test_in_jupyterlab_keys_go_to_the_quiz_and_not_to_the_notebook(open_page: OpenPage, tmp_path: Path) -> None:
    pytest.importorskip("jupyterlab")
    lab_server.write_notebook(tmp_path / "ask.ipynb", [f'from gpulab.quizzes import quiz\nquiz("{FIRST}")', "1 + 1"])
    made, page = quiz(FIRST), open_page()
    with lab_server.running(tmp_path) as lab:
        lab_server.open_notebook(page, lab, "ask.ipynb")
        lab_server.run_all(page)
        page.locator(".gpulab-quiz-score").wait_for(timeout=20_000)
        answer(page, made, right=False)
        said = answer(page, made, right=True)
        assert all(text.startswith("Right.") for text in said)
        for key in ("x", "d", "d", "b"):  # in a notebook: cut the cell, delete it, add one
            fieldset(page, next(n for n, q in enumerate(made.questions) if isinstance(q, Choice))).locator(
                "input"
            ).first.focus()
            page.keyboard.press(key)
        assert page.locator(".jp-Notebook .jp-CodeCell").count() == 2
        assert score(page) == f"Score: {len(made.questions)} of {len(made.questions)}."
