"""Recurrent layers in PyTorch read any number of steps."""

import torch
from torch import nn

layer = nn.RNN(10, 64, batch_first=True)  # 10 numbers a step; no length is named
for steps in (3, 200):
    every, last = layer(torch.zeros(32, steps, 10))
    print(steps, "steps: every state", tuple(every.shape), "last", tuple(last.shape))

relu = nn.RNN(10, 64, nonlinearity="relu", batch_first=True)
lstm = nn.LSTM(10, 64, batch_first=True)
every, (last, cell) = lstm(torch.zeros(32, 7, 10))
print("LSTM:", *(tuple(part.shape) for part in (every, last, cell)))
