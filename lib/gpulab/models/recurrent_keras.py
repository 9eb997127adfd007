"""The reference recurrent networks in Keras; :mod:`gpulab.models.recurrent` says what they are.

Layers have the names of their partners in PyTorch, so that :mod:`gpulab.models.convert` finds them: ``rnn_l0`` is layer
0 of PyTorch's ``rnn``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def build(
    cell: str,
    features: int,
    vocabulary: int,
    units: int,
    outputs: int,
    layers: int,
    bidirectional: bool,
    dropout: float,
    masked: bool,
) -> keras.Sequential:
    """Return the network: (n, T, features) or, with a vocabulary, (n, T) in; (n, outputs) logits out."""
    import keras
    from keras import layers as kl

    kind = {"rnn": kl.SimpleRNN, "lstm": kl.LSTM, "gru": kl.GRU}[cell]
    model = keras.Sequential(name="reference_rnn")
    if vocabulary:
        model.add(keras.Input((None,), dtype="int64"))
        start = keras.initializers.RandomNormal(stddev=1.0)
        model.add(kl.Embedding(vocabulary, features, start, mask_zero=masked, name="embedding"))
    else:
        model.add(keras.Input((None, features)))
        if masked:
            model.add(kl.Masking(0.0, name="masking"))
    for depth in range(layers):
        above = depth < layers - 1  # a layer above wants the state of every step, the dense layer only the last
        if bidirectional:
            inner = kind(units, return_sequences=above, name=f"rnn_l{depth}_one_way")
            model.add(kl.Bidirectional(inner, name=f"rnn_l{depth}"))
        else:
            model.add(kind(units, return_sequences=above, name=f"rnn_l{depth}"))
        if dropout:
            model.add(kl.Dropout(dropout, name=f"dropout_l{depth}"))
    model.add(kl.Dense(outputs, name="head"))
    return model
