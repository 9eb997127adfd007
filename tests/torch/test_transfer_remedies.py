"""The callbacks against forgetting, and the importance of weights, against NumPy; in PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gpulab.models import small
from gpulab.train import Checkpoint, fit, predict
from gpulab.transfer import TransferError
from gpulab.transfer.remedies import ElasticWeights, TowardStart, fisher
from tests.truth.fisher import linear_fisher

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(32, 5)).astype(np.float32), RNG.integers(0, 3, 32)
ONE_STEP = {"epochs": 1, "batch_size": 32, "optimizer": "sgd", "lr": 0.5, "verbose": False}


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 3))


def weights(model: nn.Module) -> dict[str, np.ndarray]:
    return {name: weight.detach().numpy().copy() for name, weight in model.named_parameters()}


def test_importance_is_the_mean_squared_gradient() -> None:
    model = linear()
    found = fisher(model, X, seed=3)
    weight, bias = linear_fisher(X, predict(model, X), seed=3)
    np.testing.assert_allclose(found["0.weight"], weight.T, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found["0.bias"], bias, rtol=1e-4, atol=1e-7)


def test_importance_leaves_the_model_as_it_was() -> None:
    model = small("vgg", "torch", blocks=1).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    found = fisher(model, RNG.random((4, 28, 28, 1), dtype=np.float32))
    assert model.training and all(weight.grad is None for weight in model.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all((value >= 0).all() for value in found.values()) and found["dense.weight"].max() > 0


def test_a_step_goes_a_share_of_the_way_back() -> None:
    free, held = linear(), linear()
    start = weights(free)
    fit(free, (X, Y), **ONE_STEP)
    fit(held, (X, Y), callbacks=[TowardStart(0.25, skip=())], **ONE_STEP)
    for name, weight in weights(held).items():
        np.testing.assert_allclose(weight, (weights(free)[name] + 0.25 * start[name]) / 1.25, rtol=1e-5, atol=1e-7)


def test_important_weights_are_held_more() -> None:
    importance = {"0.weight": RNG.uniform(0, 9, (3, 5)), "0.bias": np.zeros(3)}
    free, held = linear(), linear()
    start = weights(free)
    fit(free, (X, Y), **ONE_STEP)
    fit(held, (X, Y), callbacks=[ElasticWeights(importance, 2.0, skip=())], **ONE_STEP)
    for name, weight in weights(held).items():
        pull = 2.0 * importance[name]
        right = (weights(free)[name] + pull * start[name]) / (1 + pull)
        np.testing.assert_allclose(weight, right, rtol=1e-5, atol=1e-6)


def test_what_is_skipped_is_free_and_a_huge_strength_holds_the_rest() -> None:
    model = nn.Sequential()
    model.add_module("body", nn.Linear(5, 4))
    model.add_module("head", nn.Linear(4, 3))
    start = weights(model)
    fit(model, (X, Y), callbacks=[TowardStart(1e9)], **ONE_STEP)
    np.testing.assert_allclose(weights(model)["body.weight"], start["body.weight"], atol=1e-6)
    assert np.abs(weights(model)["head.weight"] - start["head.weight"]).max() > 1e-3


def test_a_run_that_goes_on_is_pulled_to_the_first_start(tmp_path: Path) -> None:
    recipe = ONE_STEP | {"optimizer": "adam", "lr": 0.1, "batch_size": 8}
    whole, half = linear(), linear()
    fit(whole, (X, Y), callbacks=[TowardStart(0.1, skip=())], **recipe | {"epochs": 4})
    fit(half, (X, Y), callbacks=[TowardStart(0.1, skip=()), Checkpoint(tmp_path)], **recipe | {"epochs": 2})
    with pytest.warns(UserWarning, match="epochs"):
        fit(half, (X, Y), callbacks=[TowardStart(0.1, skip=())], resume=tmp_path, **recipe | {"epochs": 4})
    for name, weight in weights(whole).items():
        np.testing.assert_array_equal(weight, weights(half)[name])


def test_importance_of_another_model_is_refused() -> None:
    with pytest.raises(TransferError, match=r"0\.bias is missing there and \(3,\) here"):
        fit(linear(), (X, Y), callbacks=[ElasticWeights({"0.weight": np.zeros((3, 5))}, skip=())], **ONE_STEP)
    with pytest.raises(TransferError, match=r"0\.weight is \(5, 3\) there and \(3, 5\) here"):
        fit(linear(), (X, Y), callbacks=[ElasticWeights({"0.weight": np.zeros((5, 3))}, skip=())], **ONE_STEP)
    with pytest.raises(TransferError, match="leaves no trainable weight"):
        fit(linear(), (X, Y), callbacks=[TowardStart(skip=("0",))], **ONE_STEP)
