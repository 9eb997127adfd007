"""Pretrained networks in Keras: logits equal torch's, and stages, cuts, features and heads are the same."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from gpulab import results, transfer
from gpulab.train import TrainError, predict
from gpulab.transfer.architectures import NETWORKS

X = np.random.default_rng(0).uniform(size=(5, 64, 48, 3)).astype(np.float32)


@cache
def whole(name: str) -> Any:
    """The pretrained network, built once for all tests."""
    return transfer.load(name, "keras")


@pytest.fixture(scope="module")
def model() -> Any:
    keras.utils.set_random_seed(0)
    return transfer.load("mobilenet-v2", "keras", classes=3, source=None)


@pytest.mark.parametrize("name", ["mobilenet-v2", "efficientnet-lite0"])
def test_logits_of_real_photographs_equal_torchs(name: str) -> None:
    rows = [row for row in results.load("pretrained_photographs") if row["model"] == name and row["images"] == "whole"]
    x = np.stack([photograph.crop() for photograph in transfer.photographs()])
    logits = predict(whole(name), x)
    for row in rows:
        if row["inputs"] == "as expected":  # of both frameworks
            stored = [row["answers"][photograph.name]["logits"] for photograph in transfer.photographs()]
            np.testing.assert_allclose(logits[:, ::20], stored, atol=2e-3)


@pytest.mark.parametrize("name", NETWORKS)
def test_stages_and_parameters_are_those_of_the_card(name: str) -> None:
    model, card = whole(name), transfer.card(name)
    assert transfer.stages(model) == card.stages
    rows = transfer.parameters(model)
    assert sum(row.parameters for row in rows) == card.parameters == sum(row.trainable for row in rows)
    assert model.layers[-1].name == ("head" if card.outputs else "pool")


def test_the_features_of_the_edge_finder_are_torchs() -> None:
    """It has no logits to store; the sum and the largest of torch's features of the same images will do."""
    found = transfer.features(whole("vgg16-edges"), X, "block4")
    assert found.shape == (5, 512)
    assert found.sum() == pytest.approx(3416.796, rel=1e-4) and found.max() == pytest.approx(17.174095, rel=1e-4)


def test_fresh_networks_differ_and_heads_start_small(model: Any) -> None:
    assert np.std(model.get_layer("head").kernel) == pytest.approx(0.01, rel=0.1)
    assert np.std(model.get_layer("stem_conv").kernel) == pytest.approx((2 / (9 * 32)) ** 0.5, rel=0.1)


def test_a_model_is_stored_and_read_again(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(predict(again, X), predict(model, X), atol=1e-5)
    assert transfer.stages(again) == transfer.stages(model)


@pytest.mark.parametrize(("x", "words"), [(255 * X, "these are bytes"), (4 * X - 2, "normalized already")])
def test_wrong_inputs_are_refused(model: Any, x: np.ndarray, words: str) -> None:
    with pytest.raises(TrainError, match=words):
        predict(model, x)


def test_a_model_without_preprocessing_says_what_it_needs() -> None:
    from gpulab.transfer.images_keras import normalize_layer

    inputs = keras.Input((None, None, 3))
    bare = keras.Model(inputs, normalize_layer()("mobilenet-v2", False, name="preprocess")(inputs))
    with pytest.raises(TrainError, match=r"transfer\.preprocess\('mobilenet-v2', x\)"):
        predict(bare, X)
    ready = transfer.preprocess("mobilenet-v2", X)
    assert np.array_equal(predict(bare, ready), ready)


def test_a_cut_shares_weights_and_can_carry_a_head(model: Any) -> None:
    short = transfer.cut(model, "block3")
    assert transfer.stages(short) == ("preprocess", "stem", "block1", "block2", "block3", "pool")
    assert predict(short, X).shape == (5, 24)
    assert short.get_layer("block3_project") is model.get_layer("block3_project")
    carrying = transfer.new_head(short, 4, hidden=(6,))
    assert predict(carrying, X).shape == (5, 4)
    assert transfer.parameters(carrying)[-1] == transfer.StageRow("head", 24 * 6 + 6 + 6 * 4 + 4, 24 * 6 + 6 + 6 * 4 + 4)
    assert transfer.stages(transfer.cut(carrying, "stem")) == ("preprocess", "stem", "pool"), "cut once more"
    with pytest.raises(transfer.TransferError, match="no stage 'block99' to cut after. The model has: preprocess, stem"):
        transfer.cut(model, "block99")


def test_a_cache_is_used_and_knows_its_inputs(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = transfer.features(model, X, "block2", cache=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("gpulab.train.predict", lambda *_, **__: pytest.fail("computed again"))
        assert np.array_equal(transfer.features(model, X, "block2", cache=tmp_path), first)
    transfer.features(model, X[::-1], "block2", cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_probes_weights_become_the_head(model: Any) -> None:
    rng = np.random.default_rng(1)
    weight, bias = rng.normal(size=(1280, 3)), rng.normal(size=3)
    transfer.set_head(model, weight, bias)
    np.testing.assert_allclose(predict(model, X), transfer.features(model, X) @ weight + bias, atol=1e-3)
    with pytest.raises(transfer.TransferError, match=r"shape \(1280, 3\).*got \(3, 1280\).*transposed"):
        transfer.set_head(model, weight.T, bias)
