"""The learner's folder: made, updated, and never overwritten where a learner changed it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tools import lab

ROOT = Path(__file__).resolve().parents[2]
TOC = """
format: jb-book
root: chapters/welcome
parts:
  - caption: Networks
    chapters:
      - file: chapters/cnns/index
      - file: chapters/cnns/images
      - file: labs/cnns/digits
        sections:
          - file: labs/cnns/more
  - caption: Later
    chapters:
      - file: chapters/rnns/index
  - caption: About
    chapters:
      - file: chapters/maintaining
"""


def write_notebook(path: Path, source: str, title: str = "Digits") -> None:
    card = f"# {title}\n\nOne sentence.\n\n| This lab | |\n| --- | --- |\n| **Question** | What is a digit? |\n"
    cells = [
        {"cell_type": "markdown", "id": "card", "metadata": {}, "source": card},
        {"cell_type": "code", "id": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": 1},
    ]
    metadata = {"course": {"minutes": 15}, "kernelspec": {"name": "python3"}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a small course."""
    (tmp_path / "_toc.yml").write_text(TOC)
    for name in ("welcome", "cnns/index", "rnns/index", "maintaining"):
        page = tmp_path / "chapters" / f"{name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("---\ncourse:\n  covers: []\n  minutes: 5\n---\n\n# About it\n")
    write_notebook(tmp_path / "chapters/cnns/images.ipynb", "x = 1", "Images")
    write_notebook(tmp_path / "labs/cnns/digits.ipynb", "x = 1")
    write_notebook(tmp_path / "labs/cnns/more.ipynb", "x = 1", "More")
    return tmp_path


@pytest.fixture
def learn(root: Path) -> Path:
    """Return the learner's folder, made once."""
    assert lab.make_copies(root, root / "learn") == ([], [])
    return root / "learn"


def test_every_notebook_in_the_table_of_contents_is_copied(learn: Path) -> None:
    made = sorted(path.relative_to(learn).as_posix() for path in learn.rglob("*.ipynb"))
    assert made == ["chapters/cnns/images.ipynb", "labs/cnns/digits.ipynb", "labs/cnns/more.ipynb"]


def test_an_unchanged_copy_follows_its_source(root: Path, learn: Path) -> None:
    write_notebook(root / "labs/cnns/digits.ipynb", "x = 2")
    assert lab.make_copies(root, learn) == ([], [])
    assert "x = 2" in (learn / "labs/cnns/digits.ipynb").read_text()


def test_a_second_run_writes_no_notebook_again(root: Path, learn: Path) -> None:
    copy = learn / "labs/cnns/digits.ipynb"
    os.utime(copy, (1, 1))
    lab.make_copies(root, learn)
    assert copy.stat().st_mtime == 1


def test_a_changed_copy_is_kept_in_silence_while_its_source_is_the_same(root: Path, learn: Path) -> None:
    copy = learn / "labs/cnns/digits.ipynb"
    copy.write_text("mine")
    assert lab.make_copies(root, learn) == ([], [])
    assert copy.read_text() == "mine" and not (learn / "labs/cnns/digits.new.ipynb").exists()


def test_a_changed_copy_is_kept_and_the_new_source_put_beside_it_once(root: Path, learn: Path) -> None:
    copy, beside = learn / "labs/cnns/digits.ipynb", learn / "labs/cnns/digits.new.ipynb"
    copy.write_text("mine")
    write_notebook(root / "labs/cnns/digits.ipynb", "x = 2")
    messages, _ = lab.make_copies(root, learn)
    assert copy.read_text() == "mine" and "x = 2" in beside.read_text()
    assert len(messages) == 1 and "digits.new.ipynb" in messages[0]
    beside.unlink()
    assert lab.make_copies(root, learn) == ([], []) and not beside.exists()


def test_the_version_beside_it_is_updated_only_where_the_learner_left_it_alone(root: Path, learn: Path) -> None:
    copy, beside = learn / "labs/cnns/digits.ipynb", learn / "labs/cnns/digits.new.ipynb"
    copy.write_text("mine")
    for number in (2, 3):
        write_notebook(root / "labs/cnns/digits.ipynb", f"x = {number}")
        lab.make_copies(root, learn)
        assert f"x = {number}" in beside.read_text()
    beside.write_text("also mine")
    write_notebook(root / "labs/cnns/digits.ipynb", "x = 4")
    messages, _ = lab.make_copies(root, learn)
    assert (copy.read_text(), beside.read_text()) == ("mine", "also mine") and "both are kept" in messages[0]


def test_a_deleted_copy_is_made_again(root: Path, learn: Path) -> None:
    copy = learn / "labs/cnns/digits.ipynb"
    copy.unlink()
    lab.make_copies(root, learn)
    assert "x = 1" in copy.read_text()


@pytest.mark.parametrize("manifest", ["", "{", "[]", '{"files": 3}', '{"files": {"labs/cnns/digits.ipynb": 1}}', None])
def test_without_a_readable_manifest_every_existing_file_is_the_learners(
    root: Path, learn: Path, manifest: str | None
) -> None:
    path = learn / lab.MANIFEST
    path.unlink() if manifest is None else path.write_text(manifest)
    copy = learn / "labs/cnns/digits.ipynb"
    copy.write_text("mine")
    messages, _ = lab.make_copies(root, learn)
    assert copy.read_text() == "mine" and (learn / "labs/cnns/digits.new.ipynb").exists()
    assert manifest is None or any("cannot be read" in line for line in messages)
    assert lab.make_copies(root, learn) == ([], [])


def test_a_broken_notebook_is_named_and_the_others_go_on(root: Path) -> None:
    (root / "chapters/cnns/images.ipynb").write_text("{broken")
    _, broken = lab.make_copies(root, root / "learn")
    assert len(broken) == 1 and broken[0].startswith("chapters/cnns/images.ipynb: not a notebook")
    assert (root / "learn/labs/cnns/digits.ipynb").exists() and (root / "learn/start.md").exists()


def test_a_broken_notebook_leaves_the_learners_earlier_copy(root: Path, learn: Path) -> None:
    (root / "labs/cnns/digits.ipynb").write_text("{broken")
    lab.make_copies(root, learn)
    assert "x = 1" in (learn / "labs/cnns/digits.ipynb").read_text()


def test_an_image_that_a_notebook_shows_comes_along(root: Path) -> None:
    source = json.loads((root / "labs/cnns/digits.ipynb").read_text())
    source["cells"][0]["source"] += "\n![A nine](figures/nine.png)\n![No](../../../outside.png)\n"
    (root / "labs/cnns/digits.ipynb").write_text(json.dumps(source))
    (root / "labs/cnns/figures").mkdir()
    (root / "labs/cnns/figures/nine.png").write_bytes(b"png")
    lab.make_copies(root, root / "learn")
    assert (root / "learn/labs/cnns/figures/nine.png").read_bytes() == b"png"


def test_the_start_page_shows_parts_questions_and_minutes(learn: Path) -> None:
    start = (learn / "start.md").read_text()
    assert "| [Digits](labs/cnns/digits.ipynb) | lab | What is a digit? | 15 |" in start
    assert start.index("## Networks") < start.index("[More]") < start.index("## Later") < start.index("In preparation.")
    assert "About" not in re.findall(r"^## (.*)$", start, re.MULTILINE)


def check_links(learn: Path, book: Path) -> int:
    """Assert that every link of the start page leads to a file; return how many there are."""
    links = re.findall(r"\]\(([^)]+)\)", (learn / "start.md").read_text())
    for target in links:
        path = book / target[len(lab.BOOK_URL) + 1 :] if target.startswith("/") else learn / target
        assert path.is_file(), target
    return len(links)


def test_every_link_of_the_start_page_leads_to_a_file(root: Path) -> None:
    for name in ("index", "chapters/cnns/index"):
        page = root / lab.BOOK / f"{name}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("<h1>Page</h1>")
    lab.make_copies(root, root / "learn")
    assert check_links(root / "learn", root / lab.BOOK) == 5


def test_every_link_of_this_courses_start_page_leads_to_a_file(tmp_path: Path) -> None:
    _, broken = lab.make_copies(ROOT, tmp_path)
    assert broken == []
    assert check_links(tmp_path, ROOT / lab.BOOK) >= 1


def test_a_missing_book_is_said_on_the_start_page(learn: Path) -> None:
    assert "the book is not built" in (learn / "start.md").read_text()


def test_a_book_that_cannot_be_built_is_a_warning(root: Path) -> None:
    assert "could not be built" in str(lab.build_book(root))


def test_jupyterlab_opens_on_the_start_page_with_its_token_and_the_learners_options(root: Path) -> None:
    command = lab.lab_command(root, root / "learn", ["--port", "9000"])
    assert f"--ServerApp.root_dir={root / 'learn'}" in command and command[-2:] == ["--port", "9000"]
    assert "--LabApp.default_url=/lab/tree/start.md" in command and not [word for word in command if "token" in word]


def test_jupyterlab_is_set_to_fetch_nothing_and_to_render_markdown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/teacher")
    first, *others = lab.lab_environment(ROOT)["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert others == ["/teacher"]
    folder = Path(first) / "labconfig"
    settings = json.loads((folder / "default_setting_overrides.json").read_text())
    assert settings["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"]["markdown"] == "Markdown Preview"
    assert settings["@jupyterlab/apputils-extension:notification"] == {"checkForUpdates": False, "fetchNews": "false"}
    disabled = json.loads((folder / "page_config.json").read_text())["disabledExtensions"]
    assert disabled["@jupyterlab/apputils-extension:announcements"]
