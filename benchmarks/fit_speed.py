"""How fast is ``gpulab.train.fit``, against what else one would train with? Ratios, from interleaved runs.

Run from the root::

    .venv/bin/python -m pip install -e ".[bench]"        # the peers; better in an environment of its own
    .venv/bin/python -m benchmarks.fit_speed             # about 45 minutes on 2 cores: prints the tables
    .venv/bin/python -m benchmarks.fit_speed --write     # and stores them for the page: gpulab.results.load("fit_speed")

Parts (``--parts``):

- ``peers``: samples a second on the reference CNN and on LSTM(64), batch 128, Adam, for each peer.
- ``leads``: the plain torch loop with one thing changed at a time, see :mod:`benchmarks.leads`.
- ``overhead``: microseconds a step beside the arithmetic.
- ``scaling``: time and peak memory against the size of the data.
- ``import``: the time of ``import gpulab``.

Every measurement is a process of its own. A round measures everything once, so that a busy moment touches every row, in
an order drawn anew: what runs right after a busy process is slower. Ratios are formed within a round. What is timed: training epochs, without validation and without the first
(it warms up); a run's value is the median of its epochs. Tables give the median over the rounds with the quartiles.

``--log FILE`` keeps each measurement at once and goes on from there when it is called again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import import_time, leads, overhead, peers, scaling, workloads

PARTS = ("peers", "leads", "overhead", "scaling", "import")
FEWER = {"leads": 2, "overhead": 2, "scaling": 4}  # these parts get one round for so many of the peers'
PACKAGES = ("torch", "tensorflow", "keras", "accelerate", "transformers", "skorch", "lightning", "numpy")
LIMIT = 300  # seconds that one measurement may take


class Job(NamedTuple):
    """One thing to measure."""

    part: str
    name: str
    workload: str


def jobs(parts: Sequence[str], chosen: Sequence[str]) -> Iterator[Job]:
    """Yield what a round measures, in turn."""
    if "peers" in parts:
        yield from (Job("peers", name, workload) for workload in workloads.NAMES for name in chosen)
    if "leads" in parts:
        for name, (_, where) in leads.LEADS.items():
            yield from (Job("leads", name, workload) for workload in where)
    if "overhead" in parts:
        yield from (Job("overhead", name, "tiny") for name in overhead.LOOPS)
    if "scaling" in parts:
        for factor in scaling.FACTORS:
            yield from (Job("scaling", framework, str(factor)) for framework in ("torch", "keras"))
    if "import" in parts:
        yield from (Job("import", name, "") for name in import_time.STATEMENTS)


def measure(job: Job) -> dict[str, float]:
    """Measure one thing in this process."""
    if job.part == "overhead":
        return {"value": overhead.microseconds(job.name)}
    if job.part == "scaling":
        return scaling.run(job.name, int(job.workload))
    train = partial(leads.run, job.name) if job.part == "leads" else peers.PEERS[job.name][0]
    seconds = train(job.workload, workloads.EPOCHS)
    samples = len(workloads.arrays(job.workload)[1])
    return {"value": samples / statistics.median(seconds[1:]), "first_epoch": seconds[0]}


def measured_apart(job: Job) -> dict[str, Any]:
    """Measure one thing in a fresh process."""
    if job.part == "import":
        return {"value": import_time.seconds(import_time.STATEMENTS[job.name]) * 1e3}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "HF_HUB_OFFLINE": "1", "KERAS_BACKEND": "tensorflow"}
    more = leads.environment(job.name) if job.part == "leads" else {}
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.fit_speed", "--worker", *job]
    variables = {**os.environ, **quiet, **more}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(job)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def available(names: Sequence[str]) -> list[str]:
    """Return the peers that are installed; say which are not, and how to get them."""
    missing = {name: [p for p in peers.PEERS[name][1] if find_spec(p) is None] for name in names}
    for name, packages in missing.items():
        if packages:
            print(f'{name} is left out: {", ".join(packages)} is not installed. pip install -e ".[bench]"')
    return [name for name in names if not missing[name]]


def collect(
    wanted: Iterable[Job], repeats: int, log: Path | None, show: Callable[[str], None]
) -> dict[Job, list[dict[str, Any]]]:
    """Measure everything so many times, round by round; what the log has already is not measured again."""
    wanted = list(wanted)
    found: dict[Job, list[dict[str, Any]]] = {job: [] for job in wanted}
    for line in log.read_text(encoding="utf-8").splitlines() if log and log.exists() else ():
        entry = json.loads(line)
        found.setdefault(Job(*entry.pop("job")), []).append(entry)
    for now in range(repeats):
        for job in random.Random(now).sample(wanted, len(wanted)):
            every = FEWER.get(job.part, 1)
            if now % every or len(found[job]) > now // every:
                continue
            entry = measured_apart(job) | {"load": round(os.getloadavg()[0], 2)}
            found[job].append(entry)
            value = entry.get("value", entry.get("seconds"))
            show(f"round {now + 1}: {job.part} {job.name} {job.workload}: {value:.4g}")
            if log:
                with log.open("a", encoding="utf-8") as out:
                    out.write(json.dumps({"job": job, **entry}) + "\n")
    return found


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the quartiles."""
    low, middle, high = statistics.quantiles(values, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {"median": _round(middle), "low": _round(low), "high": _round(high)}


def _round(value: float) -> float:
    return float(f"{value:.4g}")


def ratios(above: Sequence[dict[str, Any]], below: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return median and quartiles of the ratios within each round."""
    found = spread([a["value"] / b["value"] for a, b in zip(above, below, strict=False)])
    return {f"ratio_{name}": value for name, value in found.items()}


BASES = {"peers": "fit", "leads": "plain", "overhead": "bare torch"}


def rows_of(found: dict[Job, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return a row for each thing measured: its values, their spread, and its ratio to the base of its part.

    For ``peers`` the ratio is fit's speed over the peer's, for ``leads`` the lead's over the plain loop's. For
    ``scaling`` the row has the medians.
    """
    rows = []
    for job, entries in found.items():
        if not entries:
            continue
        row: dict[str, Any] = {"part": job.part, "name": job.name, "workload": job.workload, "runs": len(entries)}
        if job.part == "scaling":
            row |= {key: _round(statistics.median(entry[key] for entry in entries)) for key in entries[0]}
            row["samples"] = int(entries[0]["samples"])
        else:
            values = [_round(entry["value"]) for entry in entries]
            row |= spread(values) | {"values": values}
            base = found.get(Job(job.part, BASES.get(job.part, ""), job.workload))
            if base and job.part == "peers":
                row |= ratios(base, entries)
            elif base:
                row |= ratios(entries, base)
            if job.part in ("peers", "leads"):
                row["first_epoch"] = _round(statistics.median(entry["first_epoch"] for entry in entries))
        row.pop("load", None)
        row["load"] = max(entry["load"] for entry in entries)
        rows.append(row)
    return rows


UNITS = {"peers": "samples/s", "leads": "samples/s", "overhead": "us a step", "import": "ms"}
RATIOS = {"peers": "fit / it", "leads": "it / plain", "overhead": "it / bare", "import": ""}


def table_line(row: dict[str, Any]) -> str:
    """Return one line of a table."""
    line = f"  {row['name']:22} {row['median']:9.4g}  ({row['low']:.4g} to {row['high']:.4g})"
    if "ratio_median" in row:
        line = f"{line:58} {row['ratio_median']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})"
    return f"{line}  n={row['runs']}"


def show_tables(rows: Sequence[dict[str, Any]]) -> None:
    """Print a table a part and workload."""
    for part in PARTS[:3] + PARTS[4:]:
        for workload in dict.fromkeys(row["workload"] for row in rows if row["part"] == part):
            title = f"{part} {workload}".rstrip()
            print(f"\n{title}: {UNITS[part]}, median and quartiles of the runs; {RATIOS[part]}".rstrip("; "))
            for row in rows:
                if (row["part"], row["workload"]) == (part, workload):
                    print(table_line(row))
    for framework in ("torch", "keras"):
        mine = [row for row in rows if (row["part"], row["name"]) == ("scaling", framework)]
        if mine:
            print(f"\nscaling {framework}: samples, MB of data, seconds an epoch, microseconds a sample, peak MB")
        for row in mine:
            each = row["seconds"] / row["samples"] * 1e6
            size = f"{row['samples']:7d} {row['data_mb']:7.1f}"
            print(f"  {size} {row['seconds']:8.3f} {each:7.1f} {row['peak_mb']:8.0f}")


def write(rows: Sequence[dict[str, Any]], seconds: float) -> None:
    """Store the rows with their stamp, for the page."""
    from experiments import stamp

    path = stamp.store("fit_speed", rows, [0], [name for name in PACKAGES if find_spec(name)], seconds)
    print(f"{len(rows)} rows stored in {path.name}")


def main() -> None:
    """Read the arguments; measure, print, and store if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=10, help="rounds (leads and overhead: half, scaling: a quarter)")
    parser.add_argument("--peers", default=",".join(peers.PEERS), help="comma-separated; 'fit' is always measured")
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated")
    parser.add_argument("--log", type=Path, help="keep each measurement here, and go on from there")
    parser.add_argument("--write", action="store_true", help="store the table for the page")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        print(json.dumps(measure(Job(*given.worker))))
        return
    parts, names = given.parts.split(","), list(dict.fromkeys(["fit", *given.peers.split(",")]))
    for what, asked, known in (("part", parts, PARTS), ("peer", names, tuple(peers.PEERS))):
        if unknown := set(asked) - set(known):
            parser.error(f"no such {what}: {', '.join(sorted(unknown))}; choose of {', '.join(known)}")
    start = time.perf_counter()
    found = collect(jobs(parts, available(names)), given.repeats, given.log, lambda line: print(line, flush=True))
    rows = rows_of(found)
    show_tables(rows)
    if given.write:
        write(rows, time.perf_counter() - start)


if __name__ == "__main__":
    main()
