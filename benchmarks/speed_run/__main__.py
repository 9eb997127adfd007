"""From the reference recipe to the fastest run that reaches 97.5 % of the test digits: measure the ladder.

Run from the root::

    .venv/bin/python -m benchmarks.speed_run                      # about 15 minutes on 2 quiet cores: prints the table
    .venv/bin/python -m benchmarks.speed_run --write              # and stores it: gpulab.results.load("speed_run")
    .venv/bin/python -m benchmarks.speed_run --entry NAME --seeds 3    # some steps only (several, with commas)
    .venv/bin/python -m benchmarks.speed_run --pilot              # how many epochs? on validation, on other seeds

Every measurement is a process of its own, led by :mod:`benchmarks.speed_run.referee`, whose clock counts: building the
model, compiling, warming up, training, and answering the test images; not the imports and the loading. A round measures
every step once with one seed, in an order drawn anew; ratios to the baseline are formed within a round. The baseline and
the ends of the ladder get every round, the steps between them as many as they ask for.

``--log FILE`` keeps each measurement at once and goes on from there when it is called again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.speed_run import referee
from benchmarks.speed_run.recipes import BASE, LADDER, TARGET, changed

SEEDS = 10
PILOT_SEEDS = range(100, 106)  # others than those of the measurement
QUICK = {  # what makes a pilot faster and changes no result but for rounding
    "torch": {"pool_first": True, "layout": True, "memory": True, "fused": True},
    "keras": {"pool_first": True, "steps_at_once": 10},
}
PACKAGES = ("torch", "tensorflow", "keras", "numpy")
Found = dict[str, list[dict[str, Any]]]


def read(log: Path | None, key: str) -> Found:
    """Return what a log has already, by a key."""
    found: Found = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log and log.exists() else ():
        entry = json.loads(line)
        found.setdefault(entry[key], []).append(entry)
    return found


def keep(log: Path | None, entry: dict[str, Any]) -> None:
    """Add a measurement to a log."""
    if log:
        with log.open("a", encoding="utf-8") as out:
            out.write(json.dumps(entry) + "\n")


def collect(
    names: Sequence[str], seeds: int, log: Path | None, show: Callable[[str], None], until: float = float("inf")
) -> Found:
    """Measure each step with so many seeds, round by round; what the log has is not measured again."""
    found = {name: [] for name in names} | read(log, "name")
    for seed in range(seeds):
        for name in random.Random(seed).sample(list(names), len(names)):
            done = any(entry["seed"] == seed for entry in found[name])
            if done or seed >= (LADDER[name].rounds or seeds) or time.monotonic() > until:
                continue
            run = referee.run_once(name, seed)
            if run.problems:
                raise SystemExit(f"{name}, seed {seed}: {'; '.join(run.problems)}")
            entry = {"name": name, "seed": seed, "seconds": run.seconds, "accuracy": run.accuracy}
            entry |= {"moved": run.moved, "load": round(os.getloadavg()[0], 2)}
            found[name].append(entry)
            keep(log, entry)
            show(f"seed {seed}: {name:24} {run.seconds:6.2f} s  {run.accuracy:.1%}")
    return found


def rows_of(found: Found) -> list[dict[str, Any]]:
    """Return a row for each step: its seconds, its accuracies, and its ratio to the baseline within the rounds."""
    base = {entry["seed"]: entry["seconds"] for entry in found.get(BASE, [])}
    rows = []
    for name, entries in found.items():
        if name not in LADDER or not entries:
            continue
        step = LADDER[name]
        entries = sorted(entries, key=lambda entry: entry["seed"])
        accuracies = [entry["accuracy"] for entry in entries]
        ratios = [base[entry["seed"]] / entry["seconds"] for entry in entries if entry["seed"] in base]
        before = LADDER[step.before].recipe if step.before else step.recipe
        rows.append(
            {
                "part": "ladder",
                "name": name,
                "what": step.what,
                "before": step.before,
                "changed": changed(before, step.recipe),
                "framework": step.recipe.framework,
                "class": "open" if step.recipe.open_class else "reference",
                "epochs": step.recipe.epochs,
                "precision": step.recipe.precision,
                "runs": len(entries),
                "seconds": _spread([entry["seconds"] for entry in entries]),
                "ratio": _spread(ratios) if ratios else None,
                "accuracy": round(statistics.mean(accuracies), 5),
                "accuracy_spread": round(statistics.stdev(accuracies), 5) if len(accuracies) > 1 else None,
                "accuracies": [round(value, 4) for value in accuracies],
                "seconds_all": [round(entry["seconds"], 3) for entry in entries],
                "load": max(entry["load"] for entry in entries),
            }
        )
    order = list(LADDER)
    return sorted(rows, key=lambda row: order.index(row["name"]))


EXAMPLES = ("nearest_average", "cheat_opens_the_file", "cheat_answers_from_home", "cheat_own_clock")


def refereed() -> list[dict[str, Any]]:
    """Return the referee's verdicts on the examples; they need no network, so their target is lower."""
    folder = Path(referee.__file__).parent / "examples"
    lines = [referee.verify(folder / f"{name}.py", (1, 2), target=0.78) for name in EXAMPLES]
    kept = ("name", "class", "verdict", "problems", "accuracy")
    return [{"part": "referee", "file": f, **{key: line[key] for key in kept}} for f, line in zip(EXAMPLES, lines, strict=True)]


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the quartiles."""
    low, middle, high = statistics.quantiles(values, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {"median": round(middle, 3), "low": round(low, 3), "high": round(high, 3)}


def pilot(
    names: Sequence[str], log: Path | None, show: Callable[[str], None], until: float = float("inf")
) -> list[dict[str, Any]]:
    """Ask the validation part how many epochs each step needs, in this process, with other seeds; return rows."""
    import importlib

    from gpulab.data import load

    digits = load("digits")
    known = read(log, "name")
    rows = []
    for name in names:
        step = LADDER[name]
        for epochs in step.pilot:
            row = next((row for row in known.get(name, []) if row["epochs"] == epochs), None)
            if row is None and time.monotonic() > until:
                continue
            if row is None:
                recipe = replace(step.recipe, epochs=epochs, **QUICK[step.recipe.framework])
                side = importlib.import_module(f"benchmarks.speed_run.{recipe.framework}_side")
                right = []
                for seed in PILOT_SEEDS:
                    predict = side.train(recipe, digits.train, digits.valid, seed)
                    right.append(float((predict(digits.valid.x) == digits.valid.y).mean()))
                row = {"part": "pilot", "name": name, "epochs": epochs, "valid": round(statistics.mean(right), 5)}
                row |= {"valid_spread": round(statistics.stdev(right), 5), "runs": len(right)}
                keep(log, row)
                show(f"{name:24} {epochs:4} epochs: {row['valid']:.2%} ± {row['valid_spread']:.2%}")
            rows.append(row)
    return rows


def show_table(rows: Sequence[dict[str, Any]]) -> None:
    """Print the ladder."""
    print(f"\n{'step':24} {'epochs':>6} {'seconds (middle half)':>24} {'ratio':>6} {'test accuracy':>16}  n")
    for row in rows:
        seconds = row["seconds"]
        span = f"{seconds['median']:.2f} ({seconds['low']:.2f} to {seconds['high']:.2f})"
        ratio = f"{row['ratio']['median']:.1f}" if row["ratio"] else "-"
        accuracy = f"{row['accuracy']:.2%}"
        accuracy += f" ± {row['accuracy_spread']:.2%}" if row["accuracy_spread"] is not None else ""
        print(f"{row['name']:24} {row['epochs']:6g} {span:>24} {ratio:>6} {accuracy:>16} {row['runs']:2}")
    print(f"target: {TARGET:.1%} on average. Ratios: the baseline's seconds over the step's, within a round.")


def main() -> None:
    """Read the arguments; measure, print, and store if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed_run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entry", default=",".join(LADDER), help="comma-separated steps of the ladder")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--log", type=Path, help="keep each measurement here, and go on from there")
    parser.add_argument("--pilot", action="store_true", help="measure accuracy on validation against epochs instead")
    parser.add_argument("--pilot-log", type=Path, help="the same for the pilot")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many; the log goes on later")
    parser.add_argument("--write", action="store_true", help="store the rows for the pages")
    given = parser.parse_args()
    names = given.entry.split(",")
    if unknown := [name for name in names if name not in LADDER]:
        parser.error(f"no such step: {', '.join(unknown)}; choose of {', '.join(LADDER)}")
    begin = time.monotonic()

    def show(line: str) -> None:
        print(line, flush=True)

    if given.pilot:
        pilot(names, given.pilot_log, show, begin + 60 * given.minutes)
        return
    rows = rows_of(collect(names, given.seeds, given.log, show, begin + 60 * given.minutes))
    show_table(rows)
    if given.write:
        from experiments import stamp

        asked = read(given.pilot_log, "name")
        rows += [row for name in LADDER for row in asked.get(name, []) if row["epochs"] in LADDER[name].pilot]
        rows += refereed()
        rows.append({"part": "machine", **referee.machine(), "threads": 2})
        path = stamp.store("speed_run", rows, range(given.seeds), PACKAGES, time.monotonic() - begin)
        print(f"{len(rows)} rows stored in {path.name}")


if __name__ == "__main__":
    main()
