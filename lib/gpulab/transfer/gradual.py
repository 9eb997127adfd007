"""Gradual unfreezing: the head is trained first, then one group of stages after the other, from the top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpulab.train.callbacks import Callback, Run
from gpulab.transfer.errors import TransferError
from gpulab.transfer.freezing import batchnorms
from gpulab.transfer.parts import HEAD, check_part, parts, side_of, weights_of


class GradualUnfreezing(Callback):
    """Open one group of stages after the other while a model is trained.

    A closed group is not changed: neither by gradients nor by weight decay. At the end of the run everything is as
    trainable as it was before it.

    Parameters
    ----------
    groups : sequence of str or of sequences of str
        Stages in the order in which they are opened, for example ``[("top",), ("block7", "block6")]``. The head is
        open from the start, and need not be named. What is named nowhere is not trained.
    every : int
        Epochs between two openings.

    Raises
    ------
    TransferError
        There is no group, or a stage is named twice.

    Notes
    -----
    In Keras it needs ``fit(optimizer=group_rates(...))``: what is trainable is compiled once and cannot change in a
    run, so these optimizers leave closed groups alone. Gradients are computed for them all the same, which costs the
    time of full fine-tuning. In torch a closed group costs no backward pass.

    Examples
    --------
    >>> GradualUnfreezing([])
    Traceback (most recent call last):
    ...
    gpulab.transfer.errors.TransferError: groups is empty; expected stages, such as [("top",), ("block7", "block6")].
    """

    def __init__(self, groups: Sequence[str | Sequence[str]], every: int = 1) -> None:
        self.groups = [(group,) if isinstance(group, str) else tuple(group) for group in groups]
        if not self.groups:
            raise TransferError('groups is empty; expected stages, such as [("top",), ("block7", "block6")].')
        named = [name for group in self.groups for name in group]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise TransferError(f"groups name {', '.join(twice)} twice; expected each stage once.")
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise TransferError(f"every={every!r}: expected a whole number of epochs, at least 1.")
        if HEAD not in self.groups[0]:
            self.groups.insert(0, (HEAD,))
        self.every = every
        self.opened = 1
        self.closed: dict[str, list[Any]] = {}
        self.run: Run | None = None

    def on_start(self, run: Run) -> None:
        """Close everything but the first group.

        Raises
        ------
        TransferError
            A stage is not known, BatchNorm is trainable, the last group would never open, or the optimizer cannot.
        """
        self.run, self.opened = run, 1
        found = parts(run.model)
        for group in self.groups:
            for name in group:
                check_part(name, list(found), "groups")
        last = (len(self.groups) - 1) * self.every
        if last >= run.epochs:
            raise TransferError(
                f"{len(self.groups)} groups (with the head), a new one every {self.every} epochs, need at least "
                f"{last + 1} epochs; the run has {run.epochs}."
            )
        self._check_batchnorm(found)
        self.closed = {}
        first = self.groups[0]
        if side_of(run.model) == "keras":
            self._optimizer().close({name for name in found if name not in first})
            return
        for name, members in found.items():
            if name not in first:
                self.closed[name] = [weight for weight in weights_of(run.model, members) if weight.requires_grad]
                for weight in self.closed[name]:
                    weight.requires_grad_(False)

    def on_epoch(self, run: Run) -> None:
        """Open the next group, if it is time."""
        if run.epoch % self.every == 0 and run.epoch // self.every < len(self.groups):
            self._open(run.epoch // self.every + 1)

    def close(self, run: Run) -> None:
        """Make everything as trainable as it was."""
        for weights in self.closed.values():
            for weight in weights:
                weight.requires_grad_(True)
        self.closed, self.run = {}, None

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return how many groups are open."""
        return {"opened": self.opened}, {}

    def set_state(self, plain: dict[str, Any], weights: dict[str, Any]) -> None:
        """Open as many groups; in Keras the optimizer's own state has them open already."""
        if side_of(self._running().model) == "keras":
            self.opened = plain["opened"]
        else:
            self._open(plain["opened"])

    def _open(self, count: int) -> None:
        """Open groups until so many are open."""
        names = {name for group in self.groups[self.opened : count] for name in group}
        self.opened = count
        if side_of(self._running().model) == "keras":
            self._optimizer().open(names)
            return
        for name in names:
            for weight in self.closed.pop(name, []):
                weight.requires_grad_(True)

    def _running(self) -> Run:
        if self.run is None:
            raise TransferError("GradualUnfreezing works inside a run only: give it to fit(callbacks=[...]).")
        return self.run

    def _optimizer(self) -> Any:
        """Return Keras' optimizer, below the one that scales the loss, if any."""
        optimizer = getattr(self._running().optimizer, "inner_optimizer", self._running().optimizer)
        if not hasattr(optimizer, "opens_at"):
            raise TransferError(
                "In Keras, GradualUnfreezing needs fit(optimizer=transfer.group_rates(model, lr)); with decay=1 all "
                f"stages have the same rate. This run has {type(optimizer).__name__}."
            )
        return optimizer

    def _check_batchnorm(self, found: dict[str, list[Any]]) -> None:
        for name, members in found.items():
            for member in members:
                for norm in batchnorms(member):
                    free = (
                        norm.trainable
                        if hasattr(norm, "trainable")
                        else any(weight.requires_grad for weight in norm.parameters())
                    )
                    if free:
                        raise TransferError(
                            f"BatchNorm in {name!r} is trainable: its statistics would change while the stage is "
                            "closed. Call transfer.unfreeze(model, since=..., batchnorm=False) before."
                        )
