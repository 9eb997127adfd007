"""Turn the book's Markdown (MyST) into plain Markdown, which JupyterLab shows as it is.

The learner's copy of a notebook goes through this: a citation becomes its authors and year, a glued number becomes the
number, a term of the glossary becomes the word, a link to a label becomes a link to the page of the book that JupyterLab
serves, an included file becomes its code, tabs follow one another, and any other directive becomes a quote.
"""

from __future__ import annotations

import ast
import functools
import itertools
import json
import posixpath
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

BOOK_URL = "/static"  # where `tools.lab` lets JupyterLab serve the built book
LABEL = re.compile(r"^\(([\w-]+)\)=\s*$", re.MULTILINE)
LABEL_LINE = re.compile(r"^\([\w-]+\)=[ \t]*\n?", re.MULTILINE)
CITE = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
GLUE = re.compile(r"\{glue(?::\w+)?\}`([^`]+)`")
TERM = re.compile(r"\{term\}`(?:([^`<]+?)\s*<[^`>]+>|([^`]+))`")
DOC = re.compile(r"\{doc\}`(?:([^`<]+?)\s*<([^`>]+)>|([^`]+))`")
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(`{3,}|:{3,})\{([\w-]+)\}[ \t]*(.*)$")
RECORD = "application/papermill.record/text/plain"


def glued(nb: dict[str, Any]) -> dict[str, str]:
    """Return the values that the notebook's cells stored by ``glue``, by name."""
    found = {}
    for cell in nb["cells"]:
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            if name and RECORD in output.get("data", {}):
                text = output["data"][RECORD]
                found[name] = str(ast.literal_eval(text if isinstance(text, str) else "".join(text)))
    return found


@functools.cache
def citations(bibliography: Path) -> dict[str, str]:
    """Return "LeCun et al., 1998" for each key of a BibTeX file."""
    from pybtex.database import parse_file

    short = {}
    for key, entry in parse_file(str(bibliography)).entries.items():
        people = entry.persons.get("author") or entry.persons.get("editor") or []
        names = [" ".join(person.prelast_names + person.last_names).strip("{}") for person in people]
        who = " and ".join(names or [key]) if len(names) < 3 else f"{names[0]} et al."
        short[key] = f"{who}, {entry.fields.get('year', 'no year')}"
    return short


def markdown_of(path: Path) -> str:
    """Return the Markdown of a page or of a notebook's cells; nothing for a file that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".md":
            return text
        cells = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")
        return "\n\n".join("".join(cell["source"]) for cell in cells)
    except (OSError, ValueError, KeyError, TypeError):
        return ""


@functools.cache
def labels(root: Path) -> dict[str, str]:
    """Return the page of each label ``(C1)=`` in the book, as a path without suffix from the root."""
    pages = [path for folder in ("chapters", "labs") for path in sorted((root / folder).rglob("*"))]
    found = {}
    for path in pages:
        if path.suffix in {".md", ".ipynb"} and ".ipynb_checkpoints" not in path.parts:
            page = path.relative_to(root).with_suffix("").as_posix()
            found.update({name.lower(): page for name in LABEL.findall(markdown_of(path))})
    return found


def for_page(root: Path, page: Path, nb: dict[str, Any]) -> Callable[[str], str]:
    """Return the function that turns the Markdown of one notebook into plain Markdown.

    Parameters
    ----------
    root : Path
        The repository.
    page : Path
        The notebook, below ``root``: relative links start there.
    nb : dict
        The notebook with its outputs, which hold the glued numbers.
    """
    values, here = glued(nb), page.relative_to(root).parent.as_posix()
    return lambda text: plain(text, root, here, values)


def plain(text: str, root: Path, here: str, values: dict[str, str]) -> str:
    """Return one cell's Markdown without MyST."""
    text = LABEL_LINE.sub("", text)
    text = GLUE.sub(lambda match: values.get(match[1], match[1]), text)
    text = CITE.sub(lambda match: _cite(match[1], citations(root / "references.bib")), text)
    text = TERM.sub(lambda match: match[1] or match[2], text)
    text = DOC.sub(lambda match: f"[{match[1] or match[3]}]({(match[2] or match[3])}.md)", text)
    text = LINK.sub(lambda match: _link(match[1], match[2], root, here), text)
    return without_directives(text, root / here)


def _cite(keys: str, short: dict[str, str]) -> str:
    names = (key.strip() for key in keys.split(","))
    return "(" + "; ".join(f"[{short.get(key, key)}]({BOOK_URL}/chapters/references.html)" for key in names) + ")"


def _link(words: str, target: str, root: Path, here: str) -> str:
    """Return a link as JupyterLab needs it; of one to a heading of the same notebook only the words are left."""
    if target.startswith("#") and target[1:].lower() not in labels(root):
        return words  # the book's anchors are not JupyterLab's
    return f"[{words}]({_target(target, root, here)})"


def _target(target: str, root: Path, here: str) -> str:
    """Return where a link leads in JupyterLab: a page of the book by its address there, a notebook as it is."""
    if re.match(r"[a-z]+:|/static/", target):
        return target
    file, _, anchor = target.partition("#")
    if not file:
        return f"{BOOK_URL}/{labels(root)[anchor.lower()]}.html#{anchor.lower()}"
    path = posixpath.normpath(posixpath.join(here, file)) if not file.startswith("/") else file.lstrip("/")
    if path.endswith(".md"):
        return f"{BOOK_URL}/{path.removesuffix('.md')}.html" + (f"#{anchor}" if anchor else "")
    return target


def without_directives(text: str, folder: Path) -> str:
    """Replace each directive by plain Markdown; leave fences of code alone.

    Parameters
    ----------
    text : str
        Markdown with MyST directives.
    folder : Path
        Where the page stands: included files are named from there.
    """
    lines: list[str] = []
    fence, code, inside = None, "", []
    for line in text.split("\n"):
        if fence and line.strip() == fence[1]:
            lines += _directive(fence[2], fence[3].strip(), inside, folder)
            fence, inside = None, []
        elif fence:
            inside.append(line)
        elif not code and (start := FENCE.match(line)):
            fence = start
        else:
            if re.match(r"\s*(```|~~~)", line):
                code = "" if code else line.strip()[:3]
            lines.append(line)
    if fence:  # it has no end: nothing of the text may be lost
        lines += _directive(fence[2], fence[3].strip(), inside, folder)
    return "\n".join(lines)


def _directive(name: str, title: str, inside: list[str], folder: Path) -> list[str]:
    """Return the lines that stand for one directive: its code, its content, or a quote under a bold title."""
    # Its own options stand first; those of a directive inside it stay.
    body = list(itertools.dropwhile(lambda line: re.match(r":[\w-]+:", line), inside))
    if name == "literalinclude":
        options = dict(re.findall(r"^:(\w[\w-]*):\s*(.*)$", "\n".join(inside), re.MULTILINE))
        language = "python" if title.endswith(".py") else "text"
        return [f"```{language}", *_included(folder / title, options), "```"]
    content = without_directives("\n".join(body), folder).split("\n")
    if name == "tab-set":
        return content
    if name == "tab-item":
        return [f"**{title}**", "", *content, ""]
    return [f"> **{title or name.capitalize()}**", ">", *(f"> {line}".rstrip() for line in content)]


def _included(path: Path, options: dict[str, str]) -> list[str]:
    """Return the lines of a file that ``literalinclude`` shows: all, those of one function, or a range like ``2-``."""
    lines = path.read_text(encoding="utf-8").rstrip().split("\n")
    if "pyobject" in options:
        nodes = ast.parse("\n".join(lines)).body
        node = next(node for node in nodes if getattr(node, "name", None) == options["pyobject"])
        lines = lines[min([node.lineno, *(line.lineno for line in node.decorator_list)]) - 1 : node.end_lineno]
    if "start-at" in options:
        lines = lines[next(i for i, line in enumerate(lines) if options["start-at"] in line) :]
    if "end-at" in options:
        lines = lines[: next(i for i, line in enumerate(lines) if options["end-at"] in line) + 1]
    first, dash, last = options.get("lines", "1-").partition("-")
    return lines[int(first or 1) - 1 : int(last) if last else None if dash else int(first)]
