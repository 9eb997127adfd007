"""A residual block in PyTorch, and what it does if its filters are zero."""

import torch
from torch import nn


class Residual(nn.Module):
    """y = ReLU(F(x) + x), with two convolutions in F."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers = []
        for _ in range(2):
            conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            layers += [conv, nn.BatchNorm2d(channels), nn.ReLU()]
        self.f = nn.Sequential(*layers[:-1])  # the last ReLU comes after the sum

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.f(x))


block = Residual(64)
maps = torch.rand(2, 64, 14, 14)
print("shape", tuple(block(maps).shape))
print(f"{sum(p.numel() for p in block.parameters()):,} parameters")
for layer in (block.f[0], block.f[3]):
    nn.init.zeros_(layer.weight)
print("filters of zero: the identity is", torch.equal(block(maps), maps))
