"""What a stored result depended on."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from gpulab import results

ROOT = Path(__file__).resolve().parents[1]


def hash_files(paths: Iterable[Path]) -> str:
    """Return one SHA-256 over the contents of files, in the order of their names."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return total.hexdigest()


def script_hash(name: str) -> str:
    """Return the hash of an experiment's script; for a measurement of speed, of its folder or of all of ``benchmarks/``."""
    script, folder = ROOT / "experiments" / f"{name}.py", ROOT / "benchmarks" / name
    if script.exists():
        return hash_files([script])
    return hash_files(folder.rglob("*.py") if folder.is_dir() else (ROOT / "benchmarks").glob("*.py"))


Rows = Sequence[Mapping[str, object]]


def run(name: str, compute: Callable[[], Rows], seeds: Sequence[int], packages: Sequence[str]) -> None:
    """Compute the rows of an experiment, and store them with their stamp."""
    start = time.perf_counter()
    rows = compute()
    seconds = time.perf_counter() - start
    path = store(name, rows, seeds, packages, seconds)
    print(f"{len(rows)} rows in {seconds:.0f} s, stored in {path.relative_to(ROOT)}")


def store(name: str, rows: Rows, seeds: Sequence[int], packages: Sequence[str], seconds: float) -> Path:
    """Store rows that took so many seconds with their stamp; return the file."""
    stamp = {
        "script_sha256": script_hash(name),
        "library_sha256": hash_files((ROOT / "lib" / "gpulab").rglob("*.py")),
        "lock_sha256": hash_files((ROOT / "requirements").glob("*.txt")),
        "versions": {"python": platform.python_version(), **{package: version(package) for package in packages}},
        "seeds": list(seeds),
        "machine": platform.machine(),
        "seconds": round(seconds),
    }
    return results.save(name, rows, stamp)
