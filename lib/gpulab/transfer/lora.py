"""LoRA: small trainable adapters beside frozen weights; peft's in torch, Keras' own in Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gpulab.transfer.errors import TransferError
from gpulab.transfer.freezing import unfreeze
from gpulab.transfer.parts import HEAD, adapted, check_part, parts, side_of, weights_of

if TYPE_CHECKING:
    import keras
    from torch import nn


def lora(model: Any, *, rank: int = 8, alpha: float = 16, stages: Sequence[str] | None = None) -> Any:
    """Put an adapter beside each dense layer and each 1 x 1 convolution; freeze everything else but the head.

    A layer with the weights W then computes with W + (alpha / rank) A B, where A and B are small and B starts at 0:
    at first the model answers as before.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        A model of ``transfer.load``, or one with the same parts. It is changed in place. The adapters are drawn at
        random: seed the framework first.
    rank : int
        Columns of A and rows of B.
    alpha : float
        The adapter's output is multiplied by alpha / rank.
    stages : sequence of str, optional
        Which stages get adapters; by default all.

    Returns
    -------
    torch.nn.Module or keras.Model
        The same model.

    Raises
    ------
    TransferError
        A number or a stage is not usable, there is no such layer, or the model has adapters already.

    Notes
    -----
    Hu et al. (2022), LoRA. peft draws A from a narrower range than Keras, so the two frameworks differ in the first
    steps.

    Examples
    --------
    >>> lora(None, rank=0)
    Traceback (most recent call last):
    ...
    gpulab.transfer.errors.TransferError: rank=0: expected a whole number, at least 1.
    """
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        raise TransferError(f"rank={rank!r}: expected a whole number, at least 1.")
    if not isinstance(alpha, int | float) or alpha <= 0:
        raise TransferError(f"alpha={alpha!r}: expected a number above 0.")
    found = parts(model)
    if adapted(model):
        raise TransferError("The model has adapters already; merge_lora(model) first.")
    for name in stages or ():
        check_part(name, [other for other in found if other != HEAD], "stages")
    chosen = [name for name in found if name != HEAD and (stages is None or name in stages)]
    unfreeze(model, next(iter(found)))  # so that every stage computes as in training, but BatchNorm
    if side_of(model) == "torch":
        return _lora_torch(model, chosen, rank, alpha)
    return _lora_keras(found, model, chosen, rank, alpha)


def merge_lora(model: Any) -> Any:
    """Add each adapter to the weights beside it, and take it away: the model answers the same, at its old cost.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        It is changed in place. Its stages stay frozen.

    Returns
    -------
    torch.nn.Module or keras.Model
        The same model.

    Raises
    ------
    TransferError
        It has no adapters.
    """
    if not adapted(model):
        raise TransferError("The model has no adapters to merge; expected a model that transfer.lora was called on.")
    return _merge_torch(model) if side_of(model) == "torch" else _merge_keras(model)


def _lora_torch(model: nn.Module, chosen: list[str], rank: int, alpha: float) -> nn.Module:
    from torch import nn

    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise TransferError("LoRA in PyTorch needs the package peft: pip install 'gpulab[transfer]'.") from error

    targets = []
    for stage in chosen:
        for name, module in model.stages[stage].named_modules(prefix=f"stages.{stage}"):
            pointwise = isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1
            if isinstance(module, nn.Linear) or pointwise:
                targets.append(name)
    _check_found(targets, chosen)
    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=targets), model)
    model.head.requires_grad_(True)
    return model


def _merge_torch(model: nn.Module) -> nn.Module:
    for name, module in list(model.named_modules()):
        if hasattr(module, "lora_A") and hasattr(module, "base_layer"):
            module.merge()
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, module.get_base_layer())
    return model


def _lora_keras(
    found: dict[str, list[Any]], model: keras.Model, chosen: list[str], rank: int, alpha: float
) -> keras.Model:
    import keras

    targets = []
    for name in chosen:
        for layer in found[name]:
            for inner in layer._flatten_layers():
                pointwise = isinstance(inner, keras.layers.Conv2D) and not isinstance(
                    inner, keras.layers.DepthwiseConv2D
                )
                pointwise = pointwise and inner.kernel_size == (1, 1) and inner.groups == 1
                if isinstance(inner, keras.layers.Dense | keras.layers.EinsumDense) or pointwise:
                    targets.append(inner)
    _check_found(targets, chosen)
    for name, members in found.items():
        for layer in members if name != HEAD else []:
            for variable in weights_of(model, [layer]):
                variable.trainable = False
    for layer in targets:
        layer.enable_lora(rank, lora_alpha=alpha)
    return _forget_traces(model)


def _merge_keras(model: keras.Model) -> keras.Model:
    from keras import ops

    for layer in adapted(model):
        merged = ops.convert_to_tensor(layer.kernel)
        layer._kernel.assign(merged)
        for variable in (layer.lora_kernel_a, layer.lora_kernel_b):
            layer._untrack_variable(variable)
        layer.lora_enabled, layer.lora_rank = False, None
    return _forget_traces(model)


def _forget_traces(model: keras.Model) -> keras.Model:
    """Let Keras trace the model anew: what it traced before has the old layers in it."""
    model.train_function = model.test_function = model.predict_function = None
    return model


def _check_found(targets: list[Any], chosen: list[str]) -> None:
    if not targets:
        raise TransferError(
            f"The stages {', '.join(chosen)} have no dense layer and no 1 x 1 convolution to put an adapter beside."
        )
