"""An LSTM layer in PyTorch: its weights, its states, and an open forget gate."""

import numpy as np
import torch
from gpulab.models import cells
from torch import nn

torch.manual_seed(0)
lstm = nn.LSTM(26, 16, batch_first=True)
for name, weight in lstm.named_parameters():
    print(f"{name:12} {tuple(weight.shape)}")
print(f"{sum(p.numel() for p in lstm.parameters()):,} parameters")

x = torch.rand(2, 9, 26)  # (sequences, steps, features)
states, (last, cell) = lstm(x)
print("states", tuple(states.shape), "cell state", tuple(cell.shape))
weights = {n[:-3]: w.detach().numpy() for n, w in lstm.named_parameters()}
ours = cells.run("lstm", weights, x.numpy())
same = np.allclose(ours.h, states.detach().numpy(), atol=1e-6)
print("equal to NumPy:", same)

forget = slice(16, 32)  # input 0-15, forget 16-31, proposal, output
start = (lstm.bias_ih_l0 + lstm.bias_hh_l0)[forget].abs().max().item()
print("forget bias at the start: at most 0.5 from zero:", start <= 0.5)
with torch.no_grad():  # PyTorch adds two biases: set their sum
    lstm.bias_ih_l0[forget] = 1.0
    lstm.bias_hh_l0[forget] = 0.0
