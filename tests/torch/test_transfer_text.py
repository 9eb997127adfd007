"""MiniLM in PyTorch: equal to transformers, whatever the padding, and ready for the strategies of the course."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gpulab import assets, transfer
from gpulab.train import fit, predict
from gpulab.train.errors import TrainError

TEXTS = ["A cat sleeps on the sofa.", "A kitten naps.", "Stock prices fell on Monday, and nobody knew why.", "No."]


@pytest.fixture(scope="module")
def encoder() -> torch.nn.Module:
    return transfer.load("minilm", "torch")


@pytest.fixture(scope="module")
def tokens() -> np.ndarray:
    return transfer.tokenizer("minilm")(TEXTS, length=20)


def test_it_equals_transformers(encoder: torch.nn.Module, tokens: np.ndarray) -> None:
    from transformers import AutoModel

    theirs, x = AutoModel.from_pretrained(assets.folder("minilm")).eval(), torch.from_numpy(tokens)
    real = (x != 0).long()
    with torch.no_grad():
        states = theirs(input_ids=x, attention_mask=real).last_hidden_state
    mean = (states * real[..., None]).sum(1) / real.sum(1, keepdim=True)
    np.testing.assert_allclose(transfer.features(encoder, tokens), mean.numpy(), atol=1e-5)


def test_padding_and_company_change_nothing(encoder: torch.nn.Module, tokens: np.ndarray) -> None:
    padded = np.pad(tokens, ((0, 0), (0, 30)))
    together = transfer.features(encoder, padded)
    alone = np.concatenate([transfer.features(encoder, row[None]) for row in tokens])
    np.testing.assert_allclose(together, alone, atol=2e-6)
    shorter, longer = (transfer.features(encoder, x, "block2") for x in (tokens, padded))
    np.testing.assert_allclose(shorter, longer, atol=2e-6)


def test_sentences_of_the_same_meaning_are_close(encoder: torch.nn.Module, tokens: np.ndarray) -> None:
    e = transfer.features(encoder, tokens)
    e /= np.linalg.norm(e, axis=1, keepdims=True)
    likeness = e @ e.T
    assert likeness[0, 1] > 0.5 and likeness[0, 2] < 0.15


def test_stages_and_parameters_are_the_cards(encoder: torch.nn.Module) -> None:
    card = transfer.card("minilm")
    assert transfer.stages(encoder) == card.stages
    assert sum(row.parameters for row in transfer.parameters(encoder)) == card.parameters


def test_foreign_tokens_are_refused(encoder: torch.nn.Module, tokens: np.ndarray) -> None:
    with pytest.raises(TrainError, match=r"Row 0 starts with the token 0.*own tokenizer"):
        predict(encoder, np.zeros((1, 4), dtype=np.int64))
    with pytest.raises(transfer.TransferError, match="a token 131521"):
        encoder(torch.from_numpy(np.where(tokens == 102, 131_521, tokens)))


def test_it_learns_with_each_strategy(tokens: np.ndarray) -> None:
    y = np.array([0, 0, 1, 1])
    for prepare in (transfer.freeze, transfer.lora, lambda model: transfer.unfreeze(transfer.freeze(model), "block6")):
        torch.manual_seed(0)
        model = prepare(transfer.load("minilm", "torch", classes=2))
        word = model.stages["embeddings"].layer.word_embeddings.weight.detach().clone()
        history = fit(model, (tokens, y), epochs=6, batch_size=4, lr=3e-3, verbose=False)
        assert history["loss"][-1] < history["loss"][0]
        assert torch.equal(word, model.stages["embeddings"].layer.word_embeddings.weight)


def test_frozen_it_answers_the_same_in_training(tokens: np.ndarray) -> None:
    model = transfer.freeze(transfer.load("minilm", "torch", classes=2, dropout=0.0)).train()
    with torch.no_grad():
        one, other = model(torch.from_numpy(tokens)), model(torch.from_numpy(tokens))
    assert torch.equal(one, other)


def test_without_weights_it_is_random(tokens: np.ndarray, encoder: torch.nn.Module) -> None:
    torch.manual_seed(0)
    fresh = transfer.features(transfer.load("minilm", "torch", source=None), tokens)
    assert fresh.shape == (4, 384) and np.abs(fresh - transfer.features(encoder, tokens)).max() > 0.1


def test_the_whole_model_computes_gradients_without_the_padding(tokens: np.ndarray) -> None:
    model = transfer.load("minilm", "torch", classes=2)
    model(torch.from_numpy(tokens)).sum().backward()
    gradient = model.stages["embeddings"].layer.word_embeddings.weight.grad
    assert gradient[0].abs().max() == 0 and gradient[101].abs().max() > 0
