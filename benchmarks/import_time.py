"""How long does ``import gpulab`` take, beyond starting Python, and against ``import numpy``?

Run from the root: ``python -m benchmarks.import_time``. Prints medians and spreads of interleaved runs, and ratios.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

IMPORTED = ("gpulab", "gpulab.data", "numpy")
STATEMENTS = {"nothing": "pass", **{name: f"import {name}" for name in IMPORTED}}
REPEATS = 15


def seconds(statement: str) -> float:
    """Return the wall time of a fresh Python that runs one statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure, interleaved so that a busy moment touches every row, and print a table."""
    runs: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(REPEATS):
        for name, statement in STATEMENTS.items():
            runs[name].append(seconds(statement))
    start = statistics.median(runs["nothing"])
    print(f"{'import':12} {'median ms':>10} {'spread ms':>10} {'share of numpy':>15}")
    numpy = statistics.median(runs["numpy"]) - start
    for name in IMPORTED:
        median = statistics.median(runs[name]) - start
        quarters = statistics.quantiles(runs[name])
        print(f"{name:12} {median * 1e3:10.1f} {(quarters[2] - quarters[0]) * 1e3:10.1f} {median / numpy:15.2f}")


if __name__ == "__main__":
    main()
