"""The torch side of training: sets everything up for the loop, and cleans up behind it."""

from __future__ import annotations

import gc
import platform
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpulab.train import batches, errors, inputs, layout, memory
from gpulab.train.callbacks import Callback
from gpulab.train.errors import TrainError
from gpulab.train.history import History, process_peak
from gpulab.train.interrupt import Interrupt
from gpulab.train.lifecycle import play
from gpulab.train.loop import train
from gpulab.train.recipe import Recipe
from gpulab.train.torch_run import TorchRun
from gpulab.train.torch_setup import (
    accelerator_for,
    evaluating,
    find_device,
    has_tf32,
    losses,
    make_optimizer,
    matmul_precision,
    modes_kept,
    right_class,
    seeded,
)

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch import nn

    from gpulab.train.torch_setup import Loss


def fit(
    model: nn.Module, data: Any, valid: Any, recipe: Recipe, callbacks: list[Callback], resume: Path | None
) -> History:
    """Train a torch module; the arguments are checked as far as that is possible without torch."""
    for what in ("optimizer", "loss"):
        inputs.check_side(what, getattr(recipe, what), "torch")
    device = find_device(recipe.device)
    recipe.check_device(device.type, has_tf32=has_tf32(device))
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise TrainError("The model has no trainable parameter. Set requires_grad=True on those that should learn.")
    accelerator = accelerator_for(recipe.device and device, recipe.precision, recipe.accumulate)
    kept = (seeded(accelerator.device, recipe.seed), matmul_precision(recipe.precision), modes_kept(model))
    with memory.kept_while(), kept[0], kept[1], kept[2]:
        try:
            return _fit(model.to(accelerator.device), data, valid, recipe, callbacks, resume, accelerator)
        finally:
            accelerator.unwrap_model(model, keep_fp32_wrapper=False)
            model.zero_grad(set_to_none=True)


def _fit(
    model: nn.Module,
    data: Any,
    valid: Any,
    recipe: Recipe,
    callbacks: list[Callback],
    resume: Path | None,
    accelerator: Accelerator,
) -> History:
    """Prepare the data, the optimizer and the run; train."""
    train_set = batches.make(data, recipe.batch_size, accelerator.device, "train")
    train_set.augment, train_set.seed = recipe.augment, recipe.seed
    train_set.share_out(recipe.accumulate, accelerator.num_processes, accelerator.process_index)
    check_targets(model, train_set, recipe.loss, recipe.precision)
    valid_set = None
    if valid is not None:
        valid_set = batches.make(valid, recipe.batch_size, accelerator.device, "valid")
        valid_set.share_out(recipe.accumulate, accelerator.num_processes, accelerator.process_index)
        valid_set.channels_last = train_set.channels_last
        check_targets(model, valid_set, recipe.loss)
    loss_of, right = losses()[recipe.loss] if isinstance(recipe.loss, str) else (recipe.loss, right_class)
    optimizer = make_optimizer(recipe, [p for p in model.parameters() if p.requires_grad])
    history = History(settings=settings_of(model, train_set, recipe, accelerator, optimizer))
    validate = partial(validation, valid_set, loss_of, right, accelerator)
    run = TorchRun(model, optimizer, accelerator, history, recipe.epochs, train_set.steps, right, validate)
    run.validated, run.any_step = valid_set is not None, train_set.any_step
    reset_peak(accelerator.device)

    def work(interrupt: Interrupt) -> None:
        with advice_on_memory(recipe, train_set, model, loss_of):
            train(run, train_set, loss_of, recipe, callbacks, interrupt)

    # Several processes could not agree on a step to save.
    play(run, callbacks, work, resume, save=accelerator.num_processes == 1)
    history.peak_memory_mb = peak_memory(accelerator.device)
    return history


def takes_channels_last(model: nn.Module, x: torch.Tensor, precision: str) -> bool:
    """Return whether images should lie channels last for this model: it is faster, and the model takes them so.

    A model may not: ``view`` refuses what ``reshape`` and ``flatten`` put in order.
    """
    if x.ndim != 4 or not layout.pays(model, x.device, precision):
        return False
    try:
        forward(model, layout.channels_last(x), "the data")
    except TrainError:
        return False
    return True


def check_targets(model: nn.Module, data: batches.Batches, loss: Any, precision: str | None = None) -> None:
    """Try the model on two samples, and look whether the targets go with its outputs.

    Given the precision, choose how images shall lie in memory, too.

    Raises
    ------
    TrainError
        The model cannot take the inputs, or the targets do not fit.
    """
    x, y = data.few()
    if precision:
        data.channels_last = takes_channels_last(model, x, precision)
    outputs = forward(model, data.arranged(x), data.what)
    kind = "f" if y.is_floating_point() else "i"
    inputs.check_targets(kind, tuple(y.shape), tuple(outputs.shape), loss, data.what)
    inputs.check_logits(outputs.float().cpu().numpy(), loss)

    if callable(loss):
        check_loss(loss, outputs, y)

    def check(labels: torch.Tensor) -> None:
        inputs.check_labels(float(labels.min()), float(labels.max()), outputs.shape[-1], loss, data.what)

    check(data.y if isinstance(data, batches.TensorBatches) else y)
    data.check_labels = check


def check_loss(loss: Loss, outputs: torch.Tensor, y: torch.Tensor) -> None:
    """Try the learner's own loss.

    Raises
    ------
    TrainError
        It fails, or does not return one number.
    """
    import torch

    try:
        value = loss(outputs, y)
    except Exception as error:
        raise TrainError(
            f"The loss failed on outputs {tuple(outputs.shape)} and y {tuple(y.shape)}: {error}"
        ) from error
    if not isinstance(value, torch.Tensor) or value.ndim:
        kind = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
        raise TrainError(f"The loss returns {kind}; expected one number, the mean over the batch, as a tensor.")


def forward(model: nn.Module, x: torch.Tensor, what: str) -> torch.Tensor:
    """Run the model on a few inputs without training it; say clearly if it cannot take them."""
    import torch

    try:
        with evaluating(model):
            outputs = model(x)
    except Exception as error:
        if is_memory_error(error):
            raise
        raise TrainError(
            f"The model cannot take a batch of shape {tuple(x.shape)} and type {x.dtype} from {what}: {error} "
            "(Arrays of images are given channels last and turned to channels first; tensors are taken as they are.)"
        ) from error
    if not isinstance(outputs, torch.Tensor):
        raise TrainError(f"The model returns a {type(outputs).__name__}; expected a tensor of logits.")
    return outputs


def validation(
    data: batches.Batches | None, loss_of: Loss, right: Callable[..., Any], accelerator: Accelerator, model: nn.Module
) -> dict[str, float | None]:
    """Return valid_loss and valid_accuracy, over all processes."""
    if data is None:
        return {"valid_loss": None, "valid_accuracy": None}
    totals = measure(model, data, loss_of, right)
    if accelerator.num_processes > 1:
        totals = accelerator.reduce(totals.to(accelerator.device), "sum")
    loss, correct, samples, answers = totals.tolist()
    return {"valid_loss": loss / samples, "valid_accuracy": correct / answers if answers else None}


def measure(
    model: nn.Module,
    data: batches.Batches,
    loss_of: Loss,
    right: Callable[..., Any],
    metrics: Mapping[str, Any] | None = None,
) -> torch.Tensor:
    """Return summed loss, right answers, samples and possible answers, float32 (4,); feed torchmetrics' metrics."""
    import torch

    totals = torch.zeros(4, device=data.device)
    with evaluating(model):
        for x, y, share in data.pieces():
            if not share:
                continue
            outputs = model(x)
            correct = right(outputs, y)
            totals[0] += loss_of(outputs, y) * len(y)
            totals[2] += len(y)
            if correct is not None:
                totals[1] += correct
                totals[3] += y.numel()
            for metric in (metrics or {}).values():
                metric.to(data.device).update(outputs, y)
    return totals


def evaluate(model: nn.Module, data: Any, loss: Any, batch_size: int, metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the loss, the accuracy where there is one, and the learner's own metrics."""
    for metric in metrics.values():
        inputs.check_side("metrics", metric, "torch")
    loss_of, right = losses()[loss] if isinstance(loss, str) else (loss, right_class)
    memory.keep_freed()
    with matmul_precision("fp32"):
        found = batches.make(data, batch_size, device_of(model), "data")
        check_targets(model, found, loss, "fp32")
        for metric in metrics.values():
            metric.reset()
        total_loss, correct, samples, answers = measure(model, found, loss_of, right, metrics).tolist()
    result = {"loss": total_loss / samples}
    if answers:
        result["accuracy"] = correct / answers
    return result | {name: float(metric.compute()) for name, metric in metrics.items()}


def predict(model: nn.Module, x: Any, batch_size: int) -> np.ndarray:
    """Return the outputs for inputs, an array or a tensor."""
    import torch

    inputs.check_side("x", x, "torch")
    x = (
        batches.usual(x)
        if isinstance(x, torch.Tensor)
        else batches.channels_first(torch.as_tensor(inputs.check_inputs(x)))
    )
    device = device_of(model)
    memory.keep_freed()
    with matmul_precision("fp32"), evaluating(model):
        few = x[:2].to(device)
        order = layout.channels_last if takes_channels_last(model, few, "fp32") else torch.Tensor.contiguous
        forward(model, order(few), "x")
        parts = [model(order(part.to(device))).float().cpu().numpy() for part in x.split(batch_size)]
    return np.concatenate(parts)


def device_of(model: nn.Module) -> torch.device:
    """Return where the model's parameters are."""
    import torch

    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))


@contextmanager
def advice_on_memory(recipe: Recipe, data: batches.Batches, model: nn.Module, loss_of: Loss) -> Iterator[None]:
    """Turn "out of memory" into advice: the batch size that fits, found by trying."""
    try:
        yield
        return
    except (RuntimeError, MemoryError) as error:
        if not is_memory_error(error):
            raise
        problem = str(error)
        # The exception lives on in whoever called, and with it the failed step's tensors, unless its frames forget.
        traceback.clear_frames(error.__traceback__)
    release(model, data.device)
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}

    def attempt(size: int) -> None:
        release(model, data.device)
        x, y = data.few()
        many = [part.repeat_interleave(-(-size // len(part)), 0)[:size] for part in (x, y)]
        loss_of(model(many[0]), many[1]).backward()

    fits = errors.largest_that_fits(attempt, -(-data.batch_size // recipe.accumulate), is_memory_error)
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])
    model.zero_grad(set_to_none=True)
    loader = isinstance(data, batches.LoaderBatches)
    advice = errors.out_of_memory(data.batch_size, recipe.accumulate, fits, loader=loader)
    raise TrainError(f"{advice} (torch says: {(problem.splitlines() or ['nothing'])[0]})")


def release(model: nn.Module, device: torch.device) -> None:
    """Give memory back that nothing needs any more: gradients, cycles of objects, blocks kept for later."""
    import torch

    model.zero_grad(set_to_none=True)
    gc.collect()
    if device.type != "cpu":
        torch.get_device_module(device).empty_cache()


def is_memory_error(error: BaseException) -> bool:
    """Return whether an exception means that memory ran out, on a GPU or on the host."""
    import torch

    said = str(error)
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or "out of memory" in said
        or "can't allocate memory" in said
        or "not enough memory" in said  # Windows
        or "CUBLAS_STATUS_ALLOC_FAILED" in said
    )


def settings_of(
    model: nn.Module, data: batches.Batches, recipe: Recipe, accelerator: Accelerator, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Return what a reader needs to know to repeat the run."""
    import torch

    kind = accelerator.device.type
    return recipe.settings() | {
        "framework": "torch",
        "model": type(model).__name__,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "samples": data.samples,
        "batch_size": data.batch_size,
        "lr": optimizer.param_groups[0]["lr"],
        "device": torch.cuda.get_device_name(accelerator.device) if kind == "cuda" else kind,
        "processes": accelerator.num_processes,
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__},
    }


def reset_peak(device: torch.device) -> None:
    """Forget earlier peaks of a GPU's memory."""
    import torch

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> float | None:
    """Return the most memory in use, MB: of the GPU since the run began, else of this process since it began."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return process_peak()
