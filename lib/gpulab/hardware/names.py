"""From the name a driver reports to the row of the catalog.

A row is found only where the whole name is known, after the vendor's words and signs are taken off. So no ending can
slip through: ``Laptop GPU``, ``Max-Q``, ``SUPER``, ``Ti``, ``D`` and a slice of a card (``MIG``) are other devices, and
they match nothing. Where one name is sold with two memories or two numbers of cores, those must be given and must fit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from gpulab.hardware.catalog import Device, catalog

# Name, what else must be known to tell it from a sister with the same name ("memory", "units", both), and the row.
# Sources: amdgpu.ids of libdrm for AMD, torch.xpu and its fallback "Graphics [0x<PCI id>]" for Intel, sysctl's
# machdep.cpu.brand_string for Apple, JAX's device_kind for TPUs, CUDA's cudaDeviceProp.name for NVIDIA.
PATTERNS = (
    ("GeForce RTX 3090", "", "rtx-3090"),
    ("GeForce RTX 3080", "memory", "rtx-3080-10gb"),
    ("GeForce RTX 3070", "", "rtx-3070"),
    ("GeForce RTX 3060", "memory", "rtx-3060-12gb"),
    ("GeForce RTX 2080 Ti", "", "rtx-2080-ti"),
    ("GeForce RTX 2080", "", "rtx-2080"),
    ("GeForce RTX 2070", "", "rtx-2070"),
    ("GeForce GTX 1080 Ti", "", "gtx-1080-ti"),
    ("GeForce RTX 4060 Ti", "memory", "rtx-4060-ti-16gb"),
    ("GeForce RTX 4070", "", "rtx-4070"),
    ("GeForce RTX 4080", "", "rtx-4080"),
    ("GeForce RTX 4090", "", "rtx-4090"),
    ("GeForce RTX 5060 Ti", "memory", "rtx-5060-ti-16gb"),
    ("GeForce RTX 5070", "", "rtx-5070"),
    ("GeForce RTX 5070 Ti", "", "rtx-5070-ti"),
    ("GeForce RTX 5080", "", "rtx-5080"),
    ("GeForce RTX 5090", "", "rtx-5090"),
    ("TITAN V", "", "titan-v"),
    ("RTX A6000", "", "rtx-a6000"),
    ("RTX 6000 Ada Generation", "", "rtx-6000-ada"),
    ("RTX PRO 6000 Blackwell Workstation Edition", "", "rtx-pro-6000-blackwell-ws"),
    ("Tesla P100-PCIE-16GB", "", "p100-pcie-16gb"),
    ("Tesla V100-SXM2-32GB", "", "v100-sxm2-32gb"),
    ("Tesla V100-PCIE-16GB", "", "v100-pcie-16gb"),
    ("Tesla T4", "", "t4"),
    ("T4", "", "t4"),
    ("L4", "", "l4"),
    ("L40S", "", "l40s"),
    ("A10", "", "a10"),
    ("A10G", "", "a10g"),
    ("A100-PCIE-40GB", "", "a100-pcie-40gb"),
    ("A100-SXM4-40GB", "", "a100-sxm-40gb"),
    ("A100 80GB PCIe", "", "a100-pcie-80gb"),
    ("A100-SXM4-80GB", "", "a100-sxm-80gb"),
    ("A100-SXM-80GB", "", "a100-sxm-80gb"),
    ("H100 PCIe", "", "h100-pcie"),
    ("H100 80GB HBM3", "", "h100-sxm"),
    ("H200", "", "h200-sxm"),
    ("B200", "", "b200-sxm"),
    ("GB200", "", "gb200-gpu"),
    ("Radeon RX 6800 XT", "", "rx-6800-xt"),
    ("Radeon RX 6800", "", "rx-6800"),
    ("Radeon RX 6900 XT", "", "rx-6900-xt"),
    ("Radeon RX Vega", "memory units", "rx-vega-64"),
    ("Radeon RX Vega", "memory units", "rx-vega-56"),
    ("Radeon RX Vega 64", "", "rx-vega-64"),
    ("Radeon RX Vega 56", "", "rx-vega-56"),
    ("Radeon RX 7900 XTX", "", "rx-7900-xtx"),
    ("Radeon RX 9070 XT", "", "rx-9070-xt"),
    ("Instinct MI100", "", "mi100"),
    ("Instinct MI210", "", "mi210"),
    ("Instinct MI250X", "", "mi250x"),
    ("Instinct MI250X/MI250", "units", "mi250x"),
    ("Instinct MI300X", "", "mi300x"),
    ("Instinct MI300X OAM", "", "mi300x"),
    ("Instinct MI300X VF", "memory", "mi300x"),
    ("Instinct MI325X", "", "mi325x"),
    ("Instinct MI325X OAM", "", "mi325x"),
    ("Instinct MI355X", "", "mi355x"),
    ("gfx1100", "memory", "rx-7900-xtx"),
    ("gfx1201", "memory units", "rx-9070-xt"),
    ("gfx1030", "memory units", "rx-6800-xt"),
    ("gfx1030", "memory units", "rx-6800"),
    ("gfx900", "memory units", "rx-vega-64"),
    ("gfx900", "memory units", "rx-vega-56"),
    ("gfx908", "memory", "mi100"),
    ("gfx942", "memory units", "mi300x"),
    ("gfx942", "memory units", "mi325x"),
    ("Arc A770 Graphics", "memory", "arc-a770-16gb"),
    ("Graphics [0x56a0]", "memory", "arc-a770-16gb"),
    ("Arc B580 Graphics", "", "arc-b580"),
    ("Graphics [0xe20b]", "", "arc-b580"),
    ("Apple M1", "units", "apple-m1"),
    ("Apple M1 Max", "units", "apple-m1-max"),
    ("Apple M2", "units", "apple-m2"),
    ("Apple M2 Max", "units", "apple-m2-max"),
    ("Apple M3", "units", "apple-m3"),
    ("Apple M3 Max", "units", "apple-m3-max"),
    ("Apple M4", "units", "apple-m4"),
    ("Apple M4 Max", "units", "apple-m4-max"),
    ("TPU v4", "", "tpu-v4"),
    ("TPU v5 lite", "", "tpu-v5e"),
    ("TPU v5e", "", "tpu-v5e"),
    ("TPU v6 lite", "", "tpu-v6e"),
    ("TPU v6e", "", "tpu-v6e"),
    ("Ryzen 7 5800X 8-Core Processor", "", "cpu-ryzen7-5800x"),
    ("Ryzen 9 9950X 16-Core Processor", "", "cpu-ryzen9-9950x"),
    ("Xeon(R) W-2295 CPU @ 3.00GHz", "", "cpu-xeon-w-2295"),
)
# Memory that a driver reports as a share of the catalog's: error correction and the driver's own reserve take up to
# an eighth, and GB (1e9 bytes) counted where the name means GiB adds 7 %.
LEAST, MOST = 0.85, 1.10
DIES = {"mi250x": 2}  # the system sees each die as a device of its own, with its share of every figure


def match(driver_name: str, memory_gb: float | None = None, compute_units: int | None = None) -> Device | None:
    """Return the catalog's row for the name that a driver reports.

    Parameters
    ----------
    driver_name : str
        What ``torch.cuda.get_device_name``, ``nvidia-smi``, ``rocminfo``, ``torch.xpu.get_device_name`` or macOS
        say, or the catalog's own name.
    memory_gb : float, optional
        The device's memory as the driver reports it, in GB or GiB. A card with another memory than the row's (a
        sister of the same name, a rebuilt card, a slice of one) is refused.
    compute_units : int, optional
        Its compute units (AMD) or GPU cores (Apple), where the name alone does not tell.

    Returns
    -------
    Device or None
        ``None`` where the catalog lacks the device, or where more must be known to be sure. Of AMD's MI250X one die
        is reported as a device; the row is that of the two, see `share`. A GeForce RTX 2070 or 2080 inside a laptop can
        report the desktop card's name: no name can tell them apart.

    Examples
    --------
    >>> match("NVIDIA GeForce RTX 3090").id
    'rtx-3090'
    >>> match("NVIDIA GeForce RTX 3090 Ti") is None
    True
    >>> match("NVIDIA GeForce RTX 3060", memory_gb=11.8).id
    'rtx-3060-12gb'
    >>> match("Apple M2 Max", compute_units=38).id
    'apple-m2-max'
    """
    found = {
        row
        for row, needs in _known().get(plain(driver_name), ())
        if _fits(catalog()[row], needs, memory_gb, compute_units)
    }
    return catalog()[found.pop()] if len(found) == 1 else None


def share(device: Device, memory_gb: float | None) -> float:
    """Return which part of a row one reported device is: 1, or less where a card shows each die as a device.

    Examples
    --------
    >>> share(match("AMD Instinct MI250X"), 63.98)
    0.5
    """
    dies = DIES.get(device.id, 1)
    one_die = memory_gb is not None and device.memory_gb is not None and memory_gb < LEAST * device.memory_gb
    return 1 / dies if one_die else 1.0


def plain(name: str) -> str:
    """Return a name without the vendor's words and signs, in lower case.

    Examples
    --------
    >>> plain("NVIDIA A100-SXM4-80GB"), plain("Intel(R) Arc(TM) A770 Graphics")
    ('a100 sxm4 80gb', 'arc a770 graphics')
    """
    text = re.sub(r"\((?:r|tm|c)\)|[®™]", "", name.lower())
    words = re.sub(r"[\s_-]+", " ", text).strip()
    return re.sub(r"^(?:nvidia|amd|intel) ", "", words)


@cache
def _known() -> Mapping[str, list[tuple[str, str]]]:
    """Return the rows, each with what it needs, by plain name; the catalog's own names need nothing more."""
    known: dict[str, list[tuple[str, str]]] = {}
    for name, needs, row in PATTERNS:
        known.setdefault(plain(name), []).append((row, needs))
    for device in catalog().values():
        known.setdefault(plain(device.name), [(device.id, "")])
    return known


def _fits(device: Device, needs: str, memory_gb: float | None, compute_units: int | None) -> bool:
    parts = {1, DIES.get(device.id, 1)}
    if "units" in needs and device.compute_units not in {(compute_units or 0) * part for part in parts}:
        return False
    if memory_gb is None or device.memory_gb is None:
        return "memory" not in needs
    if device.kind == "integrated":  # the row has the largest configuration
        return memory_gb <= MOST * device.memory_gb
    return any(LEAST <= memory_gb * part / device.memory_gb <= MOST for part in parts)
