"""Processor, memory and operating system."""

from __future__ import annotations

import re

from gpulab.hardware.facts import Cpu, Memory, System
from gpulab.hardware.probes.host import GIBIBYTE, Host

# Flags of /proc/cpuinfo (x86: "flags", Arm: "Features") and the names people know, widest last.
FEATURES = {
    "avx": "AVX",
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX-512 BF16",
    "amx_tile": "AMX",
    "asimd": "NEON",
    "sve": "SVE",
    "i8mm": "I8MM",
    "bf16": "BF16",
}
APPLE_FEATURES = {"hw.optional.arm.FEAT_BF16": "BF16", "hw.optional.arm.FEAT_SME": "SME"}
UNLIMITED = 2**60  # version 1 of control groups writes a huge number where there is no limit
# Variables by which a hosted notebook shows where it runs.
HOSTS = (("COLAB_RELEASE_TAG", "Colab"), ("KAGGLE_KERNEL_RUN_TYPE", "Kaggle"), ("BINDER_SERVICE_HOST", "Binder"))


def system(host: Host) -> System:
    """Return the operating system, the Python, and whether it is a hosted notebook."""
    hosted = next((name for variable, name in HOSTS if variable in host.environment), "")
    linux = (host.read("/proc/version") or "") if host.system == "Linux" else ""
    translated = host.system == "Darwin" and sysctl(host, "sysctl.proc_translated") == "1"
    return System(
        host.system, host.release, host.architecture, host.python,
        wsl="microsoft" in linux.lower(), rosetta=translated, hosted=hosted,
    )  # fmt: skip


def cpu(host: Host) -> Cpu:
    """Return the processor with what this process may use of it."""
    threads, allowed = host.threads(), host.threads_allowed()
    if host.system == "Darwin":
        name = sysctl(host, "machdep.cpu.brand_string") or host.architecture
        cores = sysctl(host, "hw.physicalcpu")
        return Cpu(name, threads, allowed, int(cores) if cores else None, features=_apple_features(host, name))
    text = host.read("/proc/cpuinfo") or ""
    name = _field(text, "model name") or host.environment.get("PROCESSOR_IDENTIFIER") or host.architecture
    flags = set((_field(text, "flags") or _field(text, "Features")).split())
    features = tuple(known for flag, known in FEATURES.items() if flag in flags)
    return Cpu(name, threads, allowed, _cores(text), quota(host), features)


def memory(host: Host) -> Memory:
    """Return the main memory, and a container's limit."""
    if pair := host.windows_memory():
        return Memory(pair[0] / GIBIBYTE, pair[1] / GIBIBYTE)
    if host.system == "Darwin":
        return Memory(int(sysctl(host, "hw.memsize") or 0) / GIBIBYTE)
    text = host.read("/proc/meminfo") or ""
    total, available = (_kib(text, key) for key in ("MemTotal", "MemAvailable"))
    return Memory(total or 0.0, available, memory_limit(host))


def quota(host: Host) -> float | None:
    """Return how many processors' worth of time the control group allows, or ``None`` without a limit."""
    found = []
    for folder in _groups(host, "cpu"):
        new = (host.read(f"{folder}/cpu.max") or "").split()
        old = [host.read(f"{folder}/cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
        spent, period = new if len(new) == 2 else old
        if spent.strip().isdigit() and int(period):
            found.append(int(spent) / int(period))
    return min(found, default=None)


def memory_limit(host: Host) -> float | None:
    """Return the control group's limit in GiB, or ``None`` without one."""
    found = []
    for folder in _groups(host, "memory"):
        text = host.read(f"{folder}/memory.max") or host.read(f"{folder}/memory.limit_in_bytes") or ""
        if text.strip().isdigit() and int(text) < UNLIMITED:
            found.append(int(text) / GIBIBYTE)
    return min(found, default=None)


def sysctl(host: Host, key: str) -> str:
    """Return a value of macOS's sysctl, or nothing."""
    ran = host.run("sysctl", "-n", key)
    return ran.output.strip() if ran and ran.status == 0 else ""


def _groups(host: Host, controller: str) -> list[str]:
    """Return the folders of this process's control group and of all above it, of both versions."""
    folders = ["/sys/fs/cgroup", f"/sys/fs/cgroup/{controller}"]
    for line in (host.read("/proc/self/cgroup") or "").splitlines():
        number, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        root = "/sys/fs/cgroup" if number == "0" else f"/sys/fs/cgroup/{controller}"
        if number == "0" or controller in controllers.split(","):
            parts = [part for part in path.split("/") if part]
            folders += [f"{root}/{'/'.join(parts[: i + 1])}" for i in range(len(parts))]
    return list(dict.fromkeys(folders))


def _field(text: str, key: str) -> str:
    found = re.search(rf"^{key}\s*:\s*(.*)$", text, re.MULTILINE)
    return found[1].strip() if found else ""


def _cores(cpuinfo: str) -> int | None:
    """Return the physical cores: the different pairs of socket and core."""
    pairs = set()
    for block in cpuinfo.split("\n\n"):
        if core := _field(block, "core id"):
            pairs.add((_field(block, "physical id"), core))
    return len(pairs) or None


def _kib(meminfo: str, key: str) -> float | None:
    value = _field(meminfo, key).removesuffix("kB").strip()
    return int(value) * 1024 / GIBIBYTE if value else None


def _apple_features(host: Host, name: str) -> tuple[str, ...]:
    if not name.startswith("Apple"):
        flags = f"{sysctl(host, 'machdep.cpu.features')} {sysctl(host, 'machdep.cpu.leaf7_features')}".lower().split()
        return tuple(known for flag, known in FEATURES.items() if flag in flags)
    return ("NEON", *(known for key, known in APPLE_FEATURES.items() if sysctl(host, key) == "1"))
