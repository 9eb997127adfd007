"""A recurrent layer in PyTorch: shapes and parameters."""

import torch
from torch import nn

names = torch.zeros(8, 11, 26)  # sequences, steps, features
layer = nn.RNN(26, 64, batch_first=True)
states, last = layer(names)
print("all states:", tuple(states.shape))
print("last state:", tuple(last.shape), "with an axis for the layers")
print("the same numbers:", torch.equal(states[:, -1], last[0]))

for name, parameter in layer.named_parameters():
    print(f"{name:12}", tuple(parameter.shape))
print("parameters:", sum(p.numel() for p in layer.parameters()))

steps_first = nn.RNN(26, 64)  # the mistake: it reads 11 sequences of 8 steps
print("last state:", tuple(steps_first(names)[1].shape))
