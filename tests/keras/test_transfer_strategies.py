"""Freezing, rates for each stage, gradual unfreezing and LoRA in Keras, on a small model with stages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from gpulab import transfer
from gpulab.train import Checkpoint, fit, predict
from gpulab.transfer.errors import TransferError

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 48)
X = (RNG.normal(size=(48, 6)) + Y[:, None]).astype(np.float32)
DATA = (X, Y)


def small(*, plain: bool = False) -> keras.Model:
    """Three stages with weights, BatchNorm and dropout, then the head; or two plain dense stages."""
    keras.utils.set_random_seed(0)
    inputs = layers.Input((6,))
    x = layers.Dense(8, name="stem_dense")(inputs)
    if not plain:
        x = layers.BatchNormalization(name="stem_norm")(x)
    x = layers.Activation("tanh", name="stem_tanh")(x)
    x = layers.Dense(8, name="block1_dense")(x)
    if not plain:
        x = layers.Dropout(0.5, name="block1_dropout")(x)
    x = layers.Activation("tanh", name="block1_tanh")(x)
    if not plain:
        x = layers.Dense(8, name="top_dense")(x)
        x = layers.BatchNormalization(name="top_norm")(x)
        x = layers.Activation("linear", name="pool")(x)
    return keras.Model(inputs, layers.Dense(3, name="head")(x))


def state(model: keras.Model) -> dict[str, np.ndarray]:
    """Return a copy of all weights and statistics."""
    return {weight.path: weight.numpy() for weight in model.weights}


def changed(before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> set[str]:
    """Return the parts that differ."""
    found = {name for name in before if not np.array_equal(before[name], after[name])}
    return {name.replace("/", "_").split("_")[0] for name in found}


def test_a_frozen_model_keeps_everything_but_its_head() -> None:
    """Weights and statistics stay to the bit, and dropout in a frozen stage is off."""
    model = transfer.freeze(small())
    before = state(model)
    fit(model, DATA, epochs=2, batch_size=16)
    assert changed(before, state(model)) == {"head"}
    np.testing.assert_array_equal(model(X, training=True), model(X, training=True))


def test_unfreezing_opens_from_a_stage_on_and_keeps_batchnorm() -> None:
    """Earlier stages stay; BatchNorm learns only if asked; dropout comes back."""
    model = transfer.unfreeze(transfer.freeze(small()), "block1")
    before = state(model)
    fit(model, DATA, epochs=1, batch_size=16)
    after = state(model)
    assert changed(before, after) == {"block1", "top", "head"}
    assert all(np.array_equal(before[name], after[name]) for name in before if name.startswith("top_norm"))
    assert np.abs(model(X, training=True) - model(X, training=True)).max() > 0
    transfer.unfreeze(model, "stem", batchnorm=True)
    fit(model, DATA, epochs=1, batch_size=16)
    last = state(model)
    for name in ("stem_norm/gamma", "stem_norm/moving_mean", "top_norm/moving_variance"):
        assert not np.array_equal(after[name], last[name])


def test_each_stage_gets_its_rate() -> None:
    """One step of SGD moves each stage by its rate times its gradient."""
    import tensorflow as tf

    model = transfer.unfreeze(small(), "stem")
    model.get_layer("block1_dropout").rate = 0.0
    recipe = transfer.group_rates(model, 0.1, decay=0.5, optimizer="sgd")
    assert recipe.rates == pytest.approx({"head": 0.1, "top": 0.05, "block1": 0.025, "stem": 0.0125})
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    kernels = {name: model.get_layer(name).kernel for name in ("head", "top_dense", "block1_dense", "stem_dense")}
    with tf.GradientTape() as tape:
        value = loss(Y, model(X, training=True))
    slopes = tape.gradient(value, [kernel.value for kernel in kernels.values()])
    before = state(model)
    history = fit(model, DATA, epochs=1, batch_size=48, optimizer=recipe)
    assert history.settings["optimizer"] == "group_rates(sgd, decay=0.5)" and history.settings["lr"] == 0.1
    for (name, kernel), slope, rate in zip(kernels.items(), slopes, recipe.rates.values(), strict=True):
        moved = before[kernel.path] - kernel.numpy()
        np.testing.assert_allclose(moved, rate * np.array(slope), rtol=1e-3, atol=1e-6, err_msg=name)


def test_gradual_unfreezing_opens_one_group_after_the_other() -> None:
    """What is closed does not move, not even by weight decay."""
    model = transfer.unfreeze(small(), "stem")
    seen: list[set[str]] = []
    before = state(model)

    class Watch(transfer.GradualUnfreezing):
        def on_epoch(self, run: Any) -> None:
            nonlocal before
            now = state(run.model)
            seen.append(changed(before, now))
            before = now
            super().on_epoch(run)

    recipe = transfer.group_rates(model, 1e-2, weight_decay=0.1)
    fit(model, DATA, epochs=4, batch_size=16, optimizer=recipe, callbacks=[Watch(["top", "block1"])])
    assert seen == [{"head"}, {"head", "top"}, {"head", "top", "block1"}, {"head", "top", "block1"}]


@pytest.mark.parametrize("way", ["gradual", "lora", "frozen"])
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(way: str, tmp_path: Path) -> None:
    """Checkpoint and resume, between two openings, with adapters, and with a frozen base."""

    def run(**more: Any) -> keras.Model:
        model = transfer.unfreeze(small(), "stem")
        model.get_layer("block1_dropout").rate = 0.0  # Keras' dropout goes on with random numbers of its own
        if way == "frozen":
            transfer.freeze(model)
        if way == "lora":
            transfer.lora(model, rank=2)
        callbacks = [transfer.GradualUnfreezing([("top",), ("block1", "stem")])] if way == "gradual" else []
        callbacks += more.pop("callbacks", [])
        recipe = transfer.group_rates(model, 1e-2, weight_decay=0.1)
        fit(model, DATA, epochs=4, batch_size=16, optimizer=recipe, clip=1.0, callbacks=callbacks, **more)
        return model

    class Stop(Checkpoint):
        def on_epoch(self, run: Any) -> None:
            super().on_epoch(run)
            if run.epoch == 2:
                raise RuntimeError("power cut")

    whole = state(run())
    with pytest.raises(RuntimeError, match="power cut"):
        run(callbacks=[Stop(tmp_path)])
    resumed = state(run(resume=tmp_path))
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)


def test_rates_and_openings_are_torchs(tmp_path: Path) -> None:
    """From the same weights, four epochs with clipping, decay and two openings end at the same weights."""
    model = small(plain=True)
    start = [weight.numpy() for weight in model.weights]
    np.savez(tmp_path / "start.npz", **{f"{n}": array for n, array in enumerate(start)}, x=X, y=Y)
    script = str(Path(__file__).with_name("transfer_torch_side.py"))
    done = subprocess.run([sys.executable, script, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for optimizer, weight_decay in (("adamw", 0.1), ("sgd", 0.0)):
        model.set_weights(start)
        rates = transfer.group_rates(model, 1e-2, decay=0.5, optimizer=optimizer, weight_decay=weight_decay)
        gradual = transfer.GradualUnfreezing(["block1", "stem"])
        fit(model, DATA, epochs=4, batch_size=16, optimizer=rates, clip=0.5, callbacks=[gradual])
        theirs = np.load(tmp_path / f"{optimizer}.npz")
        for number, weight in enumerate(model.weights):
            np.testing.assert_allclose(weight.numpy(), theirs[f"arr_{number}"], atol=2e-5, err_msg=weight.path)


def test_lora_starts_as_the_model_and_can_be_merged() -> None:
    """Its adapters start at zero, only they and the head learn, and merging changes no answer."""
    model = small()
    before, answers = state(model), predict(model, X)
    transfer.lora(transfer.freeze(model), rank=2, alpha=4)
    np.testing.assert_allclose(predict(model, X), answers, atol=1e-6)
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)
    assert trainable == 2 * (6 + 8) + 2 * 2 * (8 + 8) + (8 * 3 + 3)
    fit(model, DATA, epochs=3, batch_size=16, lr=1e-2)
    after = state(model)
    for name in ("stem_dense/kernel", "stem_dense/bias", "stem_norm/moving_mean", "top_norm/gamma"):
        assert np.array_equal(after[name], before[name])
    learned = predict(model, X)
    transfer.merge_lora(model)
    np.testing.assert_allclose(predict(model, X), learned, atol=1e-5)
    assert state(model).keys() == before.keys()
    update = state(model)["block1_dense/kernel"] - before["block1_dense/kernel"]
    assert np.linalg.matrix_rank(update, tol=1e-5) == 2
    transfer.unfreeze(model, "stem")
    fit(model, DATA, epochs=1, batch_size=16)


def test_lora_reaches_into_attention() -> None:
    """Its layers are inside another layer; dropout in frozen attention is off, and comes back."""
    keras.utils.set_random_seed(0)
    inputs = layers.Input((5, 8))
    x = layers.MultiHeadAttention(2, 4, dropout=0.5, name="block1_attention")(inputs, inputs)
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    model = keras.Model(inputs, layers.Dense(3, name="head")(x))
    x = RNG.normal(size=(48, 5, 8)).astype(np.float32)
    before = predict(model, x)
    transfer.freeze(model)
    np.testing.assert_array_equal(model(x, training=True), model(x, training=True))
    transfer.lora(model, rank=2)
    assert np.abs(model(x, training=True) - model(x, training=True)).max() > 0
    np.testing.assert_allclose(predict(model, x), before, atol=1e-6)
    assert {v.path.split("/")[-1] for v in model.trainable_variables[:-2]} == {"lora_kernel_a", "lora_kernel_b"}
    fit(model, (x, Y), epochs=2, batch_size=16, lr=1e-2)
    learned = predict(model, x)
    assert np.abs(learned - before).max() > 0.01
    np.testing.assert_allclose(predict(transfer.merge_lora(model), x), learned, atol=1e-5)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda model: transfer.freeze(model, upto="block9"), "no such stage. It has stem, block1, top, pool"),
        (lambda model: transfer.freeze(model, upto="head"), "leaves nothing to train"),
        (
            lambda model: transfer.freeze(keras.Sequential([layers.Input((2,)), layers.Dense(2)])),
            "no layer named 'head'",
        ),
        (lambda model: fit(model, DATA, epochs=1, optimizer=transfer.group_rates(small(), 1)), "of another model"),
        (lambda model: transfer.merge_lora(model), "no adapters to merge"),
        (lambda model: transfer.lora(model, stages=["pool"]), "no dense layer"),
        (lambda model: transfer.lora(transfer.lora(model)), "already"),
        (lambda model: transfer.freeze(transfer.lora(model)), "Merge them first"),
        (lambda model: gradual(model, ["top"], 2), "BatchNorm in 'stem' is trainable"),
        (
            lambda model: gradual(transfer.unfreeze(model, "stem"), ["top"], 2),
            "needs fit(optimizer=transfer.group_rates",
        ),
    ],
)
def test_mistakes_are_named(what: Any, said: str) -> None:
    """Each with what to do."""
    with pytest.raises(TransferError, match=said.replace("(", r"\(")):
        what(small())


def gradual(model: keras.Model, groups: list[str], epochs: int) -> None:
    """Train with gradual unfreezing."""
    fit(model, DATA, epochs=epochs, callbacks=[transfer.GradualUnfreezing(groups)])
