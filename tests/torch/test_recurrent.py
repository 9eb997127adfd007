"""The reference recurrent networks in PyTorch: against NumPy, against sequences one by one, and in training."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpulab.models import load_weights, parameter_count, reference_rnn, save_weights
from gpulab.train import evaluate, fit, predict
from tests.recurrent_truth import CASES, LENGTHS, inputs, logits, store


def known(case: dict[str, Any], folder: Path, **more: Any) -> torch.nn.Module:
    """Return a case's network with the weights that NumPy has, too."""
    model = reference_rnn("torch", **case, **more)
    load_weights(model, store(case, folder))
    return model


@pytest.mark.parametrize(("cell", "count"), [("rnn", 4_929), ("lstm", 19_521), ("gru", 14_657)])
def test_it_has_the_stated_size_and_shape(cell: str, count: int) -> None:
    model = reference_rnn("torch", cell)
    assert parameter_count(model) == count
    assert model(torch.ones(2, 7, 10)).shape == (2, 1) and model(torch.ones(2, 3, 10)).shape == (2, 1)


@pytest.mark.parametrize("name", CASES)
def test_a_padded_batch_gives_what_numpy_gives_without_padding(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    model = known(case, tmp_path)
    right = logits(case)
    np.testing.assert_allclose(predict(model, inputs(case)), right, atol=2e-5)
    np.testing.assert_allclose(predict(model, inputs(case, longest=11)), right, atol=2e-5)
    np.testing.assert_allclose(predict(model, inputs(case, longest=11, front=True)), right, atol=2e-5)
    assert np.ptp(right) > 0.1


@pytest.mark.parametrize("name", ["rnn-tokens-1-both-ways", "lstm-tokens-2-both-ways", "gru-1"])
def test_a_padded_batch_gives_the_gradients_of_the_sequences_one_by_one(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    together = known(case, tmp_path).double()
    alone = copy.deepcopy(together)
    x = torch.from_numpy(inputs(case, longest=9))
    x = x if case["vocabulary"] else x.double()
    (together(x) ** 2).sum().backward()
    for row, length in zip(x, LENGTHS, strict=True):
        (alone(row[None, :length]) ** 2).sum().backward()
    for (what, one), other in zip(together.named_parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, msg=lambda text, what=what: f"{what}: {text}")


def test_a_sequence_of_padding_only_has_a_state_of_zeros(tmp_path: Path) -> None:
    model = known(CASES["gru-2-both-ways"], tmp_path)
    torch.testing.assert_close(model(torch.zeros(1, 4, 3))[0], model.head.bias)


def test_without_the_mask_the_padding_is_read(tmp_path: Path) -> None:
    case = CASES["rnn-1"]
    model = known(case, tmp_path, masked=False)
    short, long = (predict(model, inputs(case, longest=n)) for n in (6, 12))
    assert abs(short - long).max() > 0.1


def test_weights_start_as_in_keras() -> None:
    torch.manual_seed(0)
    rnn = reference_rnn("torch", "lstm", layers=2, bidirectional=True).rnn
    square = rnn.weight_hh_l1_reverse
    torch.testing.assert_close(square.T @ square, torch.eye(64), atol=1e-5, rtol=0)
    assert rnn.bias_ih_l0.chunk(4)[1].eq(1).all() and rnn.bias_ih_l0.sum() == 64 and rnn.bias_hh_l1.eq(0).all()


def test_dropout_works_in_training_only() -> None:
    torch.manual_seed(0)
    model, x = reference_rnn("torch", "gru", layers=2, dropout=0.5), torch.ones(3, 4, 10)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))
    assert parameter_count(model) == parameter_count(reference_rnn("torch", "gru", layers=2))


@pytest.mark.parametrize("outputs", [1, 3])
def test_it_learns_to_name_the_first_letter(outputs: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(1, 4, (240, 5)) * (np.arange(5) < rng.integers(1, 6, (240, 1)))
    y = x[:, 0] - 1 if outputs > 1 else (x[:, 0] == 2).astype(np.int64)
    loss = "cross_entropy" if outputs > 1 else "binary_cross_entropy"
    torch.manual_seed(0)
    model = reference_rnn("torch", "gru", vocabulary=4, features=4, units=16, outputs=outputs)
    history = fit(model, (x, y), (x, y), epochs=12, batch_size=16, lr=1e-2, loss=loss, verbose=False)
    assert history["valid_accuracy"][-1] > 0.9
    assert evaluate(model, (x, y), loss=loss)["accuracy"] == pytest.approx(history["valid_accuracy"][-1])


def test_weights_come_back_from_a_file(tmp_path: Path) -> None:
    first, second = (reference_rnn("torch", "lstm", layers=2, bidirectional=True) for _ in range(2))
    save_weights(first, tmp_path / "w.safetensors")
    load_weights(second, tmp_path / "w.safetensors")
    x = torch.rand(3, 5, 10)
    assert torch.equal(first(x), second(x))
