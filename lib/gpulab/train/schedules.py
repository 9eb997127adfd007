"""How the learning rate changes: functions of the step that both frameworks use, so the numbers are the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from gpulab.train.errors import TrainError, unknown

Schedule = Callable[[int, int], float]

WARM_UP = 0.3  # share of the steps
START = 1 / 25  # of the highest rate
END = START / 1e4


def constant(step: int, total: int) -> float:
    """Keep the learning rate."""
    return 1.0


def cosine(step: int, total: int) -> float:
    """Fall from the full rate to zero along half a cosine.

    Examples
    --------
    >>> [round(cosine(step, 4), 3) for step in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """
    return (1 + math.cos(math.pi * step / max(total, 1))) / 2


def one_cycle(step: int, total: int) -> float:
    """Warm up from a 25th of the rate during the first 30 % of the steps, then fall to almost zero.

    ``lr`` is the highest rate. Both parts follow half a cosine, as in Smith and Topin's super-convergence.

    Examples
    --------
    >>> [round(one_cycle(step, 10), 2) for step in range(10)]
    [0.04, 0.52, 1.0, 0.95, 0.81, 0.61, 0.39, 0.19, 0.05, 0.0]
    """
    if total == 1:
        return 1.0
    top, last = WARM_UP * total - 1, total - 1
    if step <= top:
        return _between(START, 1.0, step / top)
    return _between(1.0, END, min(1.0, (step - top) / max(last - top, 1e-12)))


def _between(start: float, end: float, share: float) -> float:
    """Go from start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


SCHEDULES: Mapping[str, Schedule] = {"constant": constant, "cosine": cosine, "one_cycle": one_cycle}


def find(schedule: str | Schedule) -> Schedule:
    """Return a schedule by name, or the caller's own function of (step, total steps).

    Raises
    ------
    TrainError
        The name is not known, or the function does not return a number.
    """
    if not callable(schedule):
        if not isinstance(schedule, str) or schedule not in SCHEDULES:
            raise unknown("schedule", schedule, SCHEDULES)
        return SCHEDULES[schedule]
    try:
        float(schedule(0, 1))
    except Exception as error:
        raise TrainError(
            f"The schedule must be a function (step, total) -> number; calling it failed: {error}"
        ) from error
    return schedule
