"""The cases in PyTorch: each a function without arguments."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.sequence_cost.cases import HEADS, WIDE, WIDTH, Case

RECURRENT = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def prepare(threads: int) -> None:
    """Set the number of threads, and the seed."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)


def build(case: Case) -> Callable[[], object]:
    """Return the function that runs a case once."""
    if case.part == "stream":
        return _stream(case)
    x = torch.randn(case.batch, case.steps, WIDTH)
    if case.kind == "transformer":
        layer: nn.Module = nn.TransformerEncoderLayer(WIDTH, HEADS, WIDE, dropout=0.0, batch_first=True)
        call: Callable[[Tensor], Tensor] = layer
    elif case.kind in RECURRENT:
        layer = RECURRENT[case.kind](WIDTH, WIDTH, batch_first=True)
        call = lambda x: layer(x)[0]  # noqa: E731
    elif case.kind == "time first":
        layer = nn.LSTM(WIDTH, WIDTH)
        x = x.transpose(0, 1).contiguous()
        call = lambda x: layer(x)[0]  # noqa: E731
    else:
        layer = nn.LSTMCell(WIDTH, WIDTH)
        call = {"loop of cells": _cells, "loop, inputs first": _inputs_first, "loop, gates apart": _apart}[case.kind](layer)
    if case.mode == "forward":
        layer.eval()

        def forward() -> Tensor:
            with torch.no_grad():
                return call(x)

        return forward
    x.requires_grad_()

    def training() -> None:
        layer.zero_grad(set_to_none=True)
        x.grad = None
        call(x).square().mean().backward()

    return training


def _cells(cell: nn.LSTMCell) -> Callable[[Tensor], Tensor]:
    def call(x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), WIDTH)
        out = []
        for step in x.unbind(1):
            h, c = cell(step, (h, c))
            out.append(h)
        return torch.stack(out, 1)

    return call


def _finish(i: Tensor, f: Tensor, g: Tensor, o: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def _inputs_first(cell: nn.LSTMCell) -> Callable[[Tensor], Tensor]:
    def call(x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), WIDTH)
        out = []
        from_inputs = nn.functional.linear(x, cell.weight_ih, cell.bias_ih + cell.bias_hh)
        for step in from_inputs.unbind(1):
            h, c = _finish(*(step + h @ cell.weight_hh.T).chunk(4, 1), c)
            out.append(h)
        return torch.stack(out, 1)

    return call


def _apart(cell: nn.LSTMCell) -> Callable[[Tensor], Tensor]:
    def call(x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), WIDTH)
        out = []
        parts = [part.chunk(4) for part in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)]
        for step in x.unbind(1):
            gates = [step @ w.T + a + h @ u.T + b for w, u, a, b in zip(*parts, strict=True)]
            h, c = _finish(*gates, c)
            out.append(h)
        return torch.stack(out, 1)

    return call


def _stream(case: Case) -> Callable[[], object]:
    x = torch.randn(1, WIDTH)
    if case.kind == "lstm":
        cell = nn.LSTMCell(WIDTH, WIDTH)
        state = (torch.zeros(1, WIDTH), torch.zeros(1, WIDTH))

        def step() -> object:
            with torch.no_grad():
                return cell(x, state)

        return step
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, WIDE, dropout=0.0, batch_first=True).eval()
    size = WIDTH // HEADS
    keys, values = torch.randn(2, HEADS, case.steps + 1, size)  # the last place is the new token's
    attention = layer.self_attn

    def token() -> object:
        with torch.no_grad():
            q, k, v = nn.functional.linear(x, attention.in_proj_weight, attention.in_proj_bias).view(3, HEADS, size)
            keys[:, -1], values[:, -1] = k, v
            weights = (keys @ q[..., None] / size**0.5).softmax(1)
            found = attention.out_proj((weights.transpose(1, 2) @ values).view(1, WIDTH))
            y = layer.norm1(x + found)
            return layer.norm2(y + layer.linear2(layer.linear1(y).relu()))

    return token
