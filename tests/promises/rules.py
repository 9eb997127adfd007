"""The promises of the course, each a pure function from the tree of files to a list of problems.

Every rule is itself tested on a small tree that breaks it (``test_rules.py``); ``test_tree.py`` applies all of them to
the course.
"""

from __future__ import annotations

import ast
import json
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import nbformat

from tests.promises.tree import Page, Tree
from tools import notebooks
from tools.student import MarkerError, clear_markers, has_solution, without_markers

Rule = Callable[[Tree], list[str]]
HERE = "tests/promises"
FRAMEWORKS = ("none", "torch", "keras")
CARD_ROWS = ("Question", "Time", "Memory", "Download", "Data", "Covers")
MAX_FILE_BYTES = 1_000_000
MAX_LINES, MAX_MEDIAN_LINES, MAX_WIDTH = 20, 6, 84  # 84 characters fit the book's column at 1280 px
HEADING_DEPTH = 3  # headings down to this level are link targets: `myst_heading_anchors` in _config.yml
IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]+)[^)]*\)")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)[^)]*\)")
PICTURE_DIRECTIVE = re.compile(
    r"^\s*(?P<fence>`{3,}|:{3,})\{(?:figure|image)\}.*\n(?P<body>(?:.*\n)*?)\s*(?P=fence)\s*$", re.MULTILINE
)
HTML_IMAGE = re.compile(r"<img\b(?P<attributes>[^>]*)>", re.IGNORECASE)
NUMBERED = re.compile(r"^\d+[-_.]|\d{4}-\d{2}|(chapter|day|lab|lesson|module|part|unit|week)[-_]?\d", re.IGNORECASE)


# --- Syllabus ------------------------------------------------------------------------------------------------------


def syllabus(tree: Tree) -> dict[str, str]:
    """Return the syllabus: topic by id."""
    return json.loads((tree.root / HERE / "syllabus.json").read_text(encoding="utf-8"))


def pending(tree: Tree) -> list[str]:
    """Return the ids that no page covers yet."""
    return (tree.root / HERE / "pending.txt").read_text(encoding="utf-8").split()


def syllabus_coverage(tree: Tree) -> list[str]:
    """Check that each id is covered by a chapter and a lab, or listed as pending; never both."""
    known, waiting = syllabus(tree), pending(tree)
    by_chapter = {topic for page in tree.pages.values() if not page.is_lab for topic in page.covers}
    by_lab = {topic for page in tree.labs for topic in page.covers}
    found = [f"pending.txt: unknown id {topic}" for topic in waiting if topic not in known]
    found += [f"pending.txt: {topic} stands there twice" for topic, times in Counter(waiting).items() if times > 1]
    for topic in known:
        missing = [kind for kind, covered in (("chapter", by_chapter), ("lab", by_lab)) if topic not in covered]
        if topic in waiting and not missing:
            found.append(f"{topic} is covered by a chapter and a lab: take it off pending.txt")
        elif topic not in waiting and missing:
            lacking = " and no ".join(missing)
            found.append(f"{topic} ({known[topic]}) has no {lacking}: write it or add it to pending.txt")
    for page in tree.pages.values():
        unknown = [topic for topic in page.covers if topic not in known]
        found += [f"{page.name}: covers {topic!r}, which is not in the syllabus" for topic in unknown]
    return found


def labeled_sections(tree: Tree) -> list[str]:
    """Check that a chapter has a labeled section for each id it covers, and covers each id it labels."""
    known, found = syllabus(tree), []
    for page in (page for page in tree.pages.values() if not page.is_lab):
        labeled = {label.partition("-")[0] for label in page.labels} & known.keys()
        found += [f"{page.name}: covers {t} but has no section labeled ({t})=" for t in page.covers if t not in labeled]
        found += [f"{page.name}: labels ({t})= but does not cover it" for t in sorted(labeled - set(page.covers))]
        bare = re.findall(r"^\(([^)\s]+)\)=\s*\n+(?![#(])", page.prose, re.MULTILINE)
        found += [f"{page.name}: the label ({label})= stands before no heading" for label in bare if label in labeled]
    for label, pages in _label_homes(tree).items():
        if len(pages) > 1:
            found.append(f"the label ({label})= stands in {' and in '.join(pages)}; rename one to ({label}-NAME)=")
    return found


def _label_homes(tree: Tree) -> dict[str, list[str]]:
    homes: dict[str, list[str]] = {}
    for page in tree.pages.values():
        for label in page.labels:
            homes.setdefault(label, []).append(page.name)
    return homes


def page_metadata(tree: Tree) -> list[str]:
    """Check that each page can be read and says what it covers and how long it takes."""
    found = []
    for page in tree.pages.values():
        if page.error:
            found.append(f"{page.name}: {page.error}")
            continue
        if not isinstance(page.meta.get("covers"), list):
            found.append(f"{page.name}: its course metadata has no list `covers` (empty for pages off the syllabus)")
        minutes = page.meta.get("minutes")
        if isinstance(minutes, bool) or not isinstance(minutes, int | float) or minutes <= 0:
            found.append(f"{page.name}: its course metadata has no `minutes` above 0")
        if page.nb is not None and page.meta.get("framework") not in FRAMEWORKS:
            found.append(f"{page.name}: `framework` is {page.meta.get('framework')!r}; one of {', '.join(FRAMEWORKS)}")
    return found


# --- Table of contents, names, pairs -------------------------------------------------------------------------------


def table_of_contents(tree: Tree) -> list[str]:
    """Check that the table of contents and the pages are the same set."""
    listed = tree.toc_files
    found = [f"{name}: in no place of _toc.yml" for name in tree.pages if name not in listed]
    found += [f"_toc.yml: {name} is no page" for name in listed if name not in tree.pages]
    found += [f"_toc.yml: {name} stands there twice" for name, times in Counter(listed).items() if times > 1]
    return found


def framework_pairs(tree: Tree) -> list[str]:
    """Check that a lab for one framework has its partner for the other, on the same topics."""
    found = []
    for page in tree.labs:
        stem, _, suffix = page.name.rpartition("-")
        named = suffix if suffix in ("torch", "keras") else "none"
        if page.meta.get("framework") != named:
            found.append(f"{page.name}: its name says framework {named}, its metadata {page.meta.get('framework')}")
        if named == "none":
            continue
        partner = f"{stem}-{'keras' if named == 'torch' else 'torch'}"
        if partner not in tree.pages:
            found.append(f"{page.name}: its partner {partner} is missing")
        elif sorted(tree.pages[partner].covers) != sorted(page.covers):
            found.append(f"{page.name}: covers other ids than {partner}")
    return found


def file_names(tree: Tree) -> list[str]:
    """Check that names say the topic: no dates, no numbering."""
    watched = ("chapters/", "labs/", "experiments/", "lib/", "tests/", "tools/")
    names = [name for name in tree.files if name.startswith(watched)]
    return [f"{name}: a number or date in the name" for name in names if any(map(NUMBERED.search, Path(name).parts))]


# --- Pictures and links --------------------------------------------------------------------------------------------


def alt_text(tree: Tree) -> list[str]:
    """Check that every picture, written or drawn by a cell, says in words what it shows."""
    found = []
    for page in tree.pages.values():
        found += [f"{page.name}: no alt text for {target}" for target in _images_without_alt(page)]
        if page.nb is None:
            continue
        for number, cell in enumerate(page.nb.cells):
            if cell.cell_type == "code" and _draws(cell) and not _cell_alt(cell):
                where = 'metadata {"mystnb": {"image": {"alt": "..."}}}'
                found.append(f"{page.name}: cell {number} draws a picture and has no alt text in its {where}")
    return found


def _images_without_alt(page: Page) -> Iterator[str]:
    for image in IMAGE.finditer(page.prose):
        if not image["alt"].strip():
            yield image["target"]
    for directive in PICTURE_DIRECTIVE.finditer(page.text):
        if not re.search(r"^\s*:alt:\s*\S", directive["body"], re.MULTILINE):
            yield directive.group(0).strip().splitlines()[0]
    for image in HTML_IMAGE.finditer(page.prose):
        if not re.search(r"\balt\s*=\s*[\"']\s*[^\"'\s]", image["attributes"]):
            yield image.group(0)


def _draws(cell: nbformat.NotebookNode) -> bool:
    return any(mime.startswith("image/") for output in cell.outputs for mime in output.get("data", {}))


def _cell_alt(cell: nbformat.NotebookNode) -> str:
    return str(cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")).strip()


def links(tree: Tree) -> list[str]:
    """Check that links to files and to labels lead somewhere."""
    labels, found = set(_label_homes(tree)), []
    documents = {page.name: (page.path, page.prose) for page in tree.pages.values()}
    if "README.md" in tree.files:
        documents["README.md"] = (tree.root / "README.md", Page("", tree.root, text=tree.text("README.md") or "").prose)
    for name, (path, prose) in documents.items():
        for match in [*LINK.finditer(prose), *IMAGE.finditer(prose)]:
            target = unquote(match["target"])
            if not _leads_somewhere(target, path, prose, labels, tree):
                found.append(f"{name}: the link to {target} leads nowhere")
    return found


def _leads_somewhere(target: str, path: Path, prose: str, labels: set[str], tree: Tree) -> bool:
    if re.match(r"[a-z][a-z0-9+.-]*:", target):
        return True  # another site; `{ref}` and `{doc}` are the book build's to check
    file, _, anchor = target.partition("#")
    if not file:
        return anchor in labels or anchor in slugs(prose)
    place = (path.parent / file).resolve()
    candidates = [place, *(place.with_name(place.name + suffix) for suffix in (".md", ".ipynb"))]
    there = next((candidate for candidate in candidates if candidate.exists()), None)
    if there is None or tree.root.resolve() not in there.parents:
        return False
    page = tree.pages.get(there.relative_to(tree.root.resolve()).with_suffix("").as_posix())
    return not anchor or page is None or anchor in slugs(page.prose) or anchor in page.labels


def slugs(prose: str) -> set[str]:
    """Return the anchors that headings get."""
    headings = re.findall(rf"^#{{1,{HEADING_DEPTH}}} +(.+?)\s*$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


# --- Labs and notebooks --------------------------------------------------------------------------------------------


def lab_cards(tree: Tree) -> list[str]:
    """Check that each lab opens with a filled-in card that links to the sections it covers."""
    found = []
    for page in tree.labs:
        if page.nb is None:
            continue
        opening = page.nb.cells[0] if page.nb.cells else None
        if opening is None or opening.cell_type != "markdown" or not opening.source.startswith("# "):
            found.append(f"{page.name}: its first cell is no Markdown with a title and the card")
            continue
        rows = dict(re.findall(r"^\|\s*\**([\w ]+?)\**\s*\|\s*(.*?)\s*\|\s*$", opening.source, re.MULTILINE))
        if "| This lab | |" not in opening.source:
            found.append(f"{page.name}: its card has no header row `| This lab | |`")
        found += [f"{page.name}: its card has no {row}" for row in CARD_ROWS if not rows.get(row)]
        for topic in page.covers:
            if f"[{topic}](#{topic}" not in rows.get("Covers", ""):
                found.append(f"{page.name}: its card does not link to [{topic}](#{topic})")
    return found


def notebook_form(tree: Tree) -> list[str]:
    """Check stamps, counts, stored errors, measured cells, size and normal form of each notebook."""
    files = [name for name in tree.files if name.endswith(".ipynb")]
    return [f"{name}: {problem}" for name in files for problem in notebooks.problems_in_file(tree.root / name)]


def bootstrap_cells(tree: Tree) -> list[str]:
    """Check that each notebook's second cell is the bootstrap cell, to the letter."""
    url, found = notebooks.repository_url(tree.root), []
    for page in tree.notebooks:
        tagged = [i for i, cell in enumerate(page.nb.cells) if "bootstrap" in notebooks.tags(cell)]
        if tagged != [1] or notebooks.tags(page.nb.cells[1]) != notebooks.BOOTSTRAP_TAGS:
            found.append(f"{page.name}: the second cell, and no other, has the tags {notebooks.BOOTSTRAP_TAGS}")
        elif page.nb.cells[1].source != notebooks.expected_bootstrap(page.nb, url):
            found.append(f"{page.name}: its bootstrap cell is out of date: run `python -m tools.notebooks bootstrap`")
    return found


def cell_sizes(tree: Tree) -> list[str]:
    """Check that code cells are short enough to read at a glance, and fit the page."""
    found = []
    for page in tree.notebooks:
        cells = [cell for cell in notebooks.code_cells(page.nb) if "bootstrap" not in notebooks.tags(cell)]
        lines = [sum(1 for line in cell.source.splitlines() if line.strip()) for cell in cells]
        found += [f"{page.name}: a cell of {n} lines; at most {MAX_LINES}" for n in lines if n > MAX_LINES]
        wide = (line for cell in cells for line in cell.source.splitlines() if len(line) > MAX_WIDTH)
        found += [f"{page.name}: {len(line)} characters, at most {MAX_WIDTH}: {line.strip()[:40]}" for line in wide]
        if lines and statistics.median(lines) > MAX_MEDIAN_LINES:
            middle = statistics.median(lines)
            found.append(f"{page.name}: cells of {middle:g} lines at the median; at most {MAX_MEDIAN_LINES}")
    return found


# --- Exercises -----------------------------------------------------------------------------------------------------


def exercise_form(tree: Tree) -> list[str]:
    """Check that an exercise is a labeled statement, an answer cell with a solution, and a check cell that passed."""
    return [f"{page.name}: {problem}" for page in tree.notebooks for problem in _exercise_problems(page.nb)]


def _exercise_problems(nb: nbformat.NotebookNode) -> Iterator[str]:
    statement = ""
    for number, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown":
            statement = cell.source
            continue
        where, answers = f"cell {number}", has_solution(cell.source)
        try:
            clear_markers(cell.source, where)
        except MarkerError as error:
            yield str(error)
        if answers != ("exercise" in notebooks.tags(cell)):
            yield f"{where}: the tag `exercise` and a solution between markers belong together"
        if answers:
            following = nb.cells[number + 1] if number + 1 < len(nb.cells) else None
            name = checked_name(following)
            if name is None:
                yield f'{where}: the cell after an answer is its check: one call, `check("part/topic", answer)`'
            elif not re.search(rf"^\({name.replace('/', '-')}(-\w+)*\)=\n### \S", statement, re.MULTILINE):
                yield f"{where}: the Markdown before it has no heading `### ...` labeled ({name.replace('/', '-')})="
            if not without_markers(cell.source).strip():
                yield f"{where}: the solution is empty"
        elif "check(" in cell.source and checked_name(cell) is not None:
            if not (number and has_solution(nb.cells[number - 1].source)):
                yield f"{where}: a check stands right after its answer cell"
            if cell.get("outputs") and not _shows(cell, f"Passed: {checked_name(cell)}."):
                yield f"{where}: the stored output does not say that the solution passed"


def checked_name(cell: nbformat.NotebookNode | None) -> str | None:
    """Return the exercise that a check cell names; ``None`` where the cell is more or less than one call of check."""
    if cell is None or cell.cell_type != "code":
        return None
    try:
        (statement,) = ast.parse(cell.source).body
        call = statement.value
        name, _answer = call.args
        return name.value if call.func.id == "check" and isinstance(name.value, str) else None
    except (SyntaxError, ValueError, AttributeError):
        return None


def _shows(cell: nbformat.NotebookNode, text: str) -> bool:
    return any(text in output.get("data", {}).get("text/plain", "") for output in cell.outputs)


# --- The repository ------------------------------------------------------------------------------------------------


def machine_paths(tree: Tree) -> list[str]:
    """Check that no text file names a folder of one machine."""
    found = []
    for name in tree.files:
        if name.startswith("tests/"):
            continue  # tests write such paths on purpose, to see them refused
        for number, line in enumerate((tree.text(name) or "").splitlines(), start=1):
            if notebooks.MACHINE_PATH.search(line):
                found.append(f"{name}:{number}: a path of one machine: {line.strip()[:80]}")
    return found


def large_files(tree: Tree) -> list[str]:
    """Check that no file over 1 MB is tracked, but for those that a reason is given for."""
    lines = [line for line in (tree.text(f"{HERE}/large_files.txt") or "").splitlines() if line and line[0] != "#"]
    allowed = {name.strip(): reason.strip() for name, _, reason in (line.partition(":") for line in lines)}
    found = [f"large_files.txt: no reason for {name}" for name, reason in allowed.items() if not reason]
    found += [f"large_files.txt: {name} is not there" for name in allowed if name not in tree.files]
    for name in tree.files:
        size = (tree.root / name).stat().st_size
        if size > MAX_FILE_BYTES and name not in allowed:
            found.append(f"{name}: {size:,} bytes; over {MAX_FILE_BYTES:,} needs a reason in {HERE}/large_files.txt")
    return found


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        alt_text, bootstrap_cells, cell_sizes, exercise_form, file_names, framework_pairs, lab_cards, labeled_sections,
        large_files, links, machine_paths, notebook_form, page_metadata, syllabus_coverage, table_of_contents,
    )
}  # fmt: skip
