"""The explorers in a browser: they compute what NumPy computes, and they live in the built book without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpulab import widgets
from gpulab.widgets import Explorer, grids, maps, network

from . import lab_server

PAGES = {"convolution": "convolution-layers", "pooling": "pooling", "feature_maps": "classifier-head"}
LOCAL = ("data:", "blob:", "about:")
# All that can be seen below the controls, as one text.
DRAWN_JS = """root => [...root.querySelectorAll(".gpulab-body")].map(body => body.innerText + [
    ...body.querySelectorAll("svg, canvas")].map(e => e.toDataURL ? e.toDataURL() : e.outerHTML).join()).join()"""
EXPLORER = ".gpulab-explorer"
WIDEST = {
    "convolution": {"k": 5, "padding": 2},
    "pooling": {"window": 5, "stride": 1},
    "feature_maps": {"source": "own"},
}
DOT = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><circle cx='4' cy='4' r='{}'/></svg>"
OpenPage = Callable[..., Any]


def html(*explorers: Explorer) -> str:
    """Return a page with explorers, each in a box of its own as a notebook's outputs are."""
    outputs = "".join(f"<div>{explorer._repr_html_()}</div>" for explorer in explorers)
    return f"<!doctype html><meta charset='utf-8'><body>{outputs}</body>"


def watched(page: Any) -> list[str]:
    """Return a list that fills with the page's errors."""
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


@pytest.fixture(scope="module")
def bench(browser: Any) -> Iterator[Any]:
    """Yield a page that holds all three explorers."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors = watched(page)
    page.set_content(html(widgets.convolution(), widgets.pooling(), widgets.feature_maps()))
    yield page
    context.close()
    assert errors == []


def explorer(page: Any, name: str) -> Any:
    """Return the element of an explorer."""
    return page.locator(f'{EXPLORER}[data-explorer="{name}"]')


def compute(page: Any, name: str, settings: list[dict[str, Any]]) -> list[np.ndarray]:
    """Return what an explorer's script computes for each setting."""
    call = "(root, settings) => settings.map(setting => root.explorer.compute(setting))"
    return [np.array(result, dtype=float) for result in explorer(page, name).evaluate(call, settings)]


# --- The same numbers as NumPy ---------------------------------------------------------------------------------------


def test_convolution_computes_what_numpy_computes(bench: Any) -> None:
    rng = np.random.default_rng(0)
    images = grids.patterns()
    shapes = list(product(images, (1, 2, 3, 4, 5), (1, 2, 3, 4), (0, 1, 2), (1, 2, 3)))
    kernels = [rng.normal(size=(k, k)) for _, k, *_ in shapes]
    keys = ("image", "k", "stride", "padding", "dilation")
    settings = [
        {**dict(zip(keys, shape, strict=True)), "kernel": kernel.tolist()}
        for shape, kernel in zip(shapes, kernels, strict=True)
    ]
    found = compute(bench, "convolution", settings)
    for (image, _, *rest), kernel, result in zip(shapes, kernels, found, strict=True):
        expected = grids.convolve(images[image], kernel, *rest)
        assert result.size == expected.size and np.allclose(result, expected.reshape(result.shape)), (image, *rest)
    assert len(found) == 900 and sum(result.size == 0 for result in found) > 0  # also windows that fit nowhere


def test_kernels_are_what_their_names_say(bench: Any) -> None:
    names = ("identity", "blur", "sharpen", "vertical edge", "horizontal edge")
    read = "(root, [preset, k]) => { root.explorer.set({preset, k}); return root.explorer.state.kernel; }"
    for name, k in product(names, (1, 2, 3, 4, 5)):
        kernel = np.array(explorer(bench, "convolution").evaluate(read, [name, k]))
        assert kernel.shape == (k, k)
        assert np.isclose(kernel.sum(), 0 if "edge" in name else 1), (name, k)
    kernel = np.array(explorer(bench, "convolution").evaluate(read, ["vertical edge", 3]))
    assert np.array_equal(kernel, grids.EDGE)


def test_pooling_computes_what_numpy_computes(bench: Any) -> None:
    images = {"a digit 2": grids.small_digit(2), **grids.patterns()}
    keys = ("image", "kind", "window", "stride", "shift")
    shapes = list(product(images, ("max", "average"), (2, 3, 4, 5), (1, 2, 3, 4, 5), (0, 1, 3)))
    found = compute(bench, "pooling", [dict(zip(keys, shape, strict=True)) for shape in shapes])
    for (image, kind, window, stride, shift), result in zip(shapes, found, strict=True):
        moved = np.pad(images[image], ((0, 0), (shift, 0)))[:, :10]
        assert np.allclose(result, grids.pool(moved, window, stride, kind)), (image, kind, window, stride, shift)


def test_shown_numbers_are_the_computed_ones(bench: Any) -> None:
    root = explorer(bench, "convolution")
    setting = {"image": "a digit 7", "preset": "vertical edge", "k": 3, "stride": 2, "padding": 1, "dilation": 2}
    root.evaluate("(root, setting) => root.explorer.set({...setting, row: 1, column: 2})", setting)
    expected = grids.convolve(grids.small_digit(7), grids.EDGE, 2, 1, 2)
    shown = root.locator("[role=application] text").all_text_contents()
    assert [float(text.replace("−", "-")) for text in shown] == expected.ravel().tolist()
    words = root.inner_text()
    n = len(expected)
    assert f"Output: {n} × {n}" in words and f"{9 * n * n} multiply-adds" in words
    assert f"row 2, column 3 is {expected[1, 2]:.0f}".replace("-", "−") in words
    framed = root.locator("[role=img] svg g:nth-child(3) rect").count()
    assert framed == 9


def test_network_in_the_page_gives_numpys_logits(bench: Any) -> None:
    rng = np.random.default_rng(0)
    images = np.concatenate([maps.ten_digits() / 255, rng.random((2, 28, 28)), np.zeros((1, 28, 28))])
    found = np.array(compute(bench, "feature_maps", images.reshape(-1, 784).tolist()))
    assert np.abs(found - network.forward(images)["logits"]).max() < 1e-4


def test_all_layers_of_the_page_are_numpys(bench: Any) -> None:
    read = """root => { root.explorer.set({source: '7'});
        return Object.fromEntries(Object.entries(root.explorer.result).map(([name, values]) => [name, [...values]])); }"""
    found = explorer(bench, "feature_maps").evaluate(read)
    expected = network.forward(maps.ten_digits()[7:8] / 255)
    for name, values in expected.items():
        assert np.abs(np.array(found[name]) - values.ravel()).max() < 1e-4, name
    powers = np.exp(expected["logits"][0].astype(float))
    assert np.allclose(found["probabilities"], powers / powers.sum(), atol=1e-5)


def test_network_in_the_page_is_quick(bench: Any) -> None:
    call = """root => { const pixels = Array(784).fill(0.5), times = [];
        for (let i = 0; i < 7; i++) {
            const start = performance.now();
            root.explorer.compute(pixels);
            root.explorer.draw();
            times.push(performance.now() - start);
        }
        return times.sort((a, b) => a - b)[3]; }"""
    assert explorer(bench, "feature_maps").evaluate(call) < 100


# --- Controls --------------------------------------------------------------------------------------------------------


def test_clicked_map_is_shown_large(bench: Any) -> None:
    root = explorer(bench, "feature_maps")
    root.evaluate("root => root.explorer.set({source: '2', layer: 'conv2', map: 1})")
    sheet = root.locator(".gpulab-sheet")
    sides = sheet.bounding_box()
    sheet.click(position={"x": sides["width"] * 2.5 / 8, "y": sides["height"] * 4.5 / 8})
    assert root.evaluate("root => root.explorer.state.map") == 4 * 8 + 3
    expected = network.forward(maps.ten_digits()[2:3] / 255)["conv2"][0, 34]
    row, column = np.unravel_index(expected.argmax(), expected.shape)
    assert f"in row {row + 1}, column {column + 1}. That unit sees 8 × 8 pixels" in root.inner_text()


def test_typed_weight_is_used_and_nonsense_is_not(bench: Any) -> None:
    root = explorer(bench, "convolution")
    root.evaluate("root => root.explorer.set({preset: 'identity', k: 3})")
    box = root.get_by_label("weight, row 1, column 2")
    box.fill("-1/4")
    box.press("Tab")
    state = "root => [root.explorer.state.kernel[0][1], root.explorer.state.preset]"
    assert root.evaluate(state) == [-0.25, "your own"]
    box.fill("many")
    box.press("Tab")
    assert (root.evaluate(state), box.get_attribute("aria-invalid")) == ([-0.25, "your own"], "true")
    box.fill("2")
    box.press("Tab")
    assert (root.evaluate(state)[0], box.get_attribute("aria-invalid")) == (2, "false")


def test_window_that_fits_nowhere_is_said(bench: Any) -> None:
    root = explorer(bench, "convolution")
    root.evaluate("root => root.explorer.set({preset: 'blur', k: 5, dilation: 3, padding: 0, stride: 1})")
    assert "The window spans 13 pixels: more than the 10 there are." in root.inner_text()
    root.locator("[role=application]").hover()
    root.locator("[role=application]").press("ArrowRight")
    root.evaluate("root => root.explorer.set({k: 3, dilation: 1})")
    assert "Output: 8 × 8" in root.inner_text()


def test_slide_button_visits_every_window_and_stops(bench: Any) -> None:
    root = explorer(bench, "convolution")
    root.evaluate("root => root.explorer.set({preset: 'identity', k: 3, stride: 4, padding: 0, dilation: 1})")
    button = root.get_by_role("button", name="Slide")
    button.press("Enter")
    assert root.locator(".gpulab-summary").get_attribute("aria-live") == "off"
    root.get_by_role("button", name="Slide", pressed=False).wait_for(timeout=5000)
    state = root.evaluate("root => [root.explorer.state.row, root.explorer.state.column]")
    assert (state, root.locator(".gpulab-summary").get_attribute("aria-live")) == ([1, 1], "polite")


def test_pointer_moves_the_cursor(bench: Any) -> None:
    root = explorer(bench, "pooling")
    root.evaluate("root => root.explorer.set({window: 2, stride: 2, shift: 0})")
    root.scroll_into_view_if_needed()
    sides = root.locator("[role=application] svg").bounding_box()
    bench.mouse.move(sides["x"] + sides["width"] * 0.9, sides["y"] + sides["height"] * 0.1)
    assert root.evaluate("root => [root.explorer.state.row, root.explorer.state.column]") == [0, 4]


def test_every_control_has_a_name_and_a_shown_value(bench: Any) -> None:
    for name in PAGES:
        for control in explorer(bench, name).locator("input, select, button, [tabindex]").all():
            look = "e => [e.labels?.[0]?.innerText || e.getAttribute('aria-label') || e.innerText, e.type]"
            words, kind = control.evaluate(look)
            assert words.strip(), (name, control)
            assert kind != "range" or control.get_attribute("aria-valuetext")


# --- Drawing ---------------------------------------------------------------------------------------------------------


def draw_with_keys(root: Any, keys: str) -> None:
    """Draw: a letter is a step (u, d, l, r), a blank lowers or lifts the pen."""
    names = {"u": "ArrowUp", "d": "ArrowDown", "l": "ArrowLeft", "r": "ArrowRight", " ": " "}
    send = """(root, keys) => { const paper = root.querySelector('.gpulab-paper');
        for (const key of keys) paper.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    }"""
    root.evaluate(send, [names[key] for key in keys])


def test_digit_drawn_with_keys_is_read(bench: Any) -> None:
    root = explorer(bench, "feature_maps")
    root.evaluate("root => root.explorer.set({source: 'own', layer: 'conv2'})")
    assert "The paper is empty" in root.inner_text()
    draw_with_keys(root, " " + "r" * 10 + "d" * 3 + "dddlddlddldd" + " ")
    assert "The network answers 7" in root.inner_text()
    root.get_by_role("button", name="Clear").press("Enter")
    assert "The paper is empty" in root.inner_text()


def test_digit_drawn_with_the_pointer_is_read(bench: Any) -> None:
    root = explorer(bench, "feature_maps")
    root.evaluate("root => root.explorer.set({source: 'own'})")
    paper = root.locator(".gpulab-paper")
    paper.scroll_into_view_if_needed()
    sides = paper.bounding_box()
    bench.mouse.move(sides["x"] + 30, sides["y"] + 20)
    bench.mouse.down()
    bench.mouse.move(sides["x"] + 30, sides["y"] + 90, steps=5)
    bench.mouse.up()
    bench.mouse.move(sides["x"] + 150, sides["y"] + 200, steps=3)  # the pen is up: no ink
    assert "The network answers 1" in root.inner_text()
    root.get_by_role("button", name="Clear").click()


def test_real_pen_and_space_keys_reach_the_paper(bench: Any) -> None:
    root = explorer(bench, "feature_maps")
    root.evaluate("root => root.explorer.set({source: 'own'})")
    root.locator(".gpulab-paper").focus()
    for key in ("Space", "ArrowDown", "ArrowDown", "Space"):
        bench.keyboard.press(key)
    assert "The pen is up" in root.inner_text() and "The network answers" in root.inner_text()
    bench.keyboard.press("Delete")
    assert "The paper is empty" in root.inner_text()


@pytest.mark.parametrize(
    ("top", "left", "height", "width"), [(0, 0, 112, 20), (90, 70, 12, 40), (3, 60, 50, 50), (50, 50, 1, 1)]
)
def test_drawing_is_prepared_as_the_data_was(bench: Any, top: int, left: int, height: int, width: int) -> None:
    ink = np.zeros((112, 112))
    ink[top : top + height, left : left + width] = 0.7
    ink[top : top + height // 2, left : left + width // 2] = 1  # off center
    call = "(root, ink) => root.explorer.prepare(ink)"
    pixels = np.array(explorer(bench, "feature_maps").evaluate(call, ink.ravel().tolist())).reshape(28, 28)
    rows, columns = np.nonzero(pixels)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert pixels.max() == pytest.approx(1)
    steps = np.arange(28)
    for axis in (0, 1):
        assert abs((pixels.sum(axis=axis) * steps).sum() / pixels.sum() - maps.CENTER) <= 0.51


def test_empty_drawing_is_empty(bench: Any) -> None:
    pixels = explorer(bench, "feature_maps").evaluate("root => root.explorer.prepare(Array(112 * 112).fill(0))")
    assert len(pixels) == 784 and not any(pixels)


# --- Several on a page, and other viewers ----------------------------------------------------------------------------


def test_two_of_a_kind_live_apart_and_share_one_runtime(open_page: OpenPage) -> None:
    page = open_page()
    errors = watched(page)
    page.set_content(html(widgets.pooling(), widgets.pooling(), widgets.convolution()))
    first, second = explorer(page, "pooling").all()
    before = second.evaluate(DRAWN_JS)
    first.evaluate("root => root.explorer.set({kind: 'average', window: 3})")
    assert second.evaluate(DRAWN_JS) == before != first.evaluate(DRAWN_JS)
    assert page.evaluate("Object.keys(window).filter(key => key.startsWith('gpulab_')).length") == 1
    assert errors == []


@pytest.mark.parametrize("removed", [False, True])
def test_script_that_a_viewer_runs_as_a_copy_finds_its_figure(open_page: OpenPage, removed: bool) -> None:
    # JupyterLab puts the copy in the script's place; VS Code appends it to the output and takes it away again.
    page = open_page()
    errors = watched(page)
    page.set_content("<!doctype html><body></body>")
    insert = """([text, removed]) => { for (let i = 0; i < 2; i++) {
        const output = document.body.appendChild(document.createElement("div"));
        output.innerHTML = text;
        const script = output.querySelector("script"), copy = document.createElement("script");
        copy.textContent = script.textContent;
        if (removed) output.appendChild(copy).remove(); else script.replaceWith(copy);
    } }"""
    page.evaluate(insert, [widgets.convolution()._repr_html_(), removed])
    assert page.locator(f"{EXPLORER}[data-live]").count() == 2
    assert page.locator(".gpulab-controls").count() == 2 and errors == []


def test_frames_change_with_the_slider(open_page: OpenPage) -> None:
    page = open_page()
    errors = watched(page)
    words = ["A small dot.", "A dot.", "A large dot."]
    page.set_content(html(widgets.frames([DOT.format(r) for r in (1, 2, 3)], "123", words, control="Radius", first=1)))
    picture = page.locator(".gpulab-body img")
    before = picture.get_attribute("src")
    page.get_by_label("Radius").press("ArrowRight")
    assert picture.get_attribute("src") != before
    assert (picture.get_attribute("alt"), page.locator(".gpulab-summary").inner_text()) == (words[2], words[2])
    assert page.locator(".gpulab-value").inner_text() == "3" and errors == []


# --- The built book --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_every_control_moves_by_key_and_changes_the_picture(
    open_page: OpenPage, address: str, name: str, width: int
) -> None:
    page, outside = open_page(width), []
    errors = watched(page)
    page.on("request", lambda request: outside.append(request.url))
    page.goto(f"{address}chapters/cnns/{PAGES[name]}.html")
    root = explorer(page, name)
    assert root.locator(".gpulab-still").is_hidden()
    first = root.evaluate("root => ({...root.explorer.state})")
    for control in root.locator(".gpulab-controls select, .gpulab-controls input, [role=application]:visible").all():
        root.evaluate("(root, first) => root.explorer.set(first)", first)
        kind = control.evaluate("e => e.type ?? 'grid'")
        before = root.evaluate(DRAWN_JS)
        at_end = kind == "range" and control.evaluate("e => e.value === e.max")
        control.press({"grid": "ArrowRight", "range": "ArrowLeft" if at_end else "ArrowRight"}.get(kind, "ArrowDown"))
        assert root.evaluate(DRAWN_JS) != before, control.evaluate("e => e.labels?.[0]?.innerText ?? e.ariaLabel")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    root.evaluate("(root, widest) => root.explorer.set(widest)", WIDEST[name])
    right = "root => Math.max(...[...root.querySelectorAll('*')].map(e => e.getBoundingClientRect().right))"
    assert root.evaluate(right) <= root.evaluate("root => root.getBoundingClientRect().right")
    assert [url for url in outside if not url.startswith((address, *LOCAL))] == []
    assert errors == []


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_the_still_picture_stands_with_its_words(browser: Any, address: str, name: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}chapters/cnns/{PAGES[name]}.html")
    picture = page.locator(f"{EXPLORER} img")
    sides = picture.bounding_box()
    assert picture.is_visible() and len(picture.get_attribute("alt") or "") > 80
    assert 0 < sides["width"] <= 390 and sides["height"] > 80
    assert "The live one needs scripts" in page.locator(f"{EXPLORER} .gpulab-note").inner_text()
    context.close()


def test_numbers_of_the_grids_can_be_read_in_light_and_dark(open_page: OpenPage, address: str) -> None:
    page = open_page()
    page.goto(f"{address}chapters/cnns/{PAGES['convolution']}.html")
    # A number's ink and the ground below it: the cell's color, or the page's for padding.
    look = """root => {
        root.explorer.set({padding: 1});
        const ground = getComputedStyle(root).backgroundColor, found = [];
        for (const svg of root.querySelectorAll("svg")) {
            const cells = [...svg.querySelectorAll("g:first-child rect")], texts = [...svg.querySelectorAll("text")];
            cells.forEach((cell, i) => {
                const below = cell.getAttribute("fill");
                found.push([getComputedStyle(texts[i]).fill, below === "none" ? ground : below]);
            });
        }
        return found.map(pair => pair.map(color => color.match(/[\\d.]+/g).slice(0, 3).map(Number)));
    }"""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
        shares = np.array(explorer(page, "convolution").evaluate(look)) / 255
        linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
        light = np.sort(linear @ [0.2126, 0.7152, 0.0722], axis=1)
        assert len(light) > 200
        assert ((light[:, 1] + 0.05) / (light[:, 0] + 0.05)).min() >= 4.5, scheme


# --- JupyterLab ------------------------------------------------------------------------------------------------------


def test_explorer_lives_in_jupyterlab_and_keeps_the_arrow_keys(open_page: OpenPage, tmp_path: Path) -> None:
    pytest.importorskip("jupyterlab")
    call = "from gpulab.widgets import pooling\npooling()"
    lab_server.write_notebook(tmp_path / "tiny.ipynb", [call, "1 + 1"])
    page = open_page()
    errors = watched(page)
    with lab_server.running(tmp_path) as lab_address:
        lab_server.open_notebook(page, lab_address, "tiny.ipynb")
        lab_server.run_all(page)
        root = page.locator(f"{EXPLORER}[data-live]")
        root.wait_for(timeout=30_000)
        root.get_by_role("slider", name="Window").press("ArrowRight")
        grid = root.locator("[role=application]")
        grid.press("ArrowDown")
        grid.press("ArrowRight")
        # An arrow key that reached JupyterLab would have left the picture for the next cell.
        grid.press("ArrowDown")
        state = root.evaluate(
            "root => { const { window, row, column } = root.explorer.state; return [window, row, column]; }"
        )
        assert state == [3, 3, 2]
        assert page.evaluate("document.activeElement.getAttribute('role')") == "application"
    assert errors == []
