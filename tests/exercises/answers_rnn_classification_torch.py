"""Answers to the broken program with its axes in the wrong places, in PyTorch."""

from __future__ import annotations

import torch
from torch import nn

from tests.exercises.walk import Answers


def built(enter=lambda x: x, leave=lambda states: states, summary="last", classes=9, **options):
    """Return a ``build`` whose network changes the axes before and after the LSTM, and sums up the states."""

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(12, 64, **options)
            self.head = nn.Linear(64, classes)

        def forward(self, x):
            states = leave(self.rnn(enter(x))[0])
            real = (x != 0).any(dim=2, keepdim=True)
            if summary == "all":
                return self.head(states.mean(dim=1))
            if summary == "mean":
                return self.head((states * real).sum(dim=1) / real.sum(dim=1))
            return self.head(states[torch.arange(len(x)), real.sum(dim=(1, 2)) - 1])

    return lambda: Reader()


class Bag(nn.Module):
    """Knows no order: the dense layer sees the mean of the steps."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(12, 9)

    def forward(self, x):
        real = (x != 0).any(dim=2, keepdim=True)
        return self.head(x.sum(dim=1) / real.sum(dim=1))


def swap(x):
    return x.transpose(0, 1)


def reshape(x):
    return x.reshape(x.shape[1], x.shape[0], -1)


ANSWERS = {
    "rnn/broken-axes-torch": Answers(
        built(batch_first=True),
        [
            (built(reshape, reshape), "One recording must not change the answer for another"),
            (built(batch_first=True, summary="all"), "Padding must change nothing"),
            (built(summary="mean"), "One recording must not change the answer for another"),
            (Bag, "reads the steps one after the other"),
            (built(batch_first=True, classes=2), "One logit for each of the nine speakers"),
        ],
    ),
}
