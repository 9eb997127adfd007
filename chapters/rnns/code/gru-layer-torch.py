"""A GRU layer in PyTorch, equal to NumPy, with the reset gate after the product."""

import numpy as np
import torch
from gpulab.models import cells
from torch import nn

torch.manual_seed(0)
counts = {}
for layer in (nn.RNN(26, 64), nn.GRU(26, 64), nn.LSTM(26, 64)):
    name = type(layer).__name__
    counts[name] = sum(p.numel() for p in layer.parameters())
    print(f"{name:4} {counts[name]:6,} parameters")
print("GRU / LSTM:", counts["GRU"] / counts["LSTM"])

gru = nn.GRU(26, 64, batch_first=True)
x = torch.rand(2, 9, 26)
states = gru(x)[0].detach().numpy()
weights = {n[:-3]: w.detach().numpy() for n, w in gru.named_parameters()}
for after in (True, False):
    ours = cells.run("gru", weights, x.numpy(), reset_after=after).h
    print("reset after:", after, np.allclose(ours, states, atol=1e-6))

with torch.no_grad():  # open the update gates: rows 64 to 127, two biases
    gru.bias_ih_l0[64:128] = 2.0
    gru.bias_hh_l0[64:128] = 0.0
