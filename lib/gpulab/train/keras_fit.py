"""The Keras side of training: the same arguments, checks and record around ``model.fit``."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpulab.train import errors, inputs
from gpulab.train.callbacks import Callback
from gpulab.train.errors import TrainError
from gpulab.train.history import History, process_peak
from gpulab.train.interrupt import Interrupt
from gpulab.train.keras_run import Batches, KerasRun, bridge
from gpulab.train.keras_setup import check_backend, in_precision, loss_and_accuracy, make_optimizer, on_device
from gpulab.train.lifecycle import play
from gpulab.train.recipe import Recipe

if TYPE_CHECKING:
    import keras


def fit(
    model: keras.Model, data: Any, valid: Any, recipe: Recipe, callbacks: list[Callback], resume: Path | None
) -> History:
    """Train a Keras model; it is compiled anew. The arguments are checked as far as that is possible without Keras."""
    check_backend()
    for what in ("optimizer", "loss"):
        inputs.check_side(what, getattr(recipe, what), "keras")
    with on_device(recipe.device) as device, in_precision(model, recipe.precision):
        recipe.check_device(device, has_tf32=device == "gpu")
        train_set = Batches(data, recipe.batch_size, "train")
        check_targets(model, train_set, recipe.loss)
        if not model.trainable_variables:
            raise TrainError("The model has no trainable weight. Set trainable=True on the layers that should learn.")
        valid_set = None if valid is None else Batches(valid, recipe.batch_size, "valid")
        if valid_set is not None:
            check_targets(model, valid_set, recipe.loss)
        return _fit(model, train_set, valid_set, recipe, callbacks, resume, device)


def _fit(
    model: keras.Model,
    train_set: Batches,
    valid_set: Batches | None,
    recipe: Recipe,
    callbacks: list[Callback],
    resume: Path | None,
    device: str,
) -> History:
    """Compile, and let Keras train."""
    optimizer = make_optimizer(recipe)
    loss, accuracy = loss_and_accuracy(recipe.loss, train_set.few()[1])
    # XLA compiles again for every shape of a batch; on a CPU that costs more than it gains.
    model.compile(optimizer, loss, metrics=accuracy, jit_compile="auto" if device != "cpu" else False)
    model.optimizer.build(model.trainable_variables)
    history = History(settings=settings_of(model, train_set, recipe, device))
    run = KerasRun(model, model.optimizer, history, recipe.epochs, train_set.steps, recipe.accumulate)
    run.validated = valid_set is not None
    history.settings["lr"] = run.rate
    reset_peak(device, recipe.device)

    piece = -(-recipe.batch_size // recipe.accumulate)

    def work(interrupt: Interrupt) -> None:
        if run.epoch == run.epochs or history.stopped:  # resumed, and there is nothing left to do
            return
        with advice_on_memory(recipe, train_set, model, loss):
            model.fit(
                train_set.endless(recipe, run.epoch),
                steps_per_epoch=train_set.steps * recipe.accumulate,
                epochs=recipe.epochs,
                initial_epoch=run.epoch,
                validation_data=valid_set and (valid_set.pair or valid_set.dataset),
                validation_batch_size=piece if valid_set and valid_set.pair else None,
                callbacks=[bridge(run, train_set, recipe, callbacks, interrupt)],
                shuffle=False,  # the stream is in the epoch's order
                verbose=0,
            )

    play(run, callbacks, work, resume)
    history.peak_memory_mb = peak_memory(device, recipe.device)
    return history


def check_targets(model: keras.Model, data: Batches, loss: Any) -> None:
    """Try the model on two samples, and look whether the targets go with its outputs.

    Raises
    ------
    TrainError
        The model cannot take the inputs, or the targets do not fit.
    """
    x, y = data.few()
    outputs = forward(model, x, data.what)
    kind = "f" if y.dtype.kind == "f" else "i"
    inputs.check_targets(kind, y.shape, outputs.shape, loss, data.what)
    inputs.check_logits(outputs, loss)
    labels = data.pair[1] if data.pair else y
    inputs.check_labels(float(labels.min()), float(labels.max()), outputs.shape[-1], loss, data.what)


def forward(model: keras.Model, x: np.ndarray, what: str) -> np.ndarray:
    """Run the model on a few inputs without training it; say clearly if it cannot take them."""
    import keras

    wanted = getattr(model, "input_shape", None) if model.built else None
    if isinstance(wanted, tuple) and not _goes_with(x.shape, wanted):
        raise TrainError(f"The model cannot take a batch of shape {x.shape} from {what}: it expects {wanted}.")
    try:
        outputs = model(x, training=False)
    except Exception as error:
        if is_memory_error(error):
            raise
        raise TrainError(
            f"The model cannot take a batch of shape {x.shape} and type {x.dtype} from {what}: {error}"
        ) from error
    if not keras.ops.is_tensor(outputs):
        raise TrainError(f"The model returns a {type(outputs).__name__}; expected a tensor of logits.")
    return np.asarray(keras.ops.cast(outputs, "float32"))


def _goes_with(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(b in (None, a) for a, b in zip(shape, wanted, strict=True))


def evaluate(model: keras.Model, data: Any, loss: Any, batch_size: int, metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the loss, the accuracy where there is one, and the learner's own metrics."""
    check_backend()
    for metric in metrics.values():
        inputs.check_side("metrics", metric, "keras")
    found = Batches(data, batch_size, "data")
    with in_precision(model, "fp32"):
        check_targets(model, found, loss)
        loss_of, accuracy = loss_and_accuracy(loss, found.few()[1])
        measures = {**{metric.name: metric for metric in accuracy}, **metrics}
        for metric in measures.values():
            metric.reset_state()
        total = samples = 0.0
        for x, y, _ in found.read():
            outputs = model.predict_on_batch(x)
            total += float(np.mean(loss_of(y, outputs))) * len(x)
            samples += len(x)
            for metric in measures.values():
                metric.update_state(y, outputs)
    return {"loss": total / samples} | {
        name: float(str(np.float32(metric.result()))) for name, metric in measures.items()
    }


def predict(model: keras.Model, x: Any, batch_size: int) -> np.ndarray:
    """Return the outputs for inputs."""
    check_backend()
    inputs.check_side("x", x, "keras")
    x = inputs.check_inputs(x)
    with in_precision(model, "fp32"):
        forward(model, x[:2], "x")
        return np.asarray(model.predict(x, batch_size=batch_size, verbose=0), dtype=np.float32)


@contextmanager
def advice_on_memory(recipe: Recipe, data: Batches, model: keras.Model, loss: Callable[..., Any]) -> Iterator[None]:
    """Turn "out of memory" into advice: the batch size that fits, found by trying."""
    import tensorflow as tf

    try:
        yield
        return
    except Exception as error:
        if not is_memory_error(error):
            raise
        problem = str(error)
    kept = [variable.numpy() for variable in model.non_trainable_variables]
    x, y = data.few()

    def attempt(size: int) -> None:
        many = [np.repeat(part, -(-size // len(part)), axis=0)[:size] for part in (x, y)]
        with tf.GradientTape() as tape:
            value = loss(many[1], model(many[0], training=True))
        tape.gradient(value, [variable.value for variable in model.trainable_variables])

    fits = errors.largest_that_fits(attempt, -(-recipe.batch_size // recipe.accumulate), is_memory_error)
    for variable, value in zip(model.non_trainable_variables, kept, strict=True):
        variable.assign(value)
    advice = errors.out_of_memory(recipe.batch_size, recipe.accumulate, fits)
    raise TrainError(f"{advice} (TensorFlow says: {problem.splitlines()[0]})")


def is_memory_error(error: BaseException) -> bool:
    """Return whether an exception means that memory ran out."""
    import tensorflow as tf

    return isinstance(error, MemoryError | tf.errors.ResourceExhaustedError)


def settings_of(model: keras.Model, data: Batches, recipe: Recipe, device: str) -> dict[str, Any]:
    """Return what a reader needs to know to repeat the run."""
    import keras
    import tensorflow as tf

    versions = {"python": platform.python_version(), "numpy": np.__version__}
    versions |= {"keras": keras.__version__, "tensorflow": tf.__version__}
    chosen = tf.config.threading.get_intra_op_parallelism_threads()  # 0: TensorFlow takes what the system allows
    return recipe.settings() | {
        "framework": "keras",
        "model": type(model).__name__,
        "parameters": model.count_params(),
        "samples": data.samples,
        "device": device,
        "processes": 1,
        "threads": chosen or int(os.environ.get("OMP_NUM_THREADS", 0)) or len(_cores()),
        "versions": versions,
    }


def _cores() -> set[int]:
    """Return the processor cores that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _card(name: str | None) -> str:
    """Return TensorFlow's name of the GPU that was chosen."""
    return f"GPU:{str(name or '').partition(':')[2] or 0}"


def reset_peak(device: str, name: str | None) -> None:
    """Forget earlier peaks of a GPU's memory."""
    import tensorflow as tf

    if device == "gpu":
        tf.config.experimental.reset_memory_stats(_card(name))


def peak_memory(device: str, name: str | None) -> float | None:
    """Return the most memory in use, MB: of the GPU since the run began, else of this process since it began."""
    import tensorflow as tf

    if device == "gpu":
        return tf.config.experimental.get_memory_info(_card(name))["peak"] / 1e6
    return process_peak()
