"""What cached features save: the seconds of an epoch in four ways, as ratios.

Run from the root::

    .venv/bin/python -m benchmarks.cached_features            # about 3 minutes: prints the table
    .venv/bin/python -m benchmarks.cached_features --write    # and stores it: gpulab.results.load("cached_features")

MobileNetV2 on 128 images of 96 x 96 pixels in batches of 32, with a linear head of 10 classes. Each framework has a
process of its own. A round times every kind once, in an order drawn anew; ratios are formed within a round.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.speed_run import referee

KINDS = ("full", "frozen", "extract", "cached")
IMAGES, PIXELS, BATCH = 128, 96, 32
EPOCHS = 20  # of a run on cached features: their seconds are divided by it
PACKAGES = ("torch", "tensorflow", "keras", "numpy")


def work(framework: str, rounds: int, threads: int) -> None:
    """Time the kinds in this process; print a line of JSON a round."""
    side = importlib.import_module(f"benchmarks.cached_features.{framework}_side")
    calls: dict[str, Callable[[], object]] = side.prepare(threads)
    for call in calls.values():  # graphs are built, memory is taken
        call()
    for number in range(rounds):
        found = {}
        for kind in random.Random(number).sample(KINDS, len(KINDS)):
            found[kind] = seconds(calls[kind]) / (EPOCHS if kind == "cached" else 1)
        print(json.dumps(found), flush=True)


def seconds(call: Callable[[], object], least: float = 0.2) -> float:
    """Return the median of the seconds of one call; calls are repeated for ``least`` seconds, or done once."""
    times: list[float] = []
    begin = time.perf_counter()
    while not times or time.perf_counter() - begin < least:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def collect(framework: str, rounds: int, threads: int) -> list[dict[str, float]]:
    """Return the rounds of a framework's process."""
    variables = {"CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
    variables |= dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(threads))
    command = [sys.executable, "-m", "benchmarks.cached_features", framework]
    command += ["--rounds", str(rounds), "--threads", str(threads)]
    done = subprocess.run(command, env=os.environ | variables, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def rows_of(framework: str, rounds: Sequence[dict[str, float]]) -> list[dict[str, Any]]:
    """Return a row for each kind: its milliseconds, round by round, and its ratio to the frozen epoch within the rounds.

    >>> rows_of("torch", [dict(full=6.0, frozen=2.0, extract=1.0, cached=0.01)] * 3)[0]["ratio"]
    {'median': 3.0, 'low': 3.0, 'high': 3.0}
    """
    rows = []
    for kind in KINDS:
        ratios = [found[kind] / found["frozen"] for found in rounds]
        low, middle, high = statistics.quantiles(ratios, method="inclusive") if len(ratios) > 1 else ratios * 3
        ratio = {"median": middle, "low": low, "high": high}
        rows.append(
            {"framework": framework, "kind": kind, "images": IMAGES, "pixels": PIXELS, "rounds": len(rounds)}
            | {"ratio": {name: float(f"{value:.4g}") for name, value in ratio.items()}}
            | {"milliseconds": [round(1000 * found[kind], 3) for found in rounds]}
        )
    return rows


def main() -> None:
    """Read the arguments; measure, print, and store if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cached_features", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("framework", nargs="?", choices=("torch", "keras"), help="only this one, and store nothing")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="store the rows for the page")
    given = parser.parse_args()
    if given.framework:
        work(given.framework, given.rounds, given.threads)
        return
    begin = time.monotonic()
    rows = []
    for framework in ("torch", "keras"):
        rows += rows_of(framework, collect(framework, given.rounds, given.threads))
    print(f"{'case':16} {'ratio to a frozen epoch (middle half)':>38} {'ms':>9}")
    for row in rows:
        ratio = row["ratio"]
        text = f"{ratio['median']:.3g} ({ratio['low']:.3g} to {ratio['high']:.3g})"
        print(f"{row['framework']} {row['kind']:10} {text:>38} {statistics.median(row['milliseconds']):9.2f}")
    if given.write:
        from experiments import stamp

        rows.append({"kind": "machine", **referee.machine(), "threads": given.threads})
        path = stamp.store("cached_features", rows, [0], PACKAGES, time.monotonic() - begin)
        print(f"{len(rows)} rows stored in {path.name}")


if __name__ == "__main__":
    main()
