"""The reference CNN in Keras; weights go to PyTorch and back by file, and both frameworks then say the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from gpulab import models
from gpulab.models import framework_of, load_weights, parameter_count, reference_cnn, save_weights
from gpulab.train import fit, predict, shift


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What torch made of weights from Keras, and weights from torch; torch runs in a process of its own."""
    folder = tmp_path_factory.mktemp("both")
    rng = np.random.default_rng(0)
    np.save(folder / "x.npy", rng.random((40, 28, 28, 1), dtype=np.float32))
    np.save(folder / "y.npy", rng.integers(0, 10, 40))
    keras.utils.set_random_seed(0)
    model = reference_cnn("keras")
    for layer in model.layers:
        if layer.weights:  # biases start at zero, where a mistake in their order would not show
            layer.bias.assign(rng.normal(size=layer.bias.shape) / 10)
    save_weights(model, folder / "from_keras.safetensors")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("torch_side.py")), str(folder)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_it_has_the_stated_size_and_shape() -> None:
    model = reference_cnn("keras")
    assert parameter_count(model) == 93_322 and framework_of(model) == "keras"
    assert model.output_shape == (None, 10)


def test_trainable_weights_are_counted_apart() -> None:
    model = reference_cnn("keras")
    model.get_layer("conv1").trainable = False
    assert parameter_count(model, trainable=True) == 93_322 - 320


def test_weights_from_keras_give_the_same_outputs_in_torch(folder: Path) -> None:
    model = reference_cnn("keras")
    load_weights(model, folder / "from_keras.safetensors")
    by_torch = np.load(folder / "torch_outputs_of_keras_weights.npy")
    np.testing.assert_allclose(predict(model, np.load(folder / "x.npy")), by_torch, atol=1e-5)
    assert np.ptp(by_torch) > 0.1


def test_weights_from_torch_give_the_same_outputs_in_keras(folder: Path) -> None:
    model = reference_cnn("keras")
    load_weights(model, folder / "from_torch.safetensors")
    np.testing.assert_allclose(
        predict(model, np.load(folder / "x.npy")), np.load(folder / "torch_outputs.npy"), atol=1e-5
    )


def test_both_frameworks_train_alike_from_the_same_weights(folder: Path) -> None:
    """The same batches, shifts, rates and gradients: only rounding differs."""
    model = reference_cnn("keras")
    load_weights(model, folder / "from_keras.safetensors")
    data = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    history = fit(model, data, epochs=2, batch_size=16, schedule="one_cycle", augment=shift(2), clip=1.0, accumulate=2)
    np.testing.assert_allclose(history["loss"], np.load(folder / "torch_losses.npy"), rtol=2e-4)


def test_batch_normalization_is_converted(folder: Path) -> None:
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(2, 3, name="conv"),
            layers.BatchNormalization(epsilon=1e-5, name="norm"),
        ]
    )
    load_weights(model, folder / "norm.safetensors")
    by_keras = predict(model, np.load(folder / "x.npy")).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(by_keras, np.load(folder / "norm.npy"), atol=1e-5)


def test_a_layer_that_cannot_be_converted_is_named(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4, 3)), layers.Conv1D(2, 3, name="along")])
    with pytest.raises(models.WeightsError, match="Layer along is a Conv1D"):
        save_weights(model, tmp_path / "w.safetensors")


def test_weights_of_another_model_are_refused(folder: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="dense1")])
    with pytest.raises(models.WeightsError, match="do not fit"):
        load_weights(model, folder / "from_torch.safetensors")


@pytest.mark.parametrize("between", [layers.BatchNormalization, lambda name: layers.Reshape((-1,), name=name)])
def test_a_layer_that_depends_on_the_order_after_a_flatten_layer_is_refused(between: Any, tmp_path: Path) -> None:
    def network(*inner: layers.Layer) -> keras.Sequential:
        return keras.Sequential([keras.Input((4, 4, 2)), *inner, layers.Dense(3, name="dense1")])

    with pytest.raises(models.WeightsError, match="Layer norm, a .* is between a Flatten and a Dense"):
        save_weights(network(layers.Flatten(), between(name="norm")), tmp_path / "w.safetensors")
    assert not list(tmp_path.iterdir())
    with_one_pixel = network(layers.GlobalAveragePooling2D(keepdims=True), layers.Flatten(), between(name="norm"))
    save_weights(with_one_pixel, tmp_path / "w.safetensors")  # one order only
