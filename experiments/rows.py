"""How a long experiment of many runs works: one row a run, each framework in a process of its own.

Every finished row goes into a log at once. Run the experiment again, and it goes on where it stopped; a finished one
is stored with its stamp. An experiment is then two functions, what to run and how, and::

    if __name__ == "__main__":
        rows.main("name", cases, measure, packages=("numpy", "torch", "tensorflow", "keras"))
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from experiments import stamp

Case = dict[str, Any]
Row = dict[str, Any]


def main(
    name: str,
    cases: Callable[[str], Sequence[Case]],
    measure: Callable[..., Row],
    *,
    packages: Sequence[str],
    sides: Sequence[str] = ("torch", "keras"),
) -> None:
    """Run what the log lacks, and store all rows.

    Parameters
    ----------
    name : str
        Of the script and of the file of results.
    cases : callable
        Given a side, the runs it shall make: mappings of plain values. A key "seed", if any, is noted in the stamp.
    measure : callable
        Given the side and, as keywords, a case: what was found, as plain values.
    packages : sequence of str
        Whose versions the stamp notes.
    sides : sequence of str
        Each gets a process of its own: "torch", "keras", or "none".
    """
    parser = argparse.ArgumentParser(prog=f"python -m experiments.{name}")
    parser.add_argument("side", nargs="?", choices=sides, help="only this one, and store nothing")
    parser.add_argument("--log", type=Path, default=stamp.ROOT / "_build" / f"{name}.log")
    given = parser.parse_args()
    if given.side:
        work(given.side, cases(given.side), measure, given.log)
        return
    for side in sides:
        command = [sys.executable, "-m", f"experiments.{name}", side, "--log", str(given.log)]
        subprocess.run(command, check=True)
    found = {key(line["side"], line["case"]): line for line in read(given.log)}
    lines = [found[key(side, case)] for side in sides for case in cases(side)]
    rows = [{"framework": line["side"], **line["case"], **line["found"]} for line in lines]
    seeds = sorted({line["case"]["seed"] for line in lines if "seed" in line["case"]})
    path = stamp.store(name, rows, seeds, packages, sum(line["took"] for line in lines))
    print(f"{len(rows)} rows, stored in {path.relative_to(stamp.ROOT)}")


def work(side: str, cases: Sequence[Case], measure: Callable[..., Row], log: Path) -> None:
    """Run the cases that the log does not have yet."""
    done = {key(line["side"], line["case"]) for line in read(log)}
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and not log.read_text(encoding="utf-8").endswith("\n"):  # the last run was cut off in a line
        with log.open("a", encoding="utf-8") as file:
            file.write("\n")
    for case in cases:
        if key(side, case) in done:
            continue
        start = time.perf_counter()
        found = measure(side, **case)
        line = {"side": side, "case": case, "found": found, "took": time.perf_counter() - start}
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)


def key(side: str, case: Case) -> str:
    """Return what tells a run from the others."""
    return json.dumps([side, case], sort_keys=True)


def read(log: Path) -> list[dict[str, Any]]:
    """Return the lines of a log; one that was cut off is left out, and its run is made again."""
    lines = []
    for text in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        with contextlib.suppress(ValueError):
            lines.append(json.loads(text))
    return lines
