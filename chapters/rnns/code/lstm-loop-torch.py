"""The ready LSTM, and the same as a loop over its cell, in PyTorch."""

import torch
from torch import nn

torch.manual_seed(0)
layer = nn.LSTM(5, 4, batch_first=True).double()
cell = nn.LSTMCell(5, 4).double()
for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
    setattr(cell, name, getattr(layer, name + "_l0"))  # the same weights
x = torch.randn(3, 50, 5, dtype=torch.float64)  # sequences, steps, features

ready = layer(x)[0]
h = c = torch.zeros(3, 4, dtype=torch.float64)
states = []
for step in x.unbind(1):
    h, c = cell(step, (h, c))
    states.append(h)
loop = torch.stack(states, 1)
print("states:", tuple(ready.shape))
print("equal: ", torch.allclose(ready, loop, rtol=0, atol=1e-12))
