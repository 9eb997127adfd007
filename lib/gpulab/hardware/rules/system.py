"""Rules about the system, the processor, the memory and the disk."""

from __future__ import annotations

from gpulab.hardware.facts import Machine
from gpulab.hardware.rules.finding import Finding, advice, broken, ok

LITTLE_MEMORY = 4.0  # GiB: Colab has 12, Binder 2; the labs of the course fit in 4
LITTLE_LEFT = 1.5
FULL_DISK, LITTLE_DISK = 1.0, 5.0


def system(machine: Machine) -> list[Finding]:
    """Name the system."""
    here = machine.system
    where = " in WSL" if here.wsl else f" on {here.hosted}" if here.hosted else ""
    return ok("System", f"{here.name} {here.release} ({here.architecture}){where}, Python {here.python}")


def rosetta(machine: Machine) -> list[Finding]:
    """A Python for Intel on an Apple processor gets no current frameworks and no GPU."""
    if not machine.system.rosetta:
        return []
    found = "this Python is made for Intel processors; macOS translates it, and it cannot use the Apple GPU"
    return broken("System", found, "Install a Python for Apple silicon (arm64), and make the environment again.")


def hosted(machine: Machine) -> list[Finding]:
    """What a hosted notebook should know."""
    place = machine.system.hosted
    if place == "Binder":
        return advice("System", "Binder has about 2 GB of memory and no GPU", "Take the small settings of a lab.")
    if place and not machine.gpus:
        menu = "Runtime > Change runtime type" if place == "Colab" else "Settings > Accelerator"
        do = f"The CPU does; for a GPU: {menu}. Save your work elsewhere first: the machine is replaced."
        return advice("System", f"this {place} machine has no GPU", do)
    return []


def cpu(machine: Machine) -> list[Finding]:
    """Name the processor."""
    chip = machine.cpu
    cores = f"{chip.cores} cores, " if chip.cores else ""
    mine = f", {chip.allowed} for this process" if chip.allowed < chip.threads else ""
    features = f"; {', '.join(chip.features)}" if chip.features else ""
    return ok("CPU", f"{chip.name}: {cores}{chip.threads} threads{mine}{features}")


def old_cpu(machine: Machine) -> list[Finding]:
    """Without AVX2 the frameworks are slow or do not start."""
    chip = machine.cpu
    if "AVX2" in chip.features or not chip.features or machine.system.architecture not in ("x86_64", "AMD64"):
        return []
    return advice("CPU", "it has no AVX2: training will be several times slower", "Use another machine for long runs.")


def threads(machine: Machine) -> list[Finding]:
    """More threads than processors wait for each other."""
    set_to = _threads_set(machine)
    if set_to is None or set_to <= machine.cpu.usable:
        return []
    found = f"OMP_NUM_THREADS={set_to}, but this process can use {machine.cpu.usable}: threads wait for each other"
    return advice("CPU", found, f"Set OMP_NUM_THREADS={machine.cpu.usable}, or leave it out.")


def quota(machine: Machine) -> list[Finding]:
    """Frameworks count processors, not a container's share of their time."""
    chip, set_to = machine.cpu, _threads_set(machine)
    if chip.quota is None or chip.quota >= chip.allowed or (set_to or chip.allowed) <= chip.usable:
        return []
    found = f"this container may use {chip.quota:g} processors, but frameworks start {chip.allowed} threads"
    return advice("CPU", found, f"Set OMP_NUM_THREADS={chip.usable}.")


def memory(machine: Machine) -> list[Finding]:
    """Say how much memory there is, and warn where it is little."""
    have, free = machine.memory.usable_gib, machine.memory.available_gib
    limit = " (the container's limit)" if have < machine.memory.total_gib else ""
    left = f", {min(free, have):.1f} GiB free" if free is not None else ""
    found = f"{have:.1f} GiB{limit}{left}"
    if have < LITTLE_MEMORY:
        return advice("Memory", f"{found}: little", "Take small batches, and run one notebook at a time.")
    if free is not None and free < LITTLE_LEFT:
        return advice("Memory", f"{found}: little is left", "Close other programs and notebooks before a long run.")
    return ok("Memory", found)


def disk(machine: Machine) -> list[Finding]:
    """Say how much of the disk is free, and warn where it is little."""
    free = machine.disk_free_gib
    if free is None:
        return []
    found = f"{free:.1f} GiB free"
    if free < FULL_DISK:
        return broken("Disk", f"{found}: checkpoints and data will not fit", "Make room: the course needs about 8 GB.")
    if free < LITTLE_DISK:
        return advice("Disk", f"{found}: little", "Make room before you fetch more data or weights.")
    return ok("Disk", found)


def _threads_set(machine: Machine) -> int | None:
    """Return the first number of OMP_NUM_THREADS; it may hold one per level of nesting."""
    first = machine.environment.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdigit() else None
