"""The reference CNN in PyTorch."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def reference_cnn() -> nn.Sequential:
    """Return the network: (n, 1, 28, 28) in, (n, 10) logits out. The comments give the shape of one sample."""
    from torch import nn

    layers = OrderedDict(
        conv1=nn.Conv2d(1, 32, kernel_size=3),  # 32 x 26 x 26
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),  # 32 x 13 x 13
        conv2=nn.Conv2d(32, 64, kernel_size=3),  # 64 x 11 x 11
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),  # 64 x 5 x 5
        conv3=nn.Conv2d(64, 64, kernel_size=3),  # 64 x 3 x 3
        relu3=nn.ReLU(),
        flatten=nn.Flatten(),  # 576
        dense1=nn.Linear(576, 64),
        relu4=nn.ReLU(),
        dense2=nn.Linear(64, 10),  # logits
    )
    return nn.Sequential(layers)
