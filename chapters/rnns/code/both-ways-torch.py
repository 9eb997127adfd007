"""Two directions and several layers in PyTorch."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(3, 7, 10)
layer = nn.LSTM(
    10, 64, num_layers=2, bidirectional=True, dropout=0.2, batch_first=True
)
layer.eval()  # no dropout now
every, (last, _) = layer(x)
print("every state:", tuple(every.shape))
print("last states:", tuple(last.shape), "layers and directions first")

right = torch.cat([last[-2], last[-1]], dim=1)  # the top layer: forward, backward
forward, backward = right[:, :64], right[:, 64:]
print("forward stands at the last step:", torch.equal(every[:, -1, :64], forward))
print("backward stands at the first:", torch.equal(every[:, 0, 64:], backward))
print("every[:, -1] is that:", torch.equal(every[:, -1], right))  # the mistake
