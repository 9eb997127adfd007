"""What do five broken programs show while they train, beside the same programs repaired?

The programs are those of the labs `labs/cnns/broken-*`: this script takes them out of the notebooks and runs them with
three seeds, as they were written and with the solution of the exercise. Each framework runs in a process of its own. A
row holds a hash of the program that it comes from.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat

from experiments import stamp
from tools.student import without_markers

ROOT = Path(__file__).resolve().parents[1]
SEEDS = (0, 1, 2)
FRAMEWORKS = ("torch", "keras")
PAGES = {  # the faults, by the names of the labs
    "loss": "sigmoid twice",
    "gradient": "gradients add up",
    "evaluation": "measured in training mode",
    "labels": "names shifted by one",
    "split": "copied, then divided",
}


def program(page: str, framework: str) -> tuple[str, str]:
    """Return the program of a lab, up to its first run, and the solution of its exercise, as code."""
    nb = nbformat.read(ROOT / "labs" / "cnns" / f"broken-{page}-{framework}.ipynb", as_version=4)
    cells = [cell for cell in nb.cells if cell.cell_type == "code"]
    tags = [cell.metadata.get("tags", []) for cell in cells]
    end = next(place for place, tag in enumerate(tags) if "measured" in tag)
    written = [cell.source for cell, tag in zip(cells[:end], tags, strict=False) if "bootstrap" not in tag]
    repairs = [without_markers(cell.source) for cell, tag in zip(cells, tags, strict=True) if "exercise" in tag]
    return "\n\n".join(written), "\n\n".join(repairs)


def code_hash(page: str, framework: str) -> str:
    """Return a hash of a program and its repair."""
    return hashlib.sha256("\n\n".join(program(page, framework)).encode()).hexdigest()[:16]


def prepared(page: str, framework: str, repaired: bool) -> Callable[[int], tuple]:
    """Return the function ``run(seed)`` of a program; its last result is the record of the run."""
    written, repair = program(page, framework)
    names: dict[str, object] = {}
    exec(written, names)  # noqa: S102  the notebooks are ours
    if repaired:
        exec(repair, names)  # noqa: S102
    return names["run"]


def rows_of(framework: str) -> list[dict[str, object]]:
    """Run every program of a framework with every seed."""
    rows = []
    for page in PAGES:
        for repaired in (False, True):
            run = prepared(page, framework, repaired)
            for seed in SEEDS:
                record = {
                    name: [round(float(v), 4) for v in values] if isinstance(values, list) else round(float(values), 4)
                    for name, values in run(seed)[-1].items()
                }
                where = {"framework": framework, "page": page, "fault": PAGES[page], "repaired": repaired, "seed": seed}
                rows.append(where | record | {"code": code_hash(page, framework)})
    return rows


def compute() -> list[dict[str, object]]:
    """Return every row, each framework's from a process of its own."""
    rows = []
    for framework in FRAMEWORKS:
        command = [sys.executable, "-m", "experiments.broken_runs", framework]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for row in rows_of(sys.argv[1]):
            print(json.dumps(row))
    else:
        stamp.run("broken_runs", compute, SEEDS, ["numpy", "torch", "tensorflow", "keras"])
