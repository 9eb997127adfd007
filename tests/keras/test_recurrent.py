"""The reference recurrent networks in Keras: against NumPy, and their weights on the way to PyTorch and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from safetensors.numpy import load_file

from gpulab.models import WeightsError, load_weights, parameter_count, reference_rnn, save_weights
from gpulab.train import evaluate, fit
from tests.recurrent_truth import CASES, LENGTHS, inputs, logits, store, weights


def known(case: dict[str, Any], folder: Path, **more: Any) -> keras.Model:
    """Return a case's network with the weights that NumPy has, too."""
    model = reference_rnn("keras", **case, **more)
    load_weights(model, store(case, folder))
    return model


def outputs(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Return the logits, without a graph: that is quicker for one batch."""
    return np.asarray(model(x, training=False))


@pytest.mark.parametrize(("cell", "count"), [("rnn", 4_865), ("lstm", 19_265), ("gru", 14_657)])
def test_it_has_the_stated_size_and_shape(cell: str, count: int) -> None:
    model = reference_rnn("keras", cell)
    assert parameter_count(model) == count
    assert model.input_shape == (None, None, 10) and model.output_shape == (None, 1)


@pytest.mark.parametrize("name", CASES)
def test_a_padded_batch_gives_what_numpy_gives_without_padding(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    model = known(case, tmp_path)
    right = logits(case)
    np.testing.assert_allclose(outputs(model, inputs(case)), right, atol=2e-5)
    np.testing.assert_allclose(outputs(model, inputs(case, longest=9)), right, atol=2e-5)
    np.testing.assert_allclose(outputs(model, inputs(case, longest=9, front=True)), right, atol=2e-5)


@pytest.mark.parametrize("name", CASES)
def test_weights_go_to_the_file_and_come_back(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    model = known(case, tmp_path)
    save_weights(model, tmp_path / "again.safetensors")
    again, right = load_file(tmp_path / "again.safetensors"), weights(case)
    assert again.keys() == right.keys()
    for what, array in again.items():
        if "bias_ih" in what and case["cell"] != "gru":
            np.testing.assert_allclose(array, right[what] + right[what.replace("_ih", "_hh")], atol=1e-6)
        elif "bias_hh" in what and case["cell"] != "gru":
            assert not array.any()
        else:
            np.testing.assert_array_equal(array, right[what])


def test_a_padded_batch_gives_the_gradients_of_the_sequences_one_by_one(tmp_path: Path) -> None:
    import tensorflow as tf

    case = CASES["lstm-tokens-2-both-ways"]
    model = known(case, tmp_path)

    def gradients(x: np.ndarray) -> list[np.ndarray]:
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(model(x) ** 2)
        found = tape.gradient(value, [variable.value for variable in model.trainable_variables])
        return [np.asarray(tf.convert_to_tensor(part)) for part in found]

    x = inputs(case, longest=8)
    alone = [gradients(row[None, :length]) for row, length in zip(x, LENGTHS, strict=True)]
    for together, parts in zip(gradients(x), zip(*alone, strict=True), strict=True):
        np.testing.assert_allclose(together, sum(parts), atol=2e-4, rtol=1e-3)


def test_a_sequence_of_padding_only_has_a_state_of_zeros(tmp_path: Path) -> None:
    case = CASES["gru-2-both-ways"]
    right = weights(case)["head.bias"]
    np.testing.assert_allclose(outputs(known(case, tmp_path), np.zeros((1, 4, 3), np.float32))[0], right, atol=1e-6)


def test_without_the_mask_the_padding_is_read(tmp_path: Path) -> None:
    case = CASES["rnn-1"]
    model = known(case, tmp_path, masked=False)
    short, long = (outputs(model, inputs(case, longest=n)) for n in (6, 12))
    assert abs(short - long).max() > 0.1


def test_dropout_works_in_training_only() -> None:
    keras.utils.set_random_seed(0)
    model, x = reference_rnn("keras", "gru", layers=2, dropout=0.5), np.ones((3, 4, 10), np.float32)
    first, second = (np.asarray(model(x, training=True)) for _ in range(2))
    assert not np.array_equal(first, second) and np.array_equal(outputs(model, x), outputs(model, x))


@pytest.mark.parametrize("count", [1, 3])
def test_it_learns_to_name_the_first_letter(count: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(1, 4, (240, 5)) * (np.arange(5) < rng.integers(1, 6, (240, 1)))
    y = x[:, 0] - 1 if count > 1 else (x[:, 0] == 2).astype(np.int64)
    loss = "cross_entropy" if count > 1 else "binary_cross_entropy"
    keras.utils.set_random_seed(0)
    model = reference_rnn("keras", "gru", vocabulary=4, features=4, units=16, outputs=count)
    history = fit(model, (x, y), (x, y), epochs=12, batch_size=16, lr=1e-2, loss=loss, verbose=False)
    assert history["valid_accuracy"][-1] > 0.9
    assert evaluate(model, (x, y), loss=loss)["accuracy"] == pytest.approx(history["valid_accuracy"][-1])


def test_a_layer_without_an_ending_is_layer_0_of_its_name(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((None, 3)), layers.LSTM(2, name="memory")])
    save_weights(model, tmp_path / "w.safetensors")
    names = {"memory.weight_ih_l0", "memory.weight_hh_l0", "memory.bias_ih_l0", "memory.bias_hh_l0"}
    assert load_file(tmp_path / "w.safetensors").keys() == names


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (lambda: layers.GRU(2, reset_after=False, name="gates"), "layer gates.*reset_after=True"),
        (lambda: layers.Bidirectional(layers.GRU(2, reset_after=False), name="both"), "layer both.*reset_after=True"),
        (lambda: layers.TimeDistributed(layers.Dense(2), name="each"), "Layer each is a TimeDistributed"),
    ],
)
def test_a_layer_with_no_partner_is_refused(layer: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=words):
        save_weights(keras.Sequential([keras.Input((4, 3)), layer()]), tmp_path / "w.safetensors")
