"""GNMT v2, a translation network of LSTM layers with attention, as its published measurements describe it."""

from __future__ import annotations

from typing import Any


def network(units: int, words: int) -> Any:
    """Return the network: source and target ``(tokens, batch)`` in, logits ``(tokens, batch, words)`` out.

    The encoder has one layer both ways in time and three more, the decoder four; all get dropout and, from the third on,
    a shortcut. Attention is additive (normalized Bahdanau), from the decoder's first layer.
    """
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = nn.Embedding(words, units)
            self.first = nn.LSTM(units, units, bidirectional=True)
            self.encoder = nn.ModuleList([nn.LSTM(2 * units, units), nn.LSTM(units, units), nn.LSTM(units, units)])
            self.start = nn.LSTM(units, units)
            self.decoder = nn.ModuleList([nn.LSTM(2 * units, units) for _ in range(3)])
            self.query, self.key = nn.Linear(units, units, bias=False), nn.Linear(units, units, bias=False)
            self.score = nn.Parameter(torch.empty(units))
            self.words = nn.Linear(units, words)
            self.drop = nn.Dropout(0.2)

        def encode(self, source: Any) -> Any:
            state = self.first(self.drop(self.embed(source)))[0]
            for i, layer in enumerate(self.encoder):
                new = layer(self.drop(state))[0]
                state = new + state if i else new
            return state

        def attend(self, queries: Any, keys: Any) -> Any:
            """Return the context of every target position: (tokens, batch, units)."""
            q, k = self.query(queries).transpose(0, 1), self.key(keys).transpose(0, 1)
            scores = torch.tanh(q.unsqueeze(2) + k.unsqueeze(1)) @ self.score.to(q.dtype)
            return (torch.softmax(scores, -1).to(keys.dtype) @ keys.transpose(0, 1)).transpose(0, 1)

        def forward(self, source: Any, target: Any) -> Any:
            memory = self.encode(source)
            state = self.start(self.drop(self.embed(target)))[0]
            context = self.attend(state, memory)
            for i, layer in enumerate(self.decoder):
                new = layer(self.drop(torch.cat((state, context.to(state.dtype)), -1)))[0]
                state = new + state if i else new
            return self.words(state)

    return Network()
