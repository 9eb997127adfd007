"""Stride 2 in PyTorch: padding is a number, the same on both sides."""

import torch
from torch.nn import functional as F

row = torch.arange(8.0).reshape(1, 1, 8)  # image, channel, pixel: 0 1 2 ... 7
ones = torch.ones(1, 1, 3)  # a window that adds up three pixels

by_number = F.conv1d(row, ones, stride=2, padding=1)
as_keras = F.conv1d(F.pad(row, (0, 1)), ones, stride=2)  # pad by hand
print("padding=1        ", by_number.flatten().tolist())
print("as Keras's 'same'", as_keras.flatten().tolist())
