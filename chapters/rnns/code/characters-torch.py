"""A language model of characters in PyTorch, before training."""

import math

import torch
from torch import nn


class Characters(nn.Module):
    """Characters (n, T) in, logits (n, T, V) for the next ones out."""

    def __init__(self, symbols: int = 32, units: int = 128) -> None:
        super().__init__()
        self.embed = nn.Embedding(symbols, 32)
        self.cell = nn.LSTM(32, units, batch_first=True)
        self.head = nn.Linear(units, symbols)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, _ = self.cell(self.embed(x))  # h: (n, T, units)
        return self.head(h)


torch.manual_seed(0)
model = Characters()
text = torch.randint(32, (4, 65))
x, y = text[:, :-1], text[:, 1:]  # the targets are one place further
logits = model(x)
loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
print("inputs", tuple(x.shape), "logits", tuple(logits.shape))
print(f"{sum(p.numel() for p in model.parameters()):,} parameters")
print(f"{loss.item() / math.log(2):.1f} bits per character")
