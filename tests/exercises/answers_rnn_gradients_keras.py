"""Answers to the broken program in Keras whose memory leaks."""

from __future__ import annotations

import keras
from keras import layers

from tests.exercises.walk import Answers


def network(*read, outputs=9):
    """Return a function that builds a network with some layers."""
    return lambda: keras.Sequential(
        [keras.Input(batch_shape=(27, 29, 12)), *(make() for make in read), layers.Dense(outputs)]
    )


def reset_once():
    built = network(layers.Masking, lambda: layers.GRU(32, stateful=True))()
    built.layers[1].reset_state()
    return built


ANSWERS = {
    "rnn/broken-state-keras": Answers(
        network(layers.Masking, lambda: layers.GRU(32)),
        [
            (reset_once, "what other people said"),
            (network(layers.Masking, lambda: layers.GRU(32, stateful=True, unroll=True)), "what other people said"),
            (network(layers.Masking, lambda: layers.GRU(32, stateful=True, dropout=0.0)), "what other people said"),
            (network(lambda: layers.GRU(32)), "zeros after the end"),
            (network(layers.Masking, lambda: layers.GRU(32), outputs=1), "shape (27, 1)"),
            (network(layers.Flatten), "no Keras model with a GRU"),
        ],
    ),
}
