"""Stopping a PyTorch run by hand, as the stop button of the live view does: after the step under way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gpulab.train import Callback, Checkpoint, History, Run, fit
from gpulab.train.callbacks import BY_HAND

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 50)
X = (RNG.normal(size=(50, 6, 6, 1)) + Y[:, None, None, None]).astype(np.float32)
STEPS = 4  # in an epoch


class StopAt(Callback):
    """Asks to stop at a step of the whole run."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, run: Run) -> None:
        if run.steps_done == self.step:
            run.stop(BY_HAND)


def trained(model: nn.Module, *callbacks: Callback, **more: Any) -> History:
    """Train for three epochs."""
    return fit(model, (X, Y), (X, Y), epochs=3, batch_size=16, callbacks=callbacks, **more)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 3))


def weights(model: nn.Module) -> list[float]:
    return torch.cat([tensor.flatten() for tensor in model.state_dict().values()]).tolist()


@pytest.mark.parametrize(("step", "rows", "share"), [(1, 1, 0.25), (STEPS, 1, 1), (STEPS + 3, 2, 0.75)])
def test_it_ends_after_the_step_and_the_history_has_what_was_done(step: int, rows: int, share: float) -> None:
    model = network()
    before = weights(model)
    history = trained(model, StopAt(step))
    assert (len(history), history.stopped) == (rows, BY_HAND)
    assert history.epochs[-1].get("share", 1) == share
    assert None not in history["valid_accuracy"] and np.isfinite(history["loss"]).all()
    assert weights(model) != before and history.samples_per_second > 0


@pytest.mark.parametrize("step", [2, STEPS, STEPS + 3])
def test_resumed_it_ends_with_the_bits_of_a_run_that_was_not_stopped(step: int, tmp_path: Path) -> None:
    whole = network()
    expected = trained(whole)
    trained(network(), StopAt(step), Checkpoint(tmp_path))
    resumed = network()
    history = trained(resumed, resume=tmp_path)
    assert weights(resumed) == weights(whole)
    assert history["loss"] == expected["loss"] and history.stopped == "" and "share" not in str(history.epochs)


def test_the_first_reason_is_kept() -> None:
    class Later(Callback):
        def on_epoch(self, run: Run) -> None:
            run.stop("another")

    assert trained(network(), StopAt(2), Later()).stopped == BY_HAND
