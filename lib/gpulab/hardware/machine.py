"""This machine, and the device that training will use on it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gpulab.hardware.catalog import Device, catalog
from gpulab.hardware.facts import Gpu, Machine
from gpulab.hardware.names import match, share
from gpulab.hardware.probes import cpu, frameworks
from gpulab.hardware.probes import gpus as graphics
from gpulab.hardware.probes.host import GIBIBYTE, Host

# What a torch build computes on, and whose GPUs that are.
USES = {"CUDA": ("cuda", "NVIDIA"), "ROCm": ("rocm", "AMD"), "XPU": ("xpu", "Intel"), "Metal": ("mps", "Apple")}
HIDING = {
    "NVIDIA": ("CUDA_VISIBLE_DEVICES",),
    "AMD": ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"),
}


@dataclass(frozen=True)
class Accelerator:
    """The device that training uses.

    Attributes
    ----------
    kind : str
        ``"cuda"``, ``"rocm"`` (torch calls it ``"cuda"``, too), ``"mps"``, ``"xpu"`` or ``"cpu"``.
    name : str
        What its driver calls it.
    memory_gib : float or None
        Its memory in GiB; for a CPU and for Apple's chips the main memory.
    device : Device or None
        Its row in the catalog, where there is one.
    share : float
        Which part of that row it is: 0.5 for one die of a card that is listed whole, else 1.
    """

    kind: str
    name: str
    memory_gib: float | None
    device: Device | None
    share: float = 1.0


def machine(host: Host | None = None, *, deep: bool | None = None) -> Machine:
    """Return what is in this machine.

    Parameters
    ----------
    host : Host, optional
        Where to look; this machine if left out.
    deep : bool, optional
        Whether the frameworks are asked themselves, each in a process of its own, which takes seconds. If left out,
        PyTorch is asked where a GPU was found, and TensorFlow is not.

    Examples
    --------
    >>> machine(deep=False).cpu.usable >= 1
    True
    """
    host = host or Host()
    cards, error = graphics.gpus(host)
    installed = frameworks.frameworks(host)
    asked = [name for name in installed if deep or (deep is None and name == "torch" and cards)]
    free = host.disk_free()
    return Machine(
        cpu.system(host), cpu.cpu(host), cpu.memory(host),
        disk_free_gib=None if free is None else free / GIBIBYTE,
        gpus=cards, driver_error=error,
        cuda_library=graphics.has_libcuda(host) if host.system == "Linux" else None,
        closed=graphics.closed_nodes(host),
        environment=frameworks.environment(host), frameworks=installed,
        packages=frameworks.packages(host), bounds=frameworks.bounds(host),
        answers={name: frameworks.ask(host, name) for name in asked},
    )  # fmt: skip


def accelerator(found: Machine | None = None) -> Accelerator:
    """Return the device that PyTorch trains on here, with its row of the catalog.

    Where PyTorch was asked (see `machine`), its answer counts; else it is concluded from the driver and the build.

    Examples
    --------
    >>> accelerator(machine(deep=False)).kind in ("cuda", "rocm", "mps", "xpu", "cpu")
    True
    """
    found = found or machine()
    if answer := found.answers.get("torch"):
        working = answer.kind if not answer.error else "cpu"
        return _named(found, working, answer.name, answer.memory_gib)
    build = found.frameworks["torch"].build if "torch" in found.frameworks else "CPU"
    kind, vendor = USES.get(build, ("cpu", ""))
    cards = [gpu for gpu in visible(found, vendor) if gpu.answers or vendor == "Intel"]
    if not cards:
        return _named(found, "cpu", "", None)
    return _named(found, kind, cards[0].name, cards[0].memory_gib)


def visible(found: Machine, vendor: str) -> list[Gpu]:
    """Return a vendor's GPUs, less those that variables such as ``CUDA_VISIBLE_DEVICES`` hide, in their order."""
    cards = [gpu for gpu in found.gpus if gpu.vendor == vendor]
    for variable in HIDING.get(vendor, ()):
        if (wanted := found.environment.get(variable)) is not None:
            cards = _chosen(cards, wanted)
    return cards


def _chosen(cards: list[Gpu], wanted: str) -> list[Gpu]:
    """Return the cards that a list of numbers or identifiers names; what follows a wrong entry counts for nothing."""
    kept: list[Gpu] = []
    for entry in (part.strip() for part in wanted.split(",")):
        if re.fullmatch(r"\d+", entry) and int(entry) < len(cards):
            kept.append(cards[int(entry)])
        elif entry.startswith("GPU-") and (same := [gpu for gpu in cards if gpu.uuid.startswith(entry)]):
            kept.append(same[0])
        else:
            break
    return kept


def _named(found: Machine, kind: str, name: str, memory_gib: float | None) -> Accelerator:
    """Return the accelerator with its row; the probe's row counts where the framework says less than the driver."""
    if kind == "cpu":
        return Accelerator(kind, found.cpu.name, found.memory.usable_gib, match(found.cpu.name))
    vendor = next(vendor for uses, vendor in USES.values() if uses == kind)
    cards = visible(found, vendor)
    card = next((gpu for gpu in cards if gpu.name == name), cards[0] if len(cards) == 1 else None)
    name = name or (card.name if card else kind)
    memory_gib = memory_gib or (card.memory_gib if card else None)
    if card and card.sliced:  # a slice is no row, and its name may not say so
        return Accelerator(kind, name, memory_gib, None)
    row = match(name, memory_gib, card.compute_units if card else None)
    if row is None and card and card.device:
        row = catalog()[card.device]
    return Accelerator(kind, name, memory_gib, row, share(row, memory_gib) if row else 1.0)
