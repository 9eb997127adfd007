"""The course's files as the promise checks see them: pages, table of contents, tracked files."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from nbformat import NotebookNode

from tools import notebooks

FRONT_MATTER = re.compile(r"\A---\n(.*?\n)---\n", re.DOTALL)
CODE_FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})(?!\{)[^\n]*\n.*?^\1\2\s*$", re.DOTALL | re.MULTILINE)
INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")


@dataclass
class Page:
    """A chapter page or a lab.

    Attributes
    ----------
    name : str
        Path without suffix, as ``_toc.yml`` writes it.
    path : Path
        The file.
    text : str
        Its Markdown, without front matter.
    meta : dict
        The ``course`` mapping: covers, framework, minutes, stamp.
    nb : NotebookNode or None
        The notebook, where the page is one.
    error : str
        Why it can't be read, else empty.
    """

    name: str
    path: Path
    text: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    nb: NotebookNode | None = None
    error: str = ""

    @property
    def is_lab(self) -> bool:
        """Whether the page is a lab."""
        return self.name.startswith("labs/")

    @property
    def covers(self) -> list[str]:
        """The syllabus ids the page says it covers."""
        covers = self.meta.get("covers")
        return covers if isinstance(covers, list) else []

    @cached_property
    def prose(self) -> str:
        """The Markdown without code: what is rendered as text, links and pictures."""
        return INLINE_CODE.sub("", CODE_FENCE.sub("", self.text))

    @property
    def labels(self) -> list[str]:
        """The labels set with ``(name)=``."""
        return re.findall(r"^\(([^)\s]+)\)=\s*$", CODE_FENCE.sub("", self.text), re.MULTILINE)


class Tree:
    """The files of the course under one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def files(self) -> list[str]:
        """Paths of all files git tracks or would track; all files where the root is no git checkout."""
        if (self.root / ".git").exists():
            command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
            listed = subprocess.run(command, cwd=self.root, capture_output=True, check=True, text=True).stdout
            names = [name for name in listed.split("\0") if name]
        else:
            names = [path.relative_to(self.root).as_posix() for path in self.root.rglob("*")]
        return sorted(name for name in set(names) if (self.root / name).is_file())

    def text(self, name: str) -> str | None:
        """Return a file's text, or ``None`` where it is binary."""
        try:
            return (self.root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return None

    @cached_property
    def pages(self) -> dict[str, Page]:
        """Every chapter page and lab, by name."""
        wanted = [name for name in self.files if re.match(r"(chapters|labs)/.*\.(md|ipynb)$", name)]
        return {page.name: page for page in map(self._page, wanted)}

    @property
    def labs(self) -> list[Page]:
        """The labs."""
        return [page for page in self.pages.values() if page.is_lab]

    @property
    def notebooks(self) -> list[Page]:
        """The pages that are readable notebooks."""
        return [page for page in self.pages.values() if page.nb is not None]

    def _page(self, file: str) -> Page:
        path = self.root / file
        page = Page(file.rpartition(".")[0], path)
        try:
            _fill(page)
        except (notebooks.NotebookError, yaml.YAMLError, UnicodeDecodeError) as error:
            page.error = str(error).removeprefix(f"{path}: ").splitlines()[0]
        return page

    @cached_property
    def toc(self) -> dict[str, Any]:
        """The table of contents."""
        return yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))

    @cached_property
    def toc_files(self) -> list[str]:
        """Names of the pages in the table of contents, in order."""
        return list(_toc_files(self.toc))


def _fill(page: Page) -> None:
    if page.path.suffix == ".ipynb":
        page.nb = notebooks.read(page.path)
        page.text = "\n\n".join(cell.source for cell in page.nb.cells if cell.cell_type == "markdown")
        page.meta = dict(page.nb.metadata.get("course", {}))
        return
    text = page.path.read_text(encoding="utf-8")
    front = FRONT_MATTER.match(text)
    page.text = text[front.end() :] if front else text
    page.meta = (yaml.safe_load(front.group(1)) or {}).get("course", {}) if front else {}


def _toc_files(node: Any) -> list[str]:
    if isinstance(node, list):
        return [name for entry in node for name in _toc_files(entry)]
    if not isinstance(node, dict):
        return []
    own = [re.sub(r"\.(md|ipynb)$", "", node[key]) for key in ("root", "file") if key in node]
    return own + [name for key in ("parts", "chapters", "sections") for name in _toc_files(node.get(key, []))]
