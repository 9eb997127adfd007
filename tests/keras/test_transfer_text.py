"""MiniLM in Keras: equal to torch's, values and gradients; padding changes nothing; it trains, saves and loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from gpulab import transfer
from gpulab.train import fit, predict
from gpulab.train.errors import TrainError

TEXTS = ["A cat sleeps on the sofa.", "A kitten naps.", "Stock prices fell on Monday, and nobody knew why.", "No."]


@pytest.fixture(scope="module")
def tokens() -> np.ndarray:
    return transfer.tokenizer("minilm")(TEXTS, length=20)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return transfer.load("minilm", "keras", classes=2)


def test_it_equals_torch_in_values_and_gradients(model: keras.Model, tokens: np.ndarray, tmp_path: Path) -> None:
    weight = np.random.default_rng(0).normal(size=(384, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", tokens), np.save(tmp_path / "weight.npy", weight)
    side = Path(__file__).with_name("text_torch_side.py")
    subprocess.run([sys.executable, side, tmp_path], check=True)
    theirs = np.load(tmp_path / "torch.npz")
    transfer.set_head(model, weight, np.zeros(2))
    with tf.GradientTape() as tape:
        logits = model(tokens, training=False)
        loss = keras.ops.mean(keras.losses.sparse_categorical_crossentropy(np.arange(4) % 2, logits, from_logits=True))
    attention = model.get_layer("block2_attention")
    variables = [
        attention._query_dense.kernel,
        attention._output_dense.kernel,
        model.get_layer("block2_wide").kernel,
        model.get_layer("embeddings_positions").positions,
    ]
    query, out, wide, first = (gradient.numpy() for gradient in tape.gradient(loss, [v.value for v in variables]))
    np.testing.assert_allclose(logits, theirs["logits"], atol=1e-4)
    np.testing.assert_allclose(transfer.cut(model, "pool")(tokens), theirs["pool"], atol=1e-5)
    np.testing.assert_allclose(transfer.cut(model, "block3")(tokens), theirs["block3"], atol=1e-5)
    found = {"query": query.reshape(384, 384), "out": out.reshape(384, 384), "wide": wide, "first": first[:4]}
    for name, ours in found.items():
        np.testing.assert_allclose(ours, theirs[name], atol=1e-5, err_msg=name)


def test_padding_changes_nothing(model: keras.Model, tokens: np.ndarray) -> None:
    shorter = transfer.cut(model, "pool")
    one, other = shorter(tokens).numpy(), shorter(np.pad(tokens, ((0, 0), (0, 30)))).numpy()
    np.testing.assert_allclose(one, other, atol=5e-6)


def test_stages_and_parameters_are_the_cards(model: keras.Model) -> None:
    card = transfer.card("minilm")
    assert transfer.stages(model) == card.stages
    assert sum(row.parameters for row in transfer.parameters(model) if row.stage != "head") == card.parameters


def test_foreign_tokens_are_refused(model: keras.Model, tokens: np.ndarray) -> None:
    with pytest.raises(TrainError, match=r"(?s)Row 0 starts with the token 0.*own tokenizer"):
        predict(model, np.zeros((1, 4), dtype=np.int64))
    with pytest.raises(TrainError, match=r"(?s)a token 131521"):
        fit(model, (np.where(tokens == 102, 131_521, tokens), np.zeros(4, dtype=int)), epochs=1, verbose=False)


def test_it_learns_and_the_frozen_part_does_not(tokens: np.ndarray) -> None:
    keras.utils.set_random_seed(0)
    model = transfer.freeze(transfer.load("minilm", "keras", classes=2), "block5")
    kept = model.get_layer("block5_wide").kernel.numpy()
    history = fit(model, (tokens, np.array([0, 0, 1, 1])), epochs=6, batch_size=4, lr=1e-3, verbose=False)
    assert history["loss"][-1] < history["loss"][0]
    assert (kept == model.get_layer("block5_wide").kernel.numpy()).all()


def test_a_saved_model_is_the_same(model: keras.Model, tokens: np.ndarray, tmp_path: Path) -> None:
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(loaded(tokens), model(tokens), atol=1e-6)
