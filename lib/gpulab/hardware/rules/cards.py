"""Rules about GPUs and their drivers."""

from __future__ import annotations

from gpulab.hardware.catalog import device
from gpulab.hardware.caveats import caveats
from gpulab.hardware.facts import Gpu, Machine
from gpulab.hardware.machine import HIDING, accelerator, visible
from gpulab.hardware.rules.finding import Finding, advice, broken, ok

BUSY = 0.8  # share of a card's memory


def none(machine: Machine) -> list[Finding]:
    """No GPU is a fine machine for this course."""
    promising = any(gpu.answers or gpu.device or gpu.vendor == "NVIDIA" for gpu in machine.gpus)
    if promising or machine.driver_error or accelerator(machine).kind != "cpu":
        return []
    what = "none that can train" if machine.gpus else "there is none here"
    return ok("GPU", f"{what}, and that is fine: the whole course runs on the CPU")


def listed(machine: Machine) -> list[Finding]:
    """Name each GPU."""
    return [finding for gpu in machine.gpus for finding in ok("GPU", _line(gpu))]


def driver_fails(machine: Machine) -> list[Finding]:
    """The NVIDIA driver is installed and does not work."""
    said = machine.driver_error
    if not said:
        return []
    if "version mismatch" in said:
        do = "Restart the computer: the driver was updated, and the old one is still loaded."
    elif "No devices were found" in said:
        do = "The driver sees no card. Restart; if that is no help, check its power, or the container's options."
    else:
        do = "Install the NVIDIA driver again (after an update of the kernel it must be rebuilt), then restart."
    return broken("GPU", f"the NVIDIA driver does not work: {said}", do)


def no_driver(machine: Machine) -> list[Finding]:
    """A card on the bus that no driver for computing answers for."""
    cards = [gpu for gpu in machine.gpus if gpu.vendor == "NVIDIA" and not gpu.answers]
    if not cards or machine.driver_error:
        return []
    if any(gpu.driver == "nouveau" for gpu in cards):
        return advice("GPU", "the driver nouveau holds the NVIDIA card; it has no CUDA", "Install NVIDIA's own driver.")
    do = "Install the NVIDIA driver; in a container, start it with the card (docker run --gpus all)."
    return advice("GPU", "an NVIDIA card is there, but no driver answers for it", do)


def closed(machine: Machine) -> list[Finding]:
    """Device files that this user may not open."""
    build = machine.frameworks["torch"].build if "torch" in machine.frameworks else "CPU"
    wanted = {"CUDA": ("/dev/nvidia",), "ROCm": ("/dev/kfd", "/dev/dri/"), "XPU": ("/dev/dri/",)}.get(build, ())
    paths = [path for path in machine.closed if path.startswith(wanted)]
    if not paths:
        return []
    do = "Join the groups that own it (often: sudo usermod -aG render,video $USER), then log in again."
    return broken("GPU", f"this user may not open {', '.join(paths)}", do)


def hidden(machine: Machine) -> list[Finding]:
    """Variables that hide every card."""
    found = []
    for vendor, variables in HIDING.items():
        there = any(gpu.vendor == vendor and gpu.answers for gpu in machine.gpus)
        if there and not visible(machine, vendor):
            name = next(variable for variable in variables if variable in machine.environment)
            found += advice(
                "GPU", f"{name}={machine.environment[name]!r} hides every {vendor} card: training uses the CPU",
                f"Leave it out (unset {name}) where you did not mean that.",
            )  # fmt: skip
    return found


def order(machine: Machine) -> list[Finding]:
    """CUDA counts the fastest card first, ``nvidia-smi`` the first slot."""
    names = {gpu.name for gpu in machine.gpus if gpu.vendor == "NVIDIA" and gpu.answers}
    if len(names) < 2 or machine.environment.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID":
        return []
    do = "Set CUDA_DEVICE_ORDER=PCI_BUS_ID, so that both count alike."
    return advice("GPU", "several different cards: PyTorch may number them otherwise than nvidia-smi", do)


def wsl(machine: Machine) -> list[Finding]:
    """In WSL the driver of Windows lends its library."""
    if not machine.system.wsl or machine.cuda_library:
        return []
    do = "Install the NVIDIA driver in Windows (none inside WSL), then: wsl --shutdown."
    if any(gpu.vendor == "NVIDIA" for gpu in machine.gpus):
        return broken("GPU", "WSL lacks the driver's library libcuda", do)
    return advice("GPU", "WSL lacks the driver's library libcuda", f"If this computer has an NVIDIA card: {do}")


def sliced(machine: Machine) -> list[Finding]:
    """A card cut into slices is not the card of the catalog."""
    if not any(gpu.sliced for gpu in machine.gpus):
        return []
    found = "the card is divided (MIG): a program gets one slice, slower and smaller than the card in the catalog"
    return advice("GPU", found, "Measure with gpulab.bench what your slice gives.")


def busy(machine: Machine) -> list[Finding]:
    """Another program holds most of a card's memory."""
    full = [gpu for gpu in machine.gpus if gpu.memory_gib and gpu.used_gib and gpu.used_gib > BUSY * gpu.memory_gib]
    do = "See who it is with nvidia-smi; restart kernels that you no longer need."
    said = [f"{gpu.used_gib:.1f} of {gpu.memory_gib:.1f} GiB of {gpu.name} are in use" for gpu in full]
    return [finding for found in said for finding in advice("GPU", found, do)]


def weak(machine: Machine) -> list[Finding]:
    """Figures of the catalog that estimates for this card rest on, and that are not sure."""
    found = []
    for row in dict.fromkeys(gpu.device for gpu in machine.gpus if gpu.device):
        if figures := caveats(device(row)):
            why = "; ".join(dict.fromkeys(figures.values()))
            what = f"not sure in the catalog for {device(row).name}: {', '.join(figures)} ({why})"
            found += advice("GPU", what, "Trust what gpulab.bench measures more than estimates from them.")
    return found


def _line(gpu: Gpu) -> str:
    used = f" ({gpu.used_gib:.1f} in use)" if gpu.used_gib else ""
    memory = f", {gpu.memory_gib:.1f} GiB{used}" if gpu.memory_gib else ""
    units = f", {gpu.compute_units} GPU cores" if gpu.compute_units and gpu.vendor == "Apple" else ""
    driver = f", driver {gpu.driver}" if gpu.driver else ""
    row = f", catalog: {gpu.device}" if gpu.device else ", not in the catalog" if gpu.answers else ""
    return f"{gpu.name}{units}{memory}{driver}{row}"
