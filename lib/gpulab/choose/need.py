"""What is to be run, what limits it, and what it may cost: the questions that a choice answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gpulab.choose.errors import ChooseError
from gpulab.choose.ready import READY, load
from gpulab.estimate import EstimateError, Workload
from gpulab.estimate.device_model import PRECISIONS
from gpulab.hardware import Device, HardwareError, device

SIXTEEN = "16-bit"  # fp16 where a device has it, else bf16
SOFTWARE = ("cuda", "rocm", "metal", "xpu", "xla", "cpu")
FIRST_WORDS = {"CUDA": "cuda", "ROCm": "rocm", "MPS": "metal", "Intel": "xpu", "XLA": "xla", "CPU,": "cpu"}
MODES = ("train", "infer")
NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Need:
    """A workload.

    Attributes
    ----------
    model : str or Workload
        One of ``gpulab.choose.READY``, a model that ``gpulab.estimate`` knows, or a traced workload.
    batch : int, optional
        Samples in a step; that of the ready-made workload if left out.
    precision : str
        ``"16-bit"`` (mixed precision: fp16, or bf16 on devices that have only that), or one of ``"fp32"``, ``"tf32"``,
        ``"fp16"``, ``"bf16"``.
    mode : {"train", "infer"}
    samples : float, optional
        How many to process; a whole training, or the answers, of the ready-made workload if left out.
    host_samples_per_s : float, optional
        How many samples the rest of the computer delivers in a second: a simulator, or the loading of data.
    channels_last : bool or None
        How images lie in memory; ``None`` if that is open.
    """

    model: str | Workload = "resnet50"
    batch: int | None = None
    precision: str = SIXTEEN
    mode: str = "train"
    samples: float | None = None
    host_samples_per_s: float | None = None
    channels_last: bool | None = True

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.precision not in (SIXTEEN, *PRECISIONS):
            raise ChooseError(f"no precision {self.precision!r}. There are: {', '.join((SIXTEEN, *PRECISIONS))}")
        if self.mode not in MODES:
            raise ChooseError(f"mode is train or infer, not {self.mode!r}")
        if self.batch is not None and (isinstance(self.batch, bool) or self.batch != int(self.batch) or self.batch < 1):
            raise ChooseError(f"a batch has a whole number of samples, at least one, not {self.batch!r}")
        for name in ("samples", "host_samples_per_s"):
            positive(name, getattr(self, name))

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.model if isinstance(self.model, Workload) else self.model

    @property
    def steps_of(self) -> int:
        """Samples in a step."""
        ready = READY.get(self.name)
        default = (ready.batch if self.mode == "train" else ready.infer_batch) if ready else 8
        return int(self.batch) if self.batch is not None else default

    @property
    def amount(self) -> float:
        """Samples to process.

        Raises
        ------
        ChooseError
            Nobody said how many, and the model is no ready-made workload.
        """
        if self.samples is not None:
            return self.samples
        if self.name not in READY:
            asked = "how many samples are to be processed?"
            raise ChooseError(f"{asked} {self.name} is no ready-made workload: give samples")
        ready = READY[self.name]
        return ready.samples if self.mode == "train" else ready.served

    def workload(self) -> Workload:
        """Return the counted step at the batch size of the need."""
        half = self.precision not in ("fp32", "tf32")
        work = self.model if isinstance(self.model, Workload) else load(self.model, half, self.mode)
        if work.half != half:
            traced = f"{work.model} was traced in {16 if work.half else 32} bits"
            raise ChooseError(f"{traced}, and {self.precision} was asked for")
        try:
            return work.with_batch(self.steps_of)
        except EstimateError as error:
            raise ChooseError(str(error)) from None


@dataclass(frozen=True)
class Limits:
    """What a device must keep to; ``None`` and empty mean no limit.

    Attributes
    ----------
    budget_usd : float, optional
        For all of it: the card and its electricity, or the rent.
    power_w : float, optional
        The highest design power, for the power supply and the cooling.
    memory_gb : float, optional
        The least memory, beyond what the workload needs itself.
    software : tuple of str
        Any of ``"cuda"``, ``"rocm"``, ``"metal"``, ``"xpu"`` (Intel's oneAPI), ``"xla"``, ``"cpu"``.
    hours : float, optional
        How long the whole may take.
    latency_ms : float, optional
        How long one step may take.
    kinds : tuple of str
        Any of ``"consumer"``, ``"workstation"``, ``"datacenter"``, ``"integrated"``, ``"tpu"``, ``"cpu"``.
    """

    budget_usd: float | None = None
    power_w: float | None = None
    memory_gb: float | None = None
    software: tuple[str, ...] = ()
    hours: float | None = None
    latency_ms: float | None = None
    kinds: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        for name in ("budget_usd", "power_w", "memory_gb", "hours", "latency_ms"):
            positive(name, getattr(self, name))
        if isinstance(self.software, str) or isinstance(self.kinds, str):
            raise ChooseError('software and kinds are tuples, such as ("cuda",)')
        if wrong := [each for each in self.software if each not in SOFTWARE]:
            raise ChooseError(f"no software {wrong[0]!r}. There is: {', '.join(SOFTWARE)}")
        known = ("consumer", "workstation", "datacenter", "integrated", "tpu", "cpu")
        if wrong := [each for each in self.kinds if each not in known]:
            raise ChooseError(f"no kind {wrong[0]!r}. There are: {', '.join(known)}")


@dataclass(frozen=True)
class Money:
    """Prices: yours, else the launch price with its year. Nothing is guessed.

    Attributes
    ----------
    rent : bool
        Rent by the hour; otherwise buy.
    prices : mapping of str to float
        Your own prices in US dollars, by the device's id.
    rates : mapping of str to float
        Your own rents in US dollars an hour, by the device's id.
    electricity : float, optional
        US dollars for a kWh; without it, electricity is counted in kWh only.
    """

    rent: bool = False
    prices: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    electricity: float | None = None

    def __post_init__(self) -> None:
        """Refuse unknown devices and amounts that are none."""
        for name, amount in [*self.prices.items(), *self.rates.items()]:
            try:
                device(name)
            except HardwareError as error:
                raise ChooseError(str(error)) from None
            positive(f"the price of {name}", amount)
        positive("electricity", self.electricity)
        if self.rent and not self.rates:
            raise ChooseError('renting needs your rates, such as rates={"h100-sxm": 2.5}: the catalog has none')


def positive(name: str, number: float | None) -> None:
    """Refuse a number that is not above 0 and finite; ``None`` passes."""
    if number is None:
        return
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < math.inf:
        raise ChooseError(f"{name} is {number!r}; expected a number above 0")


def software(each: Device) -> str:
    """Return which of ``SOFTWARE`` programs a device.

    Examples
    --------
    >>> software(device("rx-7900-xtx")), software(device("apple-m1"))
    ('rocm', 'metal')
    """
    return FIRST_WORDS[each.software.split()[0]]
