"""Weights from PyTorch to Keras and back, through one safetensors file.

The file has PyTorch's names and layouts: ``conv1.weight`` is (out, in, height, width), ``dense1.weight`` is (out, in).
Keras keeps a convolution's kernel as (height, width, in, out) and a dense layer's as (in, out), so both are transposed.
One more thing differs: PyTorch flattens (channels, height, width), Keras (height, width, channels). The rows of the
first dense layer after a flatten layer are put in the other order.

Layers correspond by name. This file handles what the reference CNN needs, batch normalization, and depthwise convolutions
with one filter for each channel, (channels, 1, height, width) in PyTorch. Embeddings and recurrent layers are in
:mod:`gpulab.models.convert_recurrent`. Any other layer with weights is refused by name, and so is one between the flatten
and the dense layer that depends on that order.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gpulab.models import convert_recurrent as recurrent
from gpulab.models.framework import framework_of

Arrays = dict[str, np.ndarray]
ORDERED = ("BatchNormalization", "Reshape", "Permute")  # after a flatten layer they depend on its order
NORM_NAMES = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


class WeightsError(Exception):
    """A file of weights cannot be read, or does not fit the model; the message says what to do."""


def save_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model's weights to a safetensors file, in PyTorch's names and layouts whatever the framework.

    The file is written beside ``path`` and moved in by one atomic step.

    Raises
    ------
    WeightsError
        The model has a layer that is not known here, or the file cannot be written.
    """
    from safetensors.numpy import save

    arrays = from_keras(model) if framework_of(model) == "keras" else from_torch(model)
    content = save({name: array.copy(order="C") for name, array in arrays.items()})
    target = Path(path)
    part: str | None = None
    try:
        handle, part = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.replace(part, target)
    except OSError as error:
        raise WeightsError(f"Cannot write the weights to {target}: {error.strerror or error}.") from error
    finally:
        if part is not None:
            Path(part).unlink(missing_ok=True)


def load_weights(model: Any, path: str | os.PathLike[str]) -> None:
    """Load weights that :func:`save_weights` wrote, from either framework, into a model of either framework.

    Raises
    ------
    WeightsError
        The file is missing or not a safetensors file, or names or shapes differ. The model is then unchanged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(Path(path).read_bytes())
    except OSError as error:
        raise WeightsError(f"Cannot read the weights in {path}: {error.strerror or error}.") from error
    except SafetensorError as error:
        raise WeightsError(f"{path} is not a whole safetensors file ({error}). Save the weights again.") from error
    (into_keras if framework_of(model) == "keras" else into_torch)(model, arrays)


def from_torch(model: Any) -> Arrays:
    """Return a torch module's weights by name."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}


def into_torch(model: Any, arrays: Arrays) -> None:
    """Put arrays by name into a torch module."""
    import torch

    _check({name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}, arrays)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()}, strict=False)


def from_keras(model: Any) -> Arrays:
    """Return a Keras model's weights under PyTorch's names, in PyTorch's layouts."""
    arrays = {}
    for names, variable, kind, grid in _walk(model):
        arrays.update(zip(names, _to_torch(np.asarray(variable), kind, grid), strict=True))
    return arrays


def into_keras(model: Any, arrays: Arrays) -> None:
    """Put arrays, in PyTorch's names and layouts, into a Keras model."""
    places = list(_walk(model))
    _check({name: array.shape for name, array in from_keras(model).items()}, arrays)
    for names, variable, kind, grid in places:
        variable.assign(_to_keras([arrays[name] for name in names], kind, grid))


def _walk(model: Any) -> Iterator[tuple[tuple[str, ...], Any, str, tuple[int, ...] | None]]:
    """Yield PyTorch's names, the Keras variable, its kind, and the (height, width, channels) that it sees flattened."""
    grid = None
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in ORDERED and grid and min(grid[0] * grid[1], grid[2]) > 1:
            raise WeightsError(
                f"Layer {layer.name}, a {kind}, is between a Flatten and a Dense layer, where PyTorch and Keras number "
                "the features in different orders; converting it is not written. Put it before the Flatten layer."
            )
        if kind == "Flatten" and len(layer.input.shape) == 4:
            grid = tuple(layer.input.shape[1:])
        elif kind in ("Conv2D", "Dense"):
            yield (f"{layer.name}.weight",), layer.kernel, kind, grid if kind == "Dense" else None
            if layer.use_bias:
                yield (f"{layer.name}.bias",), layer.bias, "vector", None
            grid = None
        elif kind == "DepthwiseConv2D" and layer.depth_multiplier == 1:
            yield (f"{layer.name}.weight",), layer.kernel, kind, None
            if layer.use_bias:
                yield (f"{layer.name}.bias",), layer.bias, "vector", None
        elif kind == "BatchNormalization":
            for variable in layer.weights:
                yield (f"{layer.name}.{NORM_NAMES[variable.name]}",), variable, "vector", None
        elif kind == "Embedding":
            yield (f"{layer.name}.weight",), layer.embeddings, "vector", None
        elif kind in (*recurrent.RECURRENT, "Bidirectional"):
            if problem := recurrent.problem(layer):
                raise WeightsError(f"The weights of layer {layer.name} cannot be converted: {problem}.")
            yield from recurrent.places(layer)
        elif layer.weights:
            raise WeightsError(
                f"Layer {layer.name} is a {kind}: converting its weights is not written. See gpulab.models.convert."
            )


def _to_torch(array: np.ndarray, kind: str, grid: tuple[int, ...] | None) -> list[np.ndarray]:
    """Return a Keras array as PyTorch's, one or two of them."""
    if kind.endswith((" kernel", " bias")):
        return recurrent.to_torch(array, kind)
    return [_turned_to_torch(array, kind, grid)]


def _to_keras(parts: list[np.ndarray], kind: str, grid: tuple[int, ...] | None) -> np.ndarray:
    """Return PyTorch's one or two arrays as Keras' one."""
    if kind.endswith((" kernel", " bias")):
        return recurrent.to_keras(parts, kind)
    return _turned_to_keras(parts[0], kind, grid)


def _turned_to_torch(array: np.ndarray, kind: str, grid: tuple[int, ...] | None) -> np.ndarray:
    if kind == "Conv2D":
        return array.transpose(3, 2, 0, 1)  # (height, width, in, out) -> (out, in, height, width)
    if kind == "DepthwiseConv2D":
        return array.transpose(2, 3, 0, 1)  # (height, width, channels, 1) -> (channels, 1, height, width)
    if kind == "Dense" and grid:
        return array.reshape(*grid, -1).transpose(3, 2, 0, 1).reshape(array.shape[::-1])
    return array.T if kind == "Dense" else array


def _turned_to_keras(array: np.ndarray, kind: str, grid: tuple[int, ...] | None) -> np.ndarray:
    if kind == "Conv2D":
        return array.transpose(2, 3, 1, 0)
    if kind == "DepthwiseConv2D":
        return array.transpose(2, 3, 0, 1)
    if kind == "Dense" and grid:
        height, width, channels = grid
        return array.reshape(-1, channels, height, width).transpose(2, 3, 1, 0).reshape(array.shape[::-1])
    return array.T if kind == "Dense" else array


def _check(expected: dict[str, tuple[int, ...]], arrays: Arrays) -> None:
    """Refuse arrays whose names or shapes are not the model's; a torch batch norm's step counter may be absent."""
    wanted = {name: shape for name, shape in expected.items() if not name.endswith("num_batches_tracked")}
    given = {name: array.shape for name, array in arrays.items() if not name.endswith("num_batches_tracked")}
    wrong = sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name))
    if wrong:
        lines = [
            f"{name}: model {wanted.get(name, 'has none')}, file {given.get(name, 'has none')}" for name in wrong[:5]
        ]
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise WeightsError(f"The weights do not fit the model. {'; '.join(lines)}{more}.")
