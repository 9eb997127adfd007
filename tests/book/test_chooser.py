"""The chooser in a browser: it ranks as ``gpulab.choose`` does, and it lives in the built book without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest

from gpulab import widgets
from gpulab.choose import ORDERS, READY, Limits, Money, Need, choose, table
from gpulab.choose.table import BATCHES

PAGES = ("chapters/gpus/choosing", "labs/gpus/choose-a-gpu")
EXPLORER = '.gpulab-explorer[data-explorer="chooser"]'
BUDGETS = (300, 400, 500, 600, 800, 1000, 1500, 2000, 3000, 7000, None)  # the slider's stops, as in chooser.js
POWERS = (75, 150, 200, 250, 300, 350, 450, 600, 1000, None)
PRICES = {"rtx-3090": 700.0, "a100-sxm-80gb": 9000.0, "apple-m4-max": 3000.0}
RATES = {"t4": 0.35, "h100-sxm": 2.5, "rtx-3090": 0.3}
OpenPage = Callable[..., Any]


@cache
def stored() -> dict[str, Any]:
    """Return the table, computed once."""
    return table()


def watched(page: Any) -> list[str]:
    """Return a list that fills with the page's errors."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


@pytest.fixture(scope="module")
def root(browser: Any) -> Iterator[Any]:
    """Yield the element of the chooser on a page of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors = watched(page)
    page.set_content(f"<!doctype html><meta charset='utf-8'><body>{widgets.chooser(stored())._repr_html_()}</body>")
    yield page.locator(EXPLORER)
    context.close()
    assert errors == []


def settings() -> list[dict[str, Any]]:
    """Return settings that go through every model, order, limit and way to pay."""
    mixed = product((0, 1, 2), ("buy", "rent"), ("16-bit", "fp32"), ("any", "cuda", "rocm"), ("train", "infer"))
    found = []
    for number, (size, how, precision, software, mode) in enumerate(mixed):
        found.append({
            "model": list(READY)[number % len(READY)], "mode": mode, "precision": precision, "size": size, "how": how,
            "software": software, "by": list(ORDERS)[number % len(ORDERS)], "budget": 10 - number % 7,
            "power": 9 - number % 5, "samples": "" if number % 3 else "1e6", "hours": "" if number % 4 else "20",
            "electricity": "" if number % 2 else "0.3", "host": "" if number % 5 else "500",
            "prices": "" if number % 2 else _text(PRICES), "rates": _text(RATES),
        })  # fmt: skip
    return found


def _text(pairs: dict[str, float]) -> str:
    return ", ".join(f"{name}={amount}" for name, amount in pairs.items())


def number(text: str) -> float | None:
    return float(text) if text else None


def expected(state: dict[str, Any]) -> Any:
    """Return what ``gpulab.choose`` answers to a setting of the figure."""
    ready = READY[state["model"]]
    usual = ready.batch if state["mode"] == "train" else ready.infer_batch
    batch = sorted({max(1, round(usual * factor)) for factor in BATCHES})[state["size"]]
    counts = number(state["samples"]), number(state["host"])
    need = Need(state["model"], batch, state["precision"], state["mode"], *counts)
    software = () if state["software"] == "any" else (state["software"],)
    limits = Limits(BUDGETS[state["budget"]], POWERS[state["power"]], software=software, hours=number(state["hours"]))
    prices = PRICES if state["prices"] else {}
    money = Money(state["how"] == "rent", prices, RATES, number(state["electricity"]))
    return choose(need, limits, money, state["by"])


def test_page_ranks_as_the_library_does(root: Any) -> None:
    states = settings()
    found = root.evaluate("(root, states) => states.map(state => root.explorer.compute(state))", states)
    ranked = 0
    for state, page in zip(states, found, strict=True):
        right = expected(state)
        assert {name for name, *_ in page["ranked"]} == {each.device.id for each in right.ranked}, state
        assert {name for name, *_ in page["apart"]} == {each.device.id for each in right.apart}, state
        assert set(page["out"]) == {each.device.id for each in right.ruled_out}, state
        options = {each.device.id: each for each in right.ranked}
        for name, hours, cost, kwh in page["ranked"]:
            assert hours == pytest.approx(options[name].hours, rel=1e-4), state
            assert cost == pytest.approx(options[name].cost_usd, rel=1e-4), state
            assert kwh == (None if options[name].kwh is None else pytest.approx(options[name].kwh, rel=1e-3)), state
        keys = [ORDERS[state["by"]](options[name]) for name, *_ in page["ranked"]]
        assert all(a <= b * (1 + 1e-4) for a, b in zip(keys, keys[1:], strict=False)), state
        ranked += len(keys)
    assert ranked > 200


def test_first_of_the_page_is_the_first_of_the_library(root: Any) -> None:
    for model in READY:
        page = root.evaluate("(root, model) => root.explorer.compute({model})", model)
        assert page["ranked"][0][0] == choose(model).best.device.id


def test_typed_price_is_used_and_nonsense_is_said(root: Any) -> None:
    root.evaluate("root => root.explorer.set({by: 'cost'})")
    box = root.get_by_label("Your prices")
    box.fill("rtx-5090=5")
    assert "GeForce RTX 5090" in root.locator("ol li").first.inner_text() and "your price" in root.inner_text()
    box.fill("rtx-5090=cheap")
    assert "Not understood: rtx-5090=cheap" in root.inner_text() and box.get_attribute("aria-invalid") == "true"
    box.fill("")
    assert box.get_attribute("aria-invalid") == "false"
    root.evaluate("root => root.explorer.set({by: 'time'})")


def test_reasons_are_shown(root: Any) -> None:
    root.evaluate("root => root.explorer.set({software: 'cuda', power: 4})")
    root.locator("summary", has_text="Ruled out").press("Enter")
    words = root.inner_text()
    assert "is programmed with ROCm, not CUDA" in words and "draws 450 W, more than 300 W" in words
    root.evaluate("root => root.explorer.set({how: 'rent', software: 'any', power: 9, rates: ''})")
    assert "No device with a price keeps to these limits" in root.inner_text()
    root.evaluate("root => root.explorer.set({how: 'buy'})")


def test_every_control_has_a_name(root: Any) -> None:
    for control in root.locator("input, select, summary").all():
        assert control.evaluate("e => (e.labels?.[0]?.innerText ?? e.innerText).trim()")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_it_lives_in_the_book_by_keyboard_and_fits(open_page: OpenPage, address: str, name: str, width: int) -> None:
    page, outside = open_page(width), []
    errors = watched(page)
    page.on("request", lambda request: outside.append(request.url))
    page.goto(f"{address}{name}.html")
    root = page.locator(EXPLORER)
    assert root.locator(".gpulab-still").is_hidden()
    body = "root => root.querySelector('.gpulab-body').innerText"
    first = root.evaluate("root => ({...root.explorer.state})")
    for control in root.locator(".gpulab-controls select, .gpulab-controls input[type=range]").all():
        root.evaluate("(root, first) => root.explorer.set(first)", first)
        before = root.evaluate(body)
        at_end = control.evaluate("e => e.type === 'range' && e.value === e.max")
        for _ in range(4):  # the first stops of a limit may rule nothing out
            control.press("ArrowLeft" if at_end else "ArrowDown" if control.evaluate("e => !e.max") else "ArrowRight")
        assert root.evaluate(body) != before, control.evaluate("e => e.labels?.[0]?.innerText")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    right = "root => Math.max(...[...root.querySelectorAll('*')].map(e => e.getBoundingClientRect().right))"
    assert root.evaluate(right) <= root.evaluate("root => root.getBoundingClientRect().right")
    assert [url for url in outside if not url.startswith((address, "data:", "blob:", "about:"))] == []
    assert errors == []


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_the_still_picture_stands(browser: Any, address: str, name: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}{name}.html")
    picture = page.locator(f"{EXPLORER} img")
    assert picture.is_visible() and len(picture.get_attribute("alt") or "") > 80
    context.close()
