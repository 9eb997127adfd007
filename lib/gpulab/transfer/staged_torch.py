"""A pretrained network in PyTorch as named stages in a row, and a head: what every torch model of this room is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from gpulab.transfer.parts import HEAD_STD
from gpulab.transfer.registry import Preprocess, not_normalized, not_pixels

if TYPE_CHECKING:
    import torch
    from torch import nn


@cache
def classes() -> tuple[type[nn.Module], type[nn.Module]]:
    """Return the classes ``Staged`` and ``Normalize``, made when they are asked for: then torch is needed."""
    import torch
    from torch import nn

    class Staged(nn.Module):
        """The stages one after the other, then the head.

        Attributes
        ----------
        stages : nn.ModuleDict
            In the order in which they compute. What one returns is what the next one takes. The last one, "pool",
            returns one vector for each sample: (n, d).
        head : nn.Module
            From (n, d) to the logits; ``nn.Identity()`` if there is none. ``head.linear`` is its last layer.
        name : str
            Of the pretrained model.
        example : torch.Tensor
            An input that the first stage takes, to find out shapes.
        """

        def __init__(self, name: str, stages: Mapping[str, nn.Module], example: torch.Tensor) -> None:
            super().__init__()
            self.name, self.example = name, example
            self.stages = nn.ModuleDict(stages)
            self.head: nn.Module = nn.Identity()

        def forward(self, x: Any) -> torch.Tensor:
            """Return the logits (n, classes); without a head, the features (n, d)."""
            for stage in self.stages.values():
                x = stage(x)
            return self.head(x)

    class Normalize(nn.Module):
        """The stage "preprocess": (x - mean) / std for each color, and a look at what comes in.

        Parameters
        ----------
        rule : Preprocess
        mode : bool or None
            True: expect pixels from 0 to 1, and normalize them. False: expect normalized images. None: pass everything
            on as it is, without a look.
        """

        def __init__(self, rule: Preprocess, mode: bool | None, name: str) -> None:
            super().__init__()
            self.rule, self.mode, self.name = rule, mode, name
            for part in ("mean", "std"):
                self.register_buffer(part, torch.tensor(getattr(rule, part))[:, None, None], persistent=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Return images (n, 3, height, width), normalized."""
            if self.mode is not None and not self.training and can_be_seen(x):
                self._check(float(x.min()), float(x.max()))
            return (x - self.mean) / self.std if self.mode else x

        def _check(self, low: float, high: float) -> None:
            from gpulab.transfer.errors import TransferError

            problem = not_pixels(low, high) if self.mode else not_normalized(low, high, self.rule, self.name)
            if problem:
                raise TransferError(problem)

    for made in (Staged, Normalize):  # as if they stood outside, so that a model can be pickled
        made.__qualname__ = made.__name__
    return Staged, Normalize


def __getattr__(name: str) -> Any:
    """Find the two classes by name, too: ``from gpulab.transfer.staged_torch import Staged``."""
    for made in classes() if name in ("Staged", "Normalize") else ():
        if made.__name__ == name:
            return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def can_be_seen(x: torch.Tensor) -> bool:
    """Return whether a tensor holds numbers now: not while it is traced or compiled."""
    import torch
    from torch import nn

    if torch.compiler.is_compiling() or torch.jit.is_tracing() or type(x) not in (torch.Tensor, nn.Parameter):
        return False
    return x.device.type != "meta" and x.numel() > 0


def head(width: int, classes: int, hidden: Sequence[int], dropout: float) -> nn.Sequential:
    """Return a fresh head: hidden layers with ReLU, dropout, and a linear layer whose weights are small."""
    from torch import nn

    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, size in enumerate(hidden, start=1):
        layers[f"hidden{i}"], layers[f"act{i}"] = nn.Linear(width, size), nn.ReLU()
        nn.init.kaiming_uniform_(layers[f"hidden{i}"].weight, nonlinearity="relu")
        nn.init.zeros_(layers[f"hidden{i}"].bias)
        width = size
    layers["dropout"], layers["linear"] = nn.Dropout(dropout), nn.Linear(width, classes)
    nn.init.normal_(layers["linear"].weight, std=HEAD_STD)
    nn.init.zeros_(layers["linear"].bias)
    return nn.Sequential(layers)


def cut(model: nn.Module, at: str) -> nn.Module:
    """Return the stages up to one, and the pool; the modules are shared with the model."""
    names = list(model.stages)
    kept = names[: names.index(at) + 1]
    shorter = classes()[0](model.name, {}, model.example)
    shorter.stages.update({name: model.stages[name] for name in [*kept, *(() if at == "pool" else ("pool",))]})
    return shorter.train(model.training)


def width(model: nn.Module) -> int:
    """Return d, the length of the vector that a model's stages return for each sample."""
    import torch
    from torch import nn

    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    modes = {module: module.training for module in model.modules()}
    kept, model.head = model.head, nn.Identity()
    try:
        with torch.no_grad():
            return model.eval()(model.example.to(device)).shape[-1]
    finally:
        model.head = kept
        for module, mode in modes.items():
            module.training = mode


def set_linear(layer: nn.Linear, weight: Any, bias: Any) -> None:
    """Put weights (d, classes) and a bias (classes,) into a linear layer."""
    import torch

    with torch.no_grad():
        layer.weight.copy_(torch.as_tensor(weight).T)
        layer.bias.copy_(torch.as_tensor(bias))
