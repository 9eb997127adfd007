"""The training loop for PyTorch, on Accelerate: short enough to read, and the one that every torch lab runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpulab.train.batches import Batches
    from gpulab.train.callbacks import Callback
    from gpulab.train.interrupt import Interrupt
    from gpulab.train.recipe import Recipe
    from gpulab.train.torch_run import TorchRun


def train(
    run: TorchRun, batches: Batches, loss_of: Any, recipe: Recipe, callbacks: list[Callback], interrupt: Interrupt
) -> None:
    """Train until the last epoch, or until a callback stops the run."""
    model, optimizer, accelerator = run.wrapped, run.optimizer, run.accelerator
    while run.epoch < run.epochs and not run.history.stopped:
        model.train()
        run.start_epoch()
        for x, y, share in batches.pieces(run.epoch, run.step):
            run.set_rate(recipe.rate(run.steps_done, run.epochs * run.steps))
            with accelerator.accumulate(model):  # gradients of pieces add up
                outputs = model(x)  # forward
                loss = loss_of(outputs, y)
                accelerator.backward(loss * share)  # backward
            run.note(loss, outputs, y, share)
            if not accelerator.sync_gradients:  # more pieces of this batch are to come
                continue
            if recipe.clip:
                accelerator.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizer.step()  # change the weights
            optimizer.zero_grad()  # forget the gradient
            run.step += 1
            for callback in callbacks:
                callback.on_step(run)
            interrupt.check()
            if run.history.stopped:  # by hand, in the middle of the epoch
                break
        run.end_epoch()  # validate, write the row of the history
        for callback in callbacks:
            callback.on_epoch(run)
        interrupt.check()
