"""Discriminative learning rates: the head learns fastest, and each stage before it more slowly than the next one."""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

from gpulab.transfer.errors import TransferError
from gpulab.transfer.parts import parts, side_of, weights_of

if TYPE_CHECKING:
    import keras
    import torch

    from gpulab.train.recipe import Recipe

OPTIMIZERS = ("adamw", "adam", "sgd")


class GroupRates:
    """A recipe of an optimizer with one learning rate for each stage; ``fit`` makes the optimizer of it.

    Attributes
    ----------
    rates : dict of str to float
        The (highest) learning rate of each stage that has weights, the head first.
    """

    def __init__(self, model: Any, lr: float, decay: float, optimizer: str, weight_decay: float) -> None:
        self.side = side_of(model)
        self.optimizer, self.lr, self.decay, self.weight_decay = (optimizer, lr, decay, weight_decay)
        self.rates: dict[str, float] = {}
        self.groups: dict[str, list[Any]] = {}
        for name, members in reversed(parts(model).items()):
            weights = weights_of(model, members)
            if weights:
                self.rates[name] = lr * decay ** len(self.rates)
                self.groups[name] = weights
        self.__name__ = f"group_rates({optimizer}, decay={decay:g})"  # how the history calls it

    def __call__(self, parameters: list[torch.nn.Parameter]) -> torch.optim.Optimizer:
        """Return torch's optimizer for the trainable parameters of the model.

        Raises
        ------
        TransferError
            A parameter belongs to another model.
        """
        from torch import optim

        place = {id(weight): name for name, weights in self.groups.items() for weight in weights}
        self._check(all(id(parameter) in place for parameter in parameters))
        groups = []
        for name, rate in self.rates.items():
            mine = [parameter for parameter in parameters if place[id(parameter)] == name]
            if mine:
                groups.append({"params": mine, "lr": rate, "name": name})
        if self.optimizer == "sgd":
            return optim.SGD(groups, self.lr, momentum=0.9)
        kind = optim.AdamW if self.optimizer == "adamw" else optim.Adam
        fused = all(parameter.device.type in ("cpu", "cuda") for parameter in parameters)
        return kind(groups, self.lr, weight_decay=self.weight_decay, fused=fused)

    def keras_optimizer(self, recipe: Recipe) -> keras.optimizers.Optimizer:
        """Return Keras' optimizer, with the clipping and the accumulation of the run."""
        from gpulab.transfer.rates_keras import optimizers

        sgd, adam = optimizers()
        more: dict[str, Any] = {"learning_rate": self.lr, "global_clipnorm": recipe.clip}
        if recipe.accumulate > 1:
            more["gradient_accumulation_steps"] = recipe.accumulate
        if self.optimizer == "sgd":
            return sgd(self, **more)
        return adam(self, decoupled=self.weight_decay, **more)

    def group_of(self, variables: list[Any]) -> list[int]:
        """Return the number of the group of each trainable variable of Keras, counted from the head.

        Raises
        ------
        TransferError
            A variable belongs to another model.
        """
        place = {id(weight): number for number, weights in enumerate(self.groups.values()) for weight in weights}
        self._check(all(id(variable) in place for variable in variables))
        return [place[id(variable)] for variable in variables]

    def factors(self) -> list[float]:
        """Return each group's rate as a share of the head's."""
        return [rate / self.lr for rate in self.rates.values()]

    def _check(self, known: bool) -> None:
        if not known:
            raise TransferError(
                "The rates are of another model, or the model got a new head or adapters since: call group_rates last."
            )


def group_rates(
    model: Any, lr: float, *, decay: float = 0.8, optimizer: str = "adamw", weight_decay: float = 0.0
) -> GroupRates:
    """Return what ``fit(optimizer=...)`` takes to train each stage at its own learning rate.

    The head's rate is ``lr``. Each stage before it that has weights gets ``decay`` times the rate of the next one.
    The schedule of ``fit`` changes all of them together; ``fit``'s own ``lr`` is not used.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        As it will be trained: with its new head, and its adapters if it has some.
    lr : float
        The (highest) learning rate of the head.
    decay : float
        Above 0; 1 gives all the same rate.
    optimizer : {"adamw", "adam", "sgd"}
    weight_decay : float
        Decoupled, and in proportion to each group's rate; for "adamw".

    Returns
    -------
    GroupRates
        Its ``rates`` say what each stage gets.

    Raises
    ------
    TransferError
        The model has no stages, or a number is not usable.

    Notes
    -----
    Discriminative fine-tuning (Howard and Ruder, 2018, ULMFiT) divides the rate by 2.6 from one layer to the next.

    Examples
    --------
    >>> group_rates(None, 1e-3, decay=0)
    Traceback (most recent call last):
    ...
    gpulab.transfer.errors.TransferError: decay=0: expected a finite number above 0.
    """
    for name, value in (("lr", lr), ("decay", decay)):
        if not _is_number(value) or value <= 0:
            raise TransferError(f"{name}={value!r}: expected a finite number above 0.")
    if not _is_number(weight_decay) or weight_decay < 0:
        raise TransferError(f"weight_decay={weight_decay!r}: expected a finite number of at least 0.")
    if optimizer not in OPTIMIZERS:
        raise TransferError(f"optimizer={optimizer!r}: expected one of {', '.join(OPTIMIZERS)}.")
    if weight_decay and optimizer != "adamw":
        raise TransferError(f"weight_decay={weight_decay} goes with optimizer='adamw', not with {optimizer!r}.")
    return GroupRates(model, float(lr), float(decay), optimizer, float(weight_decay))


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
