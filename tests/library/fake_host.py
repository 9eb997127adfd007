"""A machine made of dictionaries, to put any hardware behind the probes."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, field

from gpulab.hardware.probes.host import GIBIBYTE, Host, Ran

MEMINFO = "MemTotal:       16777216 kB\nMemFree: 1 kB\nMemAvailable:    8388608 kB\n"
CPUINFO = "\n\n".join(
    f"processor : {i}\nmodel name : Intel(R) Xeon(R) CPU @ 2.00GHz\n"
    f"physical id : 0\ncore id : {i // 2}\nflags : fpu avx avx2 avx512f"
    for i in range(4)
)


def version_file(version: str, cuda: str | None = None, hip: str | None = None, xpu: str | None = None) -> str:
    """Return what a torch wheel's version.py says."""
    lines = [f"{name}: Optional[str] = {value!r}" for name, value in (("cuda", cuda), ("hip", hip), ("xpu", xpu))]
    return "\n".join([f"__version__ = {version!r}", "debug = False", *lines, f"rocm: Optional[str] = {hip!r}"])


TORCH_CUDA = version_file("2.14.1+cu130", cuda="13.0")
TORCH_CPU = version_file("2.14.1+cpu")
TORCH_ROCM = version_file("2.14.1+rocm7.1", hip="7.1.0")
TORCH_XPU = version_file("2.14.1+xpu", xpu="20250301")


@dataclass
class FakeHost(Host):
    """Files, commands (by their first words), packages and variables of a machine that is not there."""

    files: Mapping[str, str] = field(default_factory=lambda: {"/proc/meminfo": MEMINFO, "/proc/cpuinfo": CPUINFO})
    links: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, Ran] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    closed: tuple[str, ...] = ()
    cards: list[Mapping[str, str]] | None = None
    system: str = "Linux"
    release: str = "6.8.0"
    architecture: str = "x86_64"
    python: str = "3.12.3"
    executable: str = "python3"
    cpus: int = 4
    ran: list[str] = field(default_factory=list)

    @property
    def environment(self) -> Mapping[str, str]:
        return self.variables

    def read(self, path: str) -> str | None:
        return self.files.get(path)

    def paths(self, pattern: str) -> list[str]:
        return sorted(fnmatch.filter(self.files, pattern))

    def target(self, link: str) -> str:
        return self.links.get(link, "")

    def may_open(self, path: str) -> bool:
        return path not in self.closed

    def run(self, *command: str, seconds: float = 5, environment: Mapping[str, str] | None = None) -> Ran | None:
        line = " ".join(command)
        self.ran.append(line)
        return next((ran for start, ran in self.commands.items() if line.startswith(start)), None)

    def nvml(self) -> list[Mapping[str, str]] | None:
        return self.cards

    def version(self, package: str) -> str | None:
        return self.packages.get(package)

    def requirements(self, package: str) -> list[str]:
        return ['torch>=2.9; extra == "torch"', 'gpulab[keras]; extra == "all"', "numpy>=2.0", "jupyter-book<2,>=1"]

    def module_file(self, package: str, inside: str) -> str | None:
        return self.modules.get(package)

    def threads(self) -> int:
        return self.cpus

    def threads_allowed(self) -> int:
        return self.cpus

    def disk_free(self) -> int | None:
        return 100 * GIBIBYTE

    def windows_memory(self) -> tuple[int, int] | None:
        return (8 * GIBIBYTE, 4 * GIBIBYTE) if self.system == "Windows" else None
