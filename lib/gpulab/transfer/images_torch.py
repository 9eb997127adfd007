"""The networks for images in PyTorch: torchvision's and timm's own layers, sorted into the stages of the course."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gpulab.transfer.architectures import NETWORKS, Network, Unit
from gpulab.transfer.errors import TransferError
from gpulab.transfer.registry import card
from gpulab.transfer.staged_torch import classes as classes_of_modules
from gpulab.transfer.staged_torch import head

if TYPE_CHECKING:
    from torch import nn

    from gpulab.transfer.weights import Arrays

STATISTICS = ("weight", "bias", "running_mean", "running_var")


def build(
    name: str, arrays: Arrays | None, *, classes: int | None, preprocess: bool | None, dropout: float
) -> nn.Module:
    """Return a model, with weights given by their names in the published file or, for None, with fresh ones.

    Parameters
    ----------
    classes : int, optional
        A fresh head of so many logits; None keeps the head of the source task.
    preprocess : bool or None
        See :class:`gpulab.transfer.staged_torch.Normalize`.
    dropout : float
        Before the head's linear layer.
    """
    import torch
    from torch import nn

    staged, normalize = classes_of_modules()
    network, known = NETWORKS[name], card(name)
    stages: dict[str, nn.Module] = {"preprocess": normalize(known.preprocess, preprocess, name)}
    stages |= MAKERS[name]()
    stages["pool"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = staged(name, stages, torch.full((1, 3, 64, 64), -0.25))
    if arrays is not None:
        _fill(model, network, arrays)
    if classes is None and network.head:
        model.head = head(network.width, known.outputs, (), dropout)
        if arrays is not None:
            _copy(model.head.linear, arrays, network.head, ("weight", "bias"))
    elif classes is not None:
        model.head = head(network.width, classes, (), dropout)
    return model


def _mobilenet_v2() -> dict[str, nn.Module]:
    from torchvision.models import mobilenet_v2

    layers = list(mobilenet_v2(weights=None).features)
    blocks = {f"block{i}": block for i, block in enumerate(layers[1:-1], start=1)}
    return {"stem": layers[0], **blocks, "top": layers[-1]}


def _efficientnet_lite0() -> dict[str, nn.Module]:
    try:
        import timm
    except ImportError as error:
        raise TransferError("EfficientNet-Lite0 in PyTorch needs timm: pip install 'gpulab[transfer]'.") from error
    from torch import nn

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    rows = [block for stage in network.blocks for block in stage]
    stem = nn.Sequential(network.conv_stem, network.bn1)  # timm's bn1 holds the activation, too
    top = nn.Sequential(network.conv_head, network.bn2)
    return {"stem": stem, **{f"block{i}": block for i, block in enumerate(rows, start=1)}, "top": top}


def _vgg16() -> dict[str, nn.Module]:
    from torch import nn
    from torchvision.models import vgg16

    stages, row = {}, []
    for layer in vgg16(weights=None).features:
        if isinstance(layer, nn.MaxPool2d):  # it opens the next block
            stages[f"block{len(stages) + 1}"] = nn.Sequential(*row)
            row = [layer]
        else:
            row.append(layer)
    return stages


MAKERS = {"mobilenet-v2": _mobilenet_v2, "efficientnet-lite0": _efficientnet_lite0, "vgg16-edges": _vgg16}


def _fill(model: nn.Module, network: Network, arrays: Arrays) -> None:
    """Copy weights into the stages: the units of the table and the layers come in the same order."""
    for unit, convolution, norm in _pairs(model, network):
        _copy(convolution, arrays, unit.conv, ("weight",) if unit.norm else ("weight", "bias"))
        if norm is not None:
            _copy(norm, arrays, unit.bn, STATISTICS)


def _pairs(model: nn.Module, network: Network) -> Iterator[tuple[Unit, nn.Module, nn.Module | None]]:
    """Yield each unit with its convolution and its normalization."""
    from torch import nn

    for block in network.blocks:
        inside = list(model.stages[block.name].modules())
        convolutions = [module for module in inside if isinstance(module, nn.Conv2d)]
        norms = [module for module in inside if isinstance(module, nn.BatchNorm2d)]
        for i, unit in enumerate(block.units):
            yield unit, convolutions[i], norms[i] if unit.norm else None


def _copy(layer: nn.Module, arrays: Arrays, source: str, parts: tuple[str, ...]) -> None:
    """Copy a layer's arrays by name."""
    import torch

    for part in parts:
        target, name = getattr(layer, part), f"{source}.{part}"
        if name not in arrays or tuple(arrays[name].shape) != tuple(target.shape):
            raise TransferError(f"The file of weights does not fit: {name} is missing or is not {tuple(target.shape)}.")
        with torch.no_grad():
            target.copy_(torch.from_numpy(arrays[name]))
