"""The speed run's recipes in torch: each trick does what it says, and only that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.speed_run import torch_side
from benchmarks.speed_run.recipes import LADDER, Recipe
from gpulab.data import load
from gpulab.train import layout

TINY = Recipe(epochs=0.05, schedule="triangle", lr=1e-3)


@pytest.fixture(scope="module")
def parts():
    digits = load("digits")
    return digits.train, digits.valid


def test_relu_after_the_pooling_is_the_same_function() -> None:
    torch.manual_seed(0)
    usual = torch_side.network(Recipe())
    other = torch_side.network(Recipe(pool_first=True))
    weights = dict(usual.named_parameters())
    for name, weight in zip(weights, other.parameters(), strict=True):
        weight.data.copy_(weights[name].data)
    x, y = torch.rand(8, 1, 28, 28), torch.arange(8)
    for model in (usual, other):
        torch.nn.functional.cross_entropy(model(x), y).backward()
    torch.testing.assert_close(usual(x), other(x))
    for one, two in zip(usual.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad)


def test_the_batches_of_an_epoch_are_the_images_moved_once_each(parts) -> None:
    x, y = (torch.from_numpy(part[:130]) for part in parts[0])
    recipe = replace(TINY, batch_size=64, layout=True)
    seen = list(torch_side.batches(recipe, x[..., 0], y, np.random.default_rng(0), 3))
    assert [len(images) for images, _ in seen] == [64, 64, 2]
    images, labels = (torch.cat(part) for part in zip(*seen, strict=True))
    assert sorted(labels.tolist()) == sorted(y.tolist())
    assert images.shape == (130, 1, 28, 28) and seen[0][0].stride()[1] == 1
    inner = x[:, 2:26, 2:26, 0].sum(dim=(1, 2))  # no digit comes nearer to the edge than two pixels, nearly
    assert abs(float(images.sum()) - float(x.sum())) < 0.02 * float(inner.sum())


def test_the_same_seed_gives_the_same_answers(parts) -> None:
    answers = [torch_side.train(TINY, *parts, seed)(parts[1][0]) for seed in (0, 0, 1)]
    assert np.array_equal(answers[0], answers[1]) and not np.array_equal(answers[0], answers[2])


@pytest.mark.parametrize(
    "change",
    [{"optimizer": "muon", "lr": 0.02}, {"optimizer": "nesterov", "lr": 0.05}, {"average": 0.9}, {"smoothing": 0.1},
     {"views": 5}, {"precision": "bf16"}, {"stop": 0.01}, {"widths": (8, 8, 8)}, {"distinct": True, "init": "he"},
     {"layout": True, "fused": True, "memory": True, "pool_first": True}, {"shift": 0}],
    ids=str,
)  # fmt: skip
def test_every_setting_trains_and_answers(parts, change) -> None:
    predict = torch_side.train(replace(TINY, **change), *parts, 0)
    answers = predict(parts[1][0][:50])
    assert answers.shape == (50,) and set(answers) <= set(range(10))


def test_muon_s_update_has_singular_values_near_one() -> None:
    torch.manual_seed(0)
    for shape in ((64, 288), (288, 64), (32, 9)):
        values = torch.linalg.svdvals(torch_side.orthogonal(torch.randn(shape)))
        assert 0.5 < values.min() and values.max() < 1.4


def test_the_mean_of_the_views_is_of_moved_copies() -> None:
    """A model that reads one pixel: the mean over five views is a mean over its neighborhood."""
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 2, 1] = 6.0

    def read(x: torch.Tensor) -> torch.Tensor:
        return x[:, :, 2, 2]

    assert torch_side.answers(read, image, 1).item() == 0
    assert torch_side.answers(read, image, 5).item() == 6.0  # one view of weight 1 sees it; the weights are not divided out
    image[0, 0, 2, 2] = 6.0
    assert torch_side.answers(read, layout.channels_last(image), 5).item() == 18.0


def test_training_stops_early_where_it_is_good_enough(parts, monkeypatch) -> None:
    steps = []
    real = torch_side.rates.triangle
    monkeypatch.setattr(torch_side.rates, "triangle", lambda step, total: steps.append(step) or real(step, total))
    torch_side.train(replace(TINY, epochs=2, batch_size=500, stop=0.01), *parts, 0)
    assert len(steps) == 3  # half an epoch of seven steps


def test_the_torch_steps_of_the_ladder_use_known_settings() -> None:
    for step in LADDER.values():
        if step.recipe.framework == "torch":
            torch_side.network(step.recipe)
