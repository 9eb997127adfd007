"""Pretrained networks in torch: the true weights, the stages, cuts, features and heads."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from gpulab import results, transfer
from gpulab.train import TrainError, fit, predict
from gpulab.transfer.architectures import NETWORKS

X = np.random.default_rng(0).uniform(size=(5, 64, 48, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def whole() -> torch.nn.Module:
    return transfer.load("mobilenet-v2", "torch")


@pytest.fixture
def model() -> Iterator[torch.nn.Module]:
    torch.manual_seed(0)
    yield transfer.load("mobilenet-v2", "torch", classes=3, source=None)


@pytest.mark.parametrize("name", ["mobilenet-v2", "efficientnet-lite0"])
def test_logits_of_real_photographs_are_the_stored_ones(name: str) -> None:
    rows = [row for row in results.load("pretrained_photographs") if row["model"] == name and row["images"] == "whole"]
    x = np.stack([photograph.crop() for photograph in transfer.photographs()])
    logits = predict(transfer.load(name, "torch"), x)
    for row in rows:
        if row["inputs"] == "as expected":  # of both frameworks
            stored = [row["answers"][photograph.name]["logits"] for photograph in transfer.photographs()]
            np.testing.assert_allclose(logits[:, ::20], stored, atol=2e-3)


def test_it_is_torchvisions_network() -> None:
    from safetensors.torch import load_file
    from torchvision.models import mobilenet_v2

    from gpulab import assets

    theirs = mobilenet_v2(weights=None)
    theirs.load_state_dict(load_file(assets.file("mobilenet-v2")))
    ours = transfer.load("mobilenet-v2", "torch", preprocess=False)
    x = torch.from_numpy(transfer.preprocess("mobilenet-v2", X)).permute(0, 3, 1, 2)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs.eval()(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_stages_and_parameters_are_those_of_the_card(name: str) -> None:
    model, card = transfer.load(name, "torch", source=None), transfer.card(name)
    assert transfer.stages(model) == card.stages
    rows = transfer.parameters(model)
    assert sum(row.parameters for row in rows) == card.parameters == sum(row.trainable for row in rows)
    assert rows[-1].stage == ("head" if card.outputs else "pool") and not model.training


@pytest.mark.parametrize(
    ("mode", "x", "words"),
    [
        (True, 255 * X, "these are bytes.*Divide by 255"),
        (True, transfer.preprocess("mobilenet-v2", X), "normalized already"),
        (False, X, r"pixels from 0 to 1.*transfer\.preprocess\('mobilenet-v2', x\)"),
        (False, 255 * X, "these are bytes.*after x / 255"),
    ],
)
def test_wrong_inputs_are_refused(whole: torch.nn.Module, mode: bool, x: np.ndarray, words: str) -> None:
    model = whole if mode else transfer.load("mobilenet-v2", "torch", preprocess=False, source=None)
    with pytest.raises(TrainError, match=words):
        predict(model, x)
    with pytest.raises(TrainError, match=words):
        fit(model, (x, np.zeros(5, int)), epochs=1, verbose=False)


def test_none_takes_everything(whole: torch.nn.Module) -> None:
    careless = transfer.load("mobilenet-v2", "torch", preprocess=None)
    ready = transfer.preprocess("mobilenet-v2", X)
    np.testing.assert_allclose(predict(careless, ready), predict(whole, X), atol=1e-4)
    assert np.abs(predict(careless, 255 * X) - predict(whole, X)).max() > 1


def test_a_cut_shares_weights_and_can_carry_a_head(model: torch.nn.Module) -> None:
    short = transfer.cut(model, "block3")
    assert transfer.stages(short) == ("preprocess", "stem", "block1", "block2", "block3", "pool")
    assert predict(short, X).shape == (5, 24)
    assert short.stages["block3"] is model.stages["block3"]
    assert predict(model, X).shape == (5, 3), "the model itself is as it was"
    carrying = transfer.new_head(short, 4, hidden=(6,))
    assert predict(carrying, X).shape == (5, 4)
    assert transfer.parameters(carrying)[-1] == transfer.StageRow("head", 24 * 6 + 6 + 6 * 4 + 4, 24 * 6 + 6 + 6 * 4 + 4)
    with pytest.raises(transfer.TransferError, match="no stage 'block99' to cut after. The model has: preprocess, stem"):
        transfer.cut(model, "block99")
    with pytest.raises(transfer.TransferError, match="has no stages"):
        transfer.cut(torch.nn.Linear(2, 3), "pool")


def test_features_are_the_mean_over_all_places(model: torch.nn.Module) -> None:
    x = torch.from_numpy(X).permute(0, 3, 1, 2)
    with torch.no_grad():
        for name in ("preprocess", "stem", "block1"):
            x = model.stages[name](x)
    np.testing.assert_allclose(transfer.features(model, X, "block1"), x.mean((2, 3)), atol=1e-5)
    assert transfer.features(model, X, batch_size=2).shape == (5, 1280)


def test_a_cache_is_used_and_knows_its_weights(model: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = transfer.features(model, X, "block2", cache=tmp_path)
    monkeypatch.setattr("gpulab.train.predict", lambda *_, **__: pytest.fail("computed again"))
    assert np.array_equal(transfer.features(model, X, "block2", cache=tmp_path), first)
    with torch.no_grad():
        next(model.stages["stem"].parameters()).mul_(1.01)
    monkeypatch.undo()
    assert not np.array_equal(transfer.features(model, X, "block2", cache=tmp_path), first)
    transfer.features(model, X[::-1], "block2", cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_probes_weights_become_the_head(model: torch.nn.Module) -> None:
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(size=(1280, 3)), rng.normal(size=3)
    transfer.set_head(model, weight, bias)
    np.testing.assert_allclose(predict(model, X), transfer.features(model, X) @ weight + bias, atol=1e-3)
    with pytest.raises(transfer.TransferError, match=r"shape \(1280, 3\).*got \(3, 1280\).*transposed"):
        transfer.set_head(model, weight.T, bias)
    with pytest.raises(transfer.TransferError, match="no head with a linear layer"):
        transfer.set_head(transfer.cut(model, "block1"), weight, bias)


@pytest.mark.parametrize(("arguments", "words"), [({"classes": 0}, "classes=0"), ({"classes": 2, "hidden": (0,)}, "hidden")])
def test_a_head_that_cannot_be(model: torch.nn.Module, arguments: dict, words: str) -> None:
    with pytest.raises(transfer.TransferError, match=words):
        transfer.new_head(model, **arguments)


def test_fit_trains_all_of_it_and_the_head_starts_small(model: torch.nn.Module) -> None:
    assert model.head.linear.weight.std().item() == pytest.approx(0.01, rel=0.1)
    before = transfer.features(model, X)
    history = fit(model, (X, np.array([0, 1, 2, 0, 1])), epochs=1, batch_size=5, verbose=False)
    assert np.isfinite(history["loss"][0]) and not np.allclose(transfer.features(model, X), before)


def test_a_model_can_be_copied_and_pickled(model: torch.nn.Module) -> None:
    logits = predict(model, X)
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(predict(again, X), logits) and type(again) is type(model)
