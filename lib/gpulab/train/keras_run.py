"""A Keras run's moving parts: Keras trains (``model.fit``), and one callback of Keras passes its events on to ours."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gpulab.train import inputs, plan
from gpulab.train.callbacks import Callback, Run, pack, unpack
from gpulab.train.errors import TrainError
from gpulab.train.history import History

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from gpulab.train.interrupt import Interrupt
    from gpulab.train.recipe import Recipe


class Batches:
    """Batches of arrays, or of a tf.data.Dataset in its own order, as NumPy arrays.

    Attributes
    ----------
    samples, steps : int
        Samples and batches in an epoch.
    """

    def __init__(self, data: Any, batch_size: int, what: str) -> None:
        inputs.check_side(what, data, "keras")
        self.what, self.batch_size = what, batch_size
        self.pair = inputs.check_pair(data, what) if inputs.is_pair(data) else None
        self.dataset = data
        self.sizes: deque[int] = deque()  # of pieces on their way to Keras: how many samples count, 0 for a stand-in
        if self.pair:
            self.samples = len(self.pair[0])
            self.steps = -(-self.samples // batch_size)
        elif hasattr(data, "cardinality") and hasattr(data, "as_numpy_iterator"):
            self.steps, self.samples = self._measure(data)
        else:
            raise inputs.refuse(data, what, "keras")

    def _measure(self, data: Any) -> tuple[int, int]:
        steps = int(data.cardinality())
        if steps == 0:
            raise TrainError(f"{self.what} is empty; expected at least one sample.")
        if steps < 0:
            raise TrainError(
                f"{self.what} does not know its length. Say it: data.apply(tf.data.experimental.assert_cardinality(n))."
            )
        x, _ = self.few(None)
        # Only the last batch may be smaller; how much, only reading would tell.
        return steps, steps * len(x)

    def few(self, n: int | None = 2) -> tuple[np.ndarray, np.ndarray]:
        """Return the first two samples, or the first batch."""
        if self.pair:
            return self.pair[0][:n], self.pair[1][:n]
        batch = next(self.dataset.as_numpy_iterator())
        if not isinstance(batch, tuple) or len(batch) != 2 or np.ndim(batch[1]) < 1 or len(batch[0]) != len(batch[1]):
            raise TrainError(
                f"{self.what} gives no batches (x, y) of equal length; expected a pair of each, after .batch(n)."
            )
        return batch[0][:n], batch[1][:n]

    def read(self, order: np.ndarray | None = None) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
        """Yield each batch once, with the numbers of its samples where they have any."""
        if not self.pair:
            yield from ((x, y, None) for x, y in self.dataset.as_numpy_iterator())
            return
        order = np.arange(self.samples) if order is None else order
        for start in range(0, self.samples, self.batch_size):
            index = order[start : start + self.batch_size]
            yield self.pair[0][index], self.pair[1][index], index

    def endless(self, recipe: Recipe, epoch: int) -> Any:
        """Return what Keras trains on, from an epoch on and without an end."""
        plain = self.pair and recipe.augment is None and recipe.accumulate == 1
        return self.cut_by_tensorflow(recipe.seed, epoch) if plain else self.stream(recipe, epoch)

    def cut_by_tensorflow(self, seed: int, epoch: int) -> tf.data.Dataset:
        """Return the batches that :meth:`stream` yields, where nothing changes them: no Python between two steps."""
        import tensorflow as tf

        with tf.device("CPU"):
            x, y = (tf.convert_to_tensor(part) for part in self.pair)
        orders = tf.data.Dataset.from_generator(
            lambda: (plan.order(seed, now, self.samples) for now in itertools.count(epoch)),
            output_signature=tf.TensorSpec([self.samples], tf.int64),
        )
        cuts = orders.flat_map(lambda order: tf.data.Dataset.from_tensor_slices(order).batch(self.batch_size))
        return cuts.map(lambda cut: (tf.gather(x, cut), tf.gather(y, cut))).prefetch(2)

    def stream(self, recipe: Recipe, epoch: int) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield pieces of batches for ever, from an epoch on: the same ones in the same order as the torch side."""
        for now in itertools.count(epoch):
            rng, numbers = plan.generator(recipe.seed, now), None
            if self.pair and hasattr(recipe.augment, "draw"):
                numbers = recipe.augment.draw(rng, self.samples)
            for x, y, index in self.read(plan.order(recipe.seed, now, self.samples) if self.pair else None):
                x = change(x, recipe.augment, numbers[index] if numbers is not None else None, rng)
                if recipe.accumulate == 1:
                    yield x, y
                    continue
                for start, stop, share in plan.cut(0, len(x), recipe.accumulate):
                    self.sizes.append(stop - start if share else 0)
                    yield x[start:stop], y[start:stop], np.full(stop - start, share, dtype=np.float32)


def change(x: np.ndarray, augment: Any, numbers: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Augment a batch of inputs."""
    if augment is None:
        return x
    if not hasattr(augment, "draw"):
        return np.asarray(augment(x))
    return augment.apply(x, augment.draw(rng, len(x)) if numbers is None else numbers)


class KerasRun(Run):
    """A run of a Keras model.

    Attributes
    ----------
    accumulate : int
        Pieces of a batch.
    pieces : int
        Pieces of the batch under way that are done.
    sums : list of (float, float, int)
        Where batches come in pieces, for each step: the pieces' losses added up, right answers, samples.
    """

    any_step = False

    def __init__(
        self, model: keras.Model, optimizer: Any, history: History, epochs: int, steps: int, accumulate: int = 1
    ) -> None:
        super().__init__(model, history, epochs, steps)
        self.optimizer = optimizer
        self.inner = getattr(optimizer, "inner_optimizer", optimizer)  # fp16: Keras wraps it to scale the loss
        self.fixed_rate = not hasattr(self.inner, "_learning_rate") or callable(self.inner._learning_rate)
        self.rate = self.rate_now = _number(np.asarray(self.inner.learning_rate))
        self.pieces = 0
        self.means: list[float] = []
        self.sums: list[tuple[float, float, int]] = []
        self.accumulate = accumulate
        self.since = self.seconds = 0.0

    def set_rate(self, factor: float) -> None:
        """Set the learning rate, unless the learner's optimizer has a schedule of its own."""
        if not self.fixed_rate and self.rate_now != self.rate * factor:  # Keras needs long to set it
            self.rate_now = self.rate * factor
            self.inner.learning_rate = self.rate_now

    def note(self, logs: dict[str, Any], size: int, first: bool) -> None:
        """Add a piece's loss and right answers to its step's; Keras begins its means anew for the next piece.

        A piece's loss is weighted by its share of the batch already: the step's is the plain mean over the pieces.
        """
        loss, right, samples = (0.0, 0.0, 0) if first else self.sums.pop()
        right += float(logs.get("accuracy", 0)) * size
        self.sums.append((loss + float(logs["loss"]), right, samples + size))
        self.model.reset_metrics()

    def row(self) -> dict[str, float]:
        """Return the loss and the accuracy of an epoch of pieces."""
        losses, right, samples = np.array(self.sums).T
        return {
            "loss": float(losses @ samples / samples.sum() / self.accumulate),
            "accuracy": float(right.sum() / samples.sum()),
        }

    def losses(self) -> np.ndarray:
        """Return the loss of each finished step, from the running means that Keras gives."""
        if self.sums:
            return np.array([loss for loss, _, _ in self.sums[: self.step]]) / self.accumulate
        sums = np.asarray(self.means) * np.arange(1, len(self.means) + 1)
        return np.diff(sums, prepend=0.0)

    def weights(self) -> dict[str, Any]:
        """Return a copy of the model's weights."""
        return {str(number): _copy(weight) for number, weight in enumerate(self.model.weights)}

    def set_weights(self, weights: dict[str, Any]) -> None:
        """Put them back."""
        self.model.set_weights([weights[str(number)] for number in range(len(weights))])

    def save(self, callbacks: list[Callback]) -> tuple[bytes, dict[str, Any]] | None:
        """Return the run's whole state after an epoch; None inside one, where Keras cannot go on."""
        from safetensors.numpy import save

        if self.step or self.pieces:
            return None
        tensors = {f"model/{number}": _copy(variable) for number, variable in enumerate(self.model.variables)}
        names = [variable.path for variable in self.model.variables]
        broken = [name for name, array in zip(names, tensors.values(), strict=True) if not _finite(array)]
        if broken:
            raise TrainError(
                f"{broken[0]} holds NaN or infinite weights; nothing is saved. An earlier checkpoint is kept."
            )
        tensors |= {f"optimizer/{number}": _copy(v) for number, v in enumerate(self.optimizer.variables)}
        self.history.seconds = self.elapsed()
        kept, weights = pack(callbacks)
        tensors |= weights
        return save(tensors), {"epoch": self.epoch, "callbacks": kept, "history": self.history.to_json()}

    def restore(self, content: bytes, record: dict[str, Any], callbacks: list[Callback]) -> None:
        """Go back to a saved state.

        Raises
        ------
        TrainError
            It is of another model or optimizer.
        """
        from safetensors.numpy import load

        tensors = load(content)
        places = {f"model/{number}": variable for number, variable in enumerate(self.model.variables)}
        places |= {f"optimizer/{number}": variable for number, variable in enumerate(self.optimizer.variables)}
        shapes = {name: array.shape for name, array in tensors.items() if not name.startswith("callback/")}
        wanted = {name: tuple(variable.shape) for name, variable in places.items()}
        for name in sorted(wanted.keys() | shapes.keys()):
            if wanted.get(name) != shapes.get(name):
                raise TrainError(
                    f"The checkpoint is of another model or optimizer: {name} is {shapes.get(name, 'missing')} there "
                    f"and {wanted.get(name, 'missing')} here."
                )
        for name, variable in places.items():
            variable.assign(tensors[name])
        self.epoch = record["epoch"]
        unpack(callbacks, record["callbacks"], tensors)


def _copy(variable: Any) -> np.ndarray:
    """Return a variable's value as an array of its own, row by row in memory, as safetensors wants it."""
    return np.array(variable.value.numpy(), order="C", copy=True)


def _number(value: Any) -> float | None:
    """Return a float32 of Keras as the shortest float that means it: 0.001, not 0.0010000000474974513."""
    return None if value is None else float(str(np.float32(value)))


def _finite(array: np.ndarray) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def bridge(
    run: KerasRun, data: Batches, recipe: Recipe, callbacks: list[Callback], interrupt: Interrupt
) -> keras.callbacks.Callback:
    """Return the one Keras callback: it sets the learning rate, writes the history and calls our callbacks."""
    import keras

    def set_rate(piece: int, logs: Any) -> None:
        if not run.pieces:
            run.set_rate(recipe.rate(run.steps_done, run.epochs * run.steps))

    def count(piece: int, logs: Any) -> None:
        if recipe.accumulate > 1:
            run.note(logs, data.sizes.popleft(), first=not run.pieces)
        run.pieces = (run.pieces + 1) % recipe.accumulate
        if run.pieces:
            return
        run.step += 1
        if recipe.accumulate == 1:
            run.means.append(float(logs["loss"]))
        for callback in callbacks:
            callback.on_step(run)
        if run.step < run.steps:  # after the last step the epoch is finished first, so that it is not lost
            interrupt.check()
        run.model.stop_training = bool(run.history.stopped)  # by hand, in the middle of the epoch

    def start(epoch: int, logs: Any) -> None:
        run.means, run.sums, run.since, run.seconds = [], [], time.perf_counter(), 0.0

    def stop_clock(logs: Any = None) -> None:
        run.seconds = run.seconds or time.perf_counter() - run.since

    def end(epoch: int, logs: Any) -> None:
        stop_clock()
        names = {"loss": "loss", "accuracy": "accuracy", "valid_loss": "val_loss", "valid_accuracy": "val_accuracy"}
        if run.sums:
            logs = {**logs, **{name: value for name, value in run.row().items() if name in logs}}
        row = {"epoch": epoch + 1, "seconds": run.seconds, "learning_rate": run.rate_now}
        row |= {ours: _number(logs.get(name)) for ours, name in names.items()}
        run.history.epochs.append(run.mark_if_cut(row))
        run.epoch, run.step = epoch + 1, 0
        for callback in callbacks:
            callback.on_epoch(run)
        interrupt.check()
        run.model.stop_training = bool(run.history.stopped)

    return keras.callbacks.LambdaCallback(
        on_train_batch_begin=set_rate,
        on_train_batch_end=count,
        on_epoch_begin=start,
        on_epoch_end=end,
        on_test_begin=stop_clock,
    )
