"""Answers to the exercises on landmark networks that are solved in PyTorch."""

from __future__ import annotations

import torch
from torch import nn

from tests.exercises.walk import Answers


class Block(nn.Module):
    """The right one, or one with a part changed."""

    def __init__(self, bias=False, norm=True, padding=1, shortcut=True, relu=True, between=True, wrong=None):
        super().__init__()
        layers = []
        for i in range(2):
            layers.append(nn.Conv2d(8, 8, 3, padding=padding, bias=bias))
            layers += [nn.BatchNorm2d(8)] * norm + [nn.ReLU()] * (i == 0 and between)
        self.f, self.shortcut, self.relu, self.wrong = nn.Sequential(*layers), shortcut, relu, wrong

    def forward(self, x):
        if self.wrong == "unused":
            return torch.relu(x)
        f = torch.relu(self.f(x)) if self.wrong == "before" else self.f(x)
        x = torch.relu(x) if self.wrong == "on it" else x
        y = f + (x if self.shortcut else 0)
        return torch.relu(y) if self.relu else y


ANSWERS = {
    "cnn/residual-block": Answers(
        Block(),
        [
            (Block(bias=True), "leave them out"),
            (Block(norm=False), "batch normalization is missing"),
            (Block(padding=0, shortcut=False), "padding of 1"),
            (Block(shortcut=False), "the shortcut is missing"),
            (Block(relu=False), "after the addition"),
            (Block(between=False), "between the two convolutions"),
            (Block(wrong="before"), "no ReLU between the second convolution"),
            (Block(wrong="on it"), "as it is"),
            (Block(wrong="unused"), "not used"),
            (nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)), "the block has two"),
            (Block, "the block itself"),
        ],
    ),
}
