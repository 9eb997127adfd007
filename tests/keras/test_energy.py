"""A meter beside ``fit`` on a Keras model."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import keras
import numpy as np

from gpulab.energy import Meter
from gpulab.train import Callback, fit


def test_a_run_and_its_epochs_are_measured() -> None:
    looks = itertools.count(1)  # a machine that uses one joule between two looks at it
    source = SimpleNamespace(name="cpu", source="counter", kind="measured", joules=lambda: float(next(looks)))
    callback = Meter(every=3600.0, find=lambda: ([source], [])).callback(Callback)
    x = np.random.default_rng(0).standard_normal((32, 4), dtype=np.float32)
    y = (x.sum(1) > 0).astype(np.int64)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    fit(model, (x, y), epochs=2, batch_size=16, callbacks=[callback])
    assert [epoch.joules for epoch in callback.epochs] == [1.0, 1.0]
    assert callback.energy.joules == 3.0
    assert not callback.meter.running
