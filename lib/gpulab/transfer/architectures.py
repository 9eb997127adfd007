"""The networks for images as tables, from which both frameworks build the same thing and find the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Unit:
    """A convolution, and what follows it at once.

    Attributes
    ----------
    name : str
        ``stage`` or ``stage_part``, such as ``"block3_expand"``.
    c_in, c_out : int
        Channels; of a depthwise convolution the same.
    kernel, stride : int
        In pixels.
    depthwise, norm, act : bool
        One filter for each channel; batch normalization instead of a bias; ReLU (cut off at 6, if ``norm``).
    conv, bn : str
        What the published file calls the convolution and its normalization.
    """

    name: str
    c_in: int
    c_out: int
    kernel: int
    stride: int = 1
    depthwise: bool = False
    norm: bool = True
    act: bool = True
    conv: str = ""
    bn: str = ""

    @property
    def stage(self) -> str:
        """Return the stage it belongs to."""
        return self.name.partition("_")[0]


@dataclass(frozen=True)
class Block:
    """A stage: its units in a row, and how they are put together.

    Attributes
    ----------
    units : tuple of Unit
    shortcut : bool
        The block's input is added to its output.
    pool : int
        Max pooling over so many pixels before the first unit; 0 for none.
    """

    name: str
    units: tuple[Unit, ...]
    shortcut: bool = False
    pool: int = 0


@dataclass(frozen=True)
class Network:
    """An architecture.

    Attributes
    ----------
    blocks : tuple of Block
        The stages between "preprocess" and "pool".
    padding : {"both", "same"}
        At stride 2: the same on both sides, as PyTorch does, or TensorFlow's "same", which may add more at the end.
    epsilon : float
        Of batch normalization.
    width : int
        Channels of the last stage.
    head : str
        What the published file calls the head; "" if it has none.
    grouped : bool
        How fresh depthwise filters start: by the inputs of one filter (true) or of all of them.
    """

    blocks: tuple[Block, ...]
    padding: str
    epsilon: float
    width: int
    head: str
    grouped: bool = False


# expand ratio, channels, blocks, stride of the first one, kernel
_MOBILENET = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 32, 3, 2, 3), (6, 64, 4, 2, 3), (6, 96, 3, 1, 3), (6, 160, 3, 2, 3), (6, 320, 1, 1, 3))  # fmt: skip
_LITE0 = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))  # fmt: skip
_VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def _inverted(name: str, c_in: int, c_out: int, stride: int, kernel: int, ratio: int, files: list[str]) -> Block:
    """Return an inverted residual block: widen, filter each channel, narrow."""
    wide, units = c_in * ratio, []
    if ratio != 1:
        units.append(Unit(f"{name}_expand", c_in, wide, 1, conv=files[0], bn=files[1]))
    units.append(Unit(f"{name}_depthwise", wide, wide, kernel, stride, depthwise=True, conv=files[-4], bn=files[-3]))
    units.append(Unit(f"{name}_project", wide, c_out, 1, act=False, conv=files[-2], bn=files[-1]))
    return Block(name, tuple(units), shortcut=stride == 1 and c_in == c_out)


def _rows(table: tuple[tuple[int, ...], ...]) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Yield number, input channels, output channels, stride, kernel and expand ratio of each block."""
    c_in, number = 32, 0
    for ratio, c_out, count, stride, kernel in table:
        for i in range(count):
            number += 1
            yield number, c_in, c_out, 1 if i else stride, kernel, ratio
            c_in = c_out


def _mobilenet_v2() -> Network:
    blocks = [Block("stem", (Unit("stem_conv", 3, 32, 3, 2, conv="features.0.0", bn="features.0.1"),))]
    for number, c_in, c_out, stride, kernel, ratio in _rows(_MOBILENET):
        inner = f"features.{number}.conv"
        parts = ["0.0", "0.1", "1.0", "1.1", "2", "3"] if ratio != 1 else ["0.0", "0.1", "1", "2"]
        files = [f"{inner}.{part}" for part in parts]
        blocks.append(_inverted(f"block{number}", c_in, c_out, stride, kernel, ratio, files))
    blocks.append(Block("top", (Unit("top_conv", 320, 1280, 1, conv="features.18.0", bn="features.18.1"),)))
    return Network(tuple(blocks), "both", 1e-5, 1280, "classifier.1")


def _efficientnet_lite0() -> Network:
    blocks = [Block("stem", (Unit("stem_conv", 3, 32, 3, 2, conv="_conv_stem", bn="_bn0"),))]
    for number, c_in, c_out, stride, kernel, ratio in _rows(_LITE0):
        parts = ("_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2")
        files = [f"_blocks.{number - 1}.{part}" for part in parts]
        blocks.append(_inverted(f"block{number}", c_in, c_out, stride, kernel, ratio, files))
    blocks.append(Block("top", (Unit("top_conv", 320, 1280, 1, conv="_conv_head", bn="_bn1"),)))
    return Network(tuple(blocks), "same", 1e-3, 1280, "_fc", grouped=True)


def _vgg16() -> Network:
    blocks, c_in = [], 3
    for number, (c_out, count) in enumerate(_VGG16, start=1):
        units = []
        for i in range(1, count + 1):
            name = f"block{number}_conv{i}"
            units.append(Unit(name, c_in, c_out, 3, norm=False, conv=name))
            c_in = c_out
        blocks.append(Block(f"block{number}", tuple(units), pool=2 if number > 1 else 0))
    return Network(tuple(blocks), "both", 0.0, 512, "")


NETWORKS = {"mobilenet-v2": _mobilenet_v2(), "efficientnet-lite0": _efficientnet_lite0(), "vgg16-edges": _vgg16()}


def layer_names(unit: Unit) -> tuple[str, str]:
    """Return the names of a unit's convolution and of its normalization.

    Examples
    --------
    >>> layer_names(NETWORKS["mobilenet-v2"].blocks[3].units[0])
    ('block3_expand', 'block3_expand_norm')
    """
    return unit.name, f"{unit.name.removesuffix('_conv')}_norm"
