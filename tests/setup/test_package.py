"""What pip installs from a git address is whole: code, data, results and licenses."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of the library, built with no network from a copy of its sources."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in NEEDED:
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "lib", source / "lib", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q", "-w", str(out)]
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    return zipfile.ZipFile(next(out.glob("gpulab-*.whl")))


def test_wheel_holds_every_file_of_the_library(wheel: zipfile.ZipFile) -> None:
    library = ROOT / "lib"
    tree = {path.relative_to(library).as_posix() for path in (library / "gpulab").rglob("*") if path.is_file()}
    tree = {name for name in tree if "__pycache__" not in name}
    assert tree - set(wheel.namelist()) == set()


def test_wheel_holds_the_licenses(wheel: zipfile.ZipFile) -> None:
    held = {name.rsplit("/", 1)[-1] for name in wheel.namelist() if "/licenses/" in name}
    assert {"LICENSE", "LICENSE-TEXT", "NOTICE.md"} <= held


def test_wheel_asks_for_numpy_and_safetensors_only(wheel: zipfile.ZipFile) -> None:
    metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith("/METADATA"))).decode()
    required = [line.split(": ")[1] for line in metadata.splitlines() if line.startswith("Requires-Dist: ")]
    assert {line.split(">")[0] for line in required if "extra ==" not in line} == {"numpy", "safetensors"}
