"""Pooling layers in PyTorch: shapes, ties, borders."""

import torch
from torch import nn

maps = torch.ones(8, 64, 11, 11)  # images, channels, rows, columns
layers = (nn.MaxPool2d(2), nn.AvgPool2d(2), nn.MaxPool2d(3, stride=2))
for layer in (*layers, nn.AdaptiveAvgPool2d(1)):
    print(f"{type(layer).__name__:17}", tuple(layer(maps).shape))

ties = torch.ones(1, 1, 2, 2, requires_grad=True)
nn.MaxPool2d(2)(ties).sum().backward()
print("a tie: the gradient is", ties.grad.flatten().tolist())

average = nn.AvgPool2d(3, stride=1, padding=1)  # counts the padding
border = average(torch.ones(1, 1, 3, 3))
print(f"average at the corner of ones: {border[0, 0, 0, 0]:.2f}")
