"""Windows of a series into an LSTM in PyTorch: the last axis is the features, here one."""

import numpy as np
import torch
from torch import nn


class Forecaster(nn.Module):
    """A window in, all steps of the horizon out."""

    def __init__(self, horizon, units=32):
        super().__init__()
        self.lstm = nn.LSTM(1, units, batch_first=True)
        self.head = nn.Linear(units, horizon)

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.head(states[:, -1])  # the state after the last step


windows = np.zeros((703, 24), "float32")
x = torch.from_numpy(windows[..., None])
model = Forecaster(horizon=6)
print("in ", tuple(x.shape))
print("out", tuple(model(x).shape))
print(sum(p.numel() for p in model.parameters()), "parameters")
