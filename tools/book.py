"""Build the static book: ``python -m tools.book [--edition student] [--if-stale]``.

Every warning is an error, every reference must resolve, and no page is skipped: a page that ``_toc.yml`` doesn't name
fails the build. Pages show the outputs stored in the notebooks; nothing is executed. A new book takes the place of the
old one only when it is complete.

There are two editions. The full one, in ``_build/html``, has the solutions folded below the exercises. The students' one,
in ``_build/student/html``, is made from sources in which there are none, so that none can get into its search index or
its page sources; it has no buttons that lead to the source.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from tools.student import notebook_text, remove_solution_blocks, student_page

ROOT = Path(__file__).resolve().parents[1]
SOURCE_FILES = ("_config.yml", "_toc.yml", "references.bib", "tools/book.py", "tools/student.py")
# Pages may include code from the library and the benchmarks and results from the experiments.
SOURCE_FOLDERS = ("chapters", "labs", "site", "tools/sphinx_ext", "lib", "experiments", "benchmarks")
LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}
BUILDERS = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "sphinx-mathjax-offline", "sphinxcontrib-bibtex")
STAMP = ".sources.sha256"
HTML = {"full": Path("_build/html"), "student": Path("_build/student/html")}
SOURCE_BUTTONS = ("use_repository_button", "use_issues_button", "use_edit_page_button")
PROBLEM = re.compile(r"\b(WARNING|ERROR|CRITICAL|Exception|error)\b")
COLOR = re.compile(r"\x1b\[[0-9;]*m")


class BookError(Exception):
    """The book could not be built; the message lists what to mend."""


def sources(root: Path) -> Iterator[Path]:
    """Yield every file that the book is made from, in a fixed order."""
    yield from (root / name for name in SOURCE_FILES if (root / name).is_file())
    for folder in SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not LEFT_OUT.intersection(path.parts) and ".egg-info" not in str(path):
                yield path


def fingerprint(root: Path) -> str:
    """Return a hash of the names and the contents of all sources and of the builders' versions."""
    digest = hashlib.sha256(" ".join(version(name) for name in BUILDERS).encode())
    for path in sources(root):
        digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_current(root: Path, edition: str = "full") -> bool:
    """Tell whether an edition is complete and made from exactly the present sources."""
    stamp = root / HTML[edition] / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8").strip() == fingerprint(root)


def problems(log: str, root: Path) -> list[str]:
    """Return the warnings and errors of a build, each once, with paths relative to the root."""
    lines = (COLOR.sub("", line).replace(f"{root}{os.sep}", "").strip() for line in log.splitlines())
    return list(dict.fromkeys(line for line in lines if PROBLEM.search(line)))


def run_builder(root: Path, output: Path) -> None:
    """Run Jupyter Book once, with nothing left over from an earlier run.

    Raises
    ------
    BookError
        If there is any warning or error.
    """
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(root)]
    command += ["--path-output", str(output), "--all", "--warningiserror", "--nitpick", "--keep-going"]
    environment = os.environ | {"NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    # The extensions import `tools`, wherever the sources of this book stand.
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH")]))
    run = subprocess.run(command, cwd=root, env=environment, text=True, encoding="utf-8", errors="replace",
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # fmt: skip
    found = problems(run.stdout, root)
    if run.returncode != 0 or not (output / "_build/html/index.html").is_file():
        shown = found or run.stdout.splitlines()[-30:]
        text = "\n".join(f"  {line}" for line in shown)
        raise BookError(f"the book was not built; mend these {len(shown)} lines of its report:\n{text}")


def write_student_sources(root: Path, target: Path) -> None:
    """Copy the book's sources into a folder, without solutions.

    Raises
    ------
    BookError
        A notebook cannot be read, or its markers are wrong; the message names the file.
    """
    for path in sources(root):
        name = path.relative_to(root)
        copied = target / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        try:
            if path.suffix == ".ipynb":
                copied.write_text(notebook_text(student_page(json.loads(path.read_text("utf-8")))), encoding="utf-8")
            elif path.suffix == ".md":
                copied.write_text(remove_solution_blocks(path.read_text("utf-8"), "the page") + "\n", encoding="utf-8")
            elif name == Path("_config.yml"):
                settings = without_source_buttons(yaml.safe_load(path.read_text("utf-8")))
                copied.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
            else:
                shutil.copyfile(path, copied)
        except ValueError as error:
            raise BookError(f"{name}: {error}") from error


def without_source_buttons(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the book's settings without the buttons that open the source, which has the solutions in it."""
    html = {**settings.get("html", {}), **dict.fromkeys(SOURCE_BUTTONS, False)}
    return {**{key: value for key, value in settings.items() if key != "launch_buttons"}, "html": html}


def build(root: Path = ROOT, edition: str = "full") -> Path:
    """Build an edition of the book and put it in the place of the former one.

    Parameters
    ----------
    root : Path
        Folder that holds ``_config.yml`` and ``_toc.yml``.
    edition : {"full", "student"}
        With the solutions folded, or with no solution anywhere.

    Returns
    -------
    Path
        The folder of the edition below `root`: ``_build/html`` or ``_build/student/html``.

    Raises
    ------
    BookError
        If there is any warning or error; a former book is then left as it was, and is stale.
    """
    root = root.resolve()
    missing = [name for name in ("_config.yml", "_toc.yml") if not (root / name).is_file()]
    if missing:
        raise BookError(f"{' and '.join(missing)} not found in {root}: run this from a checkout of the course")
    stamp = fingerprint(root)  # before the build: a source that changes meanwhile makes the result stale
    target = root / HTML[edition]
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root / "_build", prefix="book-") as folder:
        work = Path(folder)
        if edition == "student":
            write_student_sources(root, work / "source")
            run_builder(work / "source", work)
        else:
            run_builder(root, work)
        fresh = work / "_build/html"
        (fresh / STAMP).write_text(stamp + "\n", encoding="utf-8")
        if target.exists():
            os.replace(target, work / "former")
        os.replace(fresh, target)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Build the book, or do nothing where it is current and ``--if-stale`` is given."""
    parser = argparse.ArgumentParser(prog="python -m tools.book", description="Build the book.")
    what = "full: solutions folded, into _build/html; student: no solutions, into _build/student/html"
    parser.add_argument("--edition", choices=HTML, default="full", help=what)
    parser.add_argument("--if-stale", action="store_true", help="build only if a source changed since the last build")
    options = parser.parse_args(arguments)
    place = HTML[options.edition].as_posix()
    if options.if_stale and is_current(ROOT, options.edition):
        print(f"The book is current: {place}/index.html")
        return 0
    start = time.perf_counter()
    try:
        target = build(ROOT, options.edition)
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        if (ROOT / place).exists():
            print(f"{place} still holds the former book, which does not match the sources.", file=sys.stderr)
        return 1
    pages = len(list(target.glob("chapters/**/*.html"))) + len(list(target.glob("labs/**/*.html")))
    print(f"Built {pages} pages in {time.perf_counter() - start:.0f} s: {place}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
