"""Bandwidth: of the memory of a device, and of the copies between it and the host.

Memory is measured as STREAM does it (McCalpin, 1995): long arrays, one simple operation an element, and as work the
bytes that the program reads and writes. A CPU that first loads the line it is going to write (write-allocate) moves
more than is counted here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpulab.bench import devices
from gpulab.bench.kernels import measure
from gpulab.bench.report import BenchError, Measurement, Unsupported
from gpulab.bench.timing import BUDGET

if TYPE_CHECKING:
    import torch

MIB = 2**20
USUAL = 256 * MIB  # bytes of an array
MORE_THAN_CACHE = 4  # an array is at least so many times the last-level cache
SHARE = 8  # of the free memory, an array takes one part in so many: up to three are in use
# Arrays read and written for each operation c = a, c = 2 a, c = a + b, c = a + 2 b.
STREAMS = {"copy": 2, "scale": 2, "add": 3, "triad": 3}


def bandwidth(
    kind: str = "triad",
    nbytes: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    budget: float = BUDGET,
) -> Measurement:
    """Time an elementwise operation on arrays much longer than the caches.

    Parameters
    ----------
    kind : {"copy", "scale", "add", "triad"}
        c = a, c = 2 a, c = a + b, c = a + 2 b.
    nbytes : int, optional
        Bytes of each array, of float32. By default 256 MiB, more where the last-level cache is larger than 64 MiB, and
        at most an eighth of the free memory.

    Raises
    ------
    BenchError
        There is no such kind.
    """
    if kind not in STREAMS:
        raise BenchError(f"bandwidth kind {kind!r} is not known; expected one of: {', '.join(STREAMS)}.")
    place = devices.find(device)
    nbytes = nbytes or array_bytes(place)
    count = max(nbytes // 4, 1)

    def build(place: str, dtype: torch.dtype) -> Callable[[], Any]:
        torch = devices.load_torch()
        a, b, c = (torch.full((count,), value, device=place, dtype=dtype) for value in (1.0, 2.0, 0.0))
        return {
            "copy": lambda: c.copy_(a),
            "scale": lambda: torch.mul(a, 2, out=c),
            "add": lambda: torch.add(a, b, out=c),
            "triad": lambda: torch.add(a, b, alpha=2, out=c),
        }[kind]

    near = nbytes < MORE_THAN_CACHE * devices.cache_bytes(place)
    note = f"arrays under {MORE_THAN_CACHE} times the last-level cache: caches may help" if near else ""
    work = STREAMS[kind] * count * 4
    return measure(f"memory {kind}", _mib(nbytes), "fp32", place, threads, budget, work, build, unit="byte", note=note)


def array_bytes(device: str, least: int = USUAL) -> int:
    """Return how long an array should be, in bytes: beyond the caches, and within the free memory."""
    wanted = max(least, MORE_THAN_CACHE * devices.cache_bytes(device))
    return max(min(wanted, devices.free_memory(device) // SHARE), MIB) // MIB * MIB


def copy_to_device(
    *, pinned: bool = False, nbytes: int | None = None, device: str | None = None, budget: float = BUDGET
) -> Measurement:
    """Time a copy from the host's memory to the device's.

    Parameters
    ----------
    pinned : bool
        From page-locked memory, which the device reads by itself; pageable memory is first copied into such.
    nbytes : int, optional
        By default as for :func:`bandwidth`.

    Raises
    ------
    Unsupported
        The device is the CPU, or it uses the host's memory, or memory cannot be page-locked.
    """
    return _copy("to device", pinned, nbytes, device, budget)


def copy_to_host(
    *, pinned: bool = False, nbytes: int | None = None, device: str | None = None, budget: float = BUDGET
) -> Measurement:
    """Time a copy from the device's memory to the host's; as :func:`copy_to_device`."""
    return _copy("to host", pinned, nbytes, device, budget)


def _copy(direction: str, pinned: bool, nbytes: int | None, device: str | None, budget: float) -> Measurement:
    place = devices.find(device)
    if place == "cpu":
        raise Unsupported("the CPU works in the host's memory; a copy needs a device beside it")
    if pinned and place == "mps":
        raise Unsupported("Metal shares the host's memory; torch cannot page-lock it")
    nbytes = nbytes or min(array_bytes("cpu"), array_bytes(place), USUAL)

    def build(place: str, dtype: torch.dtype) -> Callable[[], Any]:
        torch = devices.load_torch()
        host = torch.ones(max(nbytes // 4, 1), dtype=dtype, pin_memory=pinned)
        there = torch.ones_like(host, device=place)
        target, source = (there, host) if direction == "to device" else (host, there)
        return lambda: target.copy_(source, non_blocking=pinned)

    name = f"copy {direction}, {'pinned' if pinned else 'pageable'}"
    return measure(name, _mib(nbytes), "fp32", place, 1, budget, nbytes // 4 * 4, build, unit="byte")


def _mib(nbytes: int) -> str:
    return f"{nbytes / MIB:.4g} MiB"
