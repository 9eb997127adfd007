"""Against forgetting: callbacks of ``fit`` that hold the weights near the start, and the importance of each weight.

Both add a spring to each weight. A spring of strength s changes a step's result w into (w + s w0) / (1 + s): the exact
minimum of (w' - w)^2 / 2 + s (w' - w0)^2 / 2. Being a step of its own, like AdamW's weight decay, it is not scaled by
Adam, and no strength can make it overshoot.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gpulab.models import framework_of
from gpulab.train.callbacks import Callback, Run
from gpulab.transfer.errors import TransferError


class TowardStart(Callback):
    """After each step, pull every weight a little toward its value at the start: L2-SP [1]_, decoupled.

    Parameters
    ----------
    strength : float
        Of the springs, at least 0: of the way back to the start, s / (1 + s) is gone after each step.
    skip : sequence of str
        Layers that have no start worth keeping, by the beginnings of their names: a fresh head.

    Raises
    ------
    TransferError
        A number or a name is not usable; the names are checked when the training starts.

    Notes
    -----
    Only trainable weights are pulled. The stored statistics of batch normalization are no weights: freeze them.

    References
    ----------
    .. [1] Li, Grandvalet and Davoine, 2018.

    Examples
    --------
    >>> TowardStart(-1)
    Traceback (most recent call last):
    ...
    gpulab.transfer.errors.TransferError: strength=-1: expected a finite number of at least 0, such as 0.01.
    """

    def __init__(self, strength: float = 0.01, *, skip: Sequence[str] = ("head",)) -> None:
        number = isinstance(strength, int | float) and not isinstance(strength, bool)
        if not number or not math.isfinite(strength) or strength < 0:
            raise TransferError(f"strength={strength!r}: expected a finite number of at least 0, such as 0.01.")
        if isinstance(skip, str):
            raise TransferError(f"skip={skip!r}: expected a list of names, such as [{skip!r}].")
        self.strength, self.skip = strength, tuple(skip)
        self.start: dict[str, Any] = {}

    def on_start(self, run: Run) -> None:
        """Keep a copy of the weights."""
        self.start = {name: _copy(weight) for name, weight in self._pulled(run)}
        if not self.start:
            raise TransferError(f"skip={list(self.skip)} leaves no trainable weight to pull. Skip fewer layers.")

    def on_step(self, run: Run) -> None:
        """Go a share of the way back to the start."""
        for name, weight in self._pulled(run):
            _move(weight, self.start[name], self.share(name))

    def share(self, name: str) -> Any:
        """Return which share of the way back one step goes, for the weight of a name."""
        return self.strength / (1 + self.strength)

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the start: a run that goes on is pulled to the same place."""
        return {}, {name: _plain(weight) for name, weight in self.start.items()}

    def set_state(self, plain: dict[str, Any], weights: dict[str, Any]) -> None:
        """Take it back."""
        for name, weight in weights.items():
            self.start[name] = _like(weight, self.start[name]) if name in self.start else weight

    def _pulled(self, run: Run) -> Iterator[tuple[str, Any]]:
        return ((name, weight) for name, weight in _weights(run.model) if not name.startswith(self.skip))


class ElasticWeights(TowardStart):
    """As :class:`TowardStart`, with a spring for each weight as strong as the weight is important: EWC [1]_.

    Parameters
    ----------
    importance : mapping of str to ndarray
        Of the task that shall not be forgotten, from :func:`fisher`: by the weights' names, in their shapes.
    strength : float
        The springs of a weight of importance f have the strength ``strength * f``.
    skip : sequence of str
        As for :class:`TowardStart`.

    Raises
    ------
    TransferError
        As for :class:`TowardStart`, or the importance is of another model.

    References
    ----------
    .. [1] Kirkpatrick et al., 2017.
    """

    def __init__(self, importance: Mapping[str, Any], strength: float = 1.0, *, skip: Sequence[str] = ("head",)) -> None:
        super().__init__(strength, skip=skip)
        self.importance = dict(importance)
        self.shares: dict[str, Any] = {}

    def on_start(self, run: Run) -> None:
        """Keep a copy of the weights, and compute how strongly each is pulled."""
        super().on_start(run)
        for name, weight in self._pulled(run):
            found = np.asarray(self.importance.get(name, np.nan), dtype=np.float32)
            if found.shape != tuple(weight.shape):
                what = found.shape if name in self.importance else "missing"
                raise TransferError(
                    f"The importance is of another model: {name} is {what} there and {tuple(weight.shape)} here. "
                    "Compute it with fisher(model, x) for the model that you train."
                )
            pull = self.strength * found
            self.shares[name] = _like(pull / (1 + pull), self.start[name])

    def share(self, name: str) -> Any:
        """Return which share of the way back one step goes, for each entry of the weight of a name."""
        return self.shares[name]


def fisher(model: Any, x: Any, *, seed: int = 0) -> dict[str, np.ndarray]:
    """Return how important each weight is for a model's answers: the diagonal of the Fisher information [1]_.

    For each sample a class is drawn from the model's own probabilities; the importance is the mean square of the
    gradient of its log probability. Labels are not needed. The model computes as in use: dropout is off, batch
    normalization uses its stored statistics.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        Returns logits (n, classes). It is left as it was.
    x : ndarray, (n, ...)
        Some samples of the task, as for ``fit``: a few hundred are enough. Each takes a backward pass of its own.
    seed : int
        Of the draws.

    Returns
    -------
    dict of str to ndarray, float32
        For each trainable weight, an array of its shape.

    Raises
    ------
    TransferError
        There is no sample.

    References
    ----------
    .. [1] Kirkpatrick et al., 2017.
    """
    from gpulab.train import predict

    if len(x) == 0:
        raise TransferError("x is empty: expected a few hundred samples of the task that shall not be forgotten.")
    logits = predict(model, x).astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds = np.cumsum(odds / odds.sum(axis=1, keepdims=True), axis=1)
    draws = np.random.default_rng(seed).random((len(x), 1))
    drawn = np.minimum((draws > odds).sum(axis=1), odds.shape[1] - 1)
    squares = _torch_squares if framework_of(model) == "torch" else _keras_squares
    return {name: (total / len(x)).astype(np.float32) for name, total in squares(model, x, drawn).items()}


def _torch_squares(model: Any, x: Any, drawn: np.ndarray) -> dict[str, np.ndarray]:
    """Return, for each weight, the sum over the samples of its squared gradient."""
    import torch
    from torch.nn.functional import cross_entropy

    named = _weights(model)
    device = named[0][1].device
    inputs = torch.as_tensor(np.asarray(x))
    inputs = inputs.movedim(-1, 1) if inputs.ndim == 4 else inputs
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    totals = [torch.zeros_like(weight) for _, weight in named]
    for one, label in zip(inputs, torch.as_tensor(drawn), strict=True):
        loss = cross_entropy(model(one[None].to(device)), label[None].to(device))
        for total, gradient in zip(totals, torch.autograd.grad(loss, [w for _, w in named]), strict=True):
            total.addcmul_(gradient, gradient)
    for module, mode in modes:
        module.training = mode
    return {name: total.cpu().numpy() for (name, _), total in zip(named, totals, strict=True)}


def _keras_squares(model: Any, x: Any, drawn: np.ndarray) -> dict[str, np.ndarray]:
    """Return, for each weight, the sum over the samples of its squared gradient."""
    import keras
    import tensorflow as tf

    named = _weights(model)
    variables = [weight.value for _, weight in named]
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def squares(one: Any, label: Any) -> list[Any]:
        with tf.GradientTape() as tape:
            loss = loss_of(label, model(one, training=False))
        return [gradient**2 for gradient in tape.gradient(loss, variables)]

    totals = [np.zeros(weight.shape, dtype=np.float64) for _, weight in named]
    for i in range(len(x)):
        found = squares(tf.convert_to_tensor(x[i : i + 1]), tf.convert_to_tensor(drawn[i : i + 1]))
        for total, square in zip(totals, found, strict=True):
            total += square.numpy()
    return {name: total for (name, _), total in zip(named, totals, strict=True)}


def _weights(model: Any) -> list[tuple[str, Any]]:
    """Return the trainable weights with their names."""
    if framework_of(model) == "torch":
        return [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    return [(weight.path, weight) for weight in model.trainable_variables]


def _copy(weight: Any) -> Any:
    """Return the value of a weight, apart from it."""
    if hasattr(weight, "detach"):
        return weight.detach().clone()
    return weight.value + 0


def _move(weight: Any, start: Any, share: Any) -> None:
    """Move a weight a share of the way to its start."""
    if hasattr(weight, "detach"):
        here = weight.detach()  # shares the memory
        here.add_(share * (start - here))
    else:
        weight.assign(weight.value + share * (start - weight.value))


def _like(array: Any, other: Any) -> Any:
    """Return an array as the kind of tensor that another one is, where that one is."""
    if hasattr(other, "detach"):
        import torch

        return torch.as_tensor(array).to(other.device, other.dtype)
    import keras

    return keras.ops.convert_to_tensor(np.asarray(array), dtype=other.dtype)


def _plain(weight: Any) -> Any:
    """Return what a checkpoint can write."""
    return weight.cpu() if hasattr(weight, "detach") else np.asarray(weight)
