"""Keras models, counted layer by layer: against hand-made formulas and what PyTorch's counts of the same network are."""

from __future__ import annotations

import keras
import pytest
from keras import layers

from gpulab.estimate import EstimateError, estimate, workload
from gpulab.models import reference_cnn


def test_the_reference_cnns_operations_are_those_of_its_formula() -> None:
    work = workload(reference_cnn("keras"), 4, mode="infer")
    per_sample = 2 * (26 * 26 * 32 * 9 + 11 * 11 * 64 * 9 * 32 + 3 * 3 * 64 * 9 * 64) + _dense(reference_cnn("keras"))
    assert work.flops == 4 * per_sample
    assert work.parameters == 93_322


def _dense(model: keras.Model) -> int:
    return sum(
        2 * layer.kernel.shape[0] * layer.kernel.shape[1] for layer in model.layers if isinstance(layer, layers.Dense)
    )


def test_training_costs_three_times_less_the_first_layers_inputs() -> None:
    model = reference_cnn("keras")
    infer, train = (workload(model, 4, mode=mode).flops for mode in ("infer", "train"))
    assert train == 3 * infer - 4 * 2 * 26 * 26 * 32 * 9


def test_an_lstms_operations_follow_the_formula() -> None:
    model = keras.Sequential([keras.Input((12,)), layers.Embedding(50, 16), layers.LSTM(32)])
    assert workload(model, 3, mode="infer").flops == 2 * 4 * 32 * (16 + 32) * 3 * 12
    both = keras.Sequential([keras.Input((12, 16)), layers.Bidirectional(layers.LSTM(32, return_sequences=True))])
    assert workload(both, 3, mode="infer").flops == 2 * 2 * 4 * 32 * (16 + 32) * 3 * 12


def test_depthwise_and_nested_models() -> None:
    inner = keras.Sequential([keras.Input((8, 8, 4)), layers.DepthwiseConv2D(3, use_bias=False)])
    model = keras.Sequential([keras.Input((8, 8, 4)), inner, layers.GlobalAveragePooling2D()])
    work = workload(model, 2, mode="infer")
    assert work.flops == 2 * 2 * 6 * 6 * 9 * 4
    assert {op.kind for op in work.ops if op.flops[1]} == {"depthwise"}


def test_a_keras_model_is_estimated_on_any_device() -> None:
    answer = estimate(reference_cnn("keras"), "t4", 256, "fp16")
    assert answer.fits and answer.samples_per_s > 1000
    assert answer.memory["optimizer"] == pytest.approx(2 * answer.memory["weights"])


def test_activations_grow_with_the_batch_and_halve_in_16_bits() -> None:
    model = reference_cnn("keras")
    small, large, half = (workload(model, 8), workload(model, 16), workload(model, 8, "fp16"))
    assert large.memory.activations == small.memory.activations
    assert half.memory.activations[1] == small.memory.activations[1] / 2


def test_what_cannot_be_counted_is_said() -> None:
    with pytest.raises(EstimateError, match="has no input shape yet"):
        workload(keras.Sequential([layers.Dense(3)]), 4)
    open_shape = keras.Sequential([keras.Input((None, 4)), layers.LSTM(3)])
    with pytest.raises(EstimateError, match="a shape is open"):
        workload(open_shape, 4)
