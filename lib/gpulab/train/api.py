"""``fit``, ``evaluate`` and ``predict``: the same arguments for a torch module and for a Keras model."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gpulab.train import inputs
from gpulab.train.callbacks import Callback, Checkpoint, NaNGuard, progress_for
from gpulab.train.errors import TrainError, unknown
from gpulab.train.history import History
from gpulab.train.live import live_view
from gpulab.train.recipe import LOSSES, Recipe, check_count


def fit(
    model: Any,
    train: Any,
    valid: Any = None,
    *,
    epochs: int,
    batch_size: int = 64,
    optimizer: Any = "adam",
    lr: float = 1e-3,
    weight_decay: float = 0.0,
    loss: str | Callable[..., Any] = "cross_entropy",
    schedule: str | Callable[[int, int], float] = "constant",
    augment: Any = None,
    device: str | None = None,
    precision: str = "fp32",
    accumulate: int = 1,
    clip: float | None = None,
    callbacks: Sequence[Callback] = (),
    seed: int = 0,
    resume: str | os.PathLike[str] | None = None,
    verbose: bool | str = "auto",
    live: bool = False,
) -> History:
    """Train a model, a torch module or a Keras model, and return the record of it.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        Returns logits. It is trained in place.
    train, valid : data
        A pair (x, y) or a split of a course data set; for torch also a Dataset or a DataLoader, for Keras a batched
        tf.data.Dataset. Images in arrays are (n, height, width, channels), float; the torch side turns them. Tensors
        and the items of a Dataset are taken as they are.
    epochs, batch_size : int
        A batch is what one step (one update of the weights) learns from, over all processes. Data that comes in
        batches of its own (DataLoader, tf.data) keeps them.
    optimizer : {"adam", "adamw", "sgd"}, optimizer, or callable
        "sgd" has a momentum of 0.9. For torch a function gets the list of parameters and returns the optimizer.
    lr, weight_decay : float
        The (highest) learning rate; decoupled weight decay, for "adamw". An optimizer made by you has its own.
    loss : {"cross_entropy", "binary_cross_entropy", "mse"} or callable
        Of logits. A function gets (outputs, y) for torch and (y, outputs) for Keras and returns the batch's mean.
    schedule : {"constant", "cosine", "one_cycle"} or callable
        A function of (step, total steps) that returns the factor of the learning rate.
    augment : optional
        For example ``shift(2)``, or a function of a batch of inputs. Training inputs only.
    device : str, optional
        "cpu", "cuda", "cuda:1", "mps", "xpu"; by default the fastest one there is.
    precision : {"fp32", "tf32", "bf16", "fp16"}
        Of the arithmetic; the weights stay float32.
    accumulate : int
        Process each batch in so many pieces: less memory, the same gradient.
    clip : float, optional
        Highest norm of the gradient.
    callbacks : sequence of Callback
        Such as ``EarlyStopping()`` or ``Checkpoint(folder)``.
    seed : int
        Of order, augmentation and (torch) dropout. The global random state is left as it was.
    resume : path, optional
        Folder of a ``Checkpoint``, to go on from. With a DataLoader (and in Keras) it is of the end of an epoch.
    verbose : bool or "auto"
        Show a line of progress; "auto": if somebody is looking.
    live : bool
        In a notebook, draw the learning curves while it trains, in the place of the line, with a stop button: it ends
        the run after the step under way, and the model keeps what it learned. Where nobody is looking, a still figure
        is left. Outside notebooks nothing is drawn.

    Returns
    -------
    History

    Notes
    -----
    Three things make it fast that need no setting, for torch: images lie channels last in memory where the model has
    convolutions and takes them so (on a CPU, and on CUDA below fp32); Adam and AdamW are fused; and on a CPU under
    Linux the process keeps the memory that a step frees until the run ends, then gives it back. The last is a setting
    of the C library for the whole process: ``GPULAB_KEEP_MEMORY=0`` in the environment leaves it alone.

    Raises
    ------
    TrainError
        An argument or the data is not usable, memory ran out, or the loss is not finite; the message says what to do.
    KeyboardInterrupt
        After Ctrl-C, when the step is done and a ``Checkpoint`` has saved it (with a DataLoader and in Keras: the last
        whole epoch). The model keeps what it learned.

    Examples
    --------
    >>> fit([1, 2], None, epochs=1)
    Traceback (most recent call last):
    ...
    gpulab.train.errors.TrainError: The model is a list; expected a torch.nn.Module or a keras.Model.
    """
    side = inputs.side_of(model)
    recipe = Recipe(
        epochs,
        batch_size,
        optimizer,
        lr,
        weight_decay,
        loss,
        schedule,
        augment,
        device,
        precision,
        accumulate,
        clip,
        seed,
    )
    everything = _callbacks(callbacks, verbose, live)
    folder = None if resume is None else Path(resume)
    if side == "torch":
        from gpulab.train import torch_fit

        return torch_fit.fit(model, train, valid, recipe, everything, folder)
    from gpulab.train import keras_fit

    return keras_fit.fit(model, train, valid, recipe, everything, folder)


def evaluate(
    model: Any,
    data: Any,
    *,
    loss: Any = "cross_entropy",
    batch_size: int = 256,
    metrics: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Measure a model on data, without training it.

    Parameters
    ----------
    model, data, loss
        As for :func:`fit`.
    batch_size : int
        Samples at once; the result does not depend on it.
    metrics : mapping of str to metric, optional
        More to measure: objects of torchmetrics for a torch module, of keras.metrics for a Keras model. They see the
        logits.

    Returns
    -------
    dict of str to float
        "loss", "accuracy" where the targets are classes, and the metrics.

    Raises
    ------
    TrainError
        The data does not go with the model.
    """
    side = inputs.side_of(model)
    batch_size = check_count("batch_size", batch_size, 1)
    if isinstance(loss, str) and loss not in LOSSES:
        raise unknown("loss", loss, LOSSES)
    if side == "torch":
        from gpulab.train import torch_fit

        return torch_fit.evaluate(model, data, loss, batch_size, metrics or {})
    from gpulab.train import keras_fit

    return keras_fit.evaluate(model, data, loss, batch_size, metrics or {})


def predict(model: Any, x: Any, *, batch_size: int = 256) -> np.ndarray:
    """Return a model's outputs (logits) for inputs.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
    x : array_like or torch.Tensor
        Inputs as for :func:`fit`, without targets.
    batch_size : int
        Samples at once.

    Returns
    -------
    ndarray, float32, (n, ...)

    Raises
    ------
    TrainError
        The model cannot take the inputs.
    """
    batch_size = check_count("batch_size", batch_size, 1)
    if inputs.side_of(model) == "torch":
        from gpulab.train import torch_fit

        return torch_fit.predict(model, x, batch_size)
    from gpulab.train import keras_fit

    return keras_fit.predict(model, x, batch_size)


def _callbacks(given: Sequence[Callback], verbose: bool | str, live: bool) -> list[Callback]:
    """Return all callbacks of a run in the order they are called: the watchful first, those that save last."""
    if isinstance(given, Callback):
        raise TrainError(
            f"callbacks is a {type(given).__name__}; expected a list, such as [{type(given).__name__}(...)]."
        )
    for callback in given:
        if not isinstance(callback, Callback):
            raise TrainError(
                f"callbacks has {callback!r}; expected objects of gpulab.train's callbacks, such as EarlyStopping()."
            )
    guard = [] if any(isinstance(callback, NaNGuard) for callback in given) else [NaNGuard()]
    saving = [callback for callback in given if isinstance(callback, Checkpoint)]
    others = [callback for callback in given if not isinstance(callback, Checkpoint)]
    progress = progress_for(verbose)
    if live not in (True, False):
        raise TrainError(f"live={live!r}: expected True or False.")
    shown = (live_view() if live else []) or progress
    everything = [*guard, *others, *shown, *saving]
    for callback in saving:
        callback.callbacks = [other for other in everything if other not in saving]
    return everything
