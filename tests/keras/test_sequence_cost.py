"""What a sequence costs, Keras: the loop computes what the layer does, and every case runs."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from benchmarks.sequence_cost import keras_side
from benchmarks.sequence_cost.cases import LOOPS, WIDTH, Case


def test_a_loop_over_the_cell_is_the_layer() -> None:
    layer = layers.LSTM(WIDTH, return_sequences=True)
    layer.build((None, None, WIDTH))
    x = tf.random.stateless_normal((2, 4, WIDTH), seed=(0, 0))
    np.testing.assert_allclose(keras_side._cells(layer.cell)(x), layer(x), atol=1e-5)


@pytest.mark.parametrize("kind", ["lstm", "transformer", *LOOPS["keras"][1:]])
def test_a_case_runs(kind: str) -> None:
    gradients = keras_side.build(Case("length", kind, "training", 3, 2))()
    assert gradients[0].shape == (2, 3, WIDTH)


@pytest.mark.parametrize(("kind", "earlier"), [("lstm", 0), ("transformer", 4)])
def test_one_more_token_has_an_answer(kind: str, earlier: int) -> None:
    found = keras_side.build(Case("stream", kind, "forward", earlier, 1))()
    assert np.shape(found[0] if isinstance(found, list | tuple) else found) == (1, WIDTH)
