"""The reference CNN in PyTorch: its size, its shape, its weights through a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gpulab import models
from gpulab.models import framework_of, load_weights, parameter_count, reference_cnn, save_weights


def test_it_has_the_stated_size_and_shape() -> None:
    model = reference_cnn("torch")
    assert parameter_count(model) == 93_322 and framework_of(model) == "torch"
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_trainable_parameters_are_counted_apart() -> None:
    model = reference_cnn("torch")
    model.conv1.requires_grad_(False)
    assert parameter_count(model, trainable=True) == 93_322 - 320


def test_weights_come_back_from_a_file(tmp_path: Path) -> None:
    first, second = reference_cnn("torch"), reference_cnn("torch")
    save_weights(first, tmp_path / "w.safetensors")
    load_weights(second, tmp_path / "w.safetensors")
    x = torch.rand(3, 1, 28, 28)
    assert torch.equal(first(x), second(x)) and [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_weights_of_another_model_are_refused_and_nothing_changes(tmp_path: Path) -> None:
    save_weights(nn.Sequential(nn.Linear(3, 2)), tmp_path / "w.safetensors")
    model = reference_cnn("torch")
    before = model.conv1.weight.clone()
    with pytest.raises(models.WeightsError, match=r"do not fit.*0\.bias: model has none, file \(2,\)"):
        load_weights(model, tmp_path / "w.safetensors")
    assert torch.equal(model.conv1.weight, before)


def test_truncated_or_missing_file_is_refused(tmp_path: Path) -> None:
    model, path = nn.Linear(3, 2), tmp_path / "w.safetensors"
    with pytest.raises(models.WeightsError, match="Cannot read"):
        load_weights(model, path)
    save_weights(model, path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(models.WeightsError, match="not a whole safetensors file"):
        load_weights(model, path)


def test_unwritable_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(models.WeightsError, match="Cannot write the weights"):
        save_weights(nn.Linear(3, 2), tmp_path / "no" / "w.safetensors")


def test_a_class_is_not_a_model() -> None:
    with pytest.raises(TypeError, match=r"class Linear itself.*Linear\("):
        framework_of(nn.Linear)
    with pytest.raises(TypeError, match="ndarray"):
        framework_of(np.zeros(3))
