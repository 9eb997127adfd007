"""The arguments of a run that mean the same in both frameworks, checked once."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass, fields
from typing import Any

from gpulab.train import schedules
from gpulab.train.errors import TrainError, unknown

LOSSES = ("cross_entropy", "binary_cross_entropy", "mse")
OPTIMIZERS = ("sgd", "adam", "adamw")
PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
# A checkpoint continues the same run only if these are equal; if others differ, it goes on with a warning.
MUST_MATCH = ("framework", "model", "parameters", "optimizer", "seed", "batch_size", "samples")


@dataclass(frozen=True)
class Recipe:
    """How to train; the arguments of :func:`gpulab.train.fit` of the same names."""

    epochs: int
    batch_size: int
    optimizer: Any
    lr: float
    weight_decay: float
    loss: Any
    schedule: Any
    augment: Any
    device: str | None
    precision: str
    accumulate: int
    clip: float | None
    seed: int

    def __post_init__(self) -> None:
        """Check everything that needs no framework.

        Raises
        ------
        TrainError
            An argument is of the wrong kind or not known.
        """
        for name, least in (("epochs", 1), ("batch_size", 1), ("accumulate", 1), ("seed", 0)):
            self._set(name, check_count(name, getattr(self, name), least))
        self._set("lr", _check_number("lr", self.lr, above=True))
        self._set("weight_decay", _check_number("weight_decay", self.weight_decay))
        if self.clip is not None:
            self._set("clip", _check_number("clip", self.clip, above=True))
        for what, known in (("loss", LOSSES), ("optimizer", OPTIMIZERS), ("precision", PRECISIONS)):
            name = getattr(self, what)
            if name is None or (isinstance(name, str) and name not in known):
                raise unknown(what, name, known)
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        if not isinstance(self.loss, str) and not callable(self.loss):
            raise TrainError(f"loss={self.loss!r}: expected a name ({', '.join(LOSSES)}) or a function (outputs, y).")
        if self.weight_decay and self.optimizer != "adamw":
            raise TrainError(
                f"weight_decay={self.weight_decay} goes with optimizer='adamw', where it means the same in both "
                "frameworks. For another optimizer, give one that you made yourself."
            )
        if self.augment is not None and not (callable(self.augment) or hasattr(self.augment, "apply")):
            raise TrainError(f"augment={self.augment!r}: expected shift(pixels) or a function of a batch of inputs.")
        if self.accumulate > self.batch_size:
            raise TrainError(
                f"accumulate={self.accumulate} pieces of a batch of {self.batch_size}: some would be empty."
            )
        schedules.find(self.schedule)

    def _set(self, name: str, value: float) -> None:
        """Put a plain number in the place of one of NumPy's."""
        object.__setattr__(self, name, value)

    def check_device(self, kind: str, *, has_tf32: bool) -> None:
        """Refuse a precision that the device does not have.

        Raises
        ------
        TrainError
            With the reason.
        """
        if self.precision == "fp16" and kind == "cpu":
            raise TrainError(
                "precision='fp16' on a CPU: it has no fast fp16 arithmetic, and gradients below 6e-8 become 0 without "
                "the loss scaling that works on GPUs. Use 'bf16' or 'fp32'."
            )
        if self.precision == "tf32" and not has_tf32:
            raise TrainError(
                f"precision='tf32' needs an NVIDIA card of the Ampere family or later; here is {kind}. Use 'fp32'."
            )

    def rate(self, step: int, total: int) -> float:
        """Return the schedule's factor of the learning rate at a step (from 0) of so many.

        Raises
        ------
        TrainError
            The schedule returns something else than a finite number.
        """
        schedule = schedules.SCHEDULES[self.schedule] if isinstance(self.schedule, str) else self.schedule
        factor = schedule(step, total)
        try:
            good = math.isfinite(factor)
        except TypeError:
            good = False
        if not good:
            raise TrainError(f"The schedule returns {factor!r} at step {step} of {total}; expected a finite number.")
        return float(factor)

    def settings(self) -> dict[str, Any]:
        """Return the arguments as plain data, for the history."""
        return {field.name: _name(getattr(self, field.name)) for field in fields(self)}


def check_count(name: str, value: Any, least: int) -> int:
    """Return a whole number as an int; refuse anything else, and what is below so much."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise TrainError(f"{name}={value!r}: expected a whole number, at least {least}.")
    return int(value)


def _check_number(name: str, value: Any, *, above: bool = False) -> float:
    good = isinstance(value, numbers.Real) and math.isfinite(value) and (value > 0 if above else value >= 0)
    if not good:
        raise TrainError(f"{name}={value!r}: expected a finite number {'above' if above else 'of at least'} 0.")
    return value if isinstance(value, int | float) else float(value)


def _name(value: Any) -> Any:
    """Return a plain value as it is, an instance of a data class as written, and anything else by its name."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "__dataclass_fields__"):
        return repr(value)
    return getattr(value, "__name__", type(value).__name__)


def compare(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Compare the settings of a checkpoint with those of the run that resumes it.

    Returns
    -------
    list of str
        What differs but does not keep the run from going on.

    Raises
    ------
    TrainError
        It would be another run.
    """
    differing = {key: (before.get(key), now.get(key)) for key in {**before, **now} if before.get(key) != now.get(key)}
    said = [f"{key}: {old!r} then, {new!r} now" for key, (old, new) in differing.items() if key in MUST_MATCH]
    if said:
        raise TrainError(
            f"The checkpoint is of another run. {'; '.join(said)}. Use the same settings, or leave resume out."
        )
    return [f"{key}: {old!r} then, {new!r} now" for key, (old, new) in differing.items()]
