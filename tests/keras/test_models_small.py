"""The small landmark networks in Keras: the same counts as in PyTorch, and the same numbers with the same weights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from gpulab.models import WeightsError, load_weights, parameter_count, save_weights, small
from gpulab.models.small import NAMES
from gpulab.train import fit

PARAMETERS = {"vgg": 41_122, "inception": 6_994, "residual": 41_858, "mbconv": 21_940}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What torch made of weights from Keras, and weights from torch; torch runs in a process of its own."""
    folder = tmp_path_factory.mktemp("small")
    rng = np.random.default_rng(0)
    np.save(folder / "x.npy", rng.random((48, 28, 28, 1), dtype=np.float32))
    np.save(folder / "y.npy", rng.integers(0, 10, 48))
    for name in NAMES:
        keras.utils.set_random_seed(0)
        model = small(name, "keras")
        for variable in model.weights:  # biases, scales and statistics start equal, where a mistake would not show
            if len(variable.shape) == 1:
                variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        save_weights(model, folder / f"{name}_keras.safetensors")
    command = [sys.executable, str(Path(__file__).with_name("small_torch_side.py")), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def outputs(model: keras.Model, folder: Path) -> np.ndarray:
    """Return the logits, without a graph: that is quicker for one batch."""
    return np.asarray(model(np.load(folder / "x.npy"), training=False))


@pytest.mark.parametrize("name", NAMES)
def test_it_has_as_many_learned_parameters_as_in_torch(name: str) -> None:
    model = small(name, "keras")
    assert parameter_count(model, trainable=True) == PARAMETERS[name] and model.output_shape == (None, 10)


@pytest.mark.parametrize("name", NAMES)
def test_weights_from_keras_give_the_same_outputs_in_torch(name: str, folder: Path) -> None:
    model = small(name, "keras")
    load_weights(model, folder / f"{name}_keras.safetensors")
    by_torch = np.load(folder / f"{name}_of_keras.npy")
    np.testing.assert_allclose(outputs(model, folder), by_torch, rtol=1e-3, atol=1e-4)
    assert np.ptp(by_torch) > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_weights_from_torch_give_the_same_outputs_in_keras(name: str, folder: Path) -> None:
    model = small(name, "keras")
    load_weights(model, folder / f"{name}_torch.safetensors")
    by_torch = np.load(folder / f"{name}_of_torch.npy")
    np.testing.assert_allclose(outputs(model, folder), by_torch, rtol=1e-3, atol=1e-4)


def test_both_frameworks_train_alike_from_the_same_weights(folder: Path) -> None:
    model = small("vgg", "keras")  # its graph is quickly made
    load_weights(model, folder / "vgg_torch.safetensors")
    data = np.load(folder / "x.npy"), np.load(folder / "y.npy")
    history = fit(model, data, epochs=2, batch_size=16, verbose=False)
    np.testing.assert_allclose(history["loss"], np.load(folder / "vgg_losses.npy"), rtol=5e-3)


def test_filters_start_with_the_variance_of_he() -> None:
    keras.utils.set_random_seed(0)
    for layer in small("mbconv", "keras", width=64, blocks=1).layers:
        if isinstance(layer, layers.DepthwiseConv2D):
            assert abs(float(np.std(layer.kernel)) * (9 / 2) ** 0.5 - 1) < 0.1
        elif isinstance(layer, layers.Conv2D) and layer.kernel.shape[2] > 8:
            assert abs(float(np.std(layer.kernel)) * (np.prod(layer.kernel.shape[:3]) / 2) ** 0.5 - 1) < 0.1


def test_a_depthwise_layer_with_two_filters_a_channel_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.DepthwiseConv2D(3, depth_multiplier=2, name="deep")])
    with pytest.raises(WeightsError, match="Layer deep is a DepthwiseConv2D"):
        save_weights(model, tmp_path / "w.safetensors")
