"""One framework's process: builds its cases, and times them in rounds until its time is over; a line of JSON a round."""

from __future__ import annotations

import argparse
import importlib
import json
import random
import statistics
import time
from collections.abc import Callable

from benchmarks.sequence_cost.cases import cases


def seconds(call: Callable[[], object], least: float) -> float:
    """Return the median of the seconds of one call; calls are repeated for ``least`` seconds, or done once."""
    times: list[float] = []
    begin = time.perf_counter()
    while not times or time.perf_counter() - begin < least:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Read the arguments; print a round a line: the seconds of each case, in the order of the cases."""
    parser = argparse.ArgumentParser()
    parser.add_argument("framework", choices=("torch", "keras"))
    parser.add_argument("--budget", type=float, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--longest", type=int, required=True)
    given = parser.parse_args()
    side = importlib.import_module(f"benchmarks.sequence_cost.{given.framework}_side")
    side.prepare(given.threads)
    begin = time.perf_counter()
    calls = [side.build(case) if case.steps <= given.longest else None for case in cases(given.framework)]
    for call in calls:
        if call:
            call()
            call()
    print(json.dumps({"ready": time.perf_counter() - begin}), flush=True)
    number, longest_round, begin = 0, 0.0, time.perf_counter()
    while not number or time.perf_counter() - begin + longest_round / 2 < given.budget:
        start = time.perf_counter()
        found: list[float | None] = [None] * len(calls)
        for place in random.Random(number).sample(range(len(calls)), len(calls)):
            if call := calls[place]:
                found[place] = seconds(call, 0.01)
        longest_round = max(longest_round, time.perf_counter() - start)
        number += 1
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
