"""``gpulab bench``: measure this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from gpulab import bench


def measure(arguments: argparse.Namespace) -> int:
    """Measure, and print a table or JSON."""
    only = [name.strip() for name in arguments.only.split(",")] if arguments.only is not None else None
    report = bench.run(arguments.device, arguments.quick, only=only, threads=arguments.threads)
    if arguments.json == "-":
        print(report.to_json())
        return 0
    print(f"{report.machine['device_name']}, {report.machine['threads']} threads, torch {report.machine['torch']}")
    print(report)
    print(f"{report.seconds:.0f} s. Times are medians of the repeats, with their quartiles.")
    if arguments.json:
        write(Path(arguments.json), report)
    return 0


def write(path: Path, report: bench.Report) -> None:
    """Write the report.

    Raises
    ------
    BenchError
        The file cannot be written.
    """
    try:
        path.write_text(report.to_json() + "\n", encoding="utf-8")
    except OSError as error:
        raise bench.BenchError(f"cannot write {path}: {error.strerror}") from None
    print(f"written: {path}")


def add(areas: argparse._SubParsersAction) -> None:
    """Add the command to the grammar."""
    command = areas.add_parser("bench", help="measure this machine, in less than a minute")
    command.add_argument("--quick", action="store_true", help="smaller sizes, a few seconds")
    command.add_argument("--only", metavar="NAME,...", help=f"some of: {', '.join(bench.GROUPS)}")
    command.add_argument("--device", metavar="DEVICE", help="cpu, cuda, mps or xpu; default: the fastest")
    command.add_argument("--threads", type=int, metavar="N", help="threads of the CPU; default: all")
    command.add_argument("--json", metavar="FILE", help="also write everything there; - prints it and nothing else")
    command.set_defaults(run=measure)
