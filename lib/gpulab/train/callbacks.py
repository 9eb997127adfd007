"""Things to do beside training: stop early, watch for NaN, show progress, write checkpoints. The same for both sides.

A callback is a class with a few methods; write one by overriding those that matter::

    class PrintLoss(Callback):
        def on_epoch(self, run):
            print(run.epoch, run.history["loss"][-1])
"""

from __future__ import annotations

import math
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from gpulab.train import checkpoint
from gpulab.train.errors import TrainError, not_finite
from gpulab.train.history import COLUMNS, History

BY_HAND = "stopped by hand"  # begins history.stopped after the stop button; such a run can be resumed
CALLER = 8  # frames from the warning of unpack up to the line that called fit


class Run:
    """What a callback sees of a run, and may ask of it. Each framework's side fills in what raises here.

    Attributes
    ----------
    model : torch.nn.Module or keras.Model
        Being trained.
    history : History
        The finished epochs.
    epochs, steps : int
        How many epochs there will be, and steps in each. A step is one update of the weights.
    epoch, step : int
        Finished epochs, and finished steps in the epoch that is running.
    main : bool
        Whether this is the process that prints and writes (of several, one does).
    validated : bool
        Whether each epoch ends with a validation.
    any_step : bool
        Whether the run can be saved inside an epoch.
    """

    validated = True
    any_step = True

    def __init__(self, model: Any, history: History, epochs: int, steps: int, *, main: bool = True) -> None:
        self.model, self.history, self.epochs, self.steps, self.main = model, history, epochs, steps, main
        self.epoch = self.step = 0
        self.began = time.perf_counter()

    def elapsed(self) -> float:
        """Return the seconds since the run began; a resumed run began earlier."""
        return time.perf_counter() - self.began

    @property
    def steps_done(self) -> int:
        """Finished steps of the whole run."""
        return self.epoch * self.steps + self.step

    def stop(self, why: str) -> None:
        """End the run after this step, or, if an epoch has just ended, now. The first reason is kept.

        An epoch that is cut short is validated and gets its row, with the key "share": how much of it was done.
        """
        self.history.stopped = self.history.stopped or why

    def mark_if_cut(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row of the epoch that ends, which says so if it was cut short."""
        return row | ({"share": self.step / self.steps} if 0 < self.step < self.steps else {})

    def check_finite(self) -> None:
        """Look at every loss of this epoch so far.

        Raises
        ------
        TrainError
            One is NaN or infinite; the message names the first such step.
        """
        bad = np.flatnonzero(~np.isfinite(self.losses()))
        if len(bad):
            settings = self.history.settings
            step = self.epoch * self.steps + int(bad[0]) + 1
            raise not_finite(step, self.epoch + 1, settings.get("lr", math.nan), settings.get("precision", "fp32"))

    def losses(self) -> np.ndarray:
        """Return the loss of each finished step of this epoch; on a GPU this waits for the work under way."""
        raise NotImplementedError

    def weights(self) -> dict[str, Any]:
        """Return a copy of the model's weights, by name."""
        raise NotImplementedError

    def set_weights(self, weights: dict[str, Any]) -> None:
        """Put weights that :meth:`weights` returned into the model."""
        raise NotImplementedError

    def save(self, callbacks: list[Callback]) -> tuple[bytes, dict[str, Any]] | None:
        """Return everything needed to go on later: a safetensors file's content and a record. None if it can't be."""
        raise NotImplementedError

    def restore(self, content: bytes, record: dict[str, Any], callbacks: list[Callback]) -> None:
        """Go back to what :meth:`save` returned."""
        raise NotImplementedError

    def set_rate(self, factor: float) -> None:
        """Set the learning rate to its highest value times a factor."""
        raise NotImplementedError


class Callback:
    """Something to do beside training. Every method does nothing unless overridden."""

    def on_start(self, run: Run) -> None:
        """Before the first step."""

    def on_step(self, run: Run) -> None:
        """After every step. Keep it quick."""

    def on_epoch(self, run: Run) -> None:
        """After an epoch and its validation; ``run.history`` has its row."""

    def on_interrupt(self, run: Run) -> None:
        """After Ctrl-C or the notebook's stop button, between two steps."""

    def on_end(self, run: Run) -> None:
        """After the last epoch."""

    def close(self, run: Run) -> None:
        """At the very end, whatever happened."""

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what a checkpoint must keep of this callback: plain data, and weights by name."""
        return {}, {}

    def set_state(self, plain: dict[str, Any], weights: dict[str, Any]) -> None:
        """Take back what :meth:`state` returned."""


def pack(callbacks: list[Callback]) -> tuple[list[Any], dict[str, Any]]:
    """Return what a checkpoint keeps of all callbacks: plain data, and weights by name."""
    kept, tensors = [], {}
    for number, callback in enumerate(callbacks):
        plain, weights = callback.state()
        kept.append([type(callback).__name__, plain])
        tensors |= {f"callback/{number}/{name}": weight for name, weight in weights.items()}
    return kept, tensors


def unpack(callbacks: list[Callback], kept: list[Any], tensors: dict[str, Any]) -> None:
    """Give callbacks back what :func:`pack` returned: the first of a class gets what the first of it had, and so on.

    Warns about what is left over.
    """
    waiting = list(callbacks)
    lost = []
    for number, (name, plain) in enumerate(kept):
        weights = below(tensors, f"callback/{number}/")
        callback = next((callback for callback in waiting if type(callback).__name__ == name), None)
        if callback is not None:
            waiting.remove(callback)
            callback.set_state(plain, weights)
        elif plain or weights:
            lost.append(name)
    if lost:
        said = f"The checkpoint has the state of callbacks that this run does not have: {', '.join(lost)}."
        warnings.warn(f"{said} It is left out.", stacklevel=CALLER)


def below(tensors: dict[str, Any], start: str) -> dict[str, Any]:
    """Return the tensors whose names begin so, without that beginning."""
    return {name[len(start) :]: tensor for name, tensor in tensors.items() if name.startswith(start)}


class NaNGuard(Callback):
    """Stop when the loss is no longer a finite number. ``fit`` always has one.

    Parameters
    ----------
    every : int
        Steps between two looks; the step where it happened is found all the same.
    """

    def __init__(self, every: int = 50) -> None:
        self.every = every

    def on_step(self, run: Run) -> None:
        """Look now and then, because on a GPU each look waits for the work under way."""
        if run.step % self.every == 0 or run.step == run.steps:
            run.check_finite()


class EarlyStopping(Callback):
    """Stop when a column of the history has not become better for some epochs, and go back to the best weights.

    Parameters
    ----------
    monitor : str
        A column such as ``"valid_loss"`` or ``"valid_accuracy"``.
    patience : int
        Epochs to wait for something better.
    min_delta : float
        How much better it must be to count.
    restore_best : bool
        Whether the model ends with the weights of its best epoch; also when no epoch was missing.
    """

    def __init__(
        self, monitor: str = "valid_loss", patience: int = 3, *, min_delta: float = 0.0, restore_best: bool = True
    ) -> None:
        if monitor not in COLUMNS or monitor in ("epoch", "seconds", "learning_rate"):
            raise TrainError(f"EarlyStopping cannot monitor {monitor!r}. Choose a column of losses or accuracies.")
        if patience < 1:
            raise TrainError(f"EarlyStopping's patience is {patience}; expected at least 1 epoch.")
        self.monitor, self.patience, self.min_delta, self.restore_best = monitor, patience, min_delta, restore_best
        self.best: float | None = None
        self.waited = 0
        self.best_weights: dict[str, Any] = {}

    def on_start(self, run: Run) -> None:
        """Forget an earlier run.

        Raises
        ------
        TrainError
            The run will not have what is monitored.
        """
        if self.monitor.startswith("valid") and not run.validated:
            raise self._nothing()
        self.best, self.waited, self.best_weights = None, 0, {}

    def on_epoch(self, run: Run) -> None:
        """Compare the new row with the best so far."""
        value = run.history[self.monitor][-1]
        if value is None:
            raise self._nothing()
        gain = math.inf if self.best is None else value - self.best
        if not self.monitor.endswith("accuracy") and self.best is not None:
            gain = -gain
        if gain > self.min_delta:
            self.best, self.waited = value, 0
            self.best_weights = run.weights() if self.restore_best else {}
            return
        self.waited += 1
        if self.waited >= self.patience:
            run.stop(f"{self.monitor} did not improve on {self.best:.4f} for {self.waited} epochs")

    def on_end(self, run: Run) -> None:
        """Go back to the best weights."""
        if self.best_weights:
            run.set_weights(self.best_weights)

    def _nothing(self) -> TrainError:
        return TrainError(
            f"EarlyStopping monitors {self.monitor}, which this run does not have. Pass valid=... to fit."
        )

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the best value, its weights, and how long nothing better came."""
        return {"best": self.best, "waited": self.waited}, self.best_weights

    def set_state(self, plain: dict[str, Any], weights: dict[str, Any]) -> None:
        """Take them back."""
        self.best, self.waited, self.best_weights = plain["best"], plain["waited"], weights


class Checkpoint(Callback):
    """Write checkpoints that ``fit(..., resume=folder)`` goes on from: after each epoch, and every so many steps.

    Each replaces the one before, in one atomic step. On Ctrl-C, and when the stop button of ``live=True`` is pressed, a
    last one is written. Keras models, and runs whose training data is a DataLoader, are saved after epochs only: then
    the one of the last whole epoch is kept, and ``every`` does nothing but warn. A generator of the DataLoader's own is
    not saved: its order begins anew.

    Parameters
    ----------
    folder : str or Path
        Made if it is missing.
    every : int, optional
        Steps between checkpoints inside an epoch; by default none.
    """

    def __init__(self, folder: str | os.PathLike[str], every: int | None = None) -> None:
        if every is not None and every < 1:
            raise TrainError(f"Checkpoint(every={every}): expected at least 1 step.")
        self.folder, self.every = Path(folder), every
        self.callbacks: list[Callback] = []  # all of the run's; fit fills it in

    def on_start(self, run: Run) -> None:
        """Find out now whether the folder can be written."""
        if run.main:
            checkpoint.check_writable(self.folder)
        if self.every and not run.any_step:
            said = f"Checkpoint(every={self.every}): this run can be saved after epochs only, and is."
            warnings.warn(said, stacklevel=CALLER - 2)

    def on_step(self, run: Run) -> None:
        """Save now and then, and before a run is stopped inside an epoch."""
        wanted = run.history.stopped or (self.every and run.step % self.every == 0)
        if wanted and run.step < run.steps:
            self.write(run)

    def on_epoch(self, run: Run) -> None:
        """Save, unless the epoch was cut short: it is not over when the run is resumed."""
        if "share" not in run.history.epochs[-1]:
            self.write(run)

    def on_interrupt(self, run: Run) -> None:
        """Save where the run was interrupted."""
        self.write(run)

    def write(self, run: Run) -> None:
        """Write a checkpoint, unless the weights cannot be trusted.

        Raises
        ------
        TrainError
            A loss or a weight is not finite, or the disk refuses. The checkpoint before it is kept.
        """
        run.check_finite()
        saved = run.save(self.callbacks)
        if run.main and saved is not None:
            checkpoint.write(self.folder, *saved)


class Progress(Callback):
    """Show one line that changes while training runs, and nothing when it is done.

    Parameters
    ----------
    wait : float
        Seconds between two changes.
    """

    def __init__(self, wait: float = 0.2) -> None:
        self.wait = wait
        self.shown = 0.0
        self.handle: Any = None

    def on_start(self, run: Run) -> None:
        """Open the line."""
        self.shown, self.handle = 0.0, None

    def on_step(self, run: Run) -> None:
        """Change the line, but not too often."""
        if time.monotonic() - self.shown < self.wait or not run.main:
            return
        self.shown = time.monotonic()
        parts = [
            f"epoch {run.epoch + 1}/{run.epochs}",
            f"step {run.step}/{run.steps}",
            f"loss {run.losses().mean():.4f}",
        ]
        if run.history.epochs and (accuracy := run.history["valid_accuracy"][-1]) is not None:
            parts.append(f"valid accuracy {accuracy:.3f}")
        self.show("  ".join(parts))

    def show(self, line: str) -> None:
        """Put a line in the place of the last one."""
        if in_live_notebook():
            from IPython.display import display

            content = {"text/plain": line}
            if self.handle is None:
                self.handle = display(content, raw=True, display_id=True)
            else:
                self.handle.update(content, raw=True)
        else:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self.handle = True

    def close(self, run: Run) -> None:
        """Take the line away."""
        if self.handle is not None:
            self.show("")


def in_notebook() -> bool:
    """Return whether this process is a notebook's kernel, watched or not."""
    return "IPython" in sys.modules and hasattr(sys.modules["IPython"].get_ipython(), "kernel")


def in_live_notebook() -> bool:
    """Return whether somebody is watching this notebook: a kernel that Jupyter's server, an editor or Colab started.

    A notebook that is executed by a tool or a test has no such mark, and then nothing is shown.
    """
    if not in_notebook() or os.environ.get("GPULAB_STRICT"):
        return False
    return "JPY_SESSION_NAME" in os.environ or "VSCODE_PID" in os.environ or "google.colab" in sys.modules


def progress_for(verbose: bool | str) -> list[Callback]:
    """Return the progress callback that ``fit(verbose=...)`` asks for: one, or none.

    Raises
    ------
    TrainError
        ``verbose`` is not True, False or "auto".
    """
    if verbose not in (True, False, "auto"):
        raise TrainError(f"verbose={verbose!r}: expected True, False or 'auto'.")
    if in_notebook():  # a line in a stored output would never be taken away
        wanted = bool(verbose) and in_live_notebook()
    else:
        wanted = verbose is True or (verbose == "auto" and sys.stderr.isatty())
    return [Progress()] if wanted else []
