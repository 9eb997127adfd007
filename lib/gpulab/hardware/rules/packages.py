"""Rules about PyTorch and TensorFlow, and whether they can use the card."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gpulab.hardware.facts import Framework, Gpu, Machine
from gpulab.hardware.machine import USES, visible
from gpulab.hardware.rules import cards
from gpulab.hardware.rules.finding import Finding, Level, advice, broken, ok, parts

# Oldest driver for any CUDA of a major version, by NVIDIA's "CUDA Compatibility" guide.
OLDEST_DRIVER = {11: "450", 12: "525", 13: "580"}
# The CUDA toolkits at which PyTorch's builds gained and lost generations of cards, by its release matrix (2.9 and
# later). Used where PyTorch itself was not asked.
FIRST_BLACKWELL, FIRST_WITHOUT_PASCAL, FIRST_WITHOUT_VOLTA = (12, 8), (12, 8), (13, 0)
# AMD targets that a whole family can be run as: same instructions, no code of their own in most builds.
SISTERS = {"gfx1031": "10.3.0", "gfx1032": "10.3.0", "gfx1033": "10.3.0", "gfx1034": "10.3.0", "gfx1035": "10.3.0",
           "gfx1036": "10.3.0", "gfx1103": "11.0.0"}  # fmt: skip
INSTALL = "https://pytorch.org/get-started/locally/"
NAMES = {"torch": "PyTorch", "tensorflow": "TensorFlow"}


def torch(machine: Machine) -> list[Finding]:
    """Name PyTorch's version and build."""
    return _named(machine, "torch")


def tensorflow(machine: Machine) -> list[Finding]:
    """Name TensorFlow's version and build."""
    return _named(machine, "tensorflow")


def neither(machine: Machine) -> list[Finding]:
    """The labs need a framework."""
    if machine.frameworks:
        return []
    do = 'Make the environment with "make lab", or install one: pip install "gpulab[torch]".'
    return broken("PyTorch", "neither PyTorch nor TensorFlow is installed here", do)


def below_bounds(machine: Machine) -> list[Finding]:
    """Versions older than the course supports."""
    versions = {**{name: framework.version for name, framework in machine.frameworks.items()}, **machine.packages}
    old = [name for name in versions if name in machine.bounds and parts(versions[name]) < parts(machine.bounds[name])]
    return [
        Finding(
            Level.BROKEN,
            NAMES.get(name, "Packages"),
            f"{name} {versions[name]} is older than {machine.bounds[name]}, the oldest supported",
            f'Update it: pip install "{name}>={machine.bounds[name]}".',
        )
        for name in old
    ]


def cpu_build(machine: Machine) -> list[Finding]:
    """A working NVIDIA card and a PyTorch without CUDA."""
    if not _usable(machine, "NVIDIA") or _build(machine) not in ("CPU", "XPU"):
        return []
    found = f"the NVIDIA card works, but this PyTorch is a {machine.frameworks['torch'].kind}, which cannot use it"
    return broken("PyTorch", found, f"Install a CUDA build: choose CUDA on {INSTALL}")


def other_build(machine: Machine) -> list[Finding]:
    """A GPU of AMD or Intel that another build of PyTorch may be able to use."""
    found = []
    for vendor, build in (("AMD", "ROCm"), ("Intel", "XPU")):
        there = [gpu for gpu in visible(machine, vendor) if gpu.answers or "arc" in gpu.name.lower() or gpu.device]
        if there and "torch" in machine.frameworks and _build(machine) != build and not _usable(machine, "NVIDIA"):
            do = f"See on {INSTALL} whether there is a {build} build for it. The CPU does for the course."
            what = f"this PyTorch is a {machine.frameworks['torch'].kind}: it leaves the {vendor} GPU idle"
            found += advice("PyTorch", what, do)
    return found


def old_driver(machine: Machine) -> list[Finding]:
    """A driver from before the CUDA that PyTorch was built with."""
    framework, cards_here = machine.frameworks.get("torch"), _usable(machine, "NVIDIA")
    if not framework or framework.build != "CUDA" or not cards_here:
        return []
    oldest, version = OLDEST_DRIVER.get(parts(framework.toolkit)[0]), cards_here[0].driver
    if oldest is None or not parts(version) or parts(version) >= parts(oldest):
        return []
    found = f"driver {version} is too old for CUDA {framework.toolkit}, which PyTorch was built with; it needs {oldest}"
    return broken("PyTorch", found, f"Update the NVIDIA driver, or install a build for an older CUDA from {INSTALL}")


def no_code_for_card(machine: Machine) -> list[Finding]:
    """PyTorch holds no code for the card's architecture."""
    framework = machine.frameworks.get("torch")
    if framework is None or framework.build not in ("CUDA", "ROCm"):
        return []
    said = machine.answers["torch"].targets if "torch" in machine.answers else framework.targets
    if framework.build == "CUDA":
        return [each for gpu in _usable(machine, "NVIDIA") for each in _cuda_code(gpu, framework, said)][:1]
    override = machine.environment.get("HSA_OVERRIDE_GFX_VERSION", "")
    return [each for gpu in _usable(machine, "AMD") for each in _rocm_code(gpu, said, override)][:1]


def unexplained(machine: Machine) -> list[Finding]:
    """PyTorch was asked, and does not compute on a card that should work, for no reason found above."""
    answer = machine.answers.get("torch")
    if answer is None or any(finding.level is Level.BROKEN for rule in CAUSES for finding in rule(machine)):
        return []
    _, vendor = USES.get(_build(machine), ("", ""))
    if answer.error and (answer.kind != "cpu" or _usable(machine, vendor)):
        do = "Read the message; restart the computer; install PyTorch again if it stays."
        return broken("PyTorch", f"it cannot compute on its GPU: {answer.error}", do)
    if answer.kind == "cpu" and _usable(machine, vendor):
        do = f"Restart the computer; if it stays, update the driver and install PyTorch again from {INSTALL}"
        return broken("PyTorch", f"it does not see the {vendor} GPU, and does not say why", do)
    return []


def tensorflow_on_cpu(machine: Machine) -> list[Finding]:
    """A working card that TensorFlow cannot use, for a reason that can be told from outside."""
    framework = machine.frameworks.get("tensorflow")
    if framework is None or not _usable(machine, "NVIDIA"):
        return []
    if (answer := machine.answers.get("tensorflow")) and answer.kind == "gpu" and not answer.error:
        return []
    if machine.system.name == "Windows":
        do = "The CPU does for the course. For the GPU, install the course in WSL 2."
        return advice("TensorFlow", "on Windows, TensorFlow has had no GPU support since version 2.11", do)
    if framework.build == "CUDA" and "nvidia-cudnn-cu12" not in machine.packages:
        do = 'The CPU does for the course. For the GPU: an environment of its own with "tensorflow[and-cuda]".'
        return advice("TensorFlow", "its CUDA 12 libraries are not installed beside PyTorch's: it uses the CPU", do)
    return []


CAUSES = (cards.driver_fails, cards.closed, cards.wsl, cpu_build, old_driver, no_code_for_card)


def has_cuda_code(capability: str, targets: Iterable[str]) -> bool:
    """Return whether a build runs on a card: same generation and no newer, or intermediate code (PTX) to translate.

    Examples
    --------
    >>> has_cuda_code("8.9", ["sm_80"]), has_cuda_code("12.0", ["sm_90"]), has_cuda_code("12.0", ["compute_90"])
    (True, False, True)
    """
    card = parts(capability)
    for target in targets:
        if not (found := re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", target)):
            continue
        code = (int(found[2]), int(found[3]))
        same = card == code if found[4] == "a" else code[0] == card[0] and code <= card
        if same or (found[1] == "compute" and code <= card):
            return True
    return False


def _cuda_code(gpu: Gpu, framework: Framework, targets: Iterable[str]) -> list[Finding]:
    card, toolkit = parts(gpu.target), parts(framework.toolkit)[:2]
    if not card:
        return []
    too_old = card < (7, 0) and toolkit >= FIRST_WITHOUT_PASCAL or card < (7, 5) and toolkit >= FIRST_WITHOUT_VOLTA
    too_new = card >= (10, 0) and toolkit < FIRST_BLACKWELL
    if has_cuda_code(gpu.target, targets) if targets else not (too_old or too_new):
        return []
    found = f"this PyTorch (CUDA {framework.toolkit}) holds no code for {gpu.name} (compute capability {gpu.target})"
    if card < (7, 5):
        do = f"The card is older than new builds support. Take a build for CUDA 12.6 from {INSTALL}, or hide the card:"
        return broken("PyTorch", found, f"{do} CUDA_VISIBLE_DEVICES=-1.")
    return broken("PyTorch", found, f"Install a build for a newer CUDA from {INSTALL}")


def _rocm_code(gpu: Gpu, targets: Iterable[str], override: str) -> list[Finding]:
    known = {target.split(":")[0] for target in targets}
    acts_as = f"gfx{override.replace('.', '')}" if override else gpu.target
    if acts_as in known or not gpu.target or (not known and acts_as not in SISTERS):
        return []
    found = f"this PyTorch holds no code for {acts_as} ({gpu.name})"
    if not override and (sister := SISTERS.get(gpu.target)):
        do = f"Try HSA_OVERRIDE_GFX_VERSION={sister}, which lets it run as a sister; AMD does not support that."
        return broken("PyTorch", found, do)
    return broken("PyTorch", found, "Look for a ROCm build with that target, or hide the GPU: HIP_VISIBLE_DEVICES=-1.")


def _named(machine: Machine, name: str) -> list[Finding]:
    framework = machine.frameworks.get(name)
    if framework is None:
        labs = "the Keras labs" if name == "tensorflow" else "the PyTorch labs"
        return ok(NAMES[name], f"not installed; only {labs} need it") if machine.frameworks else []
    answer = machine.answers.get(name)
    works = f"; it computed on {answer.name or answer.kind}" if answer and not answer.error else ""
    return ok(NAMES[name], f"{framework.version}, {framework.kind}{works}")


def _build(machine: Machine) -> str:
    return machine.frameworks["torch"].build if "torch" in machine.frameworks else ""


def _usable(machine: Machine, vendor: str) -> list[Gpu]:
    """Return a vendor's GPUs that a driver answers for and that no variable hides."""
    return [gpu for gpu in visible(machine, vendor) if gpu.answers]
