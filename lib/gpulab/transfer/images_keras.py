"""The networks for images in Keras, built from the tables in :mod:`gpulab.transfer.architectures`.

Padding and the numbers of batch normalization are those of the PyTorch networks that the weights come from, so the
logits are equal, too.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gpulab.transfer.architectures import NETWORKS, Block, Network, Unit, layer_names
from gpulab.transfer.errors import TransferError
from gpulab.transfer.registry import Preprocess, card, not_normalized, not_pixels
from gpulab.transfer.staged_keras import add_head

if TYPE_CHECKING:
    import keras

    from gpulab.transfer.weights import Arrays

MOMENTUM = 0.9  # of the statistics of batch normalization: PyTorch's 0.1, seen from the other side
STATISTICS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


@cache
def normalize_layer() -> type:
    """Return the layer of the stage "preprocess"; its arguments are those of the torch one, as plain values."""
    import keras
    from keras import layers, ops

    @keras.saving.register_keras_serializable("gpulab")
    class Normalize(layers.Layer):
        """(x - mean) / std for each color, and a look at what comes in."""

        def __init__(self, source: str, mode: bool | None, **named: Any) -> None:
            super().__init__(**named)
            self.source, self.mode = source, mode

        def call(self, x: Any) -> Any:
            """Return images (n, height, width, 3), normalized."""
            rule = card(self.source).preprocess
            if self.mode is not None and hasattr(x, "numpy"):  # not in a compiled step: `fit` tries a few before it
                _check(x.numpy(), self.mode, rule, self.source)
            if not self.mode:
                return x
            return (x - ops.convert_to_tensor(rule.mean, x.dtype)) / ops.convert_to_tensor(rule.std, x.dtype)

        def get_config(self) -> dict[str, Any]:
            """Return what makes the layer again."""
            return {**super().get_config(), "source": self.source, "mode": self.mode}

    return Normalize


def _check(x: np.ndarray, mode: bool, rule: Preprocess, name: str) -> None:
    low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 0.0)
    if problem := not_pixels(low, high) if mode else not_normalized(low, high, rule, name):
        raise TransferError(problem)


def build(
    name: str, arrays: Arrays | None, *, classes: int | None, preprocess: bool | None, dropout: float
) -> keras.Model:
    """Return a model; the arguments are those of :func:`gpulab.transfer.images_torch.build`."""
    import keras
    from keras import layers

    network, known = NETWORKS[name], card(name)
    inputs = keras.Input((None, None, 3), name="images")
    x = normalize_layer()(name, preprocess, name="preprocess")(inputs)
    for block in network.blocks:
        x = _block(x, block, network)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = classes if classes is not None else known.outputs
    if outputs:
        x = add_head(x, outputs, (), dropout)
    model = keras.Model(inputs, x, name=name.replace("-", "_"))
    if arrays is not None:
        _fill(model, network, arrays, classes is None)
    return model


def _block(x: Any, block: Block, network: Network) -> Any:
    """Return a stage after x."""
    from keras import layers

    start = x
    if block.pool:
        x = layers.MaxPooling2D(block.pool, name=f"{block.name}_pool")(x)
    for unit in block.units:
        x = _unit(x, unit, network)
    return layers.Add(name=f"{block.name}_add")([x, start]) if block.shortcut else x


def _unit(x: Any, unit: Unit, network: Network) -> Any:
    """Return a convolution after x, with its normalization and activation."""
    from keras import layers

    name, norm = layer_names(unit)
    padding = "same"
    if unit.stride > 1 and network.padding == "both":
        x = layers.ZeroPadding2D(unit.kernel // 2, name=f"{name.removesuffix('_conv')}_pad")(x)
        padding = "valid"
    fixed = {"strides": unit.stride, "padding": padding, "use_bias": not unit.norm, "name": name}
    if unit.depthwise:
        start = _normal(unit.kernel**2 * (1 if network.grouped else unit.c_out))
        x = layers.DepthwiseConv2D(unit.kernel, depthwise_initializer=start, **fixed)(x)
    else:
        start = _normal(unit.kernel**2 * unit.c_out)
        x = layers.Conv2D(unit.c_out, unit.kernel, kernel_initializer=start, **fixed)(x)
    if unit.norm:
        x = layers.BatchNormalization(epsilon=network.epsilon, momentum=MOMENTUM, name=norm)(x)
    if not unit.act:
        return x
    return layers.ReLU(6.0 if unit.norm else None, name=f"{name.removesuffix('_conv')}_act")(x)


def _normal(fan_out: int) -> Any:
    """Return He's start, by outputs, as torchvision's networks have it."""
    import keras

    return keras.initializers.RandomNormal(stddev=(2 / fan_out) ** 0.5)


def _fill(model: keras.Model, network: Network, arrays: Arrays, with_head: bool) -> None:
    """Put the file's arrays, in PyTorch's layout, into the layers."""
    for unit in (unit for block in network.blocks for unit in block.units):
        name, norm = layer_names(unit)
        order = (2, 3, 0, 1) if unit.depthwise else (2, 3, 1, 0)
        layer = model.get_layer(name)
        _assign(layer.kernel, arrays, f"{unit.conv}.weight", order)
        if not unit.norm:
            _assign(layer.bias, arrays, f"{unit.conv}.bias")
            continue
        for ours, theirs in STATISTICS.items():
            _assign(getattr(model.get_layer(norm), ours), arrays, f"{unit.bn}.{theirs}")
    if with_head and network.head:
        _assign(model.get_layer("head").kernel, arrays, f"{network.head}.weight", (1, 0))
        _assign(model.get_layer("head").bias, arrays, f"{network.head}.bias")


def _assign(variable: Any, arrays: Arrays, name: str, order: tuple[int, ...] = (0,)) -> None:
    array = arrays[name].transpose(order) if name in arrays else np.zeros(0)
    if tuple(variable.shape) != array.shape:
        raise TransferError(f"The file of weights does not fit: {name} is missing or is not {tuple(variable.shape)}.")
    variable.assign(array)
