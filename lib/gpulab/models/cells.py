"""Recurrent layers in NumPy: forward over a sequence, and backward through time. Plain RNN, LSTM and GRU.

Names and layouts are PyTorch's: ``weight_ih`` (gates * units, features) meets the input, ``weight_hh``
(gates * units, units) the state before, and each has a bias of its own. The rows of the gates lie below each other, in
the order of :data:`GATES`.

>>> from gpulab.models import cells
>>> weights = cells.fresh("gru", features=3, units=4)
>>> record = cells.run("gru", weights, np.ones((2, 5, 3)))
>>> record.h.shape, sorted(record.gates)
((2, 5, 4), ['new', 'reset', 'update'])
>>> gradients = cells.gradients(record, np.ones((2, 5, 4)))
>>> gradients["weight_hh"].shape, gradients["x"].shape
((12, 4), (2, 5, 3))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
GATES: Mapping[str, tuple[str, ...]] = {
    "rnn": ("new",),
    "lstm": ("input", "forget", "cell", "output"),
    "gru": ("reset", "update", "new"),
}


@dataclass(frozen=True)
class Record:
    """What a layer computed: all that the way back needs.

    Attributes
    ----------
    kind : {"rnn", "lstm", "gru"}
    weights : dict of ndarray
    x : ndarray, (n, T, features)
    h : ndarray, (n, T, units)
        The state after each step. After the end of a sequence the last state is kept, so ``h[:, -1]`` is the last one.
    c : ndarray, (n, T, units), or None
        The cell state of an LSTM.
    gates : dict of ndarray, each (n, T, units)
        After their sigmoid or tanh; 0 after the end of a sequence. ``"cell"`` (LSTM) and ``"new"`` (GRU, RNN) are the
        proposals, between -1 and 1; all others lie between 0 and 1.
    lengths : ndarray of int, (n,)
    h0, c0 : ndarray, (n, units)
        The states before the first step.
    reset_after : bool
        The variant of the GRU.
    """

    kind: str
    weights: Arrays
    x: np.ndarray = field(repr=False)
    h: np.ndarray = field(repr=False)
    c: np.ndarray | None = field(repr=False)
    gates: Arrays = field(repr=False)
    lengths: np.ndarray = field(repr=False)
    h0: np.ndarray = field(repr=False)
    c0: np.ndarray = field(repr=False)
    reset_after: bool = True


def shapes(kind: str, features: int, units: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a layer's weights.

    Examples
    --------
    >>> shapes("rnn", features=3, units=4)
    {'weight_ih': (4, 3), 'weight_hh': (4, 4), 'bias_ih': (4,), 'bias_hh': (4,)}
    """
    rows = len(_known(kind)) * units
    return {"weight_ih": (rows, features), "weight_hh": (rows, units), "bias_ih": (rows,), "bias_hh": (rows,)}


def fresh(kind: str, features: int, units: int, seed: int = 0) -> Arrays:
    """Return weights in float64, drawn as PyTorch draws them: uniform, at most ``units ** -0.5`` from zero.

    Examples
    --------
    >>> weights = fresh("lstm", features=3, units=4)
    >>> weights["weight_ih"].shape, bool(abs(weights["weight_ih"]).max() <= 0.5)
    ((16, 3), True)
    """
    rng, most = np.random.default_rng(seed), units**-0.5
    return {name: rng.uniform(-most, most, shape) for name, shape in shapes(kind, features, units).items()}


def run(
    kind: str,
    weights: Mapping[str, np.ndarray],
    x: np.ndarray,
    lengths: np.ndarray | None = None,
    *,
    h0: np.ndarray | None = None,
    c0: np.ndarray | None = None,
    reset_after: bool = True,
) -> Record:
    r"""Run a recurrent layer over sequences.

    With :math:`a = W_{ih} x_t + b_{ih}` and :math:`s = W_{hh} h_{t-1} + b_{hh}`, cut into one piece a gate,
    :math:`\sigma` the sigmoid and :math:`\odot` the product number by number:

    .. math::

        \text{rnn:} \quad & h_t = \tanh(a + s) \\
        \text{lstm:} \quad & i, f, o = \sigma(a + s), \quad g = \tanh(a_g + s_g) \\
                     & c_t = f \odot c_{t-1} + i \odot g, \quad h_t = o \odot \tanh(c_t) \\
        \text{gru:} \quad & r, z = \sigma(a + s), \quad n = \tanh(a_n + r \odot s_n) \\
                    & h_t = (1 - z) \odot n + z \odot h_{t-1}

    The names in :data:`GATES` stand for these letters, in PyTorch's order: input ``i``, forget ``f``, cell ``g``,
    output ``o``; reset ``r``, update ``z``, new ``n``.

    Parameters
    ----------
    kind : {"rnn", "lstm", "gru"}
        The plain one is Elman's [1]_, the LSTM has a forget gate [2]_, the GRU is that of cuDNN.
    weights : mapping of ndarray
        See :func:`shapes`. All of one dtype, float64 or float32; the results have it, too.
    x : ndarray, (n, T, features)
    lengths : ndarray of int, (n,), optional
        Steps of each sequence. A step after the end keeps the state. All have T steps where it is not given.
    h0, c0 : ndarray, (n, units), optional
        States before the first step; zeros where they are not given.
    reset_after : bool
        Only for the GRU. False: the reset gate comes before the product, as in the paper [3]_,
        :math:`n = \tanh(a_n + W_{hn} (r \odot h_{t-1}) + b_{hn})`.

    Returns
    -------
    Record

    Raises
    ------
    ValueError
        The kind is not known, or a shape or a dtype does not fit; the message says what was expected.

    References
    ----------
    .. [1] Elman, Finding structure in time, 1990. .. [2] Gers, Schmidhuber and Cummins, Learning to forget, 2000.
    .. [3] Cho et al., Learning phrase representations using RNN encoder-decoder, 2014.

    Examples
    --------
    >>> one = {"weight_ih": [[1.0]], "weight_hh": [[0.5]], "bias_ih": [0.0], "bias_hh": [0.0]}
    >>> record = run("rnn", {name: np.array(w) for name, w in one.items()}, np.array([[[1.0], [0.0]]]))
    >>> record.h.round(3).tolist()  # tanh(1), then tanh(0.5 * tanh(1))
    [[[0.762], [0.363]]]
    """
    names = _known(kind)
    w, x, units = _checked(kind, weights, x)
    n, steps = x.shape[:2]
    ends = _ends(lengths, n, steps)
    first = [_state(name, value, (n, units), x.dtype) for name, value in (("h0", h0), ("c0", c0))]
    h, c = first
    states, memories = np.empty((2, n, steps, units), x.dtype)
    gates = {name: np.zeros((n, steps, units), x.dtype) for name in names}
    for t in range(steps):
        alive = (t < ends)[:, None]
        new_h, new_c, opened = _step(kind, w, x[:, t], h, c, reset_after)
        h, c = np.where(alive, new_h, h), np.where(alive, new_c, c)
        states[:, t], memories[:, t] = h, c
        for name, gate in zip(names, opened, strict=True):
            gates[name][:, t] = gate * alive
    return Record(kind, w, x, states, memories if kind == "lstm" else None, gates, ends, *first, reset_after)


def gradients(record: Record, dh: np.ndarray, dc: np.ndarray | None = None) -> Arrays:
    r"""Return the gradients of a loss, by backpropagation through time.

    From the last step to the first: the gradient for the state is what the loss says of this step, plus what comes back
    from the step after it. All steps use the same weights, so their gradients are sums over the steps. For the plain
    RNN, with :math:`d_t = \frac{\partial L}{\partial h_t} \odot (1 - h_t^2)`:

    .. math::

        \frac{\partial L}{\partial W_{hh}} = \sum_t d_t h_{t-1}^\top, \qquad
        \frac{\partial L}{\partial W_{ih}} = \sum_t d_t x_t^\top, \qquad
        \frac{\partial L}{\partial h_{t-1}} \mathrel{+}= W_{hh}^\top d_t

    Parameters
    ----------
    record : Record
        From :func:`run`.
    dh : ndarray, (n, T, units)
        How the loss depends on each state directly, as it would if the steps were not linked. For a loss of the last
        state only, it is zero but for ``dh[:, -1]``.
    dc : ndarray, (n, units), optional
        The same for the last cell state of an LSTM; mostly it has no part in the loss.

    Returns
    -------
    dict of ndarray
        One for each name of the weights; ``"x"``, (n, T, features); ``"h0"``, (n, units), and for an LSTM ``"c0"``; and
        ``"h"``, (n, T, units): how the loss depends on each state in all ways, the later steps included.

    Raises
    ------
    ValueError
        A shape does not fit the record.

    References
    ----------
    .. [1] Werbos, Backpropagation through time: what it does and how to do it, 1990.

    Examples
    --------
    >>> record = run("rnn", fresh("rnn", 2, 3), np.zeros((1, 4, 2)))
    >>> sorted(gradients(record, record.h))
    ['bias_hh', 'bias_ih', 'h', 'h0', 'weight_hh', 'weight_ih', 'x']
    """
    dh = _fits("dh", dh, record.h)
    back_h = np.zeros_like(record.h0)
    back_c = np.zeros_like(record.c0) if dc is None else _fits("dc", dc, record.c0)
    w = record.weights
    found = {name: np.zeros_like(array) for name, array in w.items()}
    found |= {"x": np.zeros_like(record.x), "h": np.zeros_like(record.h)}
    for t in reversed(range(record.x.shape[1])):
        alive = (t < record.lengths)[:, None]
        total, kept_c = dh[:, t] + back_h, back_c
        d_in, d_state, seen, back_h, back_c = _step_back(record, t, total * alive, back_c * alive)
        found["x"][:, t], found["h"][:, t] = d_in @ w["weight_ih"], total
        found["weight_ih"] += d_in.T @ record.x[:, t]
        found["bias_ih"] += d_in.sum(axis=0)
        found["weight_hh"] += _outer(d_state, seen)
        found["bias_hh"] += d_state.sum(axis=0)
        back_h, back_c = np.where(alive, back_h, total), np.where(alive, back_c, kept_c)
    found["h0"] = back_h
    return found | {"c0": back_c} if record.kind == "lstm" else found


# --- One step, forward and back --------------------------------------------------------------------------------------


def _step(
    kind: str, w: Arrays, x: np.ndarray, h: np.ndarray, c: np.ndarray, reset_after: bool
) -> tuple[Any, Any, list]:
    """Return the state, the cell state and the gates after one step; all arrays are (n, units), `x` (n, features)."""
    a = x @ w["weight_ih"].T + w["bias_ih"]
    s = h @ w["weight_hh"].T + w["bias_hh"]
    if kind == "rnn":
        new = np.tanh(a + s)
        return new, c, [new]
    if kind == "lstm":
        i, f, g, o = np.split(a + s, 4, axis=1)
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        c = f * c + i * g
        return o * np.tanh(c), c, [i, f, g, o]
    (a_r, a_z, a_n), (s_r, s_z, s_n) = np.split(a, 3, axis=1), np.split(s, 3, axis=1)
    r, z = _sigmoid(a_r + s_r), _sigmoid(a_z + s_z)
    if reset_after:
        new = np.tanh(a_n + r * s_n)
    else:
        units = h.shape[1]
        new = np.tanh(a_n + (r * h) @ w["weight_hh"][2 * units :].T + w["bias_hh"][2 * units :])
    return (1 - z) * new + z * h, c, [r, z, new]


def _step_back(record: Record, t: int, dh: np.ndarray, dc: np.ndarray) -> tuple[Any, Any, list, Any, Any]:
    """Take one step back, from the gradients for the states after step `t`.

    Returns
    -------
    d_in, d_state : ndarray, (n, gates * units)
        Gradients for ``W_ih x + b_ih`` and for ``W_hh h + b_hh``.
    seen : list of ndarray, each (n, units)
        What each gate's part of ``W_hh`` was multiplied by.
    dh, dc : ndarray, (n, units)
        Gradients for the states before the step.
    """
    gates = {name: gate[:, t] for name, gate in record.gates.items()}
    h = record.h[:, t - 1] if t else record.h0
    w_hh, units = record.weights["weight_hh"], h.shape[1]
    if record.kind == "rnn":
        d = dh * (1 - gates["new"] ** 2)
        return d, d, [h], d @ w_hh, dc
    if record.kind == "lstm":
        assert record.c is not None
        d, dc = _lstm_back(gates, record.c[:, t], record.c[:, t - 1] if t else record.c0, dh, dc)
        return d, d, [h] * 4, d @ w_hh, dc
    r, z, new = (gates[name] for name in GATES["gru"])
    dn = dh * (1 - z) * (1 - new**2)
    dz = dh * (h - new) * z * (1 - z)
    part = w_hh[2 * units :]
    if record.reset_after:
        dr = dn * (h @ part.T + record.weights["bias_hh"][2 * units :]) * r * (1 - r)
        d_state = np.concatenate([dr, dz, dn * r], axis=1)
        return np.concatenate([dr, dz, dn], axis=1), d_state, [h] * 3, dh * z + d_state @ w_hh, dc
    dr = (dn @ part) * h * r * (1 - r)
    d = np.concatenate([dr, dz, dn], axis=1)
    dh = dh * z + d[:, : 2 * units] @ w_hh[: 2 * units] + (dn @ part) * r
    return d, d, [h, h, r * h], dh, dc


def _lstm_back(gates: Arrays, c: np.ndarray, before: np.ndarray, dh: np.ndarray, dc: np.ndarray) -> tuple[Any, Any]:
    """Return the gradients for the sums before the gates, (n, 4 * units), and for the cell state before the step."""
    i, f, g, o = (gates[name] for name in GATES["lstm"])
    squashed = np.tanh(c)
    dc = dc + dh * o * (1 - squashed**2)
    di = dc * g * i * (1 - i)
    df = dc * before * f * (1 - f)
    dg = dc * i * (1 - g**2)
    do = dh * squashed * o * (1 - o)
    return np.concatenate([di, df, dg, do], axis=1), dc * f


def _outer(d_state: np.ndarray, seen: list[np.ndarray]) -> np.ndarray:
    """Return the gradient for ``W_hh`` of one step, summed over the sequences."""
    pieces = np.split(d_state, len(seen), axis=1)
    return np.concatenate([d.T @ h for d, h in zip(pieces, seen, strict=True)])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-x)), which is (1 + tanh(x / 2)) / 2: no overflow, and the dtype stays."""
    return (1 + np.tanh(x / 2)) / 2


# --- What is handed in -----------------------------------------------------------------------------------------------


def _known(kind: str) -> tuple[str, ...]:
    """Return the gates of a kind of cell."""
    if kind not in GATES:
        raise ValueError(f"There is no cell {kind!r}. Choose one of: {', '.join(sorted(GATES))}.")
    return GATES[kind]


def _checked(kind: str, weights: Mapping[str, Any], x: Any) -> tuple[Arrays, np.ndarray, int]:
    """Return weights and input as arrays of one dtype, and the number of units."""
    if missing := set(shapes(kind, 1, 1)) - set(weights):
        names = ", ".join(shapes(kind, 1, 1))
        raise ValueError(f"The weights have no {', '.join(sorted(missing))}; expected the names {names}.")
    w = {name: np.asarray(weights[name]) for name in shapes(kind, 1, 1)}
    x = np.asarray(x)
    if x.ndim != 3:
        raise ValueError(f"x has the shape {x.shape}; expected three axes: (sequences, steps, features).")
    units = w["weight_hh"].shape[-1] if w["weight_hh"].ndim == 2 else 0
    for name, shape in shapes(kind, x.shape[2], units).items():
        if w[name].shape != shape:
            raise ValueError(
                f"{name} has the shape {w[name].shape}; expected {shape} for {kind!r} with {x.shape[2]} features and "
                f"{units} units. PyTorch's layout is needed: gates below each other, one row a unit."
            )
    kinds = {array.dtype.name for array in w.values()}
    if len(kinds) > 1 or not kinds <= {"float64", "float32"}:
        raise ValueError(f"The weights are of {', '.join(sorted(kinds))}; make all of them float64 or all float32.")
    return w, x.astype(w["weight_hh"].dtype, copy=False), units


def _ends(lengths: Any, n: int, steps: int) -> np.ndarray:
    """Return the lengths of n sequences of at most so many steps."""
    if lengths is None:
        return np.full(n, steps)
    ends = np.asarray(lengths)
    if ends.shape != (n,) or ends.dtype.kind not in "iu" or (n and not 0 <= ends.min() <= ends.max() <= steps):
        raise ValueError(f"lengths must be {n} whole numbers from 0 to {steps}, one for each sequence of x.")
    return ends.astype(np.int64)


def _state(name: str, value: Any, shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    """Return a first state: zeros where none is given."""
    if value is None:
        return np.zeros(shape, dtype)
    if np.shape(value) != shape:
        raise ValueError(f"{name} has the shape {np.shape(value)}; expected {shape}: (sequences, units).")
    return np.asarray(value, dtype)


def _fits(name: str, gradient: Any, like: np.ndarray) -> np.ndarray:
    """Return a gradient that must look as the states do."""
    if np.shape(gradient) != like.shape:
        raise ValueError(f"{name} has the shape {np.shape(gradient)}; expected {like.shape}, as the states.")
    return np.asarray(gradient, like.dtype)
