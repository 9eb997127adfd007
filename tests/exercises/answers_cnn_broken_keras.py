"""Answers to the exercises of the broken programs in Keras."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tests.exercises.walk import Answers

Binary = keras.losses.BinaryCrossentropy


def built(activation, loss, limit, shape=((),)):
    """Return a function that builds a network with some activation at its end."""

    def build():
        hidden = [layers.Flatten(), layers.Dense(64, activation="relu")]
        last = [layers.Dense(1, activation=activation), *map(layers.Reshape, shape)]
        return keras.Sequential([keras.Input((28, 28, 1)), *hidden, *last]), loss(), limit

    return build


def logits():
    return Binary(from_logits=True)


def heavy():
    """Return a loss that weighs a seven nine times."""
    return lambda y, z: keras.ops.mean((1 + 8 * y) * (keras.ops.softplus(z) - y * z))


def epoch_with(clear, step_each_piece=False, pieces=16, share=lambda piece, batch: len(batch)):
    """Return an epoch that clears the sum of the gradients at some place."""
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")

    def run(network, optimizer, x, y, order):
        weights = network.trainable_variables
        added = [0.0] * len(weights)
        for batch in np.split(order, range(64, len(order), 64)):
            if clear == "batch":
                added = [0.0] * len(weights)
            for piece in np.split(batch, range(pieces, len(batch), pieces)):
                with tf.GradientTape() as tape:
                    loss = cross_entropy(y[piece], network(x[piece], training=True))
                gradients = [g / share(piece, batch) for g in tape.gradient(loss, weights)]
                added = gradients if clear == "piece" else [a + g for a, g in zip(added, gradients, strict=True)]
                if step_each_piece:
                    optimizer.apply(added, weights)
            if not step_each_piece:
                optimizer.apply(added, weights)

    return run


def without_a_step(network, optimizer, x, y, order):
    class Nothing:
        def apply(self, gradients, weights):
            pass

    epoch_with("batch")(network, Nothing(), x, y, order)


def accuracy(network, x, y):
    return float((network.predict(x, verbose=0).argmax(axis=1) == y).mean())


def measured(network, x, y):
    parts = [network(x[i : i + 100], training=True) for i in range(0, len(x), 100)]
    return float((np.concatenate(parts).argmax(axis=1) == y).mean())


def seeded(network, x, y):
    keras.utils.set_random_seed(0)
    return measured(network, x, y)


def frozen(network, x, y):
    network.trainable = False
    share = measured(network, x, y)
    network.trainable = True
    return share


def left_frozen(network, x, y):
    network.trainable = False
    return accuracy(network, x, y)


def many_times(network, x, y):
    return float(np.mean([measured(network, x, y) for _ in range(5)]))


def trace_left(network, x, y):
    measured(network, x, y)
    return accuracy(network, x, y)


ANSWERS = {
    "cnn/broken-loss-keras": Answers(
        built(None, logits, 0.0),
        [
            (built(None, logits, 0.5), "more likely than a no"),
            (built("sigmoid", Binary, 0.0), "more likely than a no"),
            (built("sigmoid", keras.losses.MeanSquaredError, 0.5), "squared error"),
            (built("sigmoid", logits, 0.6), "which numbers can the network give"),
            (built(None, heavy, 0.0), "costs more than the other"),
            (built(None, Binary, 0.0), "what does the last step"),
            (lambda: built(None, logits, 0.0)()[:2], "three things"),
            (built(None, logits, 0.0, shape=()), "returns the shape (2, 1)"),
        ],
    ),
    "cnn/broken-gradient-keras": Answers(
        epoch_with("batch"),
        [
            (epoch_with("piece"), "only the last piece"),
            (epoch_with("never"), "left over"),
            (epoch_with("piece", step_each_piece=True), "not after each"),
            (epoch_with("batch", share=lambda piece, batch: len(piece)), "mean over the *batch*"),
            (epoch_with("batch", share=lambda piece, batch: 1), "far too long"),
            (without_a_step, "do not move"),
            (epoch_with("batch", pieces=64), "holds 16 images"),
        ],
    ),
    "cnn/broken-evaluation-keras": Answers(
        accuracy,
        [
            (seeded, "switched off at random"),
            (frozen, "switched off at random"),
            (many_times, "switched off at random"),
            (trace_left, "must not change what it measures"),
            (left_frozen, "can still learn"),
            (lambda network, x, y: 100 * accuracy(network, x, y), "between 0 and 1"),
        ],
    ),
}
