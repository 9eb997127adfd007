"""A long text in pieces: the state is carried along, the gradient is not."""

import torch
from torch import nn

torch.manual_seed(0)
cell = nn.GRU(8, 16, batch_first=True)
lanes = torch.randn(4, 192, 8)  # 4 lanes of text, read beside each other
whole, _ = cell(lanes)

state = None  # zeros
for at in range(0, 192, 64):
    h, end = cell(lanes[:, at : at + 64], state)  # goes on from there
    # ... here: loss, backward and a step of the optimizer ...
    state = end.detach()  # a number from now on: no gradient goes back
same = torch.allclose(h[:, -1], whole[:, -1], atol=1e-6)
print("the last state is that of the whole text:", same)
print("a gradient would go back before detach:", end.requires_grad)
print("and after it:", state.requires_grad)
