"""Answers to the exercise on the forget gate's bias that are PyTorch layers."""

from __future__ import annotations

import torch
from torch import nn

from tests.exercises.walk import Answers


def layer(quarter=1, both=False, zero=True, clear=True, value=2.0):
    """Return an LSTM with 3 features and 4 units; the arguments are mistakes."""
    made = nn.LSTM(3, 4)
    with torch.no_grad():
        if zero:
            made.bias_ih_l0.zero_()
            made.bias_hh_l0.zero_()
        elif clear:
            made.bias_hh_l0[4:8] = 0
        made.bias_ih_l0[4 * quarter : 4 * quarter + 4] = value
        if both:
            made.bias_hh_l0[4 * quarter : 4 * quarter + 4] = value
    return made


ANSWERS = {
    "rnn/forget-bias": Answers(
        layer(),
        [
            (layer(both=True), "adds two biases"),
            (layer(quarter=0), "which quarter"),
            (layer(value=1.0), "default of Keras"),
            (layer(zero=False, clear=False), "random start"),
            (layer(zero=False), "outside the forget gates"),
            (nn.LSTM, "an LSTM layer is asked for"),
            (nn.GRU(3, 4), "an LSTM layer is asked for"),
        ],
    ),
}
