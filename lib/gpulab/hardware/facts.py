"""What is known about a machine, as plain data. Nothing here reads or decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class System:
    """Operating system and where it runs.

    Attributes
    ----------
    name, release, architecture : str
        Such as ``"Linux"``, ``"6.8.0"`` and ``"x86_64"``.
    python : str
        Version of the Python that asks.
    wsl : bool
        Linux inside Windows (WSL 2).
    rosetta : bool
        A Python for Intel processors that macOS translates on an Apple processor.
    hosted : str
        ``"Colab"``, ``"Kaggle"``, ``"Binder"`` or nothing.
    """

    name: str
    release: str = ""
    architecture: str = "x86_64"
    python: str = ""
    wsl: bool = False
    rosetta: bool = False
    hosted: str = ""


@dataclass(frozen=True)
class Cpu:
    """The processor.

    Attributes
    ----------
    name : str
        As the processor names itself.
    cores : int or None
        Physical cores, where the system tells.
    threads : int
        Hardware threads of the machine.
    allowed : int
        Threads that this process may run on (its affinity).
    quota : float or None
        Processors' worth of time that a container may use; ``None`` without a limit.
    features : tuple of str
        Instruction sets that matter here, such as ``"AVX2"``, ``"AVX-512"``, ``"AMX"``, ``"NEON"``.
    """

    name: str
    threads: int
    allowed: int
    cores: int | None = None
    quota: float | None = None
    features: tuple[str, ...] = ()

    @property
    def usable(self) -> int:
        """Threads worth starting: what affinity and quota leave, at least one."""
        return max(1, min(self.allowed, int(self.quota) if self.quota else self.allowed))


@dataclass(frozen=True)
class Memory:
    """Main memory in GiB (2**30 bytes); `limit_gib` is a container's, ``None`` without one."""

    total_gib: float
    available_gib: float | None = None
    limit_gib: float | None = None

    @property
    def usable_gib(self) -> float:
        """What this process can count on having at most."""
        return min(self.total_gib, self.limit_gib or self.total_gib)


@dataclass(frozen=True)
class Gpu:
    """One GPU that the system or a driver shows.

    Attributes
    ----------
    vendor : str
        ``"NVIDIA"``, ``"AMD"``, ``"Intel"`` or ``"Apple"``.
    name : str
        What the driver calls it; a PCI number where no driver says more.
    memory_gib, used_gib : float or None
        Its memory, and how much of it is in use.
    target : str
        What code is compiled for: ``"8.6"`` (CUDA compute capability), ``"gfx1100"``; empty if unknown.
    compute_units : int or None
        AMD's compute units, Apple's GPU cores.
    uuid : str
        NVIDIA's identifier.
    driver : str
        Kernel driver that holds it, or the driver's version where it answers; empty if none.
    answers : bool
        The vendor's driver answers for it. False: it is only seen on the bus.
    sliced : bool
        NVIDIA's MIG is on: programs get slices of the card, not the card.
    device : str or None
        Its row in the catalog.
    """

    vendor: str
    name: str
    memory_gib: float | None = None
    used_gib: float | None = None
    target: str = ""
    compute_units: int | None = None
    uuid: str = ""
    driver: str = ""
    answers: bool = True
    sliced: bool = False
    device: str | None = None


@dataclass(frozen=True)
class Framework:
    """An installed framework, read from its files without importing it.

    Attributes
    ----------
    version : str
        Its version, without the part after ``+``.
    build : str
        ``"CUDA"``, ``"ROCm"``, ``"XPU"``, ``"Metal"`` or ``"CPU"``.
    toolkit : str
        Version of CUDA or ROCm it was built with; empty for a CPU build.
    targets : tuple of str
        Architectures it holds code for (``"sm_86"``, ``"gfx1100"``); empty if unknown.
    """

    version: str
    build: str = "CPU"
    toolkit: str = ""
    targets: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The build in words, such as ``"CUDA 13.0 build"``."""
        return f"{self.build} {self.toolkit}".strip() + " build"


@dataclass(frozen=True)
class Answer:
    """What a framework itself said, imported in a process of its own.

    Attributes
    ----------
    kind : str
        The device it would use: ``"cuda"``, ``"rocm"``, ``"mps"``, ``"xpu"``, ``"gpu"`` (TensorFlow) or ``"cpu"``.
    name : str
        Name of its first device.
    memory_gib : float or None
        That device's memory.
    targets : tuple of str
        Architectures it holds code for.
    error : str
        Why it failed, in its own words; empty if it computed something on that device.
    """

    kind: str
    name: str = ""
    memory_gib: float | None = None
    targets: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Machine:
    """All that was found.

    Attributes
    ----------
    gpus : tuple of Gpu
        Every GPU, whether a framework can use it or not.
    driver_error : str
        What ``nvidia-smi`` said when it failed.
    cuda_library : bool or None
        Whether the driver's library for programs (libcuda) is there; ``None`` where it was not looked for.
    closed : tuple of str
        Device files that exist but that this user may not open.
    environment : mapping of str to str
        The variables that decide about devices and threads, where set.
    frameworks : mapping of str to Framework
        ``"torch"`` and ``"tensorflow"``, where installed.
    packages : mapping of str to str
        Versions of other packages that decide whether a GPU is used.
    bounds : mapping of str to str
        Lowest version of each package that the course supports.
    answers : mapping of str to Answer
        What the frameworks themselves said, where they were asked.
    """

    system: System
    cpu: Cpu
    memory: Memory
    disk_free_gib: float | None = None
    gpus: tuple[Gpu, ...] = ()
    driver_error: str = ""
    cuda_library: bool | None = None
    closed: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    frameworks: Mapping[str, Framework] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
