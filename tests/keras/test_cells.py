"""The NumPy cells give Keras' outputs and all of its gradients, after the gates are put into the other order."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from gpulab.models import cells

N, T, FEATURES, UNITS = 4, 7, 3, 5
# Keras' place of each gate: which of PyTorch's gates stands there.
ORDER = {"rnn": [0], "lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}
LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
VARIANTS = [("rnn", True), ("lstm", True), ("gru", True), ("gru", False)]


def to_keras(kind: str, weights: dict[str, np.ndarray], reset_after: bool) -> list[np.ndarray]:
    """Return kernel, recurrent kernel and bias: transposed, and the gates in Keras' order."""
    moved = {}
    for name, array in weights.items():
        pieces = np.split(array, len(cells.GATES[kind]))
        moved[name] = np.concatenate([pieces[gate] for gate in ORDER[kind]]).T
    both = np.stack([moved["bias_ih"], moved["bias_hh"]])
    bias = both if kind == "gru" and reset_after else both.sum(axis=0)
    return [moved["weight_ih"], moved["weight_hh"], bias]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("kind", "reset_after"), VARIANTS)
def test_outputs_and_gradients_are_keras(kind: str, reset_after: bool, masked: bool) -> None:
    rng = np.random.default_rng(0)
    weights = {name: 2 * array for name, array in cells.fresh(kind, FEATURES, UNITS).items()}
    if not (kind == "gru" and reset_after):
        weights["bias_hh"][:] = 0  # Keras has one bias there
    x, h0, c0 = rng.normal(size=(N, T, FEATURES)), rng.normal(size=(N, UNITS)), rng.normal(size=(N, UNITS))
    factors = rng.normal(size=(N, T, UNITS))
    ends = np.array([7, 2, 5, 1]) if masked else np.full(N, T)
    mask = np.arange(T) < ends[:, None]

    options = {"reset_after": reset_after} if kind == "gru" else {}
    layer = LAYERS[kind](UNITS, return_sequences=True, dtype="float64", **options)
    layer.build((None, T, FEATURES))
    layer.set_weights(to_keras(kind, weights, reset_after))
    leaves = [tf.constant(array) for array in (x, h0, c0)]
    with tf.GradientTape() as tape:
        for leaf in leaves:
            tape.watch(leaf)
        start = leaves[1:] if kind == "lstm" else [leaves[1]]
        out = layer(leaves[0], initial_state=start, mask=tf.constant(mask) if masked else None)
        loss = tf.reduce_sum(out * factors)
    slopes = tape.gradient(loss, [*leaves[: 1 + len(start)], *layer.trainable_variables])
    slopes = [slope.numpy() for slope in slopes]

    record = cells.run(kind, weights, x, ends, h0=h0, c0=c0, reset_after=reset_after)
    found = cells.gradients(record, factors)
    assert np.allclose(record.h, out.numpy(), rtol=0, atol=1e-12)
    ours = [found["x"], found["h0"]] + ([found["c0"]] if kind == "lstm" else [])
    one_bias = not (kind == "gru" and reset_after)
    slopes_of = {name: found[name] * (0 if name == "bias_hh" and one_bias else 1) for name in weights}
    kernel, recurrent, bias = to_keras(kind, slopes_of, reset_after)
    for mine, theirs in zip([*ours, kernel, recurrent, bias], slopes, strict=True):
        assert mine.shape == theirs.shape and np.allclose(mine, theirs, rtol=0, atol=1e-10)
