"""What a device can do, how much memory it has free, and how large its caches are."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpulab.bench.report import BenchError, Unsupported

if TYPE_CHECKING:
    import torch

KINDS = ("cpu", "cuda", "mps", "xpu")
DTYPES = {"fp32": "float32", "tf32": "float32", "bf16": "bfloat16", "fp16": "float16", "fp64": "float64"}
# Instructions for products in a precision, as torch.cpu.get_capabilities() names them; one of them is enough.
INSTRUCTIONS = {"bf16": ("avx512_bf16", "amx_bf16", "bf16"), "fp16": ("avx512_fp16", "amx_fp16", "fp16_arith")}
CACHES = Path("/sys/devices/system/cpu")
USUAL_CACHE = 64 * 2**20  # bytes, where the system does not say
USUAL_MEMORY = 2 * 2**30


def find(device: str | None = None) -> str:
    """Return the device to measure: the one named, or the fastest kind there is.

    Raises
    ------
    BenchError
        torch is not installed, the name is not known, or there is no such device here.
    """
    torch = load_torch()
    here = [kind for kind in KINDS if _available(torch, kind)]
    if device is None:
        return here[-1]
    if device not in KINDS:
        raise BenchError(f"device {device!r} is not known; expected one of: {', '.join(KINDS)}.")
    if device not in here:
        raise BenchError(f"torch {torch.__version__} finds no {device} device here; there is: {', '.join(here)}.")
    return device


def load_torch() -> Any:
    """Return torch.

    Raises
    ------
    BenchError
        It is not installed.
    """
    try:
        import torch
    except ImportError:
        raise BenchError("measuring needs PyTorch. Install it: pip install 'gpulab[torch]'") from None
    return torch


def _available(torch: Any, kind: str) -> bool:
    module = torch.backends.mps if kind == "mps" else getattr(torch, kind, None)
    return module is not None and module.is_available()


def dtype(precision: str, device: str) -> torch.dtype:
    """Return the type of the numbers, if the device computes with it.

    Raises
    ------
    Unsupported
        It does not, or only by way of another precision.
    BenchError
        There is no such precision.
    """
    if precision not in DTYPES:
        raise BenchError(f"precision {precision!r} is not known; expected one of: {', '.join(DTYPES)}.")
    if why := _lacks(precision, device):
        raise Unsupported(why)
    return getattr(load_torch(), DTYPES[precision])


def _lacks(precision: str, device: str) -> str:
    """Return why a device has no products in a precision; empty if it has."""
    torch = load_torch()
    if precision == "tf32" and (device != "cuda" or torch.version.hip or torch.cuda.get_device_capability() < (8, 0)):
        return "TF32 exists on NVIDIA cards from Ampere on"
    if precision == "bf16" and device == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return "this card has no bf16 units"
    if precision == "fp64" and device == "mps":
        return "Metal has no fp64"
    if device == "cpu" and precision in INSTRUCTIONS and hasattr(torch.cpu, "get_capabilities"):
        has = torch.cpu.get_capabilities()
        if not any(has.get(name) for name in INSTRUCTIONS[precision]):
            return f"this CPU has no instructions for {precision} products; torch would emulate them"
    return ""


@contextmanager
def tf32(*, allowed: bool) -> Iterator[None]:
    """Let CUDA use TF32 for products of float32, or not; put the settings back afterwards."""
    torch = load_torch()
    if not torch.cuda.is_available():
        yield
        return
    parts = (torch.backends.cuda.matmul, torch.backends.cudnn.conv, torch.backends.cudnn.rnn)
    before = [part.fp32_precision for part in parts]
    try:
        for part in parts:
            part.fp32_precision = "tf32" if allowed else "ieee"
        yield
    finally:
        for part, value in zip(parts, before, strict=True):
            part.fp32_precision = value


def free_memory(device: str) -> int:
    """Return the bytes of memory that are free: the device's own, or the host's with the limit of a container."""
    if device in ("cuda", "xpu"):
        return getattr(load_torch(), device).mem_get_info()[0]
    if device == "mps":
        return load_torch().mps.recommended_max_memory() // 2  # the same memory as the host's
    found = [free for free in (_host_free(), _container_free()) if free is not None]
    return min(found, default=USUAL_MEMORY)


def _host_free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def _container_free(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    try:
        most = (root / "memory.max").read_text(encoding="ascii").strip()
        used = int((root / "memory.current").read_text(encoding="ascii"))
        return None if most == "max" else max(int(most) - used, 0)
    except (OSError, ValueError):
        return None


def cache_bytes(device: str, root: Path = CACHES) -> int:
    """Return the size of the last-level cache: of a GPU its L2, of a CPU the sum of its L3 (or else L2) caches."""
    if device == "cuda":
        return getattr(load_torch().cuda.get_device_properties(), "L2_cache_size", 0) or USUAL_CACHE
    if device != "cpu":
        return USUAL_CACHE
    for level in ("index3", "index2"):
        sizes = {}
        for folder in root.glob(f"cpu[0-9]*/cache/{level}"):
            try:
                shared = (folder / "shared_cpu_list").read_text(encoding="ascii").strip()
                sizes[shared] = _kilobytes((folder / "size").read_text(encoding="ascii"))
            except (OSError, ValueError):
                continue
        if sizes:
            return sum(sizes.values())
    return USUAL_CACHE


def _kilobytes(text: str) -> int:
    """Return the bytes that the kernel writes as, for example, 32768K."""
    return int(text.strip().removesuffix("K")) * 1024


def describe(device: str, threads: int) -> dict[str, Any]:
    """Return what a report says about the machine."""
    torch = load_torch()
    name = getattr(torch, device).get_device_name() if device in ("cuda", "xpu") else cpu_name()
    return {
        "device": device,
        "device_name": name,
        "cpu": cpu_name(),
        "threads": threads,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def cpu_name() -> str:
    """Return the CPU's name as the system tells it."""
    if sys.platform == "linux":
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        except (OSError, StopIteration):
            pass
    return platform.processor() or platform.machine()
