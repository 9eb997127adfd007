"""Where joules come from, in order: counters of the machine, and an estimate for what has none."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from gpulab.energy import nvml, rapl
from gpulab.energy.result import ESTIMATE, check_quantity

# What codecarbon 3.3.2 takes for each logical core of a CPU that it does not know: core/cpu.py, DEFAULT_POWER_PER_CORE.
WATTS_PER_CORE = 4.0


class Source(Protocol):
    """Something that knows how many joules one part of the machine has used since the source was made.

    Reading may raise ``OSError`` where the system refuses.
    """

    name: str
    source: str
    kind: str

    def joules(self) -> float:
        """Read now; must be called at least once in each turn of the counter."""
        ...


class CpuTime:
    """The estimate for a CPU without a readable counter: seconds of CPU time x watts per core.

    CPU time over wall time is the number of busy cores, so this is TDP x utilization x time. It counts this process and
    its finished children, and leaves out what the CPU uses when idle.

    Parameters
    ----------
    tdp_w : float, optional
        Thermal design power of the whole CPU; by default ``WATTS_PER_CORE`` for each core.
    cores : int, optional
        Logical cores of the CPU that has this TDP; by default those of this machine.
    """

    name, kind = "cpu", ESTIMATE

    def __init__(self, tdp_w: float | None = None, cores: int | None = None) -> None:
        cores = int(check_quantity("cores", cores or os.cpu_count() or 1, least=1))
        watts = WATTS_PER_CORE * cores if tdp_w is None else check_quantity("tdp_w", tdp_w)
        self.watts_per_core, self.cores = watts / cores, cores
        assumed = ", assumed" if tdp_w is None else ""
        self.source = f"{ESTIMATE}: CPU time x {self.watts_per_core:g} W per core{assumed}"
        self.began, self.used_before = time.perf_counter(), cpu_seconds()

    def joules(self) -> float:
        """Return the estimate so far; never more than all cores can use."""
        most = self.cores * (time.perf_counter() - self.began)
        return self.watts_per_core * min(cpu_seconds() - self.used_before, most)


def cpu_seconds() -> float:
    """Return the CPU time of this process and its finished children."""
    times = os.times()  # counts in ticks, mostly of 10 ms: too coarse for this process itself
    return time.process_time() + times.children_user + times.children_system


def find(
    tdp_w: float | None = None,
    cores: int | None = None,
    gpus: Sequence[int] | None = None,
    *,
    powercap: Path = rapl.ROOT,
    library: Any = None,
) -> tuple[list[Source], list[str]]:
    """Return the best source for each part of this machine, and notes on what could not be read.

    Parameters
    ----------
    tdp_w, cores
        As for :class:`CpuTime`.
    gpus : sequence of int, optional
        NVML's numbers of the GPUs to count; by default those in ``CUDA_VISIBLE_DEVICES``, or all.
    powercap : Path
        Where Linux shows the RAPL counters.
    library : module, optional
        In the place of ``pynvml``, for tests.
    """
    zones, notes = rapl.zones(powercap)
    cards, more = nvml.cards(gpus, library)
    return [*(zones or [CpuTime(tdp_w, cores)]), *cards], [*notes, *more]
