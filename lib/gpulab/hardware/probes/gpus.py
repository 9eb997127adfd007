"""GPUs: what the vendors' drivers say, and what is only seen on the bus."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gpulab.hardware.facts import Gpu
from gpulab.hardware.names import match
from gpulab.hardware.probes.cpu import sysctl
from gpulab.hardware.probes.host import GIBIBYTE, Host

ASKED = ("name", "uuid", "driver_version", "memory.total", "memory.used", "compute_cap", "mig.mode.current")
SINCE_ALWAYS = ASKED[:5]  # drivers before 510 refuse a question with a field that they do not know
VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
DISPLAY = "0x03"  # first byte of a PCI class: display controllers, "3D controllers" among them
NODES = ("/dev/nvidiactl", "/dev/nvidia[0-9]*", "/dev/kfd", "/dev/dri/renderD*")
LIBCUDA = ("/usr/lib/wsl/lib/libcuda.so*", "/usr/lib*/libcuda.so*", "/usr/lib/*/libcuda.so*")


def gpus(host: Host) -> tuple[tuple[Gpu, ...], str]:
    """Return every GPU, matched with the catalog, and what ``nvidia-smi`` said if it failed."""
    cards, error = nvidia(host)
    answering = [*cards, *amd(host), *apple(host)]
    seen = [gpu for gpu in [*bus(host), *windows(host)] if not any(gpu.vendor == one.vendor for one in answering)]
    return tuple(_with_row(gpu) for gpu in [*answering, *seen]), error


def nvidia(host: Host) -> tuple[list[Gpu], str]:
    """Return NVIDIA's cards as its library or ``nvidia-smi`` reports them, and the error where it fails."""
    if (rows := host.nvml()) is not None:
        return [_nvidia_card(row) for row in rows], ""
    ran = None
    for asked in (ASKED, SINCE_ALWAYS):
        ran = host.run("nvidia-smi", f"--query-gpu={','.join(asked)}", "--format=csv,noheader,nounits")
        if ran is None:
            return [], ""
        if ran.status == 0:
            lines = csv.reader(ran.output.splitlines(), skipinitialspace=True)
            return [_nvidia_card(dict(zip(asked, line, strict=False))) for line in lines if len(line) == len(asked)], ""
    said = (ran.output + ran.errors).strip() if ran else ""
    return [], " ".join(said.split())[:200] or "it failed without a word"


def amd(host: Host) -> list[Gpu]:
    """Return AMD's GPUs as the kernel's compute driver lists them, with names from ``rocminfo`` where it is there."""
    nodes = []
    for path in host.paths("/sys/class/kfd/kfd/topology/nodes/*/properties"):
        properties = _numbers(host.read(path))
        if properties.get("gfx_target_version"):
            nodes.append((path.removesuffix("/properties"), properties))
    names = _rocminfo_names(host) if nodes else []
    if len(names) != len(nodes):
        names = [""] * len(nodes)
    return [_amd_card(host, folder, found, name) for (folder, found), name in zip(nodes, names, strict=True)]


def apple(host: Host) -> list[Gpu]:
    """Return the GPU of an Apple processor; it shares the main memory."""
    name = sysctl(host, "machdep.cpu.brand_string") if host.system == "Darwin" else ""
    if not name.startswith("Apple"):
        return []
    total = int(sysctl(host, "hw.memsize") or 0) / GIBIBYTE
    return [Gpu("Apple", name, total or None, compute_units=_apple_cores(host))]


def bus(host: Host) -> list[Gpu]:
    """Return the display controllers on Linux's PCI bus, whether a driver holds them or not."""
    found = []
    for path in host.paths("/sys/bus/pci/devices/*/class"):
        folder = path.removesuffix("/class")
        vendor = VENDORS.get((host.read(f"{folder}/vendor") or "").strip())
        if vendor and (host.read(path) or "").startswith(DISPLAY):
            number = (host.read(f"{folder}/device") or "").strip()
            driver = host.target(f"{folder}/driver")
            found.append(Gpu(vendor, f"{vendor} Graphics [{number}]", driver=driver, answers=False))
    return found


def windows(host: Host) -> list[Gpu]:
    """Return the graphics cards that Windows lists."""
    if host.system != "Windows":
        return []
    ran = host.run("powershell", "-NoProfile", "-Command", "(Get-CimInstance Win32_VideoController).Name", seconds=8)
    names = ran.output.splitlines() if ran and ran.status == 0 else []
    known = [(vendor, name.strip()) for name in names for vendor in VENDORS.values() if vendor.lower() in name.lower()]
    return [Gpu(vendor, name, answers=False) for vendor, name in known]


def closed_nodes(host: Host) -> tuple[str, ...]:
    """Return the drivers' device files that exist but that this user may not open."""
    return tuple(path for pattern in NODES for path in host.paths(pattern) if not host.may_open(path))


def has_libcuda(host: Host) -> bool:
    """Return whether the NVIDIA driver's library for programs lies where Linux or WSL keeps it."""
    return any(host.paths(pattern) for pattern in LIBCUDA)


def _with_row(gpu: Gpu) -> Gpu:
    if gpu.sliced:
        return gpu
    row = match(gpu.name, gpu.memory_gib, gpu.compute_units) or match(gpu.target, gpu.memory_gib, gpu.compute_units)
    return replace(gpu, device=row.id if row else None)


def _nvidia_card(row: Mapping[str, str]) -> Gpu:
    return Gpu(
        "NVIDIA", row["name"], _mebibytes(row["memory.total"]), _mebibytes(row["memory.used"]),
        target=row.get("compute_cap", ""), uuid=row["uuid"], driver=row["driver_version"],
        sliced=row.get("mig.mode.current") == "Enabled",
    )  # fmt: skip


def _mebibytes(text: str) -> float | None:
    """Return GiB; drivers write "[N/A]" where the memory is the host's."""
    return float(text) / 1024 if re.fullmatch(r"[\d.]+", text) else None


def _amd_card(host: Host, folder: str, properties: Mapping[str, int], name: str) -> Gpu:
    version = properties["gfx_target_version"]  # 90010 is gfx90a: two decimal digits a part, the last one hexadecimal
    target = f"gfx{version // 10000}{version // 100 % 100}{version % 100:x}"
    units = properties.get("simd_count", 0) // (properties.get("simd_per_cu") or 1)
    banks = [_numbers(host.read(path)) for path in host.paths(f"{folder}/mem_banks/*/properties")]
    size = sum(bank.get("size_in_bytes", 0) for bank in banks) / GIBIBYTE
    return Gpu("AMD", name or target, size or None, target=target, compute_units=units or None, driver="amdgpu")


def _numbers(text: str | None) -> dict[str, int]:
    """Return the pairs of a file with one name and one number a line."""
    pairs = (line.split() for line in (text or "").splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _rocminfo_names(host: Host) -> list[str]:
    """Return the marketing names of the GPUs, in ROCm's order; the processor is an agent, too, and is left out."""
    ran = host.run("rocminfo", seconds=8)
    agents = re.split(r"^Agent \d+", ran.output, flags=re.MULTILINE)[1:] if ran and ran.status == 0 else []
    cards = [agent for agent in agents if re.search(r"Device Type:\s*GPU", agent)]
    names = [re.search(r"Marketing Name:[ \t]*(.*)", agent) for agent in cards]
    return [found[1].strip() if found else "" for found in names]


def _apple_cores(host: Host) -> int | None:
    ran = host.run("system_profiler", "SPDisplaysDataType", "-json", seconds=8)
    try:
        displays: Sequence[Mapping[str, str]] = json.loads(ran.output)["SPDisplaysDataType"] if ran else []
    except (ValueError, KeyError):
        return None
    return next((int(each["sppci_cores"]) for each in displays if each.get("sppci_cores", "").isdigit()), None)
