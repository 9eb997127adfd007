"""Gradients of the states of a recurrent network in PyTorch, and clipping them."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
w_x, w_h = rng.normal(size=(8, 2)), 0.5 * rng.normal(size=(8, 8))
x = torch.tensor(rng.normal(size=(4, 6, 2)))  # 4 sequences of 6 steps

cell = nn.RNNCell(2, 8, bias=False, dtype=torch.float64)
cell.weight_ih.data, cell.weight_hh.data = torch.tensor(w_x), torch.tensor(w_h)
h, states = torch.zeros(4, 8, dtype=torch.float64), []
for t in range(6):
    h = cell(x[:, t], h)
    h.retain_grad()  # keep the gradient of this state, too
    states.append(h)
(h**2).sum().backward()
print("states: ", *(f"{state.grad.norm():.2f}" for state in states))

norm = nn.utils.clip_grad_norm_(cell.parameters(), 1.0)  # after backward
# ... and before optimizer.step()
after = sum((p.grad**2).sum() for p in cell.parameters()) ** 0.5
print(f"weights: {norm:.2f} before clipping, {after:.2f} after")
