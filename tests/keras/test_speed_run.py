"""The speed run's recipes in Keras: each trick does what it says, and only that."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest

from benchmarks.speed_run import keras_side, rates
from benchmarks.speed_run.recipes import LADDER, Recipe
from gpulab.data import load

TINY = Recipe(framework="keras", epochs=0.05, schedule="triangle", lr=1e-3)


@pytest.fixture(scope="module")
def parts():
    digits = load("digits")
    return digits.train, digits.valid


@pytest.fixture(autouse=True)
def plain_policy():
    yield
    keras.mixed_precision.set_global_policy("float32")


def test_relu_after_the_pooling_is_the_same_function() -> None:
    usual, other = keras_side.network(TINY), keras_side.network(replace(TINY, pool_first=True))
    other.set_weights(usual.get_weights())
    x = np.random.default_rng(0).random((8, 28, 28, 1), dtype=np.float32)
    np.testing.assert_allclose(np.asarray(usual(x)), np.asarray(other(x)), rtol=1e-5, atol=1e-6)


def test_a_run_s_images_are_the_training_images_moved(parts) -> None:
    images, labels = parts[0][0][:130], parts[0][1][:130]
    x, y = keras_side.moved_copies(replace(TINY, batch_size=64), images, labels, np.random.default_rng(0), 4)
    assert x.shape == (256, 28, 28, 1) and x.dtype == np.float32
    assert sorted(y[:130]) == sorted(labels)  # the first epoch, each image once
    still, order = keras_side.moved_copies(replace(TINY, shift=0, batch_size=65), images, labels, np.random.default_rng(0), 2)
    assert sorted(image.tobytes() for image in still) == sorted(image.tobytes() for image in images)
    assert sorted(order) == sorted(labels)


def test_the_rate_follows_the_same_table() -> None:
    optimizer = keras_side.make_optimizer(replace(TINY, lr=0.5), 20)
    rate = optimizer._learning_rate
    found = [float(rate(step)) for step in range(20)]
    np.testing.assert_allclose(found, [0.5 * rates.triangle(step, 20) for step in range(20)], rtol=1e-6)
    assert float(rate(99)) == found[-1]


@pytest.mark.parametrize(
    "change",
    [{"optimizer": "nesterov", "lr": 0.05}, {"average": 0.9, "views": 5}, {"smoothing": 0.1, "init": "he"},
     {"precision": "bf16"}, {"optimizer": "muon", "lr": 0.02}, {"steps_at_once": 3, "pool_first": True}, {"way": "tutorial", "epochs": 1}],
    ids=str,
)  # fmt: skip
def test_every_setting_trains_and_answers(parts, change) -> None:
    train = parts[0][0][:320], parts[0][1][:320]
    predict = keras_side.train(replace(TINY, **{"epochs": 1, **change}), train, parts[1], 0)
    answers = predict(parts[1][0][:50])
    assert answers.shape == (50,) and set(answers) <= set(range(10))


def test_muon_takes_the_kernels_of_convolutions() -> None:
    model = keras_side.network(TINY)
    optimizer = keras_side.make_optimizer(replace(TINY, optimizer="muon", lr=0.1), 10)
    before = [weight.numpy() for weight in model.trainable_variables]
    rng = np.random.default_rng(0)
    optimizer.apply([keras.ops.array(rng.normal(size=w.shape).astype(np.float32)) for w in before], model.trainable_variables)
    kernel = (before[2] - model.trainable_variables[2].numpy()).reshape(-1, 64)  # 3 x 3 x 32 by 64
    values = np.linalg.svd(kernel, compute_uv=False) / (0.1 * rates.triangle(0, 10))
    assert 0.5 < values.min() and values.max() < 1.4


def test_the_keras_steps_of_the_ladder_can_be_made() -> None:
    for step in LADDER.values():
        if step.recipe.framework == "keras":
            keras_side.network(step.recipe)
            keras_side.make_optimizer(step.recipe, 10)
