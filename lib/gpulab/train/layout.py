"""How images lie in memory: by channel (torch's default) or by pixel, which is faster for most convolutions.

A batch of images has the shape (n, channels, height, width) either way; only the strides differ. In "channels last"
order the channels of one pixel stand side by side, and one vector instruction works on many of them. The layers of
torch go by the layout of their input, so nothing about the model changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import nn


def channels_last(x: torch.Tensor) -> torch.Tensor:
    """Return a batch of images with the channels of each pixel side by side; other inputs as they are.

    Examples
    --------
    >>> import torch
    >>> channels_last(torch.zeros(2, 3, 4, 5)).stride()
    (60, 1, 15, 3)
    >>> channels_last(torch.zeros(2, 1, 4, 5)).stride()  # one channel: the same bytes, but torch goes by the strides
    (20, 1, 5, 1)
    """
    import torch

    if x.ndim != 4:
        return x
    _, channels, height, width = x.shape
    strides = (height * width * channels, 1, width * channels, channels)
    return x if x.stride() == strides else x.contiguous(memory_format=torch.channels_last).as_strided(x.shape, strides)


def pays(model: nn.Module, device: torch.device, precision: str) -> bool:
    """Return whether channels last is the faster order for a model on a device."""
    import torch
    from torch import nn

    if not any(isinstance(part, nn.Conv2d | nn.ConvTranspose2d) for part in model.modules()):
        return False
    if device.type == "cpu":
        return torch.backends.mkldnn.is_available()
    return device.type == "cuda" and precision != "fp32"  # what tensor cores want; in fp32 there is nothing to gain
