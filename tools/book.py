"""Build the static book into ``_build/html``: ``python -m tools.book [--if-stale]``.

Every warning is an error, every reference must resolve, and no page is skipped: a page that ``_toc.yml`` doesn't name
fails the build. Pages show the outputs stored in the notebooks; nothing is executed. A new book takes the place of the
old one only when it is complete.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE_FILES = ("_config.yml", "_toc.yml", "references.bib", "tools/book.py")
# Pages may include code from the library and results from the experiments.
SOURCE_FOLDERS = ("chapters", "labs", "site", "tools/sphinx_ext", "lib", "experiments")
LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}
BUILDERS = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "sphinx-mathjax-offline", "sphinxcontrib-bibtex")
STAMP = ".sources.sha256"
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


def is_current(root: Path) -> bool:
    """Tell whether ``_build/html`` is complete and made from exactly the present sources."""
    stamp = root / "_build/html" / STAMP
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
    run = subprocess.run(command, cwd=root, env=environment, text=True, encoding="utf-8", errors="replace",
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # fmt: skip
    found = problems(run.stdout, root)
    if run.returncode != 0 or not (output / "_build/html/index.html").is_file():
        shown = found or run.stdout.splitlines()[-30:]
        text = "\n".join(f"  {line}" for line in shown)
        raise BookError(f"the book was not built; mend these {len(shown)} lines of its report:\n{text}")


def build(root: Path = ROOT) -> Path:
    """Build the book and put it in the place of the former one.

    Parameters
    ----------
    root : Path
        Folder that holds ``_config.yml`` and ``_toc.yml``.

    Returns
    -------
    Path
        The folder ``_build/html`` below `root`.

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
    target = root / "_build/html"
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="book-") as folder:
        work = Path(folder)
        run_builder(root, work)
        fresh = work / "_build/html"
        (fresh / STAMP).write_text(stamp + "\n", encoding="utf-8")
        if target.exists():
            os.replace(target, work / "former")
        os.replace(fresh, target)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Build the book, or do nothing where it is current and ``--if-stale`` is given."""
    parser = argparse.ArgumentParser(prog="python -m tools.book", description="Build the book into _build/html.")
    parser.add_argument("--if-stale", action="store_true", help="build only if a source changed since the last build")
    options = parser.parse_args(arguments)
    if options.if_stale and is_current(ROOT):
        print("The book is current: _build/html/index.html")
        return 0
    start = time.perf_counter()
    try:
        target = build()
    except BookError as error:
        print(f"error: {error}", file=sys.stderr)
        if (ROOT / "_build/html").exists():
            print("_build/html still holds the former book, which does not match the sources.", file=sys.stderr)
        return 1
    pages = len(list(target.glob("chapters/**/*.html"))) + len(list(target.glob("labs/**/*.html")))
    print(f"Built {pages} pages in {time.perf_counter() - start:.0f} s: _build/html/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
