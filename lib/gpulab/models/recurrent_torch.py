"""The reference recurrent networks in PyTorch; :mod:`gpulab.models.recurrent` says what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


def build(
    cell: str,
    features: int,
    vocabulary: int,
    units: int,
    outputs: int,
    layers: int,
    bidirectional: bool,
    dropout: float,
    masked: bool,
) -> nn.Module:
    """Return the network: (n, T, features) or, with a vocabulary, (n, T) in; (n, outputs) logits out."""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence

    kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
    between = dropout if layers > 1 else 0.0  # PyTorch's own is between layers only

    class Recurrent(nn.Module):
        """Embed, read, and answer from the last state."""

        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(vocabulary, features) if vocabulary else None
            self.rnn = kind(features, units, layers, batch_first=True, dropout=between, bidirectional=bidirectional)
            self.dropout = nn.Dropout(dropout)
            self.head = nn.Linear(units * (2 if bidirectional else 1), outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Return the logits."""
            real = x != 0 if self.embedding is not None else (x != 0).any(dim=2)  # (n, T): which steps are no padding
            steps = x if self.embedding is None else self.embedding(x)  # (n, T, features)
            if masked:
                steps, lengths = to_the_front(steps, real)
                # Packed, the layers never see the padding. They need one step; it is taken back below.
                steps = pack_padded_sequence(
                    steps, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False
                )
            state = self.rnn(steps)[1]  # after the last step: (layers * directions, n, units)
            if cell == "lstm":
                state = state[0]  # the hidden state; the other is the cell state
            last = torch.cat([state[-2], state[-1]], dim=1) if bidirectional else state[-1]
            if masked:
                last = last * (lengths > 0).unsqueeze(1)  # nothing read: the state is still zero
            return self.head(self.dropout(last))

    model = Recurrent()
    start_as_keras(model)
    return model


def to_the_front(steps: torch.Tensor, real: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Move the real steps to the front, in their order.

    Parameters
    ----------
    steps : tensor, (n, T, features)
    real : tensor of bool, (n, T)
        Which steps are no padding.

    Returns
    -------
    steps : tensor, (n, T, features)
    lengths : tensor of int64, (n,)
        Real steps of each sequence.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[0.0, 3.0, 4.0], [5.0, 0.0, 0.0]]).unsqueeze(2)
    >>> moved, lengths = to_the_front(x, (x != 0).any(dim=2))
    >>> moved.squeeze(2).tolist(), lengths.tolist()
    ([[3.0, 4.0, 0.0], [5.0, 0.0, 0.0]], [2, 1])
    """
    lengths = real.sum(dim=1)
    order = (~real).long().argsort(dim=1, stable=True)  # real ones first
    return steps.gather(1, order.unsqueeze(2).expand_as(steps)), lengths


def start_as_keras(model: nn.Module) -> None:
    """Draw fresh weights as Keras does; the embedding keeps PyTorch's."""
    from torch import nn

    for name, parameter in model.rnn.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(parameter)
        else:
            nn.init.zeros_(parameter)
            if isinstance(model.rnn, nn.LSTM) and name.startswith("bias_ih"):
                input_gate, forget_gate, proposal, output_gate = parameter.data.chunk(4)
                forget_gate.fill_(1.0)
    nn.init.xavier_uniform_(model.head.weight)
    nn.init.zeros_(model.head.bias)
