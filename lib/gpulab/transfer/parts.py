"""A model as named parts: its stages in order from the input, then its head; the same for torch and Keras."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gpulab.models.framework import framework_of
from gpulab.transfer.errors import TransferError

HEAD = "head"
HEAD_STD = 0.01  # of a fresh head's weights, as in torchvision's MobileNetV2


def side_of(model: object) -> str:
    """Return "torch" or "keras".

    Raises
    ------
    TransferError
        The model is neither.

    Examples
    --------
    >>> side_of([1, 2])
    Traceback (most recent call last):
    ...
    gpulab.transfer.errors.TransferError: The model is a list; expected a torch.nn.Module or a keras.Model.
    """
    try:
        return framework_of(model)
    except TypeError as error:
        raise TransferError(str(error)) from error


def parts(model: Any) -> dict[str, list[Any]]:
    """Return the stages of a model, and its head as the last entry.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        A torch module has ``stages`` (an nn.ModuleDict) and ``head``; the names of a Keras model's layers begin with
        the stage's name and an underscore.

    Returns
    -------
    dict of str to list
        The torch modules or Keras layers of each part.

    Raises
    ------
    TransferError
        The model has no such parts.
    """
    if side_of(model) == "torch":
        if not hasattr(model, "stages") or not hasattr(model, HEAD):
            raise TransferError(
                f"A {type(model).__name__} has no stages; expected a model of transfer.load, or a module with "
                "`stages` (an nn.ModuleDict) and `head`."
            )
        return {name: [module] for name, module in model.stages.items()} | {HEAD: [model.head]}
    found: dict[str, list[Any]] = {}
    for layer in model.layers:
        if stage := stage_of(layer):
            found.setdefault(stage, []).append(layer)
    if HEAD not in found and "pool" not in found:
        raise TransferError(
            f"The Keras model {model.name!r} has no layer named 'head'; expected a model of transfer.load, or layers "
            "named after their stage: 'stem_conv', 'block1_conv', ..., 'head'."
        )
    head = found.pop(HEAD, [])  # an encoder, or a cut model, has none
    return found | {HEAD: head}


def stage_of(layer: Any) -> str:
    """Return the stage that a Keras layer belongs to; "" for an input."""
    return "" if type(layer).__name__ == "InputLayer" else layer.name.partition("_")[0]


def check_part(name: str, names: Iterable[str], what: str) -> None:
    """Refuse a name that the model has no part of.

    Raises
    ------
    TransferError
        With the names there are.
    """
    names = list(names)
    if name not in names:
        raise TransferError(f"{what}={name!r}: the model has no such stage. It has {', '.join(names)}.")


def weights_of(model: Any, members: list[Any]) -> list[Any]:
    """Return the weights of a part that training can change: torch parameters or Keras variables, frozen or not.

    The statistics of BatchNorm are no such weights: no gradient leads to them.
    """
    if side_of(model) == "torch":
        return [parameter for module in members for parameter in module.parameters()]
    return [
        variable for layer in members for inner in layer._flatten_layers() for variable in inner._trainable_variables
    ]


def adapted(model: Any) -> list[Any]:
    """Return the torch modules or Keras layers that hold an adapter of LoRA."""
    if side_of(model) == "torch":
        return [module for module in model.modules() if hasattr(module, "lora_A") and hasattr(module, "base_layer")]
    return [layer for layer in model._flatten_layers() if getattr(layer, "lora_enabled", False)]


def refuse_adapters(model: Any, what: str) -> None:
    """Refuse a model with adapters, where the base has to stay frozen.

    Raises
    ------
    TransferError
        It has some.
    """
    if adapted(model):
        raise TransferError(
            f"{what}: the model has LoRA's adapters, and its own weights stay frozen. Merge them first."
        )
