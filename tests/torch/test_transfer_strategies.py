"""Freezing, rates for each stage, gradual unfreezing and LoRA in torch, on a small model with stages."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gpulab import transfer
from gpulab.train import Checkpoint, fit, predict
from gpulab.transfer.errors import TransferError

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 48)
X = (RNG.normal(size=(48, 6)) + Y[:, None]).astype(np.float32)
DATA = (X, Y)


class Small(nn.Module):
    """Three stages with weights, BatchNorm and dropout; then the head."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stages = nn.ModuleDict(
            {
                "stem": nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU()),
                "block1": nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Tanh()),
                "top": nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8)),
                "pool": nn.Identity(),
            }
        )
        self.head = nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        for stage in self.stages.values():
            x = stage(x)
        return self.head(x)


def state(model: nn.Module) -> dict[str, np.ndarray]:
    """Return a copy of all weights and statistics."""
    return {name: tensor.detach().numpy().copy() for name, tensor in model.state_dict().items()}


def changed(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> set[str]:
    """Return the parts that differ."""
    found = {name for name in before if not np.array_equal(before[name], after[name])}
    return {name.removeprefix("stages.").split(".")[0] for name in found}


def test_a_frozen_model_keeps_everything_but_its_head() -> None:
    """Weights and statistics stay to the bit, and so does what the base computes while the head is trained."""
    model = transfer.freeze(Small())
    before = state(model)
    fit(model, DATA, epochs=2, batch_size=16)
    assert changed(before, state(model)) == {"head"}
    model.train()
    assert torch.equal(model.stages["stem"](torch.tensor(X)), model.eval().stages["stem"](torch.tensor(X)))
    twice = [model.train() and model(torch.tensor(X)) for _ in range(2)]
    assert torch.equal(*twice), "dropout is off in a frozen stage"


def test_without_the_hook_the_statistics_would_move() -> None:
    """The control: only requires_grad=False is not enough."""
    model = Small()
    for stage in model.stages.values():
        stage.requires_grad_(False)
    before = state(model)
    fit(model, DATA, epochs=1, batch_size=16)
    assert changed(before, state(model)) == {"stem", "top", "head"}


def test_unfreezing_opens_from_a_stage_on_and_keeps_batchnorm() -> None:
    """Earlier stages stay; BatchNorm learns only if asked."""
    model = transfer.unfreeze(transfer.freeze(Small()), "block1")
    before = state(model)
    fit(model, DATA, epochs=1, batch_size=16)
    after = state(model)
    assert changed(before, after) == {"block1", "top", "head"}
    assert all(np.array_equal(before[name], after[name]) for name in before if name.startswith("stages.top.1."))
    transfer.unfreeze(model, "stem", batchnorm=True)
    fit(model, DATA, epochs=1, batch_size=16)
    last = state(model)
    for name in ("stages.stem.1.weight", "stages.stem.1.running_mean", "stages.top.1.running_var"):
        assert not np.array_equal(after[name], last[name])


def test_a_copy_of_a_frozen_model_is_frozen_and_can_be_opened() -> None:
    """The mark travels with the model."""
    model = copy.deepcopy(transfer.freeze(Small(), upto="block1"))
    before = state(model)
    fit(model, DATA, epochs=1, batch_size=16)
    assert changed(before, state(model)) == {"top", "head"}
    transfer.unfreeze(model, "stem", batchnorm=True)
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_each_stage_gets_its_rate() -> None:
    """The head's first; a stage without weights does not count; frozen ones get no group; the schedule moves all."""
    model = Small()
    recipe = transfer.group_rates(model, 0.1, decay=0.5, optimizer="sgd")
    assert recipe.rates == pytest.approx({"head": 0.1, "top": 0.05, "block1": 0.025, "stem": 0.0125})
    transfer.freeze(model, upto="stem")
    optimizer = recipe([weight for weight in model.parameters() if weight.requires_grad])
    assert [(group["name"], group["lr"]) for group in optimizer.param_groups] == [
        ("head", 0.1),
        ("top", 0.05),
        ("block1", 0.025),
    ]
    history = fit(model, DATA, epochs=2, batch_size=16, optimizer=recipe, schedule="cosine")
    assert history.settings["optimizer"] == "group_rates(sgd, decay=0.5)" and history.settings["lr"] == 0.1
    assert history["learning_rate"][1] < history["learning_rate"][0] < 0.1


def test_one_step_of_sgd_moves_each_stage_by_its_rate() -> None:
    """The first step without momentum's past is the rate times the gradient."""
    model = transfer.unfreeze(Small(), "stem").eval()
    twin = copy.deepcopy(model)
    nn.functional.cross_entropy(twin(torch.tensor(X)), torch.tensor(Y)).backward()
    model.stages["block1"][1].p = 0.0
    recipe = transfer.group_rates(model, 0.1, decay=0.5, optimizer="sgd")
    fit(model, DATA, epochs=1, batch_size=48, optimizer=recipe)
    for part, rate in (("head", 0.1), ("stages.top.0", 0.05), ("stages.block1.0", 0.025), ("stages.stem.0", 0.0125)):
        moved = twin.get_submodule(part).weight - model.get_submodule(part).weight
        torch.testing.assert_close(moved, rate * twin.get_submodule(part).weight.grad, rtol=1e-3, atol=1e-6)


def test_gradual_unfreezing_opens_one_group_after_the_other() -> None:
    """What is closed does not move; afterwards all is as trainable as before."""
    model = transfer.unfreeze(Small(), "stem")
    seen: list[set[str]] = []
    before = state(model)

    class Watch(transfer.GradualUnfreezing):
        def on_epoch(self, run: Any) -> None:
            nonlocal before
            now = state(run.model)
            seen.append(changed(before, now))
            before = now
            super().on_epoch(run)

    recipe = transfer.group_rates(model, 1e-2, weight_decay=0.1)
    fit(model, DATA, epochs=4, batch_size=16, optimizer=recipe, callbacks=[Watch(["top", "block1"])])
    assert seen == [{"head"}, {"head", "top"}, {"head", "top", "block1"}, {"head", "top", "block1"}]
    assert all(weight.requires_grad for weight in model.stages["stem"][0].parameters())


@pytest.mark.parametrize("way", ["gradual", "lora", "frozen"])
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(way: str, tmp_path: Path) -> None:
    """Checkpoint and resume, inside the schedule of openings, with adapters, and with a frozen base."""

    def run(epochs: int, **more: Any) -> nn.Module:
        model = transfer.unfreeze(Small(), "stem")
        torch.manual_seed(1)
        if way == "frozen":
            transfer.freeze(model)
        if way == "lora":
            transfer.lora(model, rank=2)
        callbacks = [transfer.GradualUnfreezing([("top",), ("block1", "stem")])] if way == "gradual" else []
        recipe = transfer.group_rates(model, 1e-2, weight_decay=0.1)
        callbacks += more.pop("callbacks", [])
        fit(model, DATA, epochs=epochs, batch_size=16, optimizer=recipe, clip=1.0, callbacks=callbacks, **more)
        return model

    class Stop(Checkpoint):
        def on_epoch(self, run: Any) -> None:
            super().on_epoch(run)
            if run.epoch == 2:
                raise RuntimeError("power cut")

    whole = state(run(4))
    with pytest.raises(RuntimeError, match="power cut"):
        run(4, callbacks=[Stop(tmp_path)])
    resumed = state(run(4, resume=tmp_path))
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)


def test_lora_starts_as_the_model_and_can_be_merged() -> None:
    """Its adapters start at zero, only they and the head learn, and merging changes no answer."""
    model = Small()
    before, answers = state(model), predict(model, X)
    torch.manual_seed(0)
    transfer.lora(model, rank=2, alpha=4)
    np.testing.assert_allclose(predict(model, X), answers, atol=1e-6)
    trainable = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    assert trainable == 2 * (6 + 8) + 2 * 2 * (8 + 8) + (8 * 3 + 3)
    fit(model, DATA, epochs=3, batch_size=16, lr=1e-2)
    after = state(model)
    assert np.array_equal(after["stages.stem.0.base_layer.weight"], before["stages.stem.0.weight"])
    assert np.array_equal(after["stages.stem.1.running_mean"], before["stages.stem.1.running_mean"])
    learned = predict(model, X)
    transfer.merge_lora(model)
    np.testing.assert_allclose(predict(model, X), learned, atol=1e-5)
    assert state(model).keys() == before.keys()
    update = state(model)["stages.block1.0.weight"] - before["stages.block1.0.weight"]
    assert np.linalg.matrix_rank(update, tol=1e-5) == 2


def test_without_peft_lora_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(TransferError, match="needs the package peft: pip install"):
        transfer.lora(Small())


def test_lora_takes_convolutions_of_one_pixel() -> None:
    """3 x 3 and depthwise ones are left alone."""
    model = Small()
    model.stages = nn.ModuleDict(
        {
            "block1": nn.Sequential(nn.Conv2d(4, 8, 1), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 2, 3)),
            "pool": nn.Identity(),
        }
    )
    transfer.lora(model, rank=2)
    assert [hasattr(layer, "lora_A") for layer in model.stages["block1"]] == [True, False, False]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda model: transfer.freeze(model, upto="block9"), "no such stage. It has stem, block1, top, pool"),
        (lambda model: transfer.freeze(model, upto="head"), "leaves nothing to train"),
        (lambda model: transfer.unfreeze(model, "block9"), "stem, block1, top, pool, head"),
        (lambda model: transfer.freeze(nn.Linear(2, 2)), "has no stages"),
        (lambda model: transfer.group_rates(model, -1), "lr=-1"),
        (lambda model: transfer.group_rates(model, 1, optimizer="lion"), "adamw, adam, sgd"),
        (lambda model: transfer.group_rates(model, 1, optimizer="sgd", weight_decay=1), "goes with optimizer='adamw'"),
        (lambda model: transfer.group_rates(Small(), 1)(list(model.parameters())), "of another model"),
        (lambda model: transfer.merge_lora(model), "no adapters to merge"),
        (lambda model: transfer.lora(model, stages=["pool"]), "no dense layer"),
        (lambda model: transfer.lora(model, stages=["block9"]), "no such stage"),
        (lambda model: transfer.lora(transfer.lora(model)), "already"),
        (lambda model: transfer.freeze(transfer.lora(model)), "Merge them first"),
        (lambda model: transfer.GradualUnfreezing(["top", "top"]), "top twice"),
        (lambda model: transfer.GradualUnfreezing(["top"], every=0), "every=0"),
        (lambda model: gradual(model, ["top", "block1"], 2), "need at least 3 epochs; the run has 2"),
        (lambda model: gradual(model, ["block9"], 2), "no such stage"),
        (lambda model: gradual(model, ["top"], 2), "BatchNorm in 'stem' is trainable"),
    ],
)
def test_mistakes_are_named(what: Any, said: str) -> None:
    """Each with what to do."""
    with pytest.raises(TransferError, match=said.replace("(", r"\(")):
        what(Small())


def gradual(model: nn.Module, groups: list[str], epochs: int) -> None:
    """Train with gradual unfreezing."""
    fit(model, DATA, epochs=epochs, callbacks=[transfer.GradualUnfreezing(groups)])
