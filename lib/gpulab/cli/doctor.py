"""``gpulab doctor``: what is in this machine, what is wrong with it, and what to do."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict

from gpulab import hardware
from gpulab.hardware import Finding, Level

WIDTH = 110


def report(findings: Sequence[Finding], used: hardware.Accelerator) -> str:
    """Return the findings as text, one or two lines each, with a verdict and the device in use at the end."""
    lines = []
    for each in findings:
        head = f"{each.level.value:<8}{each.topic:<12}"
        lines.append(textwrap.fill(each.found, WIDTH, initial_indent=head, subsequent_indent=" " * len(head)))
        if each.do:
            blank = " " * len(head)
            lines.append(textwrap.fill(each.do, WIDTH, initial_indent=f"{blank}-> ", subsequent_indent=f"{blank}   "))
    bad = sum(each.level is Level.BROKEN for each in findings)
    verdict = "Nothing is broken." if not bad else f"{bad} broken: start with the first."
    memory = f", {used.memory_gib:.1f} GiB" if used.memory_gib else ""
    return "\n".join([*lines, "", f"{verdict} PyTorch's device here: {used.kind} ({used.name}{memory})."])


def run(arguments: argparse.Namespace) -> int:
    """Look at the machine and print the report; the exit status is 1 if something is broken."""
    found = hardware.machine(deep=True if arguments.deep else None)
    findings, used = hardware.examine(found), hardware.accelerator(found)
    if arguments.json:
        said = [{**asdict(each), "level": each.level.value} for each in findings]
        print(json.dumps({"findings": said, "accelerator": asdict(used), "machine": asdict(found)}, indent=1))
    else:
        print(report(findings, used))
    return int(any(each.level is Level.BROKEN for each in findings))


def add(areas: argparse._SubParsersAction) -> None:
    """Add the command to the grammar."""
    command = areas.add_parser("doctor", help="what is in this machine, and what is wrong with it")
    command.add_argument("--json", action="store_true", help="everything found, for a program or a bug report")
    command.add_argument("--deep", action="store_true", help="let both frameworks compute something (takes a while)")
    command.set_defaults(run=run)
