"""What a sequence costs: seconds of recurrent layers and of a Transformer layer of equal width, as ratios.

Run from the root::

    .venv/bin/python -m benchmarks.sequence_cost            # about 3 minutes on 2 quiet cores: prints the table
    .venv/bin/python -m benchmarks.sequence_cost --write    # and stores it: gpulab.results.load("sequence_cost")

Each framework has a process of its own. A round times every case once, in an order drawn anew (short ones are repeated
for 10 ms); the ratio to the baseline, the LSTM layer on 16 sequences of 64 steps in the same mode, is formed within a round.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.sequence_cost.cases import CACHES, LENGTHS, baseline, cases
from benchmarks.speed_run import referee

PACKAGES = ("torch", "tensorflow", "keras", "numpy")


def collect(framework: str, budget: float, threads: int, longest: int) -> list[list[float | None]]:
    """Return the rounds of a framework's process: the seconds of each case."""
    count = str(threads)
    names = (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    )
    variables = dict.fromkeys(names, count)
    variables |= {"CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [sys.executable, "-m", "benchmarks.sequence_cost.worker", framework]
    command += ["--budget", str(budget), "--threads", count, "--longest", str(longest)]
    done = subprocess.run(command, env=os.environ | variables, stdout=subprocess.PIPE, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("[", "{"))]
    print(
        f"{framework}: ready in {lines[0]['ready']:.0f} s, {len(lines) - 1} rounds, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return lines[1:]


def rows_of(framework: str, rounds: Sequence[Sequence[float | None]]) -> list[dict[str, Any]]:
    """Return a row for each case: its seconds, round by round, and its ratio to the baseline within the rounds."""
    order = list(cases(framework))
    rows = []
    for place, case in enumerate(order):
        base = order.index(baseline(case.mode))
        pairs = [(found[place], found[base]) for found in rounds]
        pairs = [(own, other) for own, other in pairs if own and other]
        if pairs:
            rows.append(
                {"framework": framework, "part": case.part, "kind": case.kind, "mode": case.mode}
                | {"steps": case.steps, "batch": case.batch, "rounds": len(pairs)}
                | {"ratio": spread([own / other for own, other in pairs])}
                | {"microseconds": [round(1e6 * own, 1) for own, _ in pairs]}
            )
    return rows


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the quartiles, four digits each."""
    low, middle, high = statistics.quantiles(values, method="inclusive") if len(values) > 1 else [values[0]] * 3
    return {name: float(f"{value:.4g}") for name, value in (("median", middle), ("low", low), ("high", high))}


def main() -> None:
    """Read the arguments; measure, print, and store if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sequence_cost", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--budget", type=float, default=75, help="seconds of timings of each framework")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--longest", type=int, default=max(*LENGTHS, *CACHES), help="leave longer sequences out, for a try")
    parser.add_argument("--write", action="store_true", help="store the rows for the pages")
    given = parser.parse_args()
    begin = time.monotonic()
    rows = []
    for framework in ("torch", "keras"):
        rows += rows_of(framework, collect(framework, given.budget, given.threads, given.longest))
    print(f"\n{'case':48} {'steps':>6} {'batch':>6} {'ratio (middle half)':>28} {'ms':>9}")
    for row in rows:
        name, ratio = f"{row['framework']} {row['part']}: {row['kind']}, {row['mode']}", row["ratio"]
        text = f"{ratio['median']:.3g} ({ratio['low']:.3g} to {ratio['high']:.3g})"
        print(f"{name:48} {row['steps']:6} {row['batch']:6} {text:>28} {statistics.median(row['microseconds']) / 1000:9.3f}")
    if given.write:
        from experiments import stamp

        rows.append({"part": "machine", **referee.machine(), "threads": given.threads})
        path = stamp.store("sequence_cost", rows, [0], PACKAGES, time.monotonic() - begin)
        print(f"{len(rows)} rows stored in {path.name}")


if __name__ == "__main__":
    main()
