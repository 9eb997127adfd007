"""The builder: what turns it red, what it leaves behind, and when it does nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from tools import book

from .conftest import ROOT

TOC = "format: jb-book\nroot: chapters/welcome\nchapters:\n  - file: chapters/widget\n"
GOOD_PAGE = "# Welcome\n\nA page with nothing wrong: $x^2$.\n"
BROKEN_PAGE = """# Welcome

See [nothing](no-such-label), {doc}`no-such-page`, {cite:p}`nobody1900nothing` and ``{no-such-role}`text` ``.

![A picture](no-such-picture.png)

```{no-such-directive}
```
"""
WIDGET_STATE = {"application/vnd.jupyter.widget-state+json": {"state": {"a": {}}, "version_major": 2}}


def make_book(root: Path, page: str, toc: str) -> Path:
    """Write a book of one page with the settings of the course."""
    (root / "chapters").mkdir(parents=True)
    shutil.copy(ROOT / "_config.yml", root)
    shutil.copytree(ROOT / "site", root / "site")
    shutil.copytree(ROOT / "tools/sphinx_ext", root / "tools/sphinx_ext", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "references.bib").write_text("", encoding="utf-8")
    (root / "_toc.yml").write_text(toc, encoding="utf-8")
    (root / "chapters/welcome.md").write_text(page, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Build a book with many faults over a former one; return its root and the message."""
    root = make_book(tmp_path_factory.mktemp("broken"), BROKEN_PAGE, TOC)
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# Widget")], metadata={"widgets": WIDGET_STATE})
    nbformat.write(notebook, root / "chapters/widget.ipynb")
    (root / "chapters/forgotten.md").write_text("# Forgotten\n", encoding="utf-8")
    (root / "_build/html").mkdir(parents=True)
    (root / "_build/html/index.html").write_text("former", encoding="utf-8")
    with pytest.raises(book.BookError) as caught:
        book.build(root)
    return root, str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        "no-such-label",
        "no-such-page",
        "nobody1900nothing",
        "no-such-picture.png",
        "no-such-directive",
        "forgotten",  # a page that the table of contents doesn't name
        "ipywidgets state",
    ],
)
def test_build_goes_red_and_names_the_fault(broken: tuple[Path, str], fault: str) -> None:
    _, message = broken
    assert fault in message, message


def test_message_gives_paths_relative_to_the_course(broken: tuple[Path, str]) -> None:
    root, message = broken
    assert "  chapters/welcome.md" in message
    assert str(root) not in message


def test_failed_build_leaves_the_former_book_and_nothing_else(broken: tuple[Path, str]) -> None:
    root, _ = broken
    assert [path.name for path in (root / "_build").iterdir()] == ["html"]
    assert (root / "_build/html/index.html").read_text(encoding="utf-8") == "former"
    assert not book.is_current(root)


def test_good_book_replaces_the_former_one_and_is_stale_after_any_change(tmp_path: Path) -> None:
    root = make_book(tmp_path, GOOD_PAGE, TOC.split("chapters:\n")[0])
    former = root / "_build/html/former.html"
    former.parent.mkdir(parents=True)
    former.write_text("former", encoding="utf-8")
    page = book.build(root) / "chapters/welcome.html"
    assert "nothing wrong" in page.read_text(encoding="utf-8")
    assert not former.exists()
    assert [path.name for path in (root / "_build").iterdir()] == ["html"]
    assert book.is_current(root)

    source = root / "chapters/welcome.md"
    source.write_text(GOOD_PAGE + "\nMore.\n", encoding="utf-8")
    assert not book.is_current(root)
    source.write_text(GOOD_PAGE, encoding="utf-8")
    assert book.is_current(root)
    added = root / "labs/new.md"
    added.parent.mkdir()
    added.write_text("# New\n", encoding="utf-8")
    assert not book.is_current(root)


def test_a_students_edition_is_refused_where_a_solution_could_stay_in(tmp_path: Path) -> None:
    root = make_book(tmp_path, GOOD_PAGE, TOC)
    notebook = v4.new_notebook(cells=[v4.new_markdown_cell("# Widget"), v4.new_code_cell("### BEGIN SOLUTION\nx = 1")])
    nbformat.write(notebook, root / "chapters/widget.ipynb")
    with pytest.raises(book.BookError, match=r"chapters/widget\.ipynb: cell 2 .* has no '### END SOLUTION'"):
        book.build(root, "student")
    assert not (root / book.HTML["student"]).exists()


def test_the_students_edition_stands_beside_the_full_one(tmp_path: Path) -> None:
    root = make_book(tmp_path, GOOD_PAGE + "\n```{dropdown} Solution\nIt is secret.\n```\n", TOC.split("chapters:\n")[0])
    pages = [book.build(root, edition) / "chapters/welcome.html" for edition in ("full", "student")]
    assert [page.relative_to(root).as_posix() for page in pages] == [
        "_build/html/chapters/welcome.html",
        "_build/student/html/chapters/welcome.html",
    ]
    assert ["It is secret" in page.read_text(encoding="utf-8") for page in pages] == [True, False]
    assert "nothing wrong" in pages[1].read_text(encoding="utf-8")
    assert book.is_current(root, "full") and book.is_current(root, "student")


def test_folder_without_a_book_is_refused(tmp_path: Path) -> None:
    with pytest.raises(book.BookError, match=r"_config\.yml and _toc\.yml not found"):
        book.build(tmp_path)
    assert list(tmp_path.iterdir()) == []
