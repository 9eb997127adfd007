"""Look inside a pretrained model, cut it, take features out of it, and give it another head."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gpulab.transfer.errors import TransferError
from gpulab.transfer.loading import check_classes, check_dropout
from gpulab.transfer.parts import HEAD, parts, side_of, weights_of


@dataclass(frozen=True)
class StageRow:
    """A stage's parameters.

    Attributes
    ----------
    stage : str
        The last row is the head's.
    parameters, trainable : int
        Numbers that training can change, and that it will change as the model is now. Statistics of batch
        normalization do not count.
    """

    stage: str
    parameters: int
    trainable: int


def members(model: Any) -> dict[str, list[Any]]:
    """Return the torch modules or Keras layers of each stage, from the input on; last the head's, if there is one.

    Raises
    ------
    TransferError
        The model has no stages.
    """
    found = parts(model)
    head = found.pop(HEAD)
    empty = not head or (side_of(model) == "torch" and not list(head[0].children()))
    return found if empty else found | {HEAD: head}


def stages(model: Any) -> tuple[str, ...]:
    """Return the names of a model's stages, from the input on; the head is not one of them.

    Raises
    ------
    TransferError
        The model has none.
    """
    return tuple(name for name in members(model) if name != HEAD)


def parameters(model: Any) -> tuple[StageRow, ...]:
    """Return how many parameters each stage has, and how many of them are trainable; last the head's.

    Raises
    ------
    TransferError
        The model has no stages.
    """
    rows = []
    torch = side_of(model) == "torch"
    for name, inside in members(model).items():
        every = weights_of(model, inside)
        if torch:
            found = [(variable.numel(), variable.requires_grad) for variable in every]
        else:
            learning = {id(v) for member in inside for v in member.trainable_variables}
            found = [(math.prod(variable.shape), id(variable) in learning) for variable in every]
        rows.append(StageRow(name, sum(n for n, _ in found), sum(n for n, learns in found if learns)))
    return tuple(rows)


def cut(model: Any, at: str) -> Any:
    """Return a model that ends after a stage: its output is averaged over all places (for text: over the tokens).

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        With stages. It is not changed, and its weights are shared: train one, and the other has learned, too.
    at : str
        The last stage to keep. With "pool" only the head is cut off.

    Returns
    -------
    torch.nn.Module or keras.Model
        It returns (n, d), and has stages itself.

    Raises
    ------
    TransferError
        There is no such stage.
    """
    side = side_of(model)
    if at not in stages(model):
        raise TransferError(f"There is no stage {at!r} to cut after. The model has: {', '.join(stages(model))}.")
    if side == "torch":
        from gpulab.transfer import staged_torch as staged
    else:
        from gpulab.transfer import staged_keras as staged
    return staged.cut(model, at)


def features(
    model: Any,
    x: Any,
    at: str = "pool",
    *,
    batch_size: int = 64,
    cache: str | os.PathLike[str] | None = None,
) -> np.ndarray:
    """Return what a model makes of inputs up to a stage, in evaluation mode: a vector for each.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        With stages.
    x : array_like
        Images (n, height, width, 3), or tokens (n, length).
    at : str
        The stage, see :func:`cut`.
    batch_size : int
        Inputs at once; the result does not depend on it.
    cache : path, optional
        A folder that keeps the features in a file named after the hash of the weights, the stage and the inputs: asked
        the same again, nothing is computed.

    Returns
    -------
    ndarray, float32, (n, d)

    Raises
    ------
    TransferError
        There is no such stage.
    """
    from gpulab.train import predict

    shorter = cut(model, at)
    path = None if cache is None else Path(cache) / f"{_fingerprint(shorter, x, at)}.npy"
    if path is not None and path.is_file():
        return np.load(path)
    found = predict(shorter, x, batch_size=batch_size)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.stem}-{os.getpid()}.part.npy")
        np.save(part, found)
        os.replace(part, path)
    return found


def _fingerprint(model: Any, x: Any, at: str) -> str:
    """Return a hash of everything that the features depend on."""
    total = hashlib.sha256(f"{side_of(model)} {at} {np.shape(x)}".encode())
    total.update(np.ascontiguousarray(x).tobytes())
    if side_of(model) == "torch":
        arrays = [tensor.detach().cpu().numpy() for tensor in model.state_dict().values()]
        total.update(str(getattr(model.stages.get_submodule(next(iter(model.stages))), "mode", "")).encode())
    else:
        arrays = [variable.numpy() for variable in model.variables if "seed" not in variable.name]
        total.update(str(getattr(model.layers[1], "mode", "")).encode())
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:32]


def new_head(model: Any, classes: int, *, hidden: Sequence[int] = (), dropout: float = 0.2) -> Any:
    """Give a model a fresh head, instead of the one it has or where :func:`cut` left none.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        With stages.
    classes : int
        Logits.
    hidden : sequence of int
        Widths of dense layers with ReLU before the last layer.
    dropout : float
        Before the last layer, in training.

    Returns
    -------
    torch.nn.Module or keras.Model
        Use this one: PyTorch's is the model itself, Keras's is a new one of the same layers.

    Raises
    ------
    TransferError
        The model has no stages, or a number is out of range.
    """
    side = side_of(model)
    check_classes(classes)
    check_dropout(dropout)
    if not all(isinstance(size, int) and size > 0 for size in hidden):
        raise TransferError(f"hidden={hidden!r}: expected the widths of layers, such as (128,).")
    if "pool" not in stages(model):
        raise TransferError("The model has no stage 'pool' that a head could follow. Cut it first: transfer.cut.")
    if side == "keras":
        from gpulab.transfer import staged_keras

        return staged_keras.new_head(model, classes, tuple(hidden), dropout)
    from gpulab.transfer import staged_torch

    model.head = staged_torch.head(staged_torch.width(model), classes, tuple(hidden), dropout)
    device = next((p.device for p in model.stages.parameters()), None)
    model.head.to(device).train(model.training)
    return model


def set_head(model: Any, weight: Any, bias: Any) -> Any:
    """Put weights, such as a linear probe's, into the head's last layer.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        With a head. It is changed in place.
    weight : array_like, (d, classes)
    bias : array_like, (classes,)

    Returns
    -------
    torch.nn.Module or keras.Model
        The same model.

    Raises
    ------
    TransferError
        The shapes are not the head's.
    """
    weight, bias = np.asarray(weight, dtype=np.float32), np.asarray(bias, dtype=np.float32)
    torch = side_of(model) == "torch"
    inside = members(model).get(HEAD)
    layer = None if not inside else getattr(model.head, "linear", None) if torch else inside[-1]
    if layer is None:
        raise TransferError("The model has no head with a linear layer. Give it one: transfer.new_head(model, classes).")
    expected = tuple(layer.weight.shape)[::-1] if torch else tuple(layer.kernel.shape)
    if weight.shape != expected or bias.shape != expected[1:]:
        turned = " The weights look transposed." if weight.shape == expected[::-1] != expected else ""
        raise TransferError(
            f"The head takes a weight of shape {expected} and a bias of shape {expected[1:]}; "
            f"got {weight.shape} and {bias.shape}.{turned}"
        )
    if torch:
        from gpulab.transfer import staged_torch

        staged_torch.set_linear(layer, weight, bias)
    else:
        layer.kernel.assign(weight)
        layer.bias.assign(bias)
    return model
