"""The weights of embeddings and recurrent layers, from Keras' names and layouts to PyTorch's and back.

============  ===========================  ==========================================================================
Keras         PyTorch                      what differs
============  ===========================  ==========================================================================
kernel        ``weight_ih_l0``             (features, gates * units) against (gates * units, features)
recurrent     ``weight_hh_l0``             (units, gates * units) against (gates * units, units)
bias          ``bias_ih_l0, bias_hh_l0``   RNN and LSTM: Keras has one, which is the sum of PyTorch's two; the way to
                                           PyTorch makes the second one zero. GRU: (2, 3 * units), one row each
backward      ``..._l0_reverse``           the second direction of Keras' Bidirectional
============  ===========================  ==========================================================================

The gates of an LSTM come in the same order: input, forget, cell, output. Those of a GRU do not: update, reset, new in
Keras; reset, update, new in PyTorch. Keras has a layer for each depth, PyTorch one for all: a Keras layer named
``rnn_l1`` is layer 1 of PyTorch's ``rnn``, and one without such an ending is layer 0 of its own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

RECURRENT = ("SimpleRNN", "LSTM", "GRU")
Place = tuple[tuple[str, ...], Any, str, None]  # PyTorch's names, the Keras variable, its kind, nothing


def problem(layer: Any) -> str:
    """Return why a Keras layer has no partner in PyTorch, or an empty string.

    Parameters
    ----------
    layer : keras.layers.Layer
        One of ``RECURRENT``, or a Bidirectional.
    """
    if type(layer).__name__ == "Bidirectional":
        if type(layer.forward_layer).__name__ not in RECURRENT:
            return f"it holds a {type(layer.forward_layer).__name__}"
        return problem(layer.forward_layer)
    if type(layer).__name__ == "GRU" and not layer.reset_after:
        return "a GRU with reset_after=False is another formula than PyTorch's; make it with reset_after=True"
    return ""


def places(layer: Any) -> Iterator[Place]:
    """Yield PyTorch's names of each variable of a recurrent layer, the variable, and its kind."""
    name, depth = re.fullmatch(r"(.*?)(_l\d+)?", layer.name).groups()
    depth = depth or "_l0"
    if type(layer).__name__ == "Bidirectional":
        yield from _one_way(layer.forward_layer, name, depth)
        yield from _one_way(layer.backward_layer, name, f"{depth}_reverse")
    else:
        yield from _one_way(layer, name, depth)


def _one_way(layer: Any, name: str, end: str) -> Iterator[Place]:
    cell, kind = layer.cell, "GRU" if type(layer).__name__ == "GRU" else "RNN"
    yield (f"{name}.weight_ih{end}",), cell.kernel, f"{kind} kernel", None
    yield (f"{name}.weight_hh{end}",), cell.recurrent_kernel, f"{kind} kernel", None
    if layer.use_bias:
        yield (f"{name}.bias_ih{end}", f"{name}.bias_hh{end}"), cell.bias, f"{kind} bias", None


def to_torch(array: np.ndarray, kind: str) -> list[np.ndarray]:
    """Return a Keras array as PyTorch's one or two.

    Examples
    --------
    >>> [part.tolist() for part in to_torch(np.array([1.0, 2.0]), "RNN bias")]
    [[1.0, 2.0], [0.0, 0.0]]
    >>> [part.tolist() for part in to_torch(np.array([[1, 2, 3], [4, 5, 6]]), "GRU bias")]  # one unit: update first
    [[2, 1, 3], [5, 4, 6]]
    """
    if kind == "RNN bias":
        return [array, np.zeros_like(array)]
    if kind == "GRU bias":
        return [_other_order(row) for row in array]
    return [_other_order(array.T) if kind == "GRU kernel" else array.T]


def to_keras(parts: Sequence[np.ndarray], kind: str) -> np.ndarray:
    """Return PyTorch's one or two arrays as Keras' one.

    Examples
    --------
    >>> to_keras([np.array([1.0, 2.0]), np.array([0.5, 0.0])], "RNN bias").tolist()
    [1.5, 2.0]
    """
    if kind == "RNN bias":
        return parts[0] + parts[1]
    if kind == "GRU bias":
        return np.stack([_other_order(part) for part in parts])
    return (_other_order(parts[0]) if kind == "GRU kernel" else parts[0]).T


def _other_order(rows: np.ndarray) -> np.ndarray:
    """Change over the first two of three gates along the first axis: the way there and the way back."""
    first, second, new = np.split(rows, 3)
    return np.concatenate([second, first, new])
