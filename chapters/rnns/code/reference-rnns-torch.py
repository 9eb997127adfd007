"""The reference recurrent networks in PyTorch, counted."""

import torch
from torch import nn


class Reader(nn.Module):
    """(n, T, 10) in, one logit for each sequence (n, 1) out."""

    def __init__(self, kind: type) -> None:
        super().__init__()
        self.rnn = kind(10, 64, batch_first=True)
        self.head = nn.Linear(64, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        every, _ = self.rnn(x)  # its last column is right only without padding
        return self.head(every[:, -1])  # no sigmoid: the loss has it


for kind in (nn.RNN, nn.LSTM, nn.GRU):
    parts = Reader(kind).children()
    counts = [sum(p.numel() for p in part.parameters()) for part in parts]
    print(f"{kind.__name__:4} {counts[0]:6,} + {counts[1]} = {sum(counts):,}")
