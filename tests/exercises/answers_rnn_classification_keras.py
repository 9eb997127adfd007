"""Answers to the broken program with its axes in the wrong places, in Keras."""

from __future__ import annotations

import keras
from keras import layers

from tests.exercises.walk import Answers


def built(steps=None, turn=None, mask=True, order=True, classes=9):
    """Return a ``build`` whose network may turn the axes, mask, and read the steps in their order."""

    def build():
        x = keras.Input((steps, 12))
        rows = turn(x) if turn else x
        rows = layers.Masking(0.0)(rows) if mask else rows
        state = layers.LSTM(64)(rows) if order else layers.GlobalAveragePooling1D()(rows)
        return keras.Model(x, layers.Dense(classes)(state))

    return build


ANSWERS = {
    "rnn/broken-axes-keras": Answers(
        built(),
        [
            (built(29, turn=layers.Reshape((12, 29))), "Which axis holds the steps for the layer that skips"),
            (built(mask=False), "Which axis holds the steps for the layer that skips"),
            (built(29), "any number of steps"),
            (built(order=False), "reads the steps one after the other"),
            (built(classes=2), "One logit for each of the nine speakers"),
        ],
    ),
}
