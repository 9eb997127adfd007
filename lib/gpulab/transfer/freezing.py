"""Freeze stages of a model, and unfreeze them: what training may change, and how the rest computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpulab.transfer.errors import TransferError
from gpulab.transfer.parts import HEAD, check_part, parts, refuse_adapters, side_of

if TYPE_CHECKING:
    from torch import nn


def freeze(model: Any, upto: str = "pool") -> Any:
    """Freeze the stages from the input up to one, and the one itself.

    A frozen stage computes as in evaluation while the rest is trained: BatchNorm uses its stored statistics and keeps
    them, and dropout is off. Later stages are left as they are.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        A model of ``transfer.load``, or one with the same parts. It is changed in place.
    upto : str
        The last stage to freeze. With "pool", the default, only the head is left.

    Returns
    -------
    torch.nn.Module or keras.Model
        The same model.

    Raises
    ------
    TransferError
        There is no such stage, or the model holds adapters of LoRA.

    Examples
    --------
    >>> freeze([1, 2])
    Traceback (most recent call last):
    ...
    gpulab.transfer.errors.TransferError: The model is a list; expected a torch.nn.Module or a keras.Model.
    """
    side, found = side_of(model), parts(model)
    refuse_adapters(model, "freeze")
    if upto == HEAD:
        raise TransferError(
            "freeze(upto='head') leaves nothing to train; the last stage to freeze is the one before it."
        )
    check_part(upto, [name for name in found if name != HEAD], "upto")
    names = list(found)
    for name in names[: names.index(upto) + 1]:
        for member in found[name]:
            _shut_torch(member) if side == "torch" else _shut_keras(member)
    return model


def unfreeze(model: Any, since: str, *, batchnorm: bool = False) -> Any:
    """Let training change the stages from one on, up to the head. Earlier stages are left as they are.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        It is changed in place.
    since : str
        The first stage to train.
    batchnorm : bool
        Whether BatchNorm in these stages is trained, too: its statistics and its two weights. By default it stays
        frozen, because the statistics of a few small batches are worse than the stored ones.

    Returns
    -------
    torch.nn.Module or keras.Model
        The same model.

    Raises
    ------
    TransferError
        There is no such stage, or the model holds adapters of LoRA.
    """
    side, found = side_of(model), parts(model)
    refuse_adapters(model, "unfreeze")
    check_part(since, list(found), "since")
    names = list(found)
    for name in names[names.index(since) :]:
        for member in found[name]:
            _open_torch(member, batchnorm) if side == "torch" else _open_keras(member, batchnorm)
    return model


def stay_in_evaluation(module: nn.Module, args: tuple[Any, ...]) -> None:
    """Put a frozen module back into evaluation mode before it computes: ``fit`` puts the whole model into training."""
    if module.training:
        module.eval()


def _shut_torch(module: nn.Module) -> None:
    module.requires_grad_(False)
    if stay_in_evaluation not in module._forward_pre_hooks.values():
        module.register_forward_pre_hook(stay_in_evaluation)


def _open_torch(module: nn.Module, batchnorm: bool) -> None:
    module.requires_grad_(True)
    for inner in module.modules():
        for number in [n for n, hook in inner._forward_pre_hooks.items() if hook is stay_in_evaluation]:
            del inner._forward_pre_hooks[number]
    for inner in [] if batchnorm else batchnorms(module):
        _shut_torch(inner)


def batchnorms(member: Any) -> list[Any]:
    """Return the BatchNorm layers in a torch module or a Keras layer."""
    if side_of(member) == "torch":
        from torch.nn.modules.batchnorm import _BatchNorm

        return [inner for inner in member.modules() if isinstance(inner, _BatchNorm)]
    import keras

    return [inner for inner in member._flatten_layers() if isinstance(inner, keras.layers.BatchNormalization)]


def _shut_keras(layer: Any) -> None:
    layer.trainable = False
    for inner in layer._flatten_layers():
        if _is_dropout(inner) and inner.rate:
            inner.rate_before_freezing, inner.rate = inner.rate, 0.0


def _open_keras(layer: Any, batchnorm: bool) -> None:
    layer.trainable = True
    for inner in layer._flatten_layers():
        if _is_dropout(inner) and hasattr(inner, "rate_before_freezing"):
            inner.rate = inner.rate_before_freezing
    for inner in [] if batchnorm else batchnorms(layer):
        inner.trainable = False


def _is_dropout(layer: Any) -> bool:
    return "Dropout" in type(layer).__name__ and hasattr(layer, "rate")
