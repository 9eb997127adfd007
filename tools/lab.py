"""Make or update the learner's folder `learn/` and open JupyterLab in it.

Run by `make lab`. What a learner changed is never overwritten: `learn/.made.json` holds the hash of every file
as it was made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tools.plain import BOOK_URL
from tools.student import student_text

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ".made.json"
# JupyterLab serves the built book at BOOK_URL: its own viewer for HTML files blocks the book's styles and scripts.
BOOK = Path("_build/html")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)|<img[^>]*\ssrc=[\"']([^\"']+)")


@dataclass(frozen=True)
class Page:
    """One page of the book, as the start page shows it."""

    file: str  # path without the suffix, as in _toc.yml
    path: Path | None  # None where _toc.yml names a page that does not exist
    title: str = ""
    question: str = ""
    minutes: str = ""

    @property
    def is_notebook(self) -> bool:
        return self.path is not None and self.path.suffix == ".ipynb"

    @property
    def is_lab(self) -> bool:
        return self.file.startswith("labs/")

    @property
    def in_part(self) -> bool:
        """Whether the page belongs to a part of the course (chapters/cnns/...), not to the pages about it."""
        return self.file.count("/") >= 2


@dataclass
class Part:
    """A part of the book: its caption and its pages in order."""

    caption: str
    pages: list[Page] = field(default_factory=list)


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def write_file(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that an interruption leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(data)
    os.replace(temporary, path)


class Copies:
    """The files made in `learn/`, and the rule that keeps a learner's changes.

    Parameters
    ----------
    learn
        The learner's folder. It is made where it is missing.
    """

    def __init__(self, learn: Path) -> None:
        self.learn = learn
        self.messages: list[str] = []
        self.made: dict[str, dict[str, str]] = self.read_manifest()

    def read_manifest(self) -> dict[str, dict[str, str]]:
        path = self.learn / MANIFEST
        if not path.exists():
            return {}
        try:
            files = json.loads(path.read_text(encoding="utf-8"))["files"]
            return {name: {key: str(files[name][key]) for key in files[name]} for name in files}
        except (OSError, ValueError, KeyError, TypeError):
            self.messages.append(
                f"{path} cannot be read: every file in {self.learn.name}/ is treated as changed by you."
            )
            return {}

    def save(self) -> None:
        """Write the manifest."""
        text = json.dumps({"files": self.made}, indent=1, sort_keys=True) + "\n"
        write_file(self.learn / MANIFEST, text.encode())

    def put(self, name: str, data: bytes) -> None:
        """Make `name` hold `data`, unless a learner changed it: then put a changed source beside it, once."""
        path, record, new = self.learn / name, self.made.get(name, {}), digest(data)
        current = digest(path.read_bytes()) if path.exists() else None
        if current in (None, record.get("made")) and current != new:
            write_file(path, data)
        elif current != new:
            self.offer(path, record, data)
            return
        self.made[name] = {"made": new}

    def offer(self, path: Path, record: dict[str, str], data: bytes) -> None:
        """Keep a learner's file; where the source changed since it was made, put the new version beside it."""
        name, new = path.relative_to(self.learn).as_posix(), digest(data)
        if new in (record.get("made"), record.get("offered")):
            return
        beside = path.with_name(f"{path.stem}.new{path.suffix}")
        if beside.exists() and digest(beside.read_bytes()) not in (record.get("offered"), new):
            self.messages.append(
                f"{name}: you changed it and {beside.name}; both are kept. "
                f"Rename {beside.name} and run `make lab` again to get the newest version."
            )
            return
        write_file(beside, data)
        self.made[name] = {**record, "offered": new}
        self.messages.append(
            f"{name}: you changed it, so it is kept; the course's new version is beside it, {beside.name}."
        )


def page_path(root: Path, file: str) -> Path | None:
    """Return the source file of a page named in _toc.yml, or None."""
    found = (root / f"{file}{suffix}" for suffix in ("", ".ipynb", ".md"))
    return next((path for path in found if path.is_file()), None)


def toc_files(entry: dict[str, Any]) -> list[str]:
    """Return the files named under one entry of _toc.yml, in order."""
    files = [entry["file"]] if "file" in entry else []
    for key in ("chapters", "sections"):
        for child in entry.get(key) or []:
            files += toc_files(child)
    return files


def read_toc(root: Path) -> list[Part]:
    """Read the parts of the book and their pages from _toc.yml."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    parts = toc.get("parts") or [{"caption": "", "chapters": toc.get("chapters") or toc.get("sections")}]
    return [Part(part.get("caption", ""), [read_page(root, file) for file in toc_files(part)]) for part in parts]


def read_page(root: Path, file: str) -> Page:
    """Read what the start page says of one page; a page that cannot be read keeps its file's name."""
    file = re.sub(r"\.(ipynb|md)$", "", file)
    path, name = page_path(root, file), file.rsplit("/", 1)[-1]
    if path is None:
        return Page(file, None, name)
    try:
        text, course = read_source(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return Page(file, path, name)
    title = re.search(r"^#\s+(.+?)\s*$", text, re.MULTILINE)
    question = re.search(r"^\|\s*\**Question\**\s*\|\s*(.*?)\s*\|\s*$", text, re.MULTILINE)
    return Page(
        file, path, title[1] if title else name, question[1] if question else "", str(course.get("minutes", ""))
    )


def read_source(path: Path) -> tuple[str, dict[str, Any]]:
    """Return a page's Markdown (a notebook's first Markdown cell) and its `course` metadata."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        nb = json.loads(text)
        first = next((cell for cell in nb["cells"] if cell["cell_type"] == "markdown"), {"source": ""})
        return "".join(first["source"]), nb["metadata"].get("course") or {}
    front = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    return text, ((yaml.safe_load(front[1]) or {}).get("course") or {}) if front else {}


def link(page: Page, learn: Path, book: Path) -> str:
    """Return the Markdown link to a page: the learner's notebook where there is one, else the page in the book."""
    title = page.title.replace("|", r"\|")
    if page.is_notebook and (learn / f"{page.file}.ipynb").exists():
        return f"[{title}]({page.file}.ipynb)"
    if (book / f"{page.file}.html").exists():
        return f"[{title}]({BOOK_URL}/{page.file}.html)"
    return title


def start_page(parts: list[Part], learn: Path, book: Path) -> str:
    """Return the course's start page, in Markdown that JupyterLab's preview shows as it is."""
    lines = [
        "# Start here",
        "",
        "This is your own copy of the course: change and run whatever you like. It is never overwritten.",
        "",
    ]
    if (book / "index.html").exists():
        lines += [
            f"- **Read**: [the book]({BOOK_URL}/index.html) opens in a tab of its own. It has the solutions, folded below "
            "each exercise."
        ]
    else:
        lines += ["- **Read**: the book is not built here; `make book` in a terminal says why."]
    lines += [
        "- **Run**: click a notebook below, then choose *Run > Run All Cells*, or press Shift+Enter cell by cell.",
        "- **Exercises** stand at the end of a page. A cell with `check` tells at once how your answer is; ask it as often "
        "as you like.",
        "- **Begin again**: delete or rename a notebook, stop JupyterLab (Ctrl-C in its terminal) and run `make lab`: "
        "it is made anew.",
        "",
    ]
    for part in (part for part in parts if any(page.in_part for page in part.pages)):
        lines += [f"## {part.caption}", ""]
        about = [page for page in part.pages if page.in_part and page.file.endswith("/index")]
        lines += [f"What this part is about: {link(page, learn, book)}." for page in about] + [""]
        pages = [page for page in part.pages if page.in_part and page.path and page not in about]
        lines += ["| Page | Kind | Question | Minutes |", "| --- | --- | --- | --- |"] if pages else ["In preparation."]
        for page in pages:
            kind = "lab" if page.is_lab else "chapter"
            lines.append(f"| {link(page, learn, book)} | {kind} | {page.question} | {page.minutes} |")
        lines.append("")
    return "\n".join(lines)


def local_images(root: Path, page: Path, text: str) -> list[str]:
    """Return the images inside the course that a notebook's Markdown shows, as paths from the root."""
    found = []
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        for match in IMAGE.finditer("".join(cell["source"])):
            path = (page.parent / (match[1] or match[2])).resolve()
            if path.is_file() and root in path.parents:
                found.append(path.relative_to(root).as_posix())
    return found


def make_copies(root: Path, learn: Path) -> tuple[list[str], list[str]]:
    """Make or update the learner's folder from the notebooks that _toc.yml lists.

    Returns
    -------
    messages, broken
        Lines for the learner, and one line for each source notebook that could not be read and was skipped.
    """
    copies, parts, broken = Copies(learn), read_toc(root), []
    for page in (page for part in parts for page in part.pages if page.is_notebook):
        try:
            text = student_text(page.path, root)
        except (OSError, ValueError) as error:
            broken.append(f"{str(error).replace(str(root) + os.sep, '')}. Skipped.")
            continue
        copies.put(f"{page.file}.ipynb", text.encode())
        for image in local_images(root, page.path, text):
            copies.put(image, (root / image).read_bytes())
    copies.put("start.md", start_page(parts, learn, root / BOOK).encode())
    copies.save()
    return copies.messages, broken


def build_book(root: Path) -> str | None:
    """Build the book where it is out of date; return a warning where that failed."""
    done = subprocess.run([sys.executable, "-m", "tools.book", "--if-stale"], cwd=root, check=False)
    if done.returncode == 0:
        return None
    old = " The last one built is shown." if (root / BOOK / "index.html").exists() else " The labs work without it."
    return "The book could not be built (see above)." + old


def lab_command(root: Path, learn: Path, extra: list[str]) -> list[str]:
    """Return the command that opens JupyterLab on the start page."""
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={learn}",
        "--LabApp.default_url=/lab/tree/start.md",
        "--LabApp.extension_manager=readonly",
        f"--ServerApp.extra_static_paths={root / BOOK}",
        f"--LabApp.workspaces_dir={learn / '.workspaces'}",  # tabs left open in other projects stay there
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # a container's only user is often root; the token still guards the server
    return command + extra


def lab_environment(root: Path) -> dict[str, str]:
    """Return the environment variables for JupyterLab: the course's settings, and this environment's kernel first."""
    configs = [str(root / "tools" / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    ours = {"JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, configs)), "JUPYTER_PREFER_ENV_PATH": "1"}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"}  # without a GPU, TensorFlow starts with red lines that alarm and mean nothing
    return {**quiet, **os.environ, **ours}


def open_lab(root: Path, learn: Path, extra: list[str]) -> int:
    """Open JupyterLab; on Linux and macOS it takes this process's place, so that Ctrl-C reaches it alone."""
    command, environment = lab_command(root, learn, extra), lab_environment(root)
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(command[0], command, environment)
    return subprocess.run(command, env=environment, check=False).returncode


def main(arguments: list[str] | None = None) -> int:
    """Make or update the learner's folder and open JupyterLab in it. Other options are passed on to JupyterLab."""
    parser = argparse.ArgumentParser(prog="python -m tools.lab", description=main.__doc__)
    parser.add_argument("--no-open", action="store_true", help="only make or update the folder")
    options, extra = parser.parse_known_args(arguments)
    learn = ROOT / "learn"
    warning = build_book(ROOT)
    try:
        messages, broken = make_copies(ROOT, learn)
    except OSError as error:
        print(
            f"The learner's folder could not be written: {error}. Make {learn} writable or free some disk.",
            file=sys.stderr,
        )
        return 1
    for line in messages:
        print(line)
    for line in [*broken, *filter(None, [warning])]:
        print(f"Warning: {line}", file=sys.stderr)
    if options.no_open:
        print(f"The learner's copy is in {learn.name}/.")
        return 1 if broken else 0
    return open_lab(ROOT, learn, extra)


if __name__ == "__main__":
    sys.exit(main())
