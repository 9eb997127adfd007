"""A recipe trained in Keras: ``model.fit`` as the guides write it, and ``model.fit`` on images that were moved before."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from gpulab.models import reference_cnn
from gpulab.train import memory, schedules
from keras import layers

from benchmarks.speed_run import rates

if TYPE_CHECKING:
    from benchmarks.speed_run.recipes import Recipe

Predict = Callable[[np.ndarray], np.ndarray]
Part = tuple[np.ndarray, np.ndarray]
VIEWS = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))  # as on the other side
SHARES = (2, 1, 1, 1, 1)


def train(recipe: Recipe, train: Part, valid: Part, seed: int) -> Predict:
    """Train a fresh network; return the function that names the classes of images. See the torch side."""
    keras.utils.set_random_seed(seed)
    keras.mixed_precision.set_global_policy("mixed_bfloat16" if recipe.precision == "bf16" else "float32")
    if recipe.memory:
        memory.keep_freed()
    model = network(recipe)
    per_epoch = math.ceil(len(train[0]) / recipe.batch_size)
    total = max(1, round(recipe.epochs * per_epoch))
    learner = model
    if recipe.way == "tutorial":
        share = recipe.shift / train[0].shape[1]
        move = layers.RandomTranslation(share, share, fill_mode="constant")
        learner = keras.Sequential([keras.Input(train[0].shape[1:]), move, model])
    learner.compile(
        optimizer=make_optimizer(recipe, total),
        loss=_loss(recipe),
        jit_compile=recipe.compiled,
        steps_per_execution=recipe.steps_at_once,
    )
    if recipe.way == "tutorial":
        learner.fit(*train, batch_size=recipe.batch_size, epochs=round(recipe.epochs), verbose=0)
    else:
        x, y = moved_copies(recipe, *train, np.random.default_rng(seed), total)
        learner.fit(x, y, batch_size=recipe.batch_size, shuffle=False, verbose=0)

    answers = tf.function(lambda x: model(x, training=False), reduce_retracing=True)

    def predict(images: np.ndarray) -> np.ndarray:
        logits = _mean_of_views(answers, images) if recipe.views > 1 else answers(tf.constant(images))
        return np.asarray(logits).argmax(1)

    return predict


def _mean_of_views(answers: Callable[[Any], Any], images: np.ndarray) -> np.ndarray:
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    moved = (padded[:, i : i + height, j : j + width] for i, j in VIEWS)
    logits = (np.asarray(answers(tf.constant(copy))) for copy in moved)
    return sum(share * values.astype(np.float32) for share, values in zip(SHARES, logits, strict=True))


def network(recipe: Recipe) -> keras.Sequential:
    """Return a fresh network as the recipe wants it."""
    if not recipe.pool_first and recipe.init == "default" and not recipe.open_class:
        return reference_cnn("keras")
    start = {"kernel_initializer": "he_normal" if recipe.init == "he" else "glorot_uniform"}
    relu = {"activation": None if recipe.pool_first else "relu"}
    one, two, three = recipe.widths
    parts = [keras.Input((28, 28, 1))]
    for width in (one, two):
        parts += [layers.Conv2D(width, 3, **relu, **start), layers.MaxPooling2D(2)]
        parts += [layers.Activation("relu")] if recipe.pool_first else []
    parts += [layers.Conv2D(three, 3, activation="relu", **start), layers.Flatten()]
    parts += [layers.Dense(64, activation="relu", **start), layers.Dense(10, **start, dtype="float32")]
    return keras.Sequential(parts)


def _loss(recipe: Recipe) -> Any:
    if not recipe.smoothing:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    inner = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.smoothing)
    return lambda y, outputs: inner(tf.one_hot(tf.cast(tf.reshape(y, [-1]), tf.int32), 10), outputs)


class Rate(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule from a table: the same numbers as on the other side."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values.astype(np.float32)

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step."""
        return tf.gather(tf.constant(self.values), tf.minimum(tf.cast(step, tf.int32), len(self.values) - 1))


def make_optimizer(recipe: Recipe, total: int) -> Any:
    """Return the optimizer with its schedule and its moving average."""
    factor = rates.triangle if recipe.schedule == "triangle" else schedules.one_cycle
    rate = Rate(recipe.lr * np.array([factor(step, total) for step in range(total)]))
    more: dict[str, Any] = {}
    if recipe.average:
        more = {"use_ema": True, "ema_momentum": recipe.average}
    if recipe.optimizer == "adam":
        return keras.optimizers.Adam(rate, **more)
    if recipe.optimizer == "nesterov":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, **more)
    return Muon(rate, **more)


class Muon(keras.optimizers.Muon):
    """Keras' Muon for convolutions, too: it takes their kernels as matrices, a column for each map.

    Keras' own gives four-dimensional kernels to Adam, and so nearly all weights of a convolutional network.
    """

    def __init__(self, rate: Any, **more: Any) -> None:
        super().__init__(
            rate,
            momentum=0.9,
            weight_decay=None,
            adam_weight_decay=None,
            adam_beta_2=0.99,
            adam_lr_ratio=0.5,
            rms_rate=None,
            **more,
        )

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) < 2 or variable.shape[-1] == 10  # biases, and the layer that gives the logits

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, keras.ops.add(gradient, m * (self.momentum - 1)))
        update = keras.ops.reshape(gradient + self.momentum * m, (-1, variable.shape[-1]))
        rows, columns = update.shape
        update = self.zeropower_via_newtonschulz5(update, self.ns_steps) * max(1.0, columns / rows) ** 0.5
        self.assign_sub(variable, lr * keras.ops.reshape(update, variable.shape))


def moved_copies(
    recipe: Recipe, images: np.ndarray, labels: np.ndarray, rng: np.random.Generator, total: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return all images of a run in their order, each moved: Keras then only cuts batches off.

    Where an epoch's last batch is smaller, the next epoch fills it up.
    """
    n, height, width, _ = images.shape
    need, side = total * recipe.batch_size, 2 * recipe.shift + 1
    pad = (recipe.shift, recipe.shift)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(images[..., 0], ((0, 0), pad, pad)), (height, width), axis=(1, 2)
    )
    corners, x, y = rates.Corners(rng, n, side, recipe.distinct), [], []
    for _ in range(math.ceil(need / n)):
        down, right = corners.next()
        order = rng.permutation(n)
        x.append(windows[order, down[order], right[order]])
        y.append(labels[order])
    return np.concatenate(x)[:need, ..., None], np.concatenate(y)[:need]
