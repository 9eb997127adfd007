"""The two editions of the book: solutions behind a click in one, and nowhere in the other."""

from __future__ import annotations

import html
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from sphinx.search.en import SearchEnglish

from tools import book, notebooks
from tools.plain import glued
from tools.student import MARKER, SOLUTION_FENCE, clear_markers, has_solution, remove_solution_blocks, text_of

from .conftest import ROOT

TEXT = {".html", ".js", ".txt", ".ipynb", ".md", ".json", ".svg", ".css", ".py", ".bib", ".xml", ""}
PICTURE = re.compile(r"[A-Za-z0-9+/]{400,}={0,2}")  # in base64: most of a page's bytes, and no text
PAGES = sorted([*notebooks.find(ROOT), *(ROOT / "chapters").rglob("*.md"), *(ROOT / "labs").rglob("*.md")])


def answer_cells(name: str) -> list[NotebookNode]:
    """Return the answer cells of a page."""
    cells = notebooks.code_cells(notebooks.read(ROOT / f"{name}.ipynb"))
    return [cell for cell in cells if has_solution(cell.source)]


NOTEBOOKS = [path.relative_to(ROOT).with_suffix("").as_posix() for path in notebooks.find(ROOT)]
WITH_EXERCISES = [name for name in NOTEBOOKS if answer_cells(name)]


@pytest.fixture(scope="module")
def student_book() -> Path:
    """Return the folder of the current students' edition, built first where it is missing or stale."""
    return ROOT / book.HTML["student"] if book.is_current(ROOT, "student") else book.build(ROOT, "student")


# --- What may not be found -----------------------------------------------------------------------------------------


def normal(text: str) -> str:
    """Return a text with one space between words, and without pictures."""
    return " ".join(PICTURE.sub("", text).split())


def fragments(markdown: str) -> list[str]:
    """Return the plain runs of words in Markdown: no formulas, no roles, no marks."""
    bare = re.sub(r"\$[^$]*\$|\{[\w:]+\}`[^`]*`|\[([^\]]*)\]\([^)]*\)", "\n", markdown)
    return [normal(part) for part in re.split(r"[\n*_`\\\"'.:]+", bare)]


def solution_lines(source: str) -> list[str]:
    """Return the lines of the solutions in a code cell."""
    inside, found = False, []
    for line in source.split("\n"):
        marker = MARKER.match(line)
        if marker:
            inside = marker["edge"] == "BEGIN"
        elif inside and not line.lstrip().startswith("# "):
            found.append(normal(line))
    return found


@cache
def parts_of(page: Path) -> tuple[list[str], str]:
    """Return what a page's solutions say, in pieces, and the rest of the page as one text."""
    if page.suffix == ".md":
        text = page.read_text(encoding="utf-8")
        open_text = remove_solution_blocks(text, page.name)
        return removed(text, open_text), normal(open_text)
    secret, rest = [], []
    nb = json.loads(page.read_text(encoding="utf-8"))
    for cell in nb["cells"]:
        source = text_of(cell)
        if "instructor" in cell["metadata"].get("tags", []):
            secret += (
                [normal(line) for line in source.split("\n")] if cell["cell_type"] == "code" else fragments(source)
            )
            secret += glued({"cells": [cell]}).values()
        elif cell["cell_type"] == "code":
            secret += solution_lines(source)
            rest += [clear_markers(source, page.name)] + ([] if has_solution(source) else [json.dumps(cell["outputs"])])
        else:
            rest.append(remove_solution_blocks(source, page.name))
            secret += removed(source, rest[-1])
    return secret, normal("\n".join(rest))


def removed(text: str, rest: str) -> list[str]:
    """Return what the solution blocks of a Markdown text say, in pieces."""
    kept = set(rest.split("\n"))
    lines = [line for line in text.split("\n") if line not in kept and not SOLUTION_FENCE.match(line)]
    return [part for line in lines for part in fragments(line)]


@cache
def secrets() -> dict[str, list[str]]:
    """Return by page what may stand nowhere in the edition, or, under "all", on no page at all.

    Short lines (``padding = 6``) are looked for on their own page, and only where the rest of it has no such text; long
    ones everywhere, unless another page says the same in its lesson.
    """
    parts = {page.relative_to(ROOT).with_suffix("").as_posix(): parts_of(page) for page in PAGES}
    found: dict[str, list[str]] = {"all": []}
    for name, (secret, rest) in parts.items():
        found[name] = sorted({line for line in secret if len(line) >= 6 and line not in rest})
        everywhere = (line for line in found[name] if len(line) >= 25)
        found["all"] += [line for line in everywhere if not any(line in other for _, other in parts.values())]
    return found


def words_of_solutions_only() -> set[str]:
    """Return the stems, as the search index has them, of words that stand in solutions and nowhere else."""
    parts = [parts_of(page) for page in PAGES]
    open_words = stems(rest for _, rest in parts) | stems([(ROOT / "references.bib").read_text("utf-8")])
    return stems(line for secret, _ in parts for line in secret) - open_words


def stems(texts_: Iterable[str]) -> set[str]:
    """Return the stems of all words."""
    stem = SearchEnglish({}).stem
    return {stem(word) for text in texts_ for word in re.findall(r"[a-z]{3,}", text.lower())}


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each file of a built book that holds text: its name, and what a reader of it could find."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_relative_to(folder / "_static"):
            continue
        data = path.read_bytes()
        if path.name == "objects.inv":
            data = zlib.decompress(data.split(b"zlib.\n", 1)[1])
        elif path.suffix not in TEXT:
            continue
        text = data.decode("utf-8", errors="replace")
        if path.suffix == ".html":
            text = PICTURE.sub("", text[max(text.find("<main"), 0) :])  # beside it stand the titles of all pages
            text = html.unescape(re.sub(r"</?(?:span|code|em|strong|a|pre|p|div)\b[^>]*>", "", text)) + text
        elif path.suffix == ".ipynb":
            text = "\n".join(text_of(cell) for cell in json.loads(text)["cells"]) + text
        yield path.relative_to(folder).as_posix(), normal(text)


def leaks(folder: Path) -> list[str]:
    """Return every solution that is found in a built book, with the file."""
    known, found = secrets(), []
    for name, text in texts(folder):
        page = re.sub(r"^_sources/|\.(html|ipynb|md)$", "", name)
        page = re.sub(r"^_sources/", "", re.sub(r"\.(html|ipynb|md)$", "", page))
        found += [f"{name}: {line}" for line in {*known["all"], *known.get(page, [])} if line in text]
    terms = json.loads(re.sub(r"^Search\.setIndex\(|\)$", "", (folder / "searchindex.js").read_text("utf-8")))["terms"]
    return found + [f"searchindex.js: {word}" for word in words_of_solutions_only() & terms.keys()]


# --- The editions --------------------------------------------------------------------------------------------------


def test_no_solution_is_anywhere_in_the_students_edition(student_book: Path) -> None:
    assert leaks(student_book) == []


def test_the_search_finds_every_kind_of_leak_in_the_full_edition(built_book: Path) -> None:
    found = leaks(built_book)
    for name in WITH_EXERCISES:
        assert any(line.startswith(f"{name}.html: ") for line in found), f"{name}: nothing to be found"
        assert any(line.startswith(f"_sources/{name}.ipynb: ") for line in found)
    assert any(line.startswith("searchindex.js: ") for line in found)


def test_every_solution_has_a_line_that_is_searched() -> None:
    for name in WITH_EXERCISES:
        for cell in answer_cells(name):
            assert set(solution_lines(cell.source)) & set(secrets()[name]), f"{name}: {cell.source}"


def test_the_students_edition_keeps_the_other_outputs_and_has_no_way_to_the_source(
    student_book: Path, built_book: Path
) -> None:
    kept = 0
    for name in WITH_EXERCISES:
        full, student = ((folder / f"{name}.html").read_text("utf-8") for folder in (built_book, student_book))
        pictures = [re.findall(r"_images/[0-9a-f]{20,}\.png", page) for page in (full, student)]
        folded = sum('"image/png"' in json.dumps(cell.outputs) for cell in answer_cells(name))
        assert len(pictures[0]) - folded == len(pictures[1])
        kept += len(pictures[1])
        assert "gpulab-verdict" in full and "gpulab-verdict" not in student
        stub = "YOUR CODE HERE" in student or all("### HANDED OUT" in cell.source for cell in answer_cells(name))
        assert stub and "check(" in html.unescape(re.sub("<[^>]+>", "", student))
        assert not re.search(r"mybinder|colab\.research|btn-source-repository|git-pull|Open an issue", student)
        assert "mybinder" in full
    assert kept > 5


@pytest.mark.parametrize("name", WITH_EXERCISES)
def test_in_the_full_edition_a_solution_is_behind_a_click_below_its_open_cell(
    name: str, address: str, open_page: Callable[..., Any]
) -> None:
    page = open_page(390)
    page.goto(f"{address}{name}.html")
    answers = answer_cells(name)
    folded = page.locator("div.tag_solution")
    assert folded.count() == page.locator("div.tag_exercise").count() == len(answers)
    for i, cell in enumerate(answers):
        given = normal(clear_markers(cell.source, name))  # a repair hands out some lines of its solution
        line = next(line for line in solution_lines(cell.source) if line and line not in given)
        opened, closed = page.locator("div.tag_exercise").nth(i), folded.nth(i)
        assert "YOUR CODE HERE" in opened.inner_text() or "### HANDED OUT" in cell.source
        assert line not in normal(opened.inner_text())
        code = closed.locator("pre").first
        assert not code.is_visible()
        assert closed.locator("summary").inner_text().strip() == "Solution"
        closed.locator("summary").click()
        assert code.is_visible() and line in normal(code.inner_text()) and "###" not in code.inner_text()
    assert page.locator("div.gpulab-verdict[role=status]").count() == len(answers)


def test_in_dark_mode_the_verdict_stands_on_the_page_itself(address: str, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{address}{WITH_EXERCISES[0]}.html")
    card = page.locator("div.text_html:has(> div.gpulab-verdict)").first
    ground, ink = (card.evaluate(f"e => getComputedStyle(e).{key}") for key in ("backgroundColor", "color"))
    text = page.locator("article p").first.evaluate("e => getComputedStyle(e).color")
    context.close()
    assert ground == "rgba(0, 0, 0, 0)" and ink == text
