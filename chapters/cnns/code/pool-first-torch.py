"""ReLU after the pooling in PyTorch: the same outputs, and the same gradients of the weights."""

import torch
from torch import nn

torch.manual_seed(0)
images, conv = torch.rand(4, 1, 28, 28), nn.Conv2d(1, 32, 3)
relu, pool = nn.ReLU(), nn.MaxPool2d(2)
results = []
for layers in ((conv, relu, pool), (conv, pool, relu)):
    conv.zero_grad()
    maps = nn.Sequential(*layers)(images)
    (maps**2).sum().backward()
    results.append((maps, conv.weight.grad.clone()))

(maps, slope), (other_maps, other_slope) = results
print("numbers that ReLU sees:", 32 * 26 * 26, "or", 32 * 13 * 13)
print("equal maps:", torch.equal(maps, other_maps))
print("equal gradients:", torch.allclose(slope, other_slope, rtol=1e-4))
