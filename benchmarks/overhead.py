"""What a step costs beside the arithmetic: a model so small that its own work is next to nothing."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import peers

STEPS, BATCH, EPOCHS = 1000, 64, 4
RNG = np.random.default_rng(0)
X = RNG.normal(size=(STEPS * BATCH, 4)).astype(np.float32)
Y = (X.sum(1) > 0).astype(np.int64)


def bare() -> list[float]:
    """Train with a plain torch loop."""
    import torch

    x, y = torch.from_numpy(X), torch.from_numpy(Y)

    def batches() -> Iterator[Any]:
        for index in torch.randperm(len(x)).split(BATCH):
            yield x[index], y[index]

    torch.manual_seed(0)
    return peers.plain_epochs("", EPOCHS, batches, model=torch.nn.Linear(4, 2))


def fit() -> list[float]:
    """Train with ``fit`` on torch."""
    import torch
    from gpulab.train import fit

    torch.manual_seed(0)
    return fit(torch.nn.Linear(4, 2), (X, Y), epochs=EPOCHS, batch_size=BATCH, verbose=False)["seconds"]


def _keras_model() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


def keras() -> list[float]:
    """Train with plain Keras ``fit``."""
    import keras

    seconds: list[float] = []
    state = {"start": 0.0}
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: state.update(start=time.perf_counter()),
        on_epoch_end=lambda epoch, logs: seconds.append(time.perf_counter() - state["start"]),
    )
    model = _keras_model()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, jit_compile=False)
    model.fit(X, Y, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[clock])
    return seconds


def fit_keras() -> list[float]:
    """Train with ``fit`` on Keras."""
    from gpulab.train import fit

    return fit(_keras_model(), (X, Y), epochs=EPOCHS, batch_size=BATCH, verbose=False)["seconds"]


LOOPS: dict[str, Callable[[], list[float]]] = {"bare torch": bare, "fit": fit, "keras": keras, "fit-keras": fit_keras}


def microseconds(name: str) -> float:
    """Return the time of a step, the median of the epochs after the first."""
    return statistics.median(LOOPS[name]()[1:]) / STEPS * 1e6
