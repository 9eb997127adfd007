"""Two ways to the last real state in PyTorch, and two other summaries."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

torch.manual_seed(0)
x = torch.randn(3, 8, 12)  # recordings, steps, channels
steps = torch.tensor([8, 3, 5])
real = torch.arange(8) < steps[:, None]  # (3, 8)
x[~real] = 0
lstm = nn.LSTM(12, 64, batch_first=True)

states, _ = lstm(x)  # (3, 8, 64): reads the padding, too
last = states[torch.arange(3), steps - 1]
mean = (states * real[:, :, None]).sum(dim=1) / steps[:, None]
highest = states.masked_fill(~real[:, :, None], -2).amax(dim=1)  # -2: below all
print("each summary:", tuple(last.shape), tuple(mean.shape), tuple(highest.shape))

packed = pack_padded_sequence(x, steps, batch_first=True, enforce_sorted=False)
_, (hidden, _) = lstm(packed)  # never sees the padding
print("packed, the last state is the same:", torch.allclose(hidden[0], last, atol=1e-6))
print("the state after the padding is the same:", torch.allclose(hidden[0], states[:, -1]))
