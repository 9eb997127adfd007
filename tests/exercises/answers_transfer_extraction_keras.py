"""Answers to the broken programs on pretrained networks, in Keras."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from gpulab import transfer
from gpulab.train import fit

from tests.exercises.walk import Answers

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def learned(training=False, every=False, freeze=False, steps=True):
    """Return a ``learn`` that calls the network in one of two modes, and trains the head or all layers."""

    def learn(network, data, epochs):
        x, y = data
        if freeze:
            transfer.freeze(network)
        weights = network.trainable_variables if every else network.get_layer("head").trainable_variables
        optimizer = keras.optimizers.Adam(3e-3)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        rng = np.random.default_rng(0)
        for _ in range(epochs if steps else 0):
            for part in np.array_split(rng.permutation(len(x)), len(x) // 16):
                with tf.GradientTape() as tape:
                    error = loss(y[part], network(x[part], training=training))
                optimizer.apply(tape.gradient(error, weights), weights)

    return learn


def statistics_alone(network, data, epochs):
    """The statistics stay, and the layers still compute with those of the batch."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 1.0
    learned(training=True)(network, data, epochs)


def for_use(images):
    return ((images / 255 - MEAN) / STD).astype("float32")


def tuned(lr=1e-4, since="block11", batchnorm=False):
    """Return a ``fine_tune`` at a rate, from a stage on."""

    def fine_tune(network, data):
        transfer.unfreeze(network, since, batchnorm=batchnorm)
        fit(network, data, epochs=1, batch_size=8, lr=lr, verbose=False)
        return network

    return fine_tune


ANSWERS = {
    "transfer/broken-frozen-base-keras": Answers(
        learned(),
        [
            (learned(every=True), "No gradient may change"),
            (learned(steps=False), "new head must still learn"),
            (statistics_alone, "From what does each layer take mean and variance"),
        ],
    ),
    "transfer/broken-normalization-keras": Answers(
        for_use,
        [
            (lambda x: (x / 127.5 - 1).astype("float32"), "Another network wants this"),
            (lambda x: (x / 255).astype("float32"), "And then?"),
            (lambda x: for_use(x)[..., ::-1], "changed places"),
            (lambda x: ((x - MEAN) / STD).astype("float32"), "never divided by 255"),
        ],
    ),
    "transfer/broken-fine-tuning-rate-keras": Answers(
        tuned(),
        [
            (tuned(3e-3), "How far does a weight move"),
            (tuned(since="head"), "The base must learn, too"),
            (tuned(batchnorm=True), "from a million images"),
        ],
    ),
}
