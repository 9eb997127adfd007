"""Run all tests, each group in a process of its own: ``python -m tools.run_tests [--part cnns]``.

Separate processes keep torch and TensorFlow apart, and a group that crashes cannot hide the others. Everything runs
with no network but loopback. The last line is ``N passed, N failed, N skipped`` over all groups, errors counted as
failed; the exit status is 0 only if nothing failed and every group that should run tests did.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools import isolate, notebooks

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("gpus", "cnns", "rnns", "transfer")
ALONE = ("gpus",)  # parts whose notebooks measure the machine: nothing may run beside them
WORKERS = min(os.cpu_count() or 1, 4)  # processes at a time, where tests run beside each other
BESIDE = ("-n", str(WORKERS), "--dist=loadfile")  # the tests of a file, and the cells of a notebook, stay together
COPIES = "tests/truth/test_learners_copy.py"  # a kernel a test, none of which needs another
NO_TESTS = 5  # pytest's exit status where it collected nothing
PLUGIN = ["-p", "tests.notebook_plugin", "--nbval", "--nbval-current-env"]


@dataclass
class Group:
    """One pytest process: what it runs, and under which variables."""

    name: str
    arguments: list[str]
    environment: Mapping[str, str]
    may_be_empty: bool = False


@dataclass
class Result:
    """What came out of a group."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    note: str = ""
    tests: list[tuple[float, str]] = field(default_factory=list)


def pytest_command(root: Path = ROOT) -> list[str]:
    """Return the start of every pytest command; the settings are the project's wherever the tests lie."""
    settings = ["-c", str(root / "pyproject.toml"), f"--rootdir={root}"]
    return [sys.executable, "-m", "pytest", *settings, "-p", "no:cacheprovider", "-q", "-rfE", "--tb=short"]


def notebook_arguments(paths: Sequence[Path], root: Path = ROOT) -> list[str]:
    """Return the pytest arguments that run notebooks; the canary test uses the same."""
    limits = [f"--nbval-cell-timeout={notebooks.CELL_TIMEOUT}"]
    sanitize = [f"--nbval-sanitize-with={root / 'tests' / 'sanitize.cfg'}"]
    return [*PLUGIN, *limits, *sanitize, "--color=no", *map(str, paths)]


def plan(part: str | None = None, root: Path = ROOT) -> list[Group]:
    """Return the groups to run, for everything or for one part of the course."""
    select = ["-k", part] if part else []
    everywhere = dict(os.environ)
    library = [f"tests/{name}" for name in ("library", "setup", "truth") if (root / "tests" / name).is_dir()]
    doctests = [] if part else ["--doctest-modules", "lib/gpulab"]
    beside = [] if part else BESIDE
    apart = (root / COPIES).is_file()
    aside = [f"--ignore={COPIES}"] if apart else []
    groups = [Group("library", [*beside, *library, *aside, *doctests, *select], everywhere, bool(part))]
    if apart:
        spread = ["-n", str(WORKERS), "--dist=load"]
        groups.append(Group("copies", [*spread, COPIES, *select], notebooks.environment(os.environ), bool(part)))
    for framework in ("torch", "keras"):
        if (root / "tests" / framework).is_dir():
            groups.append(Group(framework, [f"tests/{framework}", *select], everywhere, bool(part)))
    groups += notebook_groups(notebooks.find(root, part), root)
    book = ["tests/promises"] if part else ["tests/promises", "tests/book"]
    groups.append(Group("book", [*beside, *book], everywhere))
    return groups


def notebook_groups(found: Sequence[Path], root: Path = ROOT) -> list[Group]:
    """Return one group of notebooks that run beside each other, and one of those that measure the machine."""
    variables = notebooks.environment(os.environ)
    alone = [path for path in found if path.relative_to(root).parts[1] in ALONE]
    others = [path for path in found if path not in alone]
    groups = []
    if others or not alone:
        groups.append(Group("notebooks", [*BESIDE, *notebook_arguments(others, root)], variables))
    if alone:
        groups.append(Group("measuring", notebook_arguments(alone, root), variables))
    return groups


def run_group(group: Group, root: Path = ROOT) -> Result:
    """Run one group, isolated, and count what it did."""
    start = time.perf_counter()
    if group.name == "notebooks" and not group.arguments[-1].endswith(".ipynb"):
        return Result(group.name, failed=1, note="no notebook found in chapters/ and labs/")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [*pytest_command(root), f"--junitxml={report}", *group.arguments]
        status = run_isolated(command, group.environment, root)
        result = read_report(group, report, status)
    result.seconds = time.perf_counter() - start
    return result


def run_isolated(command: Sequence[str], environment: Mapping[str, str], root: Path = ROOT) -> int:
    """Run a command with no network and return its exit status; what it prints is seen at once."""
    wrapped, variables = isolate.isolated(command, environment)
    return subprocess.run(wrapped, env=variables, cwd=root, check=False, stdin=subprocess.DEVNULL).returncode


def read_report(group: Group, report: Path, status: int) -> Result:
    """Count the tests in a JUnit report; a group without one crashed and counts as one failure."""
    result = Result(group.name)
    try:
        suites = list(ET.parse(report).getroot().iter("testsuite"))
    except (OSError, ET.ParseError):
        result.failed, result.note = 1, f"crashed with exit status {status} before it could report"
        return result
    for suite in suites:
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        result.failed += bad
        result.skipped += skipped
        result.passed += int(suite.get("tests", 0)) - bad - skipped
        result.tests += [(float(case.get("time", 0)), _label(case)) for case in suite.iter("testcase")]
    if status == NO_TESTS:
        result.note = "no test ran"
        result.failed += 0 if group.may_be_empty else 1
    elif status != 0 and not result.failed:
        result.failed, result.note = 1, f"pytest ended with exit status {status}"
    return result


def _label(case: ET.Element) -> str:
    return f"{case.get('classname', '')}::{case.get('name', '')}".removeprefix("::")


def build_book(root: Path = ROOT) -> Result:
    """Build the book, warnings as errors; it counts as one test."""
    start = time.perf_counter()
    status = run_isolated([sys.executable, "-m", "tools.book"], dict(os.environ), root)
    seconds = time.perf_counter() - start
    note = "" if status == 0 else f"`python -m tools.book` ended with exit status {status}"
    built = [(seconds, "the book builds")]
    good = int(status == 0)
    return Result("book build", passed=good, failed=1 - good, seconds=seconds, note=note, tests=built)


def heading(text: str) -> None:
    """Print a heading between groups."""
    print(f"\n=== {text} ".ljust(100, "="), flush=True)


def summarize(results: Sequence[Result]) -> int:
    """Print the slowest ten tests and the counts; return the exit status."""
    heading("Slowest ten")
    timed = [(seconds, result.name, label) for result in results for seconds, label in result.tests]
    for seconds, name, label in sorted(timed, reverse=True)[:10]:
        print(f"{seconds:7.2f} s  {name}: {label}")
    heading("Summary")
    for result in results:
        counts = f"{result.passed} passed, {result.failed} failed, {result.skipped} skipped"
        print(f"{result.name:<11}{result.seconds:7.1f} s  {counts}{'  ' if result.note else ''}{result.note}")
    total = [sum(getattr(result, name) for result in results) for name in ("passed", "failed", "skipped")]
    print(f"{'all':<11}{sum(result.seconds for result in results):7.1f} s")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped", flush=True)
    return 1 if total[1] or not total[0] else 0


def main(arguments: Sequence[str]) -> int:
    """Run the groups one after another and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.run_tests", description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, help="only this part's notebooks and tests, and the promises")
    parser.add_argument("--only", metavar="GROUP", help="only this group: library, copies, torch, keras, notebooks, measuring or book")
    options = parser.parse_args([argument for argument in arguments if argument != "--part="])
    groups = [group for group in plan(options.part) if options.only in (None, group.name)]
    if not groups:
        parser.error(f"there is no group {options.only!r}")
    how = "network namespace" if isolate.namespace_works() else "guard in Python processes (no network namespace here)"
    print(f"No network but loopback: {how}.")
    results = []
    for group in groups:
        if group.name == "book" and not options.part:
            heading("book build")
            results.append(build_book())
        heading(group.name)
        results.append(run_group(group))
    return summarize(results)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
