"""A meter beside ``fit`` on a torch module: the run, its epochs, and a run that is resumed."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from torch import nn

from gpulab.energy import Meter
from gpulab.train import Callback, Checkpoint, fit

X = np.random.default_rng(0).standard_normal((64, 4), dtype=np.float32)
Y = (X.sum(1) > 0).astype(np.int64)


def counting() -> Meter:
    """Return a meter of a machine that uses one joule between two looks at it."""
    looks = itertools.count(1)
    source = SimpleNamespace(name="cpu", source="counter", kind="measured", joules=lambda: float(next(looks)))
    return Meter(every=3600.0, find=lambda: ([source], []))


def train(callbacks: list[Any], epochs: int = 3, **others: Any) -> Any:
    """Train a small model."""
    return fit(nn.Linear(4, 2), (X, Y), epochs=epochs, batch_size=16, device="cpu", callbacks=callbacks, **others)


def test_a_run_and_its_epochs_are_measured() -> None:
    callback = counting().callback(Callback)
    train([callback])
    assert [epoch.joules for epoch in callback.epochs] == [1.0, 1.0, 1.0]
    assert callback.energy.joules == 4.0  # and one look at the end
    assert not callback.meter.running


def test_a_block_around_fit_measures_it_too() -> None:
    with Meter() as meter:
        train([])
    assert meter.energy.joules > 0
    assert meter.energy.seconds > 0


def test_a_run_that_fails_stops_the_meter() -> None:
    class Break(Callback):
        def on_epoch(self, run: Any) -> None:
            raise RuntimeError("broken")

    callback = counting().callback(Callback)
    with pytest.raises(RuntimeError, match="broken"):
        train([callback, Break()])
    assert not callback.meter.running
    assert callback.energy.joules == 2.0


def test_a_resumed_run_goes_on_counting(tmp_path: Path) -> None:
    class Break(Callback):
        def on_epoch(self, run: Any) -> None:
            if run.history.epochs[-1]["epoch"] == 2:
                raise KeyboardInterrupt

    first = counting().callback(Callback)
    with pytest.raises(KeyboardInterrupt):
        train([first, Checkpoint(tmp_path), Break()])
    second = counting().callback(Callback)
    train([second, Checkpoint(tmp_path)], resume=tmp_path)
    assert len(second.epochs) == 3
    assert second.energy.joules > sum(epoch.joules for epoch in second.epochs[-1:])
    assert second.energy.joules >= sum(epoch.joules for epoch in second.epochs)


def test_measuring_does_not_change_what_is_learned() -> None:
    plain, measured = train([], seed=1), train([counting().callback(Callback)], seed=1)
    assert len(plain) == len(measured) == 3
