"""What the arguments of ``fit`` mean in Keras: device, precision, optimizer, loss."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from gpulab.train.errors import TrainError, unknown
from gpulab.train.recipe import Recipe

if TYPE_CHECKING:
    import keras

POLICIES = {"bf16": "mixed_bfloat16", "fp16": "mixed_float16"}


def check_backend() -> None:
    """Refuse Keras on another backend than TensorFlow."""
    import keras

    if keras.backend.backend() != "tensorflow":
        raise TrainError(f"Keras runs on {keras.backend.backend()} here; the course needs KERAS_BACKEND=tensorflow.")


@contextmanager
def on_device(name: str | None) -> Iterator[str]:
    """Run what is inside on a device; give its kind.

    Raises
    ------
    TrainError
        The name is not known, or TensorFlow finds no such device.
    """
    import tensorflow as tf

    kind, _, number = str(name or "").partition(":")
    cards = tf.config.list_physical_devices("GPU")
    if name is None:
        yield "gpu" if cards else "cpu"
        return
    if kind not in ("cpu", "cuda", "gpu") or (number and not number.isdigit()):
        raise unknown("device", name, ("cpu", "cuda"))
    if kind != "cpu" and int(number or 0) >= len(cards):
        raise TrainError(
            f"device={name!r}: TensorFlow {tf.__version__} finds {len(cards)} GPUs here. "
            "Leave device out to take the fastest device there is, or use device='cpu'."
        )
    with tf.device(f"/{'CPU' if kind == 'cpu' else 'GPU'}:{number or 0}"):
        yield "cpu" if kind == "cpu" else "gpu"


@contextmanager
def in_precision(model: keras.Model, precision: str) -> Iterator[None]:
    """Compute in a precision inside, and put every layer's own back afterwards."""
    import tensorflow as tf

    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    policies = [(layer, layer.dtype_policy) for layer in model._flatten_layers()]
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    try:
        if precision in POLICIES:
            for layer, _ in policies:
                layer.dtype_policy = POLICIES[precision]
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(tf32)
        if precision in POLICIES:
            for layer, policy in policies:
                layer.dtype_policy = policy
            # What Keras traced in the other precision is made anew when it is needed.
            model.train_function = model.test_function = model.predict_function = None


def make_optimizer(recipe: Recipe) -> Any:
    """Return the optimizer by name, or the learner's own, or what their function returns."""
    import keras

    if isinstance(recipe.optimizer, str):
        more: dict[str, Any] = {"learning_rate": recipe.lr, "global_clipnorm": recipe.clip}
        if recipe.accumulate > 1:
            more["gradient_accumulation_steps"] = recipe.accumulate
        if recipe.optimizer == "sgd":
            return keras.optimizers.SGD(momentum=0.9, **more)
        if recipe.optimizer == "adam":
            return keras.optimizers.Adam(epsilon=1e-8, **more)  # torch's epsilon
        return keras.optimizers.AdamW(epsilon=1e-8, weight_decay=recipe.weight_decay, **more)
    found = recipe.optimizer
    if hasattr(found, "keras_optimizer"):  # a recipe of an optimizer, such as transfer.group_rates
        return found.keras_optimizer(recipe)
    if not isinstance(found, keras.optimizers.Optimizer):
        found = found() if callable(found) else found
    if not isinstance(found, keras.optimizers.Optimizer):
        raise TrainError(f"optimizer is a {type(found).__name__}; expected a name or a keras.optimizers.Optimizer.")
    if recipe.clip or recipe.accumulate != (found.gradient_accumulation_steps or 1):
        raise TrainError(
            "With an optimizer of your own, give it clip and accumulate: global_clipnorm, gradient_accumulation_steps."
        )
    return found


def loss_and_accuracy(loss: Any, y: np.ndarray) -> tuple[Any, list[Any]]:
    """Return a loss of logits for Keras, and a list with the metric of accuracy where there is one."""
    import keras

    losses, metrics = keras.losses, keras.metrics
    classes = metrics.SparseCategoricalAccuracy(name="accuracy")
    if loss == "cross_entropy":
        return losses.SparseCategoricalCrossentropy(from_logits=True), [classes]
    if loss == "binary_cross_entropy":
        return losses.BinaryCrossentropy(from_logits=True), [metrics.BinaryAccuracy(threshold=0.0, name="accuracy")]
    if loss == "mse":
        return losses.MeanSquaredError(), []
    return loss, [classes] if y.dtype.kind in "iu" else []
