"""The Keras half needs no torch: data and weights come as plain arrays, and a Keras model learns from them."""

from __future__ import annotations

import sys

import keras
import numpy as np
from safetensors.numpy import load_file

from gpulab import assets
from gpulab.data import load


def test_a_linear_keras_model_learns_the_digits() -> None:
    digits = load("digits")
    keras.utils.set_random_seed(0)
    layers = [keras.Input(digits.card.shape), keras.layers.Flatten(), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    model.fit(*digits.train, epochs=8, batch_size=64, verbose=0)
    assert model.evaluate(*digits.valid, verbose=0)[1] > 0.85
    assert "torch" not in sys.modules


def test_weights_are_readable_without_torch() -> None:
    tensors = load_file(assets.file("mobilenet-v2"))
    assert tensors["features.0.0.weight"].shape == (32, 3, 3, 3)
    trained = sum(array.size for name, array in tensors.items() if array.dtype == np.float32 and "running" not in name)
    assert trained == 3_504_872
    assert "torch" not in sys.modules
