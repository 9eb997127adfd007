"""The NumPy cells give PyTorch's outputs and all of its gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from gpulab.models import cells

LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
N, T, FEATURES, UNITS = 4, 7, 3, 5


def layer_of(kind: str, weights: dict[str, np.ndarray]) -> nn.Module:
    """Return PyTorch's layer with these weights."""
    layer = LAYERS[kind](FEATURES, UNITS, batch_first=True, dtype=torch.float64)
    layer.load_state_dict({f"{name}_l0": torch.tensor(array) for name, array in weights.items()})
    return layer


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("lengths", [None, [7, 2, 5, 1]])
def test_outputs_and_gradients_are_torchs(kind: str, lengths: list[int] | None) -> None:
    rng = np.random.default_rng(0)
    weights = {name: 2 * array for name, array in cells.fresh(kind, FEATURES, UNITS).items()}
    layer = layer_of(kind, weights)
    x, h0, c0 = rng.normal(size=(N, T, FEATURES)), rng.normal(size=(N, UNITS)), rng.normal(size=(N, UNITS))
    factors, last = rng.normal(size=(N, T, UNITS)), rng.normal(size=(2, N, UNITS))
    ends = np.full(N, T) if lengths is None else np.array(lengths)
    factors *= (np.arange(T) < ends[:, None])[..., None]  # PyTorch has no outputs after the end

    leaves = [torch.tensor(array, requires_grad=True) for array in (x, h0, c0)]
    start = (leaves[1][None], leaves[2][None]) if kind == "lstm" else leaves[1][None]
    packed = nn.utils.rnn.pack_padded_sequence(leaves[0], torch.tensor(ends), batch_first=True, enforce_sorted=False)
    out, end = layer(packed, start)
    out, _ = nn.utils.rnn.pad_packed_sequence(out, batch_first=True, total_length=T)
    end = end if kind == "lstm" else (end,)
    loss = (out * torch.tensor(factors)).sum()
    (loss + sum((state[0] * torch.tensor(f)).sum() for state, f in zip(end, last, strict=False))).backward()

    record = cells.run(kind, weights, x, None if lengths is None else ends, h0=h0, c0=c0)
    dh = factors.copy()
    dh[:, -1] += last[0]  # the last state is kept to the end
    found = cells.gradients(record, dh, last[1] if kind == "lstm" else None)
    alive = np.arange(T) < ends[:, None]
    assert np.allclose(record.h[alive], out.detach().numpy()[alive], rtol=0, atol=1e-12)
    assert np.allclose(record.h[:, -1], end[0][0].detach(), rtol=0, atol=1e-12)
    if kind == "lstm":
        assert np.allclose(record.c[:, -1], end[1][0].detach(), rtol=0, atol=1e-12)
        assert np.allclose(found["c0"], leaves[2].grad, rtol=0, atol=1e-10)
    for name, leaf in (("x", leaves[0]), ("h0", leaves[1])):
        assert np.allclose(found[name], leaf.grad, rtol=0, atol=1e-10), name
    for name, parameter in layer.named_parameters():
        assert np.allclose(found[name.removesuffix("_l0")], parameter.grad, rtol=0, atol=1e-10), name


def test_fresh_weights_spread_as_torchs() -> None:
    for kind, layer in LAYERS.items():
        torch.manual_seed(0)
        theirs = dict(layer(40, 100).named_parameters())
        for name, ours in cells.fresh(kind, 40, 100).items():
            weight = theirs[f"{name}_l0"].detach().numpy()
            assert ours.shape == weight.shape
            assert abs(ours).max() <= 0.1 and np.isclose(ours.std(), weight.std(), rtol=0.1), name
