"""Checks of data before anything is trained, without a framework."""

from __future__ import annotations

from typing import Any

import numpy as np

from gpulab.models.framework import framework_of, origins
from gpulab.train.errors import TrainError

FOREIGN = {"torch": ("tensorflow", "keras", "jax"), "keras": ("torch", "jax")}
EXPECTED = {
    "torch": "a pair (x, y) of arrays or tensors, a split of a course data set, a torch Dataset or a DataLoader",
    "keras": "a pair (x, y) of arrays, a split of a course data set or a tf.data.Dataset",
}


def side_of(model: object) -> str:
    """Return "torch" or "keras".

    Raises
    ------
    TrainError
        The model is neither.
    """
    try:
        return framework_of(model)
    except TypeError as error:
        raise TrainError(str(error)) from error


def check_side(what: str, thing: object, side: str) -> None:
    """Refuse data, an optimizer or a loss of the other framework.

    Raises
    ------
    TrainError
        It belongs to another framework than the model.
    """
    parts = thing if isinstance(thing, tuple | list) else [thing]
    for part in parts:
        found = origins(part)
        if side in found or (side == "keras" and "tensorflow" in found):
            continue
        if foreign := next((name for name in FOREIGN[side] if name in found), None):
            hint = " Convert it to a NumPy array first." if what in ("train", "valid", "x", "data") else ""
            raise TrainError(f"The model is {side}'s, but {what} has a {type(part).__name__} of {foreign}'s.{hint}")


def is_pair(data: object) -> bool:
    """Return whether the data is a pair (x, y), such as a split of a data set."""
    return isinstance(data, tuple | list) and len(data) == 2 and hasattr(data[0], "__len__")


def refuse(data: object, what: str, side: str) -> TrainError:
    """Return the error for data of a kind that is not known."""
    if hasattr(data, "train") and hasattr(data, "valid"):
        return TrainError(f"{what} is a whole data set; give one split of it, such as data.{what}.")
    kind = f"a {type(data).__name__}" + (f" of {len(data)}" if isinstance(data, tuple | list) else "")
    return TrainError(f"{what} is {kind}; expected {EXPECTED[side]}.")


def check_pair(data: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and targets of a pair as arrays that both frameworks take.

    Parameters
    ----------
    data : pair of array_like
        x: images (n, height, width, channels), float; or sequences and tables, 2-D or 3-D. y: one entry a sample.
    what : str
        What to call it in a message.

    Returns
    -------
    x : ndarray, float32 or int64
    y : ndarray, float32 or int64

    Raises
    ------
    TrainError
        Empty, of different lengths, not numbers, not finite, or bytes where fractions are expected.
    """
    x, y = (_array(part, f"{what}'s {name}") for part, name in zip(data, "xy", strict=True))
    check_lengths(len(x), len(y), what)
    if x.ndim == 4 and x.dtype.kind in "iu":
        raise TrainError(
            f"{what}'s images are whole numbers ({x.dtype}); expected floats, for example x.astype('float32') / 255."
        )
    return _usual(x), _usual(y)


def check_lengths(x: int, y: int, what: str) -> None:
    """Refuse an empty set, or inputs and targets that do not go together."""
    if x != y:
        raise TrainError(f"{what} has {x} inputs and {y} targets; expected one target for each input.")
    if x == 0:
        raise TrainError(f"{what} is empty; expected at least one sample.")


def check_inputs(x: Any, what: str = "x") -> np.ndarray:
    """Return inputs without targets, checked as in :func:`check_pair`."""
    return check_pair((x, np.zeros(len(x), dtype=np.int64)), what)[0]


def _array(part: Any, what: str) -> np.ndarray:
    try:
        array = np.asarray(part)
    except ValueError as error:
        raise TrainError(f"{what} is not a regular array: {error}.") from error
    if array.dtype.kind not in "fiub" or array.ndim == 0:
        raise TrainError(
            f"{what} has dtype {array.dtype} and shape {array.shape}; expected an array of numbers, a row a sample."
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))[0]
        count = int((~np.isfinite(array)).sum())
        raise TrainError(
            f"{what} has {count} entries that are NaN or infinite, the first in sample {bad[0]}. Mend or drop them."
        )
    return array


def _usual(array: np.ndarray) -> np.ndarray:
    array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64, copy=False)
    turned = any(step < 0 for step in array.strides)  # such as x[..., ::-1]: torch takes no view that runs backward
    return np.ascontiguousarray(array) if turned else array


def check_targets(
    y_dtype_kind: str, y_shape: tuple[int, ...], out_shape: tuple[int, ...], loss: Any, what: str
) -> None:
    """Refuse targets that do not go with the model's outputs under a loss.

    Parameters
    ----------
    y_dtype_kind : str
        "i" for whole numbers, "f" for floats.
    y_shape, out_shape : tuple of int
        Of the same few samples.

    Raises
    ------
    TrainError
        Shapes or dtypes do not go together.
    """
    if loss == "cross_entropy":
        if y_dtype_kind != "i":
            raise TrainError(
                f"{what}'s targets are floats; cross_entropy expects the number of the class: y.astype('int64')."
            )
        if len(out_shape) < 2:
            raise TrainError(f"The model's outputs have shape {out_shape}; cross_entropy expects (samples, classes).")
        if y_shape != out_shape[:-1]:
            hint = " One-hot targets become numbers with y.argmax(-1)." if y_shape == out_shape else ""
            raise TrainError(
                f"{what}'s targets have shape {y_shape}, the outputs {out_shape}; expected {out_shape[:-1]}.{hint}"
            )
    elif isinstance(loss, str) and int(np.prod(y_shape)) != int(np.prod(out_shape)):
        raise TrainError(
            f"{what}'s targets have shape {y_shape}, the outputs {out_shape}; {loss} expects one target an output."
        )


def check_labels(lowest: float, highest: float, classes: int, loss: Any, what: str) -> None:
    """Refuse labels that the model has no output for.

    Raises
    ------
    TrainError
        A label is below 0, or not below the number of classes.
    """
    last = {"cross_entropy": classes - 1, "binary_cross_entropy": 1}.get(loss if isinstance(loss, str) else "")
    if last is not None and (lowest < 0 or highest > last):
        raise TrainError(
            f"{what}'s labels go from {lowest:g} to {highest:g}; this model can learn 0 to {last} with {loss}."
        )


def check_logits(outputs: np.ndarray, loss: Any) -> None:
    """Refuse outputs that have been through a softmax already: cross_entropy has one of its own.

    Raises
    ------
    TrainError
        Each row is a distribution of probabilities.
    """
    if loss == "cross_entropy" and (outputs >= 0).all() and np.allclose(outputs.sum(-1), 1, atol=1e-4):
        raise TrainError(
            "The model's outputs are probabilities (each row adds up to 1); cross_entropy expects logits. "
            "Leave the softmax at the model's end out."
        )
