"""What a sequence costs, PyTorch: the loops compute what the layer does, and every case runs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmarks.sequence_cost import torch_side
from benchmarks.sequence_cost.cases import LOOPS, WIDTH, Case


@pytest.mark.parametrize("loop", [torch_side._cells, torch_side._inputs_first, torch_side._apart])
def test_a_loop_over_the_cell_is_the_layer(loop: object) -> None:
    torch.manual_seed(0)
    layer, cell = nn.LSTM(WIDTH, WIDTH, batch_first=True).double(), nn.LSTMCell(WIDTH, WIDTH).double()
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        setattr(cell, name, getattr(layer, f"{name}_l0"))
    x = torch.randn(2, 5, WIDTH, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 5, WIDTH, dtype=torch.float64)
    for own, ready in [(loop(cell)(x), layer(x)[0])]:
        torch.testing.assert_close(own, ready)
        gradients = [torch.autograd.grad((out * weight).sum(), (x, cell.weight_hh))[0] for out in (own, ready)]
        torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm", "transformer", *LOOPS["torch"][1:]])
@pytest.mark.parametrize("mode", ["forward", "training"])
def test_a_case_runs(kind: str, mode: str) -> None:
    torch_side.build(Case("length", kind, mode, 3, 2))()


def test_one_more_token_is_the_layer_s_last_answer() -> None:
    torch.manual_seed(0)
    step = torch_side.build(Case("stream", "transformer", "forward", 4, 1))
    assert step().shape == (1, WIDTH) and torch.equal(step(), step())
    assert torch_side.build(Case("stream", "lstm", "forward", 0, 1))()[0].shape == (1, WIDTH)
