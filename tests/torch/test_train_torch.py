"""Training in PyTorch: it learns, it is repeatable, and it says what is wrong."""

from __future__ import annotations

import errno
import math
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from gpulab.train import (
    Callback,
    Checkpoint,
    EarlyStopping,
    History,
    TrainError,
    batches,
    checkpoint,
    evaluate,
    fit,
    predict,
    schedules,
    shift,
    torch_fit,
    torch_setup,
)

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 50)
X = (RNG.normal(size=(50, 6, 6, 1)) + Y[:, None, None, None]).astype(np.float32)


def cnn(seed: int = 0, dropout: float = 0.0) -> nn.Sequential:
    """A tiny network for 6 x 6 images in 3 classes."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(64, 3))


def weights(model: nn.Module) -> np.ndarray:
    """All weights in one row."""
    return torch.cat([tensor.detach().flatten().float() for tensor in model.state_dict().values()]).numpy()


def trained(model: nn.Module | None = None, data: Any = (X, Y), **more: Any) -> tuple[nn.Module, History]:
    """Train a little."""
    model = model or cnn()
    return model, fit(model, data, **{"epochs": 2, "batch_size": 16, **more})


def test_it_learns_and_reports() -> None:
    model, history = trained(valid=(X, Y), epochs=10, lr=1e-2)
    assert history["loss"][-1] < history["loss"][0] / 2 and history["valid_accuracy"][-1] > 0.9
    assert history["epoch"] == list(range(1, 11)) and history["learning_rate"][-1] == 1e-2
    assert history.samples_per_second > 0 and history.peak_memory_mb > 0 and history.settings["parameters"] == 235
    found = evaluate(model, (X, Y))
    assert found["accuracy"] == pytest.approx(history["valid_accuracy"][-1])
    assert found["loss"] == pytest.approx(history["valid_loss"][-1], rel=1e-5)
    assert predict(model, X, batch_size=7).argmax(1).tolist() == predict(model, X).argmax(1).tolist()
    assert (predict(model, X).argmax(1) == Y).mean() == pytest.approx(found["accuracy"])


def test_one_step_is_the_step_written_by_hand() -> None:
    model, by_hand = cnn(), cnn()
    fit(model, (X, Y), epochs=1, batch_size=50, optimizer="sgd", lr=0.1)
    images = torch.from_numpy(X).permute(0, 3, 1, 2)
    nn.functional.cross_entropy(by_hand(images), torch.from_numpy(Y)).backward()
    with torch.no_grad():
        for parameter in by_hand.parameters():
            parameter -= 0.1 * parameter.grad
    np.testing.assert_allclose(weights(model), weights(by_hand), atol=1e-6)


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    first, second, third = (trained(cnn(dropout=0.5), seed=seed, augment=shift(1))[0] for seed in (0, 0, 1))
    assert (weights(first) == weights(second)).all() and (weights(first) != weights(third)).any()


def test_the_learners_random_numbers_are_left_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    model = cnn()
    torch.manual_seed(5)
    fit(model, (X, Y), epochs=1)
    assert torch.equal(torch.rand(1), expected)


def test_pieces_of_a_batch_give_the_gradient_of_the_whole() -> None:
    whole, pieces = trained()[0], trained(accumulate=3)[0]  # 16 and the last batch's 2 cannot be divided by 3
    np.testing.assert_allclose(weights(whole), weights(pieces), atol=1e-5)


class Items(Dataset):
    """A Dataset that is not a TensorDataset."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(X[index]).permute(2, 0, 1), int(Y[index])


def test_every_kind_of_data_gives_the_same_weights() -> None:
    from gpulab.data import Split

    images, labels = torch.from_numpy(X).permute(0, 3, 1, 2), torch.from_numpy(Y)
    expected = weights(trained()[0])
    for data in (
        Split(X, Y),
        (images, labels),
        TensorDataset(images, labels),
        Items(),
        [X.astype(np.float64), Y.tolist()],
    ):
        np.testing.assert_allclose(weights(trained(data=data)[0]), expected, atol=1e-6)


def test_arrays_that_run_backward_are_taken() -> None:
    model, x = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3)
    for turned in (x[..., ::-1], x[::-1], x[:, ::-1]):
        assert np.array_equal(predict(model, turned), predict(model, turned.copy()))


def test_a_data_loader_keeps_its_own_batches() -> None:
    loader = DataLoader(Items(), batch_size=25)
    by_loader, history = trained(data=loader, valid=loader, epochs=1)
    assert (weights(by_loader) != weights(cnn())).any() and history["valid_loss"][0] is not None


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_every_optimizer_learns(optimizer: str) -> None:
    _, history = trained(optimizer=optimizer, lr=1e-2, epochs=4, weight_decay=0.01 if optimizer == "adamw" else 0.0)
    assert history["loss"][-1] < history["loss"][0]


def test_an_optimizer_of_ones_own_and_its_groups_keep_their_rates() -> None:
    model = cnn()
    own = torch.optim.SGD([{"params": model[0].parameters(), "lr": 0.1}, {"params": model[4].parameters(), "lr": 0.01}])
    history = fit(model, (X, Y), epochs=1, optimizer=own, schedule="cosine")
    assert [group["lr"] for group in own.param_groups] == [0.1, 0.01] and history.settings["lr"] == 0.1
    fit(model, (X, Y), epochs=1, optimizer=lambda parameters: torch.optim.SGD(parameters, 0.1))


def test_one_cycle_has_the_numbers_of_torch() -> None:
    total = 20
    own = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(own, max_lr=1.0, total_steps=total)
    for step in range(total):
        assert schedules.one_cycle(step, total) == pytest.approx(own.param_groups[0]["lr"], abs=1e-6)
        own.step()
        if step < total - 1:
            theirs.step()


def test_the_gradient_is_clipped() -> None:
    model, before = cnn(), weights(cnn())
    fit(model, (X * 100, Y), epochs=1, batch_size=50, optimizer=lambda p: torch.optim.SGD(p, 1.0), clip=0.01)
    assert np.linalg.norm(weights(model) - before) == pytest.approx(0.01, rel=1e-3)


def test_shift_moves_tensors_as_it_moves_arrays() -> None:
    moves = shift(2).draw(np.random.default_rng(1), len(X))
    by_torch = shift(2).apply(torch.from_numpy(X).permute(0, 3, 1, 2), moves).permute(0, 2, 3, 1).numpy()
    assert (by_torch == shift(2).apply(X, moves)).all() and (by_torch != X).any()


def test_two_fits_with_different_precision_leave_a_plain_model() -> None:
    model = cnn()
    forward = nn.Sequential.forward
    for precision in ("bf16", "fp32", "bf16"):
        _, history = trained(model, precision=precision)
        assert math.isfinite(history["loss"][-1]) and history.settings["precision"] == precision
        assert type(model) is nn.Sequential and model.forward.__func__ is forward and model.training
        assert all(parameter.dtype == torch.float32 and parameter.grad is None for parameter in model.parameters())
    assert predict(model, X).dtype == np.float32


def test_bf16_computes_in_bf16() -> None:
    seen = []
    model = cnn()
    model[1].register_forward_hook(lambda module, args, output: seen.append((module.training, output.dtype)))
    trained(model, precision="bf16", epochs=1)
    assert {dtype for training, dtype in seen if training} == {torch.bfloat16}


def test_the_model_keeps_its_mode() -> None:
    model = cnn()
    model[3].eval()
    trained(model, valid=(X, Y))
    evaluate(model, (X, Y))
    predict(model, X)
    assert [module.training for module in model] == [True, True, True, False, True]


def test_frozen_parameters_stay() -> None:
    model = cnn()
    model[0].requires_grad_(False)
    before = model[0].weight.clone()
    trained(model)
    assert torch.equal(model[0].weight, before)


def test_binary_and_regression_losses() -> None:
    flat = X.reshape(len(X), -1)
    _, history = trained(nn.Linear(36, 1), (flat, Y > 0), loss="binary_cross_entropy", lr=1e-2, epochs=30)
    assert history["accuracy"][-1] > 0.8
    _, history = trained(nn.Linear(36, 1), (flat, Y.astype(np.float32)), loss="mse", lr=1e-2, epochs=30)
    assert history["accuracy"] == [None] * 30 and history["loss"][-1] < history["loss"][0] / 2


def test_sequences_of_labels() -> None:
    model = nn.Sequential(nn.Embedding(5, 8), nn.Linear(8, 5))
    tokens = RNG.integers(0, 5, (40, 7))
    _, history = trained(model, (tokens, tokens), lr=5e-2, epochs=6)
    assert history["accuracy"][-1] > 0.9


def test_metrics_of_torchmetrics() -> None:
    import torchmetrics

    model = trained(epochs=6, lr=1e-2)[0]
    metric = torchmetrics.classification.MulticlassAccuracy(3, average="micro")
    found = evaluate(model, (X, Y), metrics={"theirs": metric}, batch_size=7)
    assert found["theirs"] == pytest.approx(found["accuracy"])


def test_early_stopping_ends_the_run_with_its_best_weights() -> None:
    noise = np.roll(Y, 1)  # wrong labels: validation gets worse
    model, history = trained(valid=(X, noise), epochs=40, lr=1e-2, callbacks=[EarlyStopping(patience=2)])
    assert len(history) < 40 and "did not improve" in history.stopped
    assert evaluate(model, (X, noise))["loss"] == pytest.approx(min(history["valid_loss"]), rel=1e-4)


# --- interrupted and resumed ------------------------------------------------------------------------------------------


class StopAt(Callback):
    """Do as Ctrl-C does after so many steps."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, run: Any) -> None:
        if run.steps_done == self.step:
            raise KeyboardInterrupt


RECIPE = {"epochs": 3, "lr": 1e-2, "schedule": "one_cycle", "augment": shift(1), "valid": (X, Y)}


@pytest.mark.parametrize("step", [1, 4, 6, 11])  # 4 steps an epoch
def test_interrupted_at_any_step_it_resumes_to_the_same_bits(tmp_path: Path, step: int) -> None:
    whole, history = trained(cnn(dropout=0.3), **RECIPE, callbacks=[EarlyStopping(patience=9)])
    model = cnn(dropout=0.3)
    with pytest.raises(KeyboardInterrupt):
        trained(model, **RECIPE, callbacks=[EarlyStopping(patience=9), Checkpoint(tmp_path), StopAt(step)])
    assert (weights(model) != weights(cnn())).any(), "the model keeps what it learned"
    other = cnn(seed=7, dropout=0.3)
    resumed = trained(other, **RECIPE, callbacks=[EarlyStopping(patience=9)], resume=tmp_path)[1]
    assert (weights(other) == weights(whole)).all()
    for column in ("loss", "accuracy", "valid_loss", "valid_accuracy", "learning_rate"):
        assert resumed[column] == history[column], column


def test_a_run_that_is_done_resumes_to_itself(tmp_path: Path) -> None:
    whole, history = trained(callbacks=[Checkpoint(tmp_path)])
    again, resumed = trained(cnn(3), resume=tmp_path)
    assert resumed.seconds > 0
    assert (weights(again) == weights(whole)).all() and resumed["loss"] == history["loss"]


def test_resuming_another_run_is_refused(tmp_path: Path) -> None:
    trained(callbacks=[Checkpoint(tmp_path)])
    with pytest.raises(TrainError, match="another run.*seed: 0 then, 1 now"):
        trained(resume=tmp_path, seed=1)
    with pytest.raises(TrainError, match="another run.*parameters"):
        trained(nn.Sequential(nn.Flatten(), nn.Linear(36, 3)), resume=tmp_path)
    with pytest.raises(TrainError, match="There is no checkpoint"):
        trained(resume=tmp_path / "elsewhere")


def test_resuming_with_other_threads_warns(tmp_path: Path) -> None:
    trained(callbacks=[Checkpoint(tmp_path)])
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        with pytest.warns(UserWarning, match=f"threads: {before} then, {before + 1} now"):
            trained(resume=tmp_path)
    finally:
        torch.set_num_threads(before)


def test_a_tampered_checkpoint_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    trained(callbacks=[Checkpoint(tmp_path)])
    (state,) = tmp_path.glob("*.safetensors")
    state.write_bytes(state.read_bytes()[:-1] + b"x")
    model = cnn(4)
    with pytest.raises(TrainError, match="truncated or altered"):
        trained(model, resume=tmp_path)
    assert (weights(model) == weights(cnn(4))).all()


def test_a_full_disk_stops_with_the_earlier_checkpoint_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(callbacks=[Checkpoint(tmp_path)])
    before = checkpoint.read(tmp_path)

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "replace", refuse)
    with pytest.raises(TrainError, match="no space left.*earlier checkpoint there is untouched"):
        trained(callbacks=[Checkpoint(tmp_path)], seed=1)
    monkeypatch.undo()
    assert checkpoint.read(tmp_path) == before


# --- bad input ------------------------------------------------------------------------------------------------------


class Bad(nn.Module):
    """Gives NaN from some step on."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.calls = cnn(), 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += self.training
        return self.inner(x) * (math.nan if self.calls >= 6 else 1.0)


def test_a_loss_that_is_nan_is_named_with_its_step_and_the_good_checkpoint_stays(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"step 6 \(epoch 2\).*lr=0.001: try 0.0001.*clip"):
        trained(Bad(), epochs=3, callbacks=[Checkpoint(tmp_path, every=1)])
    assert checkpoint.read(tmp_path)[1]["epoch"] == 1 and checkpoint.read(tmp_path)[1]["step"] == 1


def test_broken_weights_are_not_saved(tmp_path: Path) -> None:
    class Break(Callback):
        def on_epoch(self, run: Any) -> None:
            run.model[4].bias.data.fill_(math.inf)

    with pytest.raises(TrainError, match="4.bias holds NaN or infinite weights"):
        trained(callbacks=[Break(), Checkpoint(tmp_path)])
    assert not list(tmp_path.glob("*.json"))


FROZEN = cnn().requires_grad_(False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": (X[:, :, :, 0], Y)}, r"cannot take a batch of shape \(2, 6, 6\)"),
        ({"data": (X.transpose(0, 3, 1, 2), Y)}, "channels last"),
        ({"data": (X, Y[:9])}, "50 inputs and 9 targets"),
        ({"data": (X, Y + 1)}, "labels go from 1 to 3.*can learn 0 to 2"),
        ({"data": (X, Y - 1)}, "labels go from -1"),
        ({"data": (X, Y.astype(np.float32))}, "targets are floats"),
        ({"data": (X * np.nan, Y)}, "NaN"),
        ({"data": (torch.full((4, 1, 6, 6), math.nan), torch.zeros(4).long())}, "NaN"),
        ({"data": (X[:0], Y[:0])}, "empty"),
        ({"data": TensorDataset(torch.zeros(0, 1), torch.zeros(0))}, "empty"),
        ({"data": "digits"}, "train is a str"),
        ({"data": (X, Y, Y)}, "a tuple of 3"),
        ({"data": DataLoader(TensorDataset(torch.zeros(4, 1, 6, 6)))}, "pair of tensors"),
        (
            {"data": DataLoader(TensorDataset(torch.zeros(4, 1, 6, 6), torch.tensor([0, 1, 2, 9])), batch_size=2)},
            "to 9",
        ),
        ({"valid": (X, Y + 1)}, "valid's labels"),
        ({"model": FROZEN}, "no trainable parameter"),
        ({"model": nn.Sequential(nn.Flatten())}, "no trainable parameter"),
        ({"model": nn.Sequential(cnn(), nn.Softmax(1))}, "probabilities"),
        ({"device": "gpu0"}, "no device 'gpu0'.*cpu, cuda"),
        ({"precision": "fp16", "device": "cpu"}, "fp16.*CPU"),
        ({"precision": "tf32", "device": "cpu"}, "Ampere"),
        ({"optimizer": 3}, "optimizer is a int"),
        ({"optimizer": torch.optim.SGD(cnn().parameters())}, "no trainable parameter of this model"),
        ({"callbacks": [print]}, "expected objects of"),
        ({"callbacks": EarlyStopping()}, "expected a list"),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, r"returns \(2,\); expected one number"),
        ({"loss": lambda outputs, y: outputs @ outputs}, "The loss failed on outputs"),
        ({"callbacks": [EarlyStopping()]}, "Pass valid="),
        ({"verbose": "loud"}, "verbose='loud'"),
        ({"augment": shift(1), "data": (X[:, 0, :, 0], Y), "model": nn.Linear(6, 3)}, "Leave augment out"),
    ],
)
def test_bad_input_is_refused_with_the_reason(change: dict[str, Any], words: str) -> None:
    with pytest.raises(TrainError, match=words):
        trained(**{"epochs": 1, **change})


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none() -> None:
    with pytest.raises(TrainError, match="device='cuda'.*finds no such device"):
        trained(device="cuda")


class OfTensorFlow:
    """Stands for a tensor of the other framework."""


OfTensorFlow.__module__ = "tensorflow.python.framework.ops"


def test_data_and_optimizers_of_the_other_framework_are_refused() -> None:
    with pytest.raises(TrainError, match="train has a OfTensorFlow of tensorflow's.*NumPy"):
        trained(data=(OfTensorFlow(), Y))
    with pytest.raises(TrainError, match="optimizer has a OfTensorFlow"):
        trained(optimizer=OfTensorFlow())
    with pytest.raises(TrainError, match="x has a OfTensorFlow"):
        predict(cnn(), OfTensorFlow())


def test_out_of_memory_is_answered_with_the_size_that_fits() -> None:
    class Hungry(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(cnn(), nn.BatchNorm1d(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if self.training and len(x) > 10:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return self.inner(x)

    model = Hungry()
    before = weights(model)
    with pytest.raises(TrainError, match="32 samples at once do not fit.*batch_size=8.*accumulate=4"):
        trained(model, batch_size=32)
    assert (weights(model) == before).all() and all(parameter.grad is None for parameter in model.parameters())


def test_nothing_is_printed_unless_asked(capfd: pytest.CaptureFixture[str]) -> None:
    trained()
    assert capfd.readouterr() == ("", "")
    trained(verbose=True)
    shown = capfd.readouterr().err
    assert "epoch 1/2" in shown and shown.endswith("\r\x1b[K")


def test_the_loop_fits_on_one_screen() -> None:
    import inspect

    from gpulab.train import loop

    assert len(inspect.getsource(loop.train).splitlines()) <= 45


# --- precision, memory and random numbers ----------------------------------------------------------------------------


def tf32_settings() -> list[str]:
    """The newer settings."""
    backends = torch.backends
    return [part.fp32_precision for part in (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)]


@pytest.fixture
def as_on_cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the settings changed as on a machine with CUDA, and put torch's defaults back."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    backends = torch.backends
    parts = (backends, backends.mkldnn.matmul, backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn)
    before = [part.fp32_precision for part in parts]
    yield
    torch.set_float32_matmul_precision("highest")
    backends.cudnn.allow_tf32 = True
    for part, value in zip(parts, before, strict=True):
        part.fp32_precision = value


def set_product() -> None:
    torch.backends.cuda.matmul.fp32_precision = "tf32"


def set_everything() -> None:
    torch.backends.fp32_precision = "tf32"


def set_convolution() -> None:
    torch.backends.cudnn.conv.fp32_precision = "ieee"


def set_older() -> None:
    torch.set_float32_matmul_precision("high")


CHOICES = [lambda: None, set_product, set_everything, set_convolution, set_older]


@pytest.mark.parametrize("choose", CHOICES, ids=lambda choose: choose.__name__)
@pytest.mark.parametrize("precision", ["fp32", "tf32"])
def test_precision_goes_with_either_kind_of_setting(as_on_cuda: None, choose: Any, precision: str) -> None:
    choose()
    before = tf32_settings()
    with torch_setup.matmul_precision(precision):
        assert tf32_settings() == ["tf32" if precision == "tf32" else "ieee"] * 3
        assert torch.get_float32_matmul_precision() == ("high" if precision == "tf32" else "highest")
        assert torch.backends.cudnn.allow_tf32 is (precision == "tf32")
    assert tf32_settings() == before
    if choose is set_older:
        assert torch.get_float32_matmul_precision() == "high"


def test_measuring_and_predicting_do_not_round_to_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    entered = []

    @contextmanager
    def note(precision: str) -> Iterator[None]:
        entered.append(precision)
        yield
        entered.append("left")

    monkeypatch.setattr(torch_fit, "matmul_precision", note)
    evaluate(cnn(), (X, Y))
    predict(cnn(), X)
    assert entered == ["fp32", "left"] * 2


def test_a_batch_is_cast_before_it_moves_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    moves, plain = [], torch.Tensor.to

    def to(tensor: torch.Tensor, *args: Any, **more: Any) -> torch.Tensor:
        if isinstance(args[0], torch.device):
            moves.append((tensor.dtype, more.get("non_blocking", False)))
        return plain(tensor, *args, **more)

    monkeypatch.setattr(torch.Tensor, "to", to)
    batches.Batches(4, 1, torch.device("cpu"), "train").to_device(torch.zeros(4).double(), torch.zeros(4).int())
    assert moves == [(torch.float32, False), (torch.int64, False)]


def test_only_the_device_in_use_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("all devices are seeded anew")

    monkeypatch.setattr(torch, "manual_seed", refuse)
    monkeypatch.setattr(torch.random, "manual_seed", refuse)
    fit(nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(36, 3)), (X, Y), epochs=1)


class Hungry(nn.Module):
    """Runs out of memory above some samples, while it holds an activation."""

    def __init__(self, limit: int, words: str = "CUDA out of memory.") -> None:
        super().__init__()
        self.inner, self.limit, self.words = cnn(), limit, words
        self.held: Any = lambda: None
        self.alive: list[bool] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = self.inner(x)
        if self.training:
            self.alive.append(self.held() is not None)
            if len(x) > self.limit:
                self.held = weakref.ref(outputs)
                raise RuntimeError(self.words)
        return outputs


def test_the_search_for_a_size_begins_with_the_failed_steps_memory_free() -> None:
    model = Hungry(10)
    with pytest.raises(TrainError, match="batch_size=8"):
        trained(model, batch_size=32)
    assert model.alive == [False] * 3  # the step; 16 and 8 of the search


def test_the_advice_for_a_data_loader_names_its_own_size() -> None:
    loader = DataLoader(Items(), batch_size=25)
    with pytest.raises(TrainError, match="25 samples at once.*Make the DataLoader with batch_size=6.*accumulate=5"):
        trained(Hungry(10), loader)


def test_no_number_is_given_unless_one_was_found() -> None:
    with pytest.raises(TrainError, match="Not even one sample fits"):
        trained(Hungry(0))
    model = Hungry(2)
    model.inner[4].register_forward_hook(
        lambda module, args, out: out if len(out) > 8 or not module.training else out.reshape(-1)[[10**6]]
    )
    with pytest.raises(TrainError, match="Use a smaller batch") as caught:
        trained(model)
    assert "Not even one" not in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        "[enforce fail at alloc_cpu.cpp:117] data. DefaultCPUAllocator: not enough memory: you tried to allocate 8",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_other_words_for_memory_that_ran_out_are_known(words: str) -> None:
    assert torch_fit.is_memory_error(RuntimeError(words)) and not torch_fit.is_memory_error(RuntimeError("shapes"))


def test_validation_comes_in_pieces_like_training() -> None:
    sizes = []
    model = cnn()
    model.register_forward_hook(lambda module, args, out: None if module.training else sizes.append(len(out)))
    trained(model, valid=(X, Y), batch_size=16, accumulate=3, epochs=1)
    assert max(sizes) == 6


# --- a DataLoader of the learner's ---------------------------------------------------------------------------------


def shuffled() -> DataLoader:
    return DataLoader(Items(), batch_size=13, shuffle=True)  # 4 steps an epoch


@pytest.mark.parametrize("step", [6, 7])
def test_a_shuffled_loader_resumes_from_an_epochs_end_to_the_same_bits(tmp_path: Path, step: int) -> None:
    whole, history = trained(data=shuffled(), epochs=3)
    with pytest.warns(UserWarning, match="after epochs only") as caught, pytest.raises(KeyboardInterrupt):
        trained(data=shuffled(), epochs=3, callbacks=[Checkpoint(tmp_path, every=1), StopAt(step)])
    assert caught[0].filename == __file__
    record = checkpoint.read(tmp_path)[1]
    assert (record["epoch"], record["step"]) == (1, 0)
    again, resumed = trained(cnn(5), shuffled(), epochs=3, resume=tmp_path)
    assert (weights(again) == weights(whole)).all() and resumed["loss"] == history["loss"]


def test_a_loader_cannot_go_on_inside_an_epoch(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(data=Items(), batch_size=13, callbacks=[Checkpoint(tmp_path), StopAt(2)])
    with pytest.raises(TrainError, match="inside an epoch, and train is a DataLoader"):
        trained(data=shuffled(), batch_size=13, resume=tmp_path)


def test_the_settings_tell_a_loaders_own_batches() -> None:
    def settings(**more: Any) -> tuple[int, int]:
        found = trained(data=DataLoader(Items(), **more), epochs=1)[1].settings
        return found["samples"], found["batch_size"]

    assert settings(batch_size=20) == (50, 20)
    assert settings(batch_size=20, drop_last=True) == (40, 20)
    assert settings(batch_sampler=[[0, 1, 2], [3, 4, 5]])[1] == 3


# --- what a checkpoint keeps of callbacks --------------------------------------------------------------------------


def test_callbacks_get_their_state_back_whatever_is_beside_them(tmp_path: Path) -> None:
    stopper = EarlyStopping(patience=9)
    trained(valid=(X, Y), callbacks=[stopper, Checkpoint(tmp_path)])
    again = EarlyStopping(patience=9)
    trained(valid=(X, Y), callbacks=[Callback(), again], resume=tmp_path, verbose=True)
    assert again.best == stopper.best is not None
    with pytest.warns(UserWarning, match="does not have: EarlyStopping") as caught:
        trained(valid=(X, Y), resume=tmp_path)
    assert caught[0].filename == __file__
