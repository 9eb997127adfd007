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


def with_all_states():
    pool = layers.Lambda(lambda states: states[:, -1])
    read = [layers.Masking(), layers.GRU(32, stateful=True, return_sequences=True), pool]
    return keras.Sequential([keras.Input(batch_shape=(27, 29, 12)), *read, layers.Dense(9)])


def without_mask_and_leaking():
    return network(lambda: layers.GRU(32, stateful=True))()


ANSWERS = {
    "rnn/broken-state-keras": Answers(
        network(layers.Masking, lambda: layers.GRU(32)),
        [
            (reset_once, "what other people said"),
            (with_all_states, "what other people said"),
            (without_mask_and_leaking, "zeros after the end"),
            (network(lambda: layers.GRU(32)), "zeros after the end"),
            (network(layers.Masking, lambda: layers.GRU(32), outputs=1), "shape (27, 1)"),
            (network(layers.Flatten), "no Keras model with a GRU"),
        ],
    ),
}
