"""Dropout in PyTorch: what it does while training, and what it does not do afterwards."""

import torch
from torch import nn

torch.manual_seed(0)
layer = nn.Dropout(0.25)
x = torch.rand(1000, 64) + 1

layer.train()
y = layer(x)
kept = y != 0
print("training:   share kept about 3/4:", abs(kept.float().mean().item() - 0.75) < 0.01)
print("            kept ones are x / 0.75:", torch.allclose(y[kept], x[kept] / 0.75))
print("            the mean stays:", abs((y.mean() / x.mean()).item() - 1) < 0.01)
layer.eval()
print("evaluation: nothing changes:", torch.equal(layer(x), x))
