"""Tracing torch modules: operations and memory against independent counts, and what a learner's model meets."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from gpulab.cli import main
from gpulab.estimate import EstimateError, Subject, Workload, estimate, trace, workload
from gpulab.estimate.models import subject
from gpulab.models import reference_cnn


def images(batch: int) -> torch.Tensor:
    return torch.randn(batch, 1, 28, 28)


def cnn(batch: int) -> tuple:
    labels = torch.zeros(batch, dtype=torch.long)
    return reference_cnn("torch"), (images(batch),), lambda out: F.cross_entropy(out, labels)


class Tagger(nn.Module):
    """An embedding, two LSTM layers, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.lstm = nn.Embedding(50, 16), nn.LSTM(16, 32, num_layers=2, batch_first=True)
        self.head = nn.Linear(32, 5)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(self.embed(words))[0])


def tagger(batch: int) -> tuple:
    return Tagger(), (torch.zeros(batch, 12, dtype=torch.long),), lambda out: out.mean()


def block(batch: int) -> tuple:
    layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    return layer, (torch.randn(batch, 20, 64),), lambda out: out.square().mean()


@pytest.mark.parametrize("build", [cnn, block])
def test_operations_are_those_of_pytorchs_counter(build: Callable) -> None:
    work = trace(Subject("x", build), 8)
    model, inputs, loss = build(8)
    with FlopCounterMode(display=False) as counter:
        loss(model.train()(*inputs)).backward()
    assert work.flops == pytest.approx(counter.get_total_flops(), rel=0.001)


def test_a_convolutions_operations_follow_the_formula() -> None:
    work = trace(
        Subject("x", lambda batch: (nn.Conv2d(6, 8, 3, groups=2), (torch.randn(batch, 6, 10, 10),), None)),
        4,
        mode="infer",
    )
    assert work.flops == 2 * 4 * 8 * 8 * 8 * (6 // 2) * 9


def test_an_lstms_operations_follow_the_formula_forward_and_backward() -> None:
    batch, steps = 4, 12
    lstm = sum(2 * 4 * 32 * (width + 32) * batch * steps for width in (16, 32))
    head = 2 * batch * steps * 32 * 5
    assert trace(Subject("x", tagger), batch, mode="infer").flops == lstm + head
    assert trace(Subject("x", tagger), batch).flops == 3 * (lstm + head)


class Ledger(TorchDispatchMode):
    """Really runs a step and keeps the bytes of the storages that are alive."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.known: dict[int, int] = {}

    def add(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage._cdata not in self.known:
            self.known[storage._cdata] = storage.nbytes()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self.drop, storage._cdata)

    def drop(self, key: int) -> None:
        self.now -= self.known.pop(key, 0)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for each in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(each, torch.Tensor):
                self.add(each)
        return out


@pytest.mark.parametrize("build", [cnn, block])
def test_peak_memory_is_that_of_a_step_really_run(build: Callable) -> None:
    batch = 64
    model, inputs, loss = build(batch)
    updater = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, foreach=True)
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    updater.step()
    updater.zero_grad()
    ledger = Ledger()
    for tensor in (
        *model.parameters(),
        *model.buffers(),
        *inputs,
        *(s["momentum_buffer"] for s in updater.state.values()),
    ):
        ledger.add(tensor)
    with ledger:
        loss(model(*inputs)).backward()
        updater.step()
    memory = trace(Subject("x", build), batch).memory
    predicted = (
        memory.weights + memory.gradients + memory.optimizer + memory.activations[0] + memory.activations[1] * batch
    )
    assert predicted == pytest.approx(ledger.peak, rel=0.1)


def test_the_trace_holds_for_other_batch_sizes() -> None:
    at_8, at_32 = trace(Subject("x", cnn), 8), trace(Subject("x", cnn), 32)
    assert at_8.with_batch(32).flops == pytest.approx(at_32.flops, rel=1e-6)
    assert at_8.with_batch(32).bytes == pytest.approx(at_32.bytes, rel=0.01)


def test_mixed_precision_halves_the_activations_and_counts_the_casts() -> None:
    full, half = (trace(Subject("x", cnn), 256, half=width) for width in (False, True))
    assert half.flops == full.flops
    assert {op.bits for op in half.ops if op.kind == "conv"} == {16}
    assert {op.bits for op in full.ops if op.kind == "conv"} == {32}
    assert any(op.name == "_to_copy" for op in half.ops) and not any(op.name == "_to_copy" for op in full.ops)
    assert half.memory.weights == full.memory.weights


def test_views_are_free_and_in_place_operators_write_what_they_read() -> None:
    class Shapes(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.view(-1, 4).transpose(0, 1).unsqueeze(0).add_(1.0)

    work = trace(Subject("x", lambda batch: (Shapes(), (torch.randn(batch, 4, 4),), None)), 2, mode="infer")
    assert [op.name for op in work.ops] == ["add_"]
    assert work.bytes == 2 * (2 * 16 * 4)


def test_a_model_without_weights_cannot_be_trained() -> None:
    with pytest.raises(EstimateError, match="no weight can be trained"):
        trace(Subject("x", lambda batch: (nn.ReLU(), (torch.randn(batch, 4),), None)), 4)


def test_dropout_is_one_kernel() -> None:
    def build(batch: int) -> tuple:
        net = nn.Sequential(nn.Linear(100, 100), nn.Dropout(0.5))
        return net, (torch.randn(batch, 100),), lambda out: out.sum()

    work = trace(Subject("x", build), 4)
    assert "native_dropout" in {op.name for op in work.ops}
    assert "bernoulli_" not in {op.name for op in work.ops}


@pytest.mark.parametrize(("optimizer", "states"), [("sgd", 4), ("adam", 8), ("adamw", 8)])
def test_optimizers_hold_their_states(optimizer: str, states: int) -> None:
    work = trace(Subject("x", cnn), 8, optimizer=optimizer)
    assert work.memory.optimizer == pytest.approx(states * work.parameters, rel=0.001)
    assert sum(op.count for op in work.ops if op.kind == "optimizer") < 20  # kernels work on many tensors


def test_resnet50_counts_what_is_published_for_it() -> None:
    work = trace(subject("resnet50"), 16, mode="infer")
    assert work.parameters == 25_557_032
    assert work.flops / 16 == pytest.approx(2 * 4.09e9, rel=0.01)


def test_stored_workloads_are_what_a_trace_gives() -> None:
    assert workload("resnet50", 64, "fp16") == trace(subject("resnet50"), 64, half=True)


def write(path: Path, body: str) -> str:
    path.write_text(f"import torch\nfrom torch import nn\n{body}")
    return f"{path}:make"


def test_a_function_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = write(
        tmp_path / "mine.py", "def make():\n    return nn.Linear(10, 2), torch.zeros(3, 10), lambda out: out.mean()\n"
    )
    assert main(["estimate", name, "--device", "t4", "--batch", "32", "--optimizer", "adam", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["flops"] == 32 * 2 * 10 * 2 * 2  # forward and for the weights; the first layer's inputs need none
    assert answer["bound_by"] == "overhead"


@pytest.mark.parametrize(("body", "message"), [
    ("def make():\n    return nn.Linear(10, 2), torch.zeros(3, 9), None\n", "make failed in its step: RuntimeError"),
    ("def make():\n    return nn.Linear(10, 2)\n", "must return three things"),
    ("def other():\n    pass\n", "has no function make"),
    ("1 / 0\n", "cannot be run: ZeroDivisionError"),
])  # fmt: skip
def test_a_models_failure_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, message: str
) -> None:
    assert main(["estimate", write(tmp_path / "mine.py", body), "--device", "t4", "--batch", "4"]) == 1
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_an_unknown_name_gets_near_ones() -> None:
    with pytest.raises(EstimateError, match="did you mean resnet"):
        estimate("resnet51", "t4", 8)


def test_a_folder_with_a_transformers_configuration(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    tiny = {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "n_embd": 32,
        "n_layer": 2,
        "n_head": 2,
        "n_positions": 64,
        "vocab_size": 100,
    }
    (tmp_path / "config.json").write_text(json.dumps(tiny))
    answer = estimate(str(tmp_path), "rtx-3090", 4, "bf16", seq_len=16)
    assert answer.optimizer == "adamw" and answer.samples_per_s > 0
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "nothing-known"}))
    with pytest.raises(EstimateError, match="no architecture that transformers knows"):
        estimate(str(tmp_path), "rtx-3090", 4)


def test_a_model_larger_than_this_machine_is_no_trouble(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    big = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8192, "num_hidden_layers": 4, "num_attention_heads": 64,
           "intermediate_size": 28672, "vocab_size": 32000}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(big))
    answer = estimate(str(tmp_path), "t4", 1, "fp16", mode="infer", seq_len=128)
    assert answer.memory["weights"] > 15 and not answer.fits


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(EstimateError, match="torchvision is not installed"):
        estimate("resnet34", "t4", 8)


def test_a_workload_that_is_given_is_used_as_it_is() -> None:
    work: Workload = trace(Subject("mine", cnn), 8)
    assert estimate(work, "t4", 16).model == "mine"
    assert estimate(Subject("mine", cnn), "t4", 16).batch == 16
