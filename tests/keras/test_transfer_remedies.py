"""The callbacks against forgetting, and the importance of weights, against NumPy; in Keras."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from gpulab.train import Checkpoint, fit, predict
from gpulab.transfer import TransferError
from gpulab.transfer.remedies import ElasticWeights, TowardStart, fisher
from tests.truth.fisher import linear_fisher

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(32, 5)).astype(np.float32), RNG.integers(0, 3, 32)
ONE_STEP = {"epochs": 1, "batch_size": 32, "optimizer": "sgd", "lr": 0.5, "verbose": False}


def linear() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, name="only")])


def weights(model: keras.Model) -> dict[str, np.ndarray]:
    return {variable.path.split("/")[-1]: variable.numpy().copy() for variable in model.trainable_variables}


def test_importance_is_the_mean_squared_gradient() -> None:
    model = linear()
    found = {path.split("/")[-1]: value for path, value in fisher(model, X, seed=3).items()}
    weight, bias = linear_fisher(X, predict(model, X), seed=3)
    np.testing.assert_allclose(found["kernel"], weight, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found["bias"], bias, rtol=1e-4, atol=1e-7)


def test_a_step_goes_a_share_of_the_way_back_and_important_weights_more() -> None:
    free, held, elastic = linear(), linear(), linear()
    start = weights(free)
    importance = {variable.path: RNG.uniform(0, 9, variable.shape) for variable in elastic.trainable_variables}
    fit(free, (X, Y), **ONE_STEP)
    fit(held, (X, Y), callbacks=[TowardStart(0.25, skip=())], **ONE_STEP)
    fit(elastic, (X, Y), callbacks=[ElasticWeights(importance, 2.0, skip=())], **ONE_STEP)
    by_name = {path.split("/")[-1]: value for path, value in importance.items()}
    for name, moved in weights(free).items():
        np.testing.assert_allclose(weights(held)[name], (moved + 0.25 * start[name]) / 1.25, rtol=1e-5, atol=1e-7)
        pull = 2.0 * by_name[name]
        np.testing.assert_allclose(weights(elastic)[name], (moved + pull * start[name]) / (1 + pull), rtol=1e-5, atol=1e-6)


def test_a_run_that_goes_on_is_pulled_to_the_first_start(tmp_path: Path) -> None:
    recipe = ONE_STEP | {"optimizer": "adam", "lr": 0.1, "batch_size": 8}
    whole, half = linear(), linear()
    fit(whole, (X, Y), callbacks=[TowardStart(0.1, skip=())], **recipe | {"epochs": 2})
    fit(half, (X, Y), callbacks=[TowardStart(0.1, skip=()), Checkpoint(tmp_path)], **recipe)
    with pytest.warns(UserWarning, match="epochs"):
        fit(half, (X, Y), callbacks=[TowardStart(0.1, skip=())], resume=tmp_path, **recipe | {"epochs": 2})
    for name, weight in weights(whole).items():
        np.testing.assert_allclose(weight, weights(half)[name], rtol=1e-5, atol=1e-6)


def test_importance_of_another_model_is_refused() -> None:
    with pytest.raises(TransferError, match=r"is missing there and \(5, 3\) here"):
        fit(linear(), (X, Y), callbacks=[ElasticWeights({}, skip=())], **ONE_STEP)
    with pytest.raises(TransferError, match="leaves no trainable weight"):
        fit(linear(), (X, Y), callbacks=[TowardStart(skip=("only", "sequential"))], **ONE_STEP)
