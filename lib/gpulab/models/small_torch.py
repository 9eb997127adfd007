"""The small landmark networks in PyTorch; :mod:`gpulab.models.small` says what they are."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn


def build(name: str, blocks: int, width: int, norm: bool) -> nn.Sequential:
    """Return the network: (n, 1, 28, 28) in, (n, 10) logits out."""
    from torch import nn

    make = {"vgg": _vgg, "inception": _inception, "residual": _residual, "mbconv": _mbconv}[name]
    act = nn.SiLU if name == "mbconv" else nn.ReLU
    model = nn.Sequential(
        OrderedDict(
            stem=_unit(1, width, 3, norm, act),  # w x 28 x 28
            pool1=nn.MaxPool2d(4),  # w x 7 x 7
            stage1=_stage(make, blocks, width, 2 * width, norm),  # 2w x 7 x 7
            pool2=nn.MaxPool2d(2),  # 2w x 3 x 3
            stage2=_stage(make, blocks, 2 * width, 4 * width, norm),  # 4w x 3 x 3
            average=nn.AdaptiveAvgPool2d(1),  # 4w x 1 x 1
            flatten=nn.Flatten(),  # 4w
            dense=nn.Linear(4 * width, 10),  # logits
        )
    )
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5)
            nn.init.zeros_(module.bias)
    return model


def _stage(make: Any, blocks: int, c_in: int, c_out: int, norm: bool) -> nn.Sequential:
    from torch import nn

    return nn.Sequential(*(make(c_out if i else c_in, c_out, norm) for i in range(blocks)))


def _unit(c_in: int, c_out: int, k: int, norm: bool, act: Any = None, groups: int = 1) -> nn.Sequential:
    """Return a convolution that keeps the size, batch normalization, and an activation; ``None`` leaves it out."""
    from torch import nn

    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(c_in, c_out, k, padding=k // 2, groups=groups, bias=not norm)
    if norm:
        layers["norm"] = nn.BatchNorm2d(c_out)
    if act is not None:
        layers["act"] = act()
    return nn.Sequential(layers)


def _vgg(c_in: int, c_out: int, norm: bool) -> nn.Sequential:
    from torch import nn

    return nn.Sequential(
        OrderedDict(unit1=_unit(c_in, c_out, 3, norm, nn.ReLU), unit2=_unit(c_out, c_out, 3, norm, nn.ReLU))
    )


def _inception(c_in: int, c_out: int, norm: bool) -> nn.Module:
    from torch import nn

    part, act = c_out // 4, nn.ReLU
    branches = {
        "one": nn.Sequential(_unit(c_in, part, 1, norm, act)),
        "three": nn.Sequential(_unit(c_in, part, 1, norm, act), _unit(part, part, 3, norm, act)),
        "five": nn.Sequential(
            _unit(c_in, part, 1, norm, act), _unit(part, part, 3, norm, act), _unit(part, part, 3, norm, act)
        ),
        "pool": nn.Sequential(
            nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), _unit(c_in, part, 1, norm, act)
        ),
    }

    class Inception(nn.Module):
        """Four branches read the same maps; their answers are put side by side."""

        def __init__(self) -> None:
            super().__init__()
            for name, branch in branches.items():
                self.add_module(name, branch)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            import torch

            return torch.cat([branch(x) for branch in self.children()], dim=1)

    return Inception()


def _residual(c_in: int, c_out: int, norm: bool) -> nn.Module:
    from torch import nn

    class Residual(nn.Module):
        """Two convolutions, and a shortcut around them."""

        def __init__(self) -> None:
            super().__init__()
            self.unit1 = _unit(c_in, c_out, 3, norm, nn.ReLU)
            self.unit2 = _unit(c_out, c_out, 3, norm)
            self.shortcut = nn.Identity() if c_in == c_out else _unit(c_in, c_out, 1, norm)
            self.act = nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.act(self.unit2(self.unit1(x)) + self.shortcut(x))

    return Residual()


def _mbconv(c_in: int, c_out: int, norm: bool, expand: int = 4) -> nn.Module:
    from torch import nn

    wide = expand * c_in

    class MBConv(nn.Module):
        """Expand, filter each channel, weigh the channels, project; with a shortcut where the shapes allow it."""

        def __init__(self) -> None:
            super().__init__()
            self.expand = _unit(c_in, wide, 1, norm, nn.SiLU)
            self.depthwise = _unit(wide, wide, 3, norm, nn.SiLU, groups=wide)
            self.squeeze = nn.AdaptiveAvgPool2d(1)
            self.reduce = nn.Conv2d(wide, c_in // 4, 1)
            self.act = nn.SiLU()
            self.excite = nn.Conv2d(c_in // 4, wide, 1)
            self.project = _unit(wide, c_out, 1, norm)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            import torch

            y = self.depthwise(self.expand(x))
            y = y * torch.sigmoid(self.excite(self.act(self.reduce(self.squeeze(y)))))
            y = self.project(y)
            return y + x if c_in == c_out else y

    return MBConv()
