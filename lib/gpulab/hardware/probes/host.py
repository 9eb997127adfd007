"""The one door to the operating system; tests put another behind it."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import Any, NamedTuple

MEBIBYTE, GIBIBYTE = 2**20, 2**30


class Ran(NamedTuple):
    """How a command ended: its exit status, and what it printed and complained."""

    status: int
    output: str
    errors: str = ""


class Host:
    """This machine. Every method answers, with nothing where there is nothing; none of them raises."""

    system: str = platform.system()
    release: str = platform.release()
    architecture: str = platform.machine()
    python: str = platform.python_version()
    executable: str = sys.executable

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables."""
        return os.environ

    def read(self, path: str) -> str | None:
        """Return a file's text, or ``None`` where it cannot be read."""
        try:
            return Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def paths(self, pattern: str) -> list[str]:
        """Return the paths that fit a pattern, sorted."""
        return sorted(glob(pattern))

    def target(self, link: str) -> str:
        """Return the last name of where a link points, or nothing."""
        try:
            return Path(os.readlink(link)).name
        except OSError:
            return ""

    def may_open(self, path: str) -> bool:
        """Return whether this user may read and write a file."""
        return os.access(path, os.R_OK | os.W_OK)

    def run(self, *command: str, seconds: float = 5, environment: Mapping[str, str] | None = None) -> Ran | None:
        """Run a command; ``None`` where it is not there or does not end in time."""
        if not (program := shutil.which(command[0])):
            return None
        variables = {**os.environ, **(environment or {})}
        try:
            done = subprocess.run(
                [program, *command[1:]], capture_output=True, text=True, errors="replace",
                timeout=seconds, env=variables, stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return None
        return Ran(done.returncode, done.stdout, done.stderr)

    def nvml(self) -> Sequence[Mapping[str, str]] | None:
        """Return what NVIDIA's library says of each card, by nvidia-smi's names; ``None`` without nvidia-ml-py."""
        try:
            import pynvml
        except ImportError:
            return None
        try:
            return _nvml_cards(pynvml)
        except Exception:  # an old library, no driver, no permission: nvidia-smi says it better
            return None

    def version(self, package: str) -> str | None:
        """Return the version of an installed package, or ``None``."""
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return None

    def requirements(self, package: str) -> list[str]:
        """Return what an installed package requires, as its metadata says."""
        try:
            return importlib.metadata.requires(package) or []
        except importlib.metadata.PackageNotFoundError:
            return []

    def module_file(self, package: str, inside: str) -> str | None:
        """Return the text of a file inside an installed package, without importing it."""
        try:
            found = importlib.util.find_spec(package)
        except (ImportError, ValueError):
            return None
        if found is None or found.origin is None:
            return None
        return self.read(str(Path(found.origin).parent / inside))

    def threads(self) -> int:
        """Return the number of hardware threads."""
        return os.cpu_count() or 1

    def threads_allowed(self) -> int:
        """Return the number of threads this process may run on."""
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return self.threads()

    def disk_free(self) -> int | None:
        """Return the free bytes of the disk that the current folder is on."""
        try:
            return shutil.disk_usage(Path.cwd()).free
        except OSError:
            return None

    def windows_memory(self) -> tuple[int, int] | None:
        """Return total and available bytes of memory on Windows, else ``None``."""
        if self.system != "Windows":
            return None
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
        return status.total, status.available


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = [("length", ctypes.c_uint32), ("load", ctypes.c_uint32), ("total", ctypes.c_uint64)] + [
        (name, ctypes.c_uint64) for name in ("available", "page", "page_free", "virtual", "virtual_free", "extended")
    ]


def _nvml_cards(nvml: Any) -> list[dict[str, str]]:
    """Ask NVIDIA's library for each card what `nvidia-smi` would be asked for."""
    nvml.nvmlInit()
    try:
        cards = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        return [_nvml_card(nvml, card) for card in cards]
    finally:
        nvml.nvmlShutdown()


def _nvml_card(nvml: Any, card: object) -> dict[str, str]:
    memory = nvml.nvmlDeviceGetMemoryInfo(card)
    major, minor = nvml.nvmlDeviceGetCudaComputeCapability(card)
    try:
        sliced = bool(nvml.nvmlDeviceGetMigMode(card)[0])
    except nvml.NVMLError:
        sliced = False
    return {
        "name": nvml.nvmlDeviceGetName(card),
        "uuid": nvml.nvmlDeviceGetUUID(card),
        "driver_version": nvml.nvmlSystemGetDriverVersion(),
        "memory.total": str(memory.total // MEBIBYTE),
        "memory.used": str(memory.used // MEBIBYTE),
        "compute_cap": f"{major}.{minor}",
        "mig.mode.current": "Enabled" if sliced else "Disabled",
    }
