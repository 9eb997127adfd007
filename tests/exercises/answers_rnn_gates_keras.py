"""Answers to the exercise on the forget gate's bias that are Keras layers."""

from __future__ import annotations

import numpy as np
from keras import layers

from tests.exercises.walk import Answers


def layer(quarter=1, value=2.0, others=0.0):
    """Return an LSTM with 3 features and 4 units; the arguments are mistakes."""
    made = layers.LSTM(4)
    made.build((None, None, 3))
    kernel, recurrent, bias = made.get_weights()
    bias[:] = others
    bias[4 * quarter : 4 * quarter + 4] = value
    made.set_weights([kernel, recurrent, bias])
    return made


def fresh():
    made = layers.LSTM(4)
    made.build((None, None, 3))
    return made


ANSWERS = {
    "rnn/forget-bias": Answers(
        layer(),
        [
            (fresh(), "default of Keras"),
            (layer(quarter=0), "which quarter"),
            (layer(others=2.0), "another quarter"),
            (layers.LSTM(4), "has no weights"),
            (layers.LSTM, "an LSTM layer is asked for"),
            (np.zeros(16), "an LSTM layer is asked for"),
        ],
    ),
}
