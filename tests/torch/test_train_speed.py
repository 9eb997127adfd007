"""What makes training fast changes nothing else: memory that is kept, images channels last, one kernel for all weights.

Counts and layouts are tested here, never times: those are measured in ``benchmarks/``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from gpulab.train import evaluate, fit, layout, memory, predict, shift

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 50)
X = (RNG.normal(size=(50, 6, 6, 2)) + Y[:, None, None, None]).astype(np.float32)
IMAGES, LABELS = torch.from_numpy(X).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(Y)
on_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")
on_glibc = pytest.mark.skipif(memory._glibc() is None, reason="this system's C library is not glibc")


class Seen(nn.Module):
    """Pass images on, and note how they lie in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.last: list[bool] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.last.append(x.is_contiguous(memory_format=torch.channels_last))
        return x


class View(nn.Module):
    """Flatten as many models do, which only works channels first."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(len(x), -1)


def cnn(flatten: nn.Module | None = None) -> nn.Sequential:
    """Return a small network for 6 x 6 images of two channels."""
    torch.manual_seed(0)
    layers = [Seen(), nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2), flatten or nn.Flatten(), nn.Linear(16, 3)]
    return nn.Sequential(*layers)


def data_of(kind: str) -> Any:
    """Return the same data in one of the kinds that fit takes."""
    dataset = TensorDataset(IMAGES, LABELS)
    loader = DataLoader(dataset, batch_size=16)
    return {"arrays": (X, Y), "tensors": (IMAGES, LABELS), "dataset": dataset, "loader": loader}[kind]


# --- channels last ----------------------------------------------------------------------------------------------------


@on_onednn
@pytest.mark.parametrize("augment", [None, shift(1)])
@pytest.mark.parametrize("kind", ["arrays", "tensors", "dataset", "loader"])
def test_a_network_with_convolutions_gets_its_images_channels_last(kind: str, augment: Any) -> None:
    model = cnn()
    fit(model, data_of(kind), data_of(kind), epochs=1, batch_size=16, augment=augment)
    evaluate(model, data_of(kind))
    predict(model, IMAGES if kind == "tensors" else X)
    assert len(model[0].last) > 9 and all(model[0].last)
    assert IMAGES.is_contiguous(), "the learner's own tensors stay as they are"


def test_the_order_in_memory_changes_nothing_but_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> tuple[list[float], np.ndarray]:
        model = cnn()
        return fit(model, (X, Y), epochs=3, batch_size=16, seed=1)["loss"], predict(model, X)

    losses, outputs = run()
    monkeypatch.setattr(layout, "pays", lambda *_: False)
    first_losses, first_outputs = run()
    assert losses == pytest.approx(first_losses, rel=1e-4)
    np.testing.assert_allclose(outputs, first_outputs, atol=1e-4)


@pytest.mark.parametrize("kind", ["arrays", "tensors", "dataset", "loader"])
def test_a_model_that_takes_images_channels_first_only_gets_them_so(kind: str) -> None:
    model = cnn(View())
    history = fit(model, data_of(kind), data_of(kind), epochs=3, batch_size=16, lr=1e-2)
    assert history["loss"][-1] < history["loss"][0]
    evaluate(model, data_of(kind))
    predict(model, IMAGES if kind == "tensors" else X)
    assert not model[0].last[-1]


def test_a_network_without_convolutions_gets_its_images_as_ever() -> None:
    model = nn.Sequential(seen := Seen(), View(), nn.Linear(72, 3))
    fit(model, (X, Y), epochs=1)
    predict(model, X)
    assert seen.last and not any(seen.last)


def test_the_parameters_stay_where_and_how_they_were() -> None:
    model = cnn()
    before = [(parameter.data_ptr(), parameter.stride()) for parameter in model.parameters()]
    fit(model, (X, Y), epochs=1)
    assert [(parameter.data_ptr(), parameter.stride()) for parameter in model.parameters()] == before


def test_a_loaders_own_order_is_not_disturbed() -> None:
    class Counted(DataLoader):
        read = 0

        def __iter__(self) -> Any:
            self.read += 1
            return super().__iter__()

    loader = Counted(TensorDataset(IMAGES, LABELS), batch_size=16, shuffle=True)
    fit(cnn(), loader, epochs=2)
    assert loader.read == 3, "once to try the model, and once an epoch: each time draws an order"


def test_where_channels_last_pays() -> None:
    cpu, cuda, mps = (torch.device(name) for name in ("cpu", "cuda", "mps"))
    assert layout.pays(cnn(), cpu, "fp32") == torch.backends.mkldnn.is_available()
    assert layout.pays(cnn(), cuda, "bf16") and not layout.pays(cnn(), cuda, "fp32")
    assert not layout.pays(cnn(), mps, "fp32") and not layout.pays(nn.Linear(2, 2), cuda, "bf16")


def test_channels_last_keeps_the_numbers() -> None:
    for channels in (1, 2):
        images = torch.rand(3, channels, 4, 5)
        turned = layout.channels_last(images)
        assert torch.equal(turned, images) and turned.stride() == (20 * channels, 1, 5 * channels, channels)
        assert layout.channels_last(turned) is turned
    assert layout.channels_last(rows := torch.rand(3, 4)) is rows


# --- one kernel for all weights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_the_fused_optimizer_takes_the_steps_of_the_plain_one(name: str) -> None:
    plain = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
    decay = {"weight_decay": 0.1} if name == "adamw" else {}
    ways: list[dict[str, Any]] = [
        {"optimizer": name, "lr": 1e-2, **decay},
        {"optimizer": lambda parameters: plain(parameters, lr=1e-2, foreach=False, **decay)},
    ]
    found = []
    for way in ways:
        model = cnn()
        fit(model, (X, Y), epochs=3, batch_size=16, **way)
        found.append(nn.utils.parameters_to_vector(model.parameters()).detach().numpy())
    np.testing.assert_allclose(*found, atol=1e-5)


def test_no_step_looks_for_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(*_: Any) -> None:
        raise AssertionError("a step looked for a package on the disk")

    monkeypatch.setattr("accelerate.optimizer.is_lomo_available", look)
    fit(cnn(), (X, Y), epochs=1, accumulate=2, clip=1.0)


# --- memory that is kept ----------------------------------------------------------------------------------------------

FAULTS = """
import resource, sys
import numpy as np
from gpulab.models import reference_cnn
from gpulab.train import Callback, fit, memory

class Count(Callback):
    def __init__(self):
        self.faults = []
    def on_step(self, run):
        self.faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)

images, count = np.zeros((1280, 28, 28, 1), np.float32), Count()
fit(reference_cnn("torch"), (images, np.zeros(1280, int)), epochs=1, batch_size=128, callbacks=[count], verbose=False)
print(memory.keep_freed(), int(np.median(np.diff(count.faults)[3:])))
"""


def apart(code: str, **variables: str) -> list[str]:
    """Run code in a process of its own, because the allocator's settings are process-wide; return what it prints."""
    clean = {name: value for name, value in os.environ.items() if name not in {memory.SWITCH, *memory.THEIRS}}
    done = subprocess.run(
        [sys.executable, "-c", code], env=clean | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@on_glibc
def test_steps_use_memory_again_unless_that_is_switched_off() -> None:
    kept, faults = apart(FAULTS)
    assert kept == "True" and int(faults) < 50, "pages that the system had to hand out in a step"
    kept, faults = apart(FAULTS, GPULAB_KEEP_MEMORY="0")
    assert kept == "False" and int(faults) > 500


ASK = "from gpulab.train import memory; print(memory.keep_freed())"


@on_glibc
@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_settings_of_the_learners_own_stay(name: str) -> None:
    value = "glibc.malloc.trim_threshold=131072" if name == "GLIBC_TUNABLES" else "131072"
    assert apart(ASK) == ["True"] and apart(ASK, **{name: value}) == ["False"]


@on_glibc
def test_memory_goes_back_to_the_system_when_a_run_ends() -> None:
    code = """
import ctypes
from gpulab.train import memory
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6
blocks = []
with memory.kept_while():
    blocks = [ctypes.create_string_buffer(b"x" * 1_000_000) for _ in range(200)]
    del blocks
    inside = resident()
print(inside - resident() > 100)
"""
    assert apart(code) == ["True"]


def test_other_systems_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    memory._glibc.cache_clear()
    memory.keep_freed.cache_clear()
    try:
        monkeypatch.setattr(memory.sys, "platform", "darwin")
        assert not memory.keep_freed()
        with memory.kept_while():
            pass
    finally:
        memory._glibc.cache_clear()
        memory.keep_freed.cache_clear()
