"""NVIDIA's GPUs: energy through the driver's library NVML, with the package nvidia-ml-py (``import pynvml``).

From Volta on, the driver counts a card's millijoules (``nvmlDeviceGetTotalEnergyConsumption``). Older cards tell the
power of the moment, which is added up over time; of others the utilization times the power limit gives an estimate. All
of it is of the whole card: other programs on it are counted too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

from gpulab.energy.result import ESTIMATE, MEASURED, EnergyError

VISIBLE = "CUDA_VISIBLE_DEVICES"


class Counter:
    """A card that counts its energy."""

    source, kind = "NVML energy counter", MEASURED

    def __init__(self, name: str, read_mj: Callable[[], int]) -> None:
        self.name, self.read_mj = name, read_mj
        self.first = read_mj()

    def joules(self) -> float:
        """Return the joules since this object was made."""
        return (self.read_mj() - self.first) / 1e3


class Sampled:
    """A card that tells only its power: the trapezoids between two looks are added up."""

    def __init__(self, name: str, read_watts: Callable[[], float], source: str, kind: str) -> None:
        self.name, self.read_watts, self.source, self.kind = name, read_watts, source, kind
        self.total, self.seen_at, self.seen = 0.0, time.perf_counter(), read_watts()

    def joules(self) -> float:
        """Return the joules since this object was made."""
        now, watts = time.perf_counter(), self.read_watts()
        self.total += (now - self.seen_at) * (watts + self.seen) / 2
        self.seen_at, self.seen = now, watts
        return self.total


def cards(gpus: Sequence[int] | None = None, library: Any = None) -> tuple[list[Counter | Sampled], list[str]]:
    """Return the GPUs to count, and notes on what could not be read.

    Parameters
    ----------
    gpus : sequence of int, optional
        NVML's numbers (those of ``nvidia-smi``); by default those in ``CUDA_VISIBLE_DEVICES``, or all.
    library : module, optional
        In the place of ``pynvml``.

    Raises
    ------
    EnergyError
        A GPU was asked for by a number that does not exist.
    """
    if gpus is not None and not len(gpus):
        return [], []
    try:
        library = library or _library()
        library.nvmlInit()
    except ImportError:
        return [], ["NVML: the package nvidia-ml-py is not installed; NVIDIA GPUs are not counted."]
    except Exception as error:  # noqa: BLE001  # pynvml's errors, and OSError where the library is missing
        return [], [f"NVML: no NVIDIA driver answers ({error})."]
    number = library.nvmlDeviceGetCount()
    if wrong := [index for index in gpus or () if not 0 <= index < number]:
        raise EnergyError(f"gpus has {wrong[0]}; this machine has {number} NVIDIA GPUs, counted from 0.")
    found = [_card(library, index) for index in (visible(library, number) if gpus is None else gpus)]
    notes = [f"NVML: GPU {index} tells neither energy nor power." for index, card in found if card is None]
    return [card for _, card in found if card is not None], notes


def visible(library: Any, number: int) -> list[int]:
    """Return the numbers of the GPUs that CUDA may use: by number or by the beginning of a UUID, as CUDA reads them."""
    said = os.environ.get(VISIBLE)
    if said is None:
        return list(range(number))
    uuids = [_uuid(library, index) for index in range(number)]
    chosen: list[int] = []
    for entry in filter(None, map(str.strip, said.split(","))):
        matching = [int(entry)] if entry.isdigit() else [i for i, uuid in enumerate(uuids) if uuid.startswith(entry)]
        if not matching or matching[0] >= number:
            break  # CUDA stops at the first entry that it does not know
        chosen.append(matching[0])
    return list(dict.fromkeys(chosen))


def _uuid(library: Any, index: int) -> str:
    uuid = library.nvmlDeviceGetUUID(library.nvmlDeviceGetHandleByIndex(index))
    return uuid.decode() if isinstance(uuid, bytes) else uuid


def _card(library: Any, index: int) -> tuple[int, Counter | Sampled | None]:
    """Return the best that a card offers, with its number."""
    handle, name = library.nvmlDeviceGetHandleByIndex(index), f"gpu {index}"

    def counted() -> int:
        return _ask(library, library.nvmlDeviceGetTotalEnergyConsumption, handle)

    def power() -> float:
        return _ask(library, library.nvmlDeviceGetPowerUsage, handle) / 1e3

    def limited() -> float:
        limit = _ask(library, library.nvmlDeviceGetEnforcedPowerLimit, handle) / 1e3
        return limit * _ask(library, library.nvmlDeviceGetUtilizationRates, handle).gpu / 100

    choices: tuple[Callable[[], Counter | Sampled], ...] = (
        lambda: Counter(name, counted),
        lambda: Sampled(name, power, "NVML power, sampled", MEASURED),
        lambda: Sampled(name, limited, f"{ESTIMATE}: GPU power limit x utilization", ESTIMATE),
    )
    for choice in choices:
        try:
            return index, choice()
        except OSError:
            continue
    return index, None


def _ask(library: Any, question: Callable[[Any], Any], handle: Any) -> Any:
    """Ask the driver; its refusals become OSError, as for every other source."""
    try:
        return question(handle)
    except library.NVMLError as error:
        raise OSError(f"NVML: {error}") from None


def _library() -> Any:
    import pynvml

    return pynvml
