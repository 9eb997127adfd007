"""Training in Keras: it learns, it is repeatable, and it says what is wrong."""

from __future__ import annotations

import math
import os
import signal
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from gpulab.train import (
    Callback,
    Checkpoint,
    EarlyStopping,
    History,
    TrainError,
    checkpoint,
    evaluate,
    fit,
    keras_fit,
    predict,
    shift,
)
from gpulab.train.keras_run import Batches, KerasRun
from gpulab.train.recipe import Recipe

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 50)
X = (RNG.normal(size=(50, 6, 6, 1)) + Y[:, None, None, None]).astype(np.float32)


def cnn(seed: int = 0, dropout: float = 0.0) -> keras.Sequential:
    """A tiny network for 6 x 6 images in 3 classes."""
    keras.utils.set_random_seed(seed)
    inner = [layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dropout(dropout, seed=1), layers.Dense(3)]
    return keras.Sequential([keras.Input((6, 6, 1)), *inner])


def weights(model: keras.Model) -> np.ndarray:
    """All weights in one row."""
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


def trained(model: keras.Model | None = None, data: Any = (X, Y), **more: Any) -> tuple[keras.Model, History]:
    """Train a little."""
    model = model or cnn()
    return model, fit(model, data, **{"epochs": 2, "batch_size": 16, **more})


def test_it_learns_and_reports() -> None:
    model, history = trained(valid=(X, Y), epochs=10, lr=1e-2)
    assert history["loss"][-1] < history["loss"][0] / 2 and history["valid_accuracy"][-1] > 0.9
    assert history["epoch"] == list(range(1, 11)) and history["learning_rate"][-1] == 1e-2
    assert history.samples_per_second > 0 and history.peak_memory_mb > 0 and history.settings["parameters"] == 235
    found = evaluate(model, (X, Y))
    assert found["accuracy"] == pytest.approx(history["valid_accuracy"][-1])
    assert found["loss"] == pytest.approx(history["valid_loss"][-1], rel=1e-5)
    assert (predict(model, X, batch_size=7).argmax(1) == Y).mean() == pytest.approx(found["accuracy"])


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    first, second, third = (trained(cnn(), seed=seed, augment=shift(1))[0] for seed in (0, 0, 1))
    assert (weights(first) == weights(second)).all() and (weights(first) != weights(third)).any()


def test_a_tf_dataset_gives_the_weights_of_its_batches() -> None:
    batches = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)
    first, history = trained(data=batches, valid=batches, augment=shift(1))
    assert (
        history["valid_accuracy"][-1] is not None
        and (weights(first) == weights(trained(data=batches, augment=shift(1))[0])).all()
    )
    assert evaluate(first, batches)["accuracy"] == pytest.approx(evaluate(first, (X, Y))["accuracy"])


def test_an_optimizer_of_ones_own_keeps_its_rate() -> None:
    own = keras.optimizers.SGD(0.1)
    _, history = trained(optimizer=own, schedule="cosine")
    assert float(own.learning_rate) == pytest.approx(0.1) and history.settings["lr"] == 0.1
    assert history["learning_rate"][-1] < 0.01
    with pytest.raises(TrainError, match="global_clipnorm"):
        trained(optimizer=keras.optimizers.SGD(0.1), clip=1.0)


def test_two_fits_with_different_precision_leave_a_plain_model() -> None:
    model, seen = cnn(), []

    class Look(Callback):
        def on_start(self, run: Any) -> None:
            seen.append(run.model.layers[0].compute_dtype)

    for precision in ("bf16", "fp32"):
        _, history = trained(model, precision=precision, callbacks=[Look()])
        assert math.isfinite(history["loss"][-1])
        assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert seen == ["bfloat16", "float32"] and predict(model, X).dtype == np.float32
    assert {weight.dtype for weight in model.get_weights()} == {np.dtype("float32")}


def test_binary_and_regression_losses() -> None:
    flat = X.reshape(len(X), -1)
    line = keras.Sequential([keras.Input((36,)), layers.Dense(1)])
    _, history = trained(line, (flat, Y > 0), loss="binary_cross_entropy", lr=1e-2, epochs=30)
    assert history["accuracy"][-1] > 0.8
    _, history = trained(line, (flat, Y.astype(np.float32)), loss="mse", lr=1e-2, epochs=30)
    assert history["accuracy"] == [None] * 30 and history["loss"][-1] < history["loss"][0] / 2


def test_metrics_of_keras() -> None:
    metric = keras.metrics.SparseTopKCategoricalAccuracy(k=3)
    assert evaluate(cnn(), (X, Y), metrics={"top3": metric})["top3"] == 1.0


def test_early_stopping_ends_the_run_with_its_best_weights() -> None:
    noise = np.roll(Y, 1)  # wrong labels: validation gets worse
    model, history = trained(valid=(X, noise), epochs=40, lr=1e-2, callbacks=[EarlyStopping(patience=2)])
    assert len(history) < 40 and "did not improve" in history.stopped
    assert evaluate(model, (X, noise))["loss"] == pytest.approx(min(history["valid_loss"]), rel=1e-4)


class PressAt(Callback):
    """Press Ctrl-C after so many steps."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, run: Any) -> None:
        if run.steps_done == self.step:
            os.kill(os.getpid(), signal.SIGINT)


RECIPE = {"epochs": 3, "lr": 1e-2, "schedule": "one_cycle", "augment": shift(1), "valid": (X, Y)}


@pytest.mark.parametrize("step", [4, 6])  # 4 steps an epoch
def test_interrupted_it_resumes_from_the_last_epoch_to_the_same_bits(tmp_path: Path, step: int) -> None:
    whole, history = trained(cnn(dropout=0.3), **RECIPE, callbacks=[EarlyStopping(patience=9)])
    model = cnn(dropout=0.3)
    with pytest.raises(KeyboardInterrupt):
        trained(model, **RECIPE, callbacks=[EarlyStopping(patience=9), Checkpoint(tmp_path), PressAt(step)])
    assert (weights(model) != weights(cnn())).any(), "the model keeps what it learned"
    assert checkpoint.read(tmp_path)[1]["epoch"] == 1
    other = cnn(seed=7, dropout=0.3)
    resumed = trained(other, **RECIPE, callbacks=[EarlyStopping(patience=9)], resume=tmp_path)[1]
    assert (weights(other) == weights(whole)).all()
    for column in ("loss", "accuracy", "valid_loss", "valid_accuracy", "learning_rate"):
        assert resumed[column] == history[column], column


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    trained(callbacks=[Checkpoint(tmp_path)])
    with pytest.raises(TrainError, match="another run.*parameters"):
        trained(keras.Sequential([keras.Input((6, 6, 1)), layers.Flatten(), layers.Dense(3)]), resume=tmp_path)


class Broken(Callback):
    """Make the weights NaN after so many steps."""

    def on_step(self, run: Any) -> None:
        if run.steps_done == 5:
            run.model.set_weights([weight * np.nan for weight in run.model.get_weights()])


def test_a_loss_that_is_nan_is_named_with_its_step_and_the_good_checkpoint_stays(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"step 6 \(epoch 2\).*lr=0.001: try 0.0001"):
        trained(epochs=3, callbacks=[Checkpoint(tmp_path), Broken()])
    assert checkpoint.read(tmp_path)[1]["epoch"] == 1


FROZEN = cnn()
FROZEN.trainable = False


class OfTorch:
    """Stands for a tensor of the other framework."""


OfTorch.__module__ = "torch"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": (X[:, :, :, 0], Y)}, r"cannot take a batch of shape \(2, 6, 6\).*expects \(None, 6, 6, 1\)"),
        ({"data": (X, Y[:9])}, "50 inputs and 9 targets"),
        ({"data": (X, Y + 1)}, "labels go from 1 to 3.*can learn 0 to 2"),
        ({"data": (X * np.nan, Y)}, "NaN"),
        ({"data": (X[:0], Y[:0])}, "empty"),
        ({"data": 3}, "train is a int.*tf.data.Dataset"),
        ({"data": (OfTorch(), Y)}, "train has a OfTorch of torch's"),
        ({"data": tf.data.Dataset.from_tensor_slices((X, Y))}, r"\.batch\(n\)"),
        ({"data": tf.data.Dataset.from_tensor_slices((X, Y)).batch(4).filter(lambda x, y: True)}, "assert_cardinality"),
        ({"model": FROZEN}, "no trainable weight"),
        ({"model": keras.Sequential([cnn(), layers.Softmax()])}, "probabilities"),
        ({"device": "cuda" if not tf.config.list_physical_devices("GPU") else "cuda:99"}, "finds . GPUs here"),
        ({"device": "tpu0"}, "no device 'tpu0'.*cpu, cuda"),
        ({"precision": "fp16", "device": "cpu"}, "fp16.*CPU"),
        ({"precision": "tf32", "device": "cpu"}, "Ampere"),
        ({"optimizer": OfTorch()}, "optimizer has a OfTorch"),
        ({"optimizer": 3}, "optimizer is a int"),
        ({"callbacks": [EarlyStopping()]}, "Pass valid="),
    ],
)
def test_bad_input_is_refused_with_the_reason(change: dict[str, Any], words: str) -> None:
    with pytest.raises(TrainError, match=words):
        trained(**{"epochs": 1, **change})


def test_out_of_memory_is_answered_with_the_size_that_fits() -> None:
    class Hungry(layers.Layer):
        def call(self, x: Any, training: bool = False) -> Any:
            if training and (x.shape[0] is None or x.shape[0] > 10):
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
            return x

    model = keras.Sequential([cnn(), Hungry()])
    with pytest.raises(TrainError, match="32 samples at once do not fit.*batch_size=8.*accumulate=4"):
        trained(model, batch_size=32)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    trained()
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(("batch_size", "accumulate"), [(16, 3), (7, 4)])  # the last batches of 2 and 1: stand-ins
def test_pieces_of_a_batch_report_the_loss_and_accuracy_of_the_whole(batch_size: int, accumulate: int) -> None:
    """Pieces are uneven, and some hold one sample of weight 0."""
    seen: list[list[np.ndarray]] = [[], []]

    class Look(Callback):
        def __init__(self, into: list[np.ndarray]) -> None:
            self.into = into

        def on_step(self, run: Any) -> None:
            if run.step == run.steps:
                self.into.append(run.losses())

    both = [
        trained(batch_size=batch_size, accumulate=parts, callbacks=[Look(into)])[1]
        for parts, into in zip((1, accumulate), seen, strict=True)
    ]
    for column in ("loss", "accuracy"):
        assert both[1][column] == pytest.approx(both[0][column], rel=1e-4), column
    assert [len(losses) for losses in seen[1]] == [both[0].settings["samples"] // batch_size + 1] * 2


def test_pieces_of_a_constant_model_have_its_loss() -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, kernel_initializer="zeros")])
    frozen = keras.optimizers.SGD(0.0, gradient_accumulation_steps=3)
    data = np.zeros((5, 4), np.float32), np.array([0, 0, 1, 2, 1])
    _, history = trained(model, data, batch_size=4, accumulate=3, optimizer=frozen)
    assert history["loss"] == pytest.approx([math.log(3)] * 2, rel=1e-6)
    assert history["accuracy"] == pytest.approx([2 / 5] * 2)


def test_a_schedule_inside_the_optimizer_is_seen_through_the_loss_scaling() -> None:
    falling = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(falling))
    run = KerasRun(cnn(), scaled, History(), 1, 1)
    run.set_rate(0.1)
    assert run.fixed_rate and run.rate == 0.5
    plain = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.5))
    run = KerasRun(cnn(), plain, History(), 1, 1)
    run.set_rate(0.1)
    assert float(plain.inner_optimizer.learning_rate) == pytest.approx(0.05)


def test_measuring_and_predicting_do_not_round_to_tf32() -> None:
    seen = []

    class Look(layers.Layer):
        def call(self, x: Any) -> Any:
            seen.append(tf.config.experimental.tensor_float_32_execution_enabled())
            return x

    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(True)
    try:
        model = keras.Sequential([cnn(), Look()])
        seen.clear()
        evaluate(model, (X, Y))
        predict(model, X)
        assert seen and not any(seen) and tf.config.experimental.tensor_float_32_execution_enabled()
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def test_the_memory_of_the_chosen_card_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(tf.config.experimental, "reset_memory_stats", asked.append)
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", lambda name: asked.append(name) or {"peak": 3e6})
    keras_fit.reset_peak("gpu", "cuda:1")
    assert keras_fit.peak_memory("gpu", "cuda:1") == 3 and keras_fit.peak_memory("gpu", None) == 3
    assert asked == ["GPU:1", "GPU:1", "GPU:0"]


def test_tensorflow_cuts_the_batches_that_numpy_cuts() -> None:
    recipe = Recipe(3, 16, "adam", 1e-3, 0.0, "cross_entropy", "constant", None, None, "fp32", 1, None, 5)
    data = Batches((X, Y), 16, "train")
    wanted = data.stream(recipe, epoch=1)
    batches = data.endless(recipe, epoch=1).as_numpy_iterator()
    for _ in range(2 * data.steps + 1):  # from the second epoch on, over the end of one, smaller last batch included
        for given, expected in zip(next(batches), next(wanted), strict=True):
            np.testing.assert_array_equal(given, expected)


def test_the_rate_is_set_only_when_it_changes() -> None:
    class Counting(keras.optimizers.SGD):
        times = 0

        def __setattr__(self, name: str, value: Any) -> None:
            type(self).times += name == "learning_rate"
            super().__setattr__(name, value)

    optimizer = Counting(0.1)
    Counting.times = 0
    _, history = trained(optimizer=lambda: optimizer, schedule=lambda step, total: 1.0 if step < 6 else 0.5, epochs=3)
    assert history["learning_rate"] == [0.1, 0.05, 0.05] and float(optimizer.learning_rate) == pytest.approx(0.1)
    assert Counting.times == 2, "down to the half, and back at the end"
