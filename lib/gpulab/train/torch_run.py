"""A torch run's moving parts: what the loop notes, what a checkpoint keeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from gpulab.train.callbacks import Callback, Run, below, pack, unpack
from gpulab.train.errors import TrainError
from gpulab.train.history import History

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch import nn


class TorchRun(Run):
    """A run of a torch module.

    Attributes
    ----------
    wrapped : nn.Module
        The model as Accelerate prepared it: with casts and gradient exchange. ``model`` is the learner's own.
    sums : torch.Tensor, (steps, 2)
        Of each step of this epoch on this process: summed loss, and right answers.
    counts : ndarray, (steps, 2)
        Samples, and answers that could be right.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        accelerator: Accelerator,
        history: History,
        epochs: int,
        steps: int,
        right: Callable[[torch.Tensor, torch.Tensor], torch.Tensor | None],
        valid: Callable[[nn.Module], dict[str, float | None]],
    ) -> None:
        import torch

        super().__init__(model, history, epochs, steps, main=accelerator.is_main_process)
        self.accelerator, self.right, self.valid = accelerator, right, valid
        self.rates = [group["lr"] for group in optimizer.param_groups]
        self.plain_optimizer = optimizer
        self.wrapped, prepared = accelerator.prepare(model, optimizer)
        # Accelerate's optimizer looks on the disk for a package at every step. It is needed where losses are scaled
        # (fp16) or weights are spread over devices; elsewhere it only passes the calls on.
        plain = accelerator.scaler is None and accelerator.distributed_type in ("NO", "MULTI_CPU", "MULTI_GPU")
        self.optimizer = optimizer if plain else prepared
        self.sums = torch.zeros(steps, 2, device=accelerator.device)
        self.counts = np.zeros((steps, 2))
        self.spent = self.since = 0.0
        self.factor = 1.0

    def set_rate(self, factor: float) -> None:
        """Set the learning rate: the schedule's factor times each group's own."""
        self.factor = factor
        for group, rate in zip(self.plain_optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def start_epoch(self) -> None:
        """Start the clock; forget the last epoch's numbers, unless a checkpoint brought this epoch's."""
        self.since = time.perf_counter()
        self.sums[self.step :] = 0
        self.counts[self.step :] = 0

    def note(self, loss: torch.Tensor, outputs: torch.Tensor, y: torch.Tensor, share: float) -> None:
        """Add a piece's loss and right answers up, on the device: nothing waits for it."""
        if not share:
            return
        sums = self.sums[self.step]
        sums[0].add_(loss.detach(), alpha=len(y))
        self.counts[self.step, 0] += len(y)
        right = self.right(outputs.detach(), y)
        if right is not None:
            sums[1].add_(right)
            self.counts[self.step, 1] += y.numel()

    def losses(self) -> np.ndarray:
        """Return the mean loss of each finished step, on this process."""
        sums = self.sums[: self.step, 0].cpu().numpy()
        return sums / np.maximum(self.counts[: self.step, 0], 1)

    def end_epoch(self) -> None:
        """Validate, and write the epoch's row."""
        totals = self.totals()
        self.spent += time.perf_counter() - self.since
        loss, right, samples, answers = totals.tolist()
        row = {"epoch": self.epoch + 1, "seconds": self.spent, "loss": loss / max(samples, 1)}
        row["accuracy"] = right / answers if answers else None
        row["learning_rate"] = float(self.plain_optimizer.param_groups[0]["lr"])
        row |= self.valid(self.model)  # its casts are on, its gradient exchange is not needed
        self.history.epochs.append(self.mark_if_cut(row))
        self.epoch, self.step, self.spent = self.epoch + 1, 0, 0.0

    def totals(self) -> torch.Tensor:
        """Return this epoch's summed loss, right answers, samples and possible answers, over all processes."""
        import torch

        # In double precision on the host: added in one order, whatever the device.
        mine = np.concatenate([self.sums.cpu().numpy().astype(np.float64).sum(0), self.counts.sum(0)])
        if self.accelerator.num_processes == 1:
            return torch.from_numpy(mine)
        return self.accelerator.reduce(torch.from_numpy(mine).float().to(self.accelerator.device), "sum").cpu()

    def weights(self) -> dict[str, Any]:
        """Return a copy of the model's state, on the host."""
        return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in self.model.state_dict().items()}

    def set_weights(self, weights: dict[str, Any]) -> None:
        """Load a state."""
        self.model.load_state_dict(weights)

    def save(self, callbacks: list[Callback]) -> tuple[bytes, dict[str, Any]] | None:
        """Return the run's whole state; None inside an epoch of batches that cannot be gone on with there."""
        import torch
        from safetensors.torch import save

        if self.step and not self.any_step:
            return None
        tensors = {f"model/{name}": tensor for name, tensor in self.weights().items()}
        broken = [
            name for name, tensor in tensors.items() if tensor.is_floating_point() and not bool(tensor.isfinite().all())
        ]
        if broken:
            raise TrainError(
                f"{broken[0]} holds NaN or infinite weights; nothing is saved. An earlier checkpoint is kept."
            )
        plain: dict[str, Any] = {}
        for index, entries in self.plain_optimizer.state_dict()["state"].items():
            for key, value in entries.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"optimizer/{index}/{key}"] = value.detach().cpu().clone().contiguous()
                else:
                    plain[f"{index}/{key}"] = value
        tensors["random/cpu"] = torch.get_rng_state()
        if self.accelerator.device.type == "cuda":
            tensors["random/cuda"] = torch.cuda.get_rng_state(self.accelerator.device)
        tensors["sums"] = self.sums.detach().cpu().clone()
        tensors["counts"] = torch.from_numpy(self.counts.copy())
        self.history.seconds = self.elapsed()
        kept, weights = pack(callbacks)
        tensors |= weights
        record = {"epoch": self.epoch, "step": self.step, "factor": self.factor, "optimizer": plain, "callbacks": kept}
        record["spent"] = self.spent + (time.perf_counter() - self.since if self.step else 0)
        if self.accelerator.scaler is not None:
            record["scaler"] = self.accelerator.scaler.state_dict()
        return save(tensors), record | {"history": self.history.to_json()}

    def restore(self, content: bytes, record: dict[str, Any], callbacks: list[Callback]) -> None:
        """Go back to a saved state.

        Raises
        ------
        TrainError
            It is of another model or optimizer.
        """
        import torch
        from safetensors.torch import load

        tensors = load(content)
        self._restore_model(below(tensors, "model/"))
        self._restore_optimizer(below(tensors, "optimizer/"), record["optimizer"])
        torch.set_rng_state(tensors["random/cpu"])
        if self.accelerator.device.type == "cuda" and "random/cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random/cuda"], self.accelerator.device)
        if self.main:
            self.sums.copy_(tensors["sums"])
            self.counts = tensors["counts"].numpy().copy()
        if self.accelerator.scaler is not None and "scaler" in record:
            self.accelerator.scaler.load_state_dict(record["scaler"])
        self.epoch, self.step, self.spent = record["epoch"], record["step"], record["spent"]
        self.set_rate(record["factor"])
        unpack(callbacks, record["callbacks"], tensors)

    def _restore_model(self, state: dict[str, torch.Tensor]) -> None:
        wanted = {name: tuple(tensor.shape) for name, tensor in self.model.state_dict().items()}
        given = {name: tuple(tensor.shape) for name, tensor in state.items()}
        for name in sorted(wanted.keys() | given.keys()):
            if wanted.get(name) != given.get(name):
                raise TrainError(
                    f"The checkpoint is of another model: {name} is {given.get(name, 'missing')} there "
                    f"and {wanted.get(name, 'missing')} here."
                )
        self.model.load_state_dict(state)

    def _restore_optimizer(self, tensors: dict[str, torch.Tensor], plain: dict[str, Any]) -> None:
        state: dict[int, dict[str, Any]] = {}
        for name, value in {**tensors, **plain}.items():
            index, key = name.split("/", 1)
            state.setdefault(int(index), {})[key] = value
        groups = self.plain_optimizer.state_dict()["param_groups"]
        self.plain_optimizer.load_state_dict({"state": state, "param_groups": groups})
