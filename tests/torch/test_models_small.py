"""The small landmark networks in PyTorch: sizes, shapes, blocks, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from gpulab.models import load_weights, parameter_count, save_weights, small

PARAMETERS = {"vgg": 41_122, "inception": 6_994, "residual": 41_858, "mbconv": 21_940}


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_has_its_size_and_shape(name: str) -> None:
    model = small(name, "torch")
    assert parameter_count(model) == PARAMETERS[name]
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_depth_and_width_are_chosen() -> None:
    model = small("vgg", "torch", blocks=3, width=4)
    weights = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(weights) == 4 * 3 + 2 and weights[0].out_channels == 4


def test_without_norm_convolutions_have_biases() -> None:
    model = small("residual", "torch", norm=False)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    assert all(m.bias is not None for m in model.modules() if isinstance(m, nn.Conv2d))


def test_a_residual_block_with_filters_of_zero_is_the_identity() -> None:
    block = small("residual", "torch").stage1[1]
    x = torch.rand(2, 16, 7, 7)
    with torch.no_grad():
        for weight in block.parameters():
            if weight.dim() == 4:
                weight.zero_()
        assert torch.equal(block(x), x)


def test_squeeze_and_excite_weighs_channels() -> None:
    block = small("mbconv", "torch").stage1[1].eval()
    x = torch.rand(2, 16, 7, 7)
    with torch.no_grad():
        block.excite.weight.zero_()
        block.excite.bias.fill_(-100.0)  # every factor is zero
        assert torch.allclose(block(x), x, atol=1e-5)  # batch norm of zeros is zero; the shortcut is left


@pytest.mark.parametrize("name", PARAMETERS)
def test_convolutions_start_with_the_variance_of_he(name: str) -> None:
    torch.manual_seed(0)
    model = small(name, "torch", width=64, blocks=1)
    scaled = [
        (m.weight * (m.weight[0].numel() / 2) ** 0.5).flatten() for m in model.modules() if isinstance(m, nn.Conv2d)
    ]
    assert abs(torch.cat(scaled).std().item() - 1) < 0.01


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_gets_a_gradient(name: str) -> None:
    torch.manual_seed(0)
    model = small(name, "torch")
    model(torch.rand(8, 1, 28, 28)).pow(2).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_weights_come_back_from_a_file(tmp_path: Path) -> None:
    first, second = small("mbconv", "torch").eval(), small("mbconv", "torch").eval()
    save_weights(first, tmp_path / "w.safetensors")
    load_weights(second, tmp_path / "w.safetensors")
    x = torch.rand(3, 1, 28, 28)
    assert torch.equal(first(x), second(x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "lenet"}, r"no small network 'lenet'. Choose one of: vgg, inception, residual, mbconv"),
        ({"framework": "jax"}, "no framework 'jax' in the course. Choose one of: keras, torch"),
        ({"blocks": 0}, r"blocks=0: expected a whole number of at least 1"),
        ({"blocks": True}, "blocks=True"),
        ({"width": 6}, "width=6: expected a multiple of 4"),
        ({"width": 8.0}, r"width=8\.0"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**{"name": "vgg", "framework": "torch", **arguments})
