"""The reference recurrent networks: read a sequence of any length, keep the last state, answer with a dense layer.

The skeleton, for tokens and for vectors::

    tokens (n, T)          vectors (n, T, features)
    embedding              (n, T, features)            only with a vocabulary
    recurrent layers       (n, units)                  the state after the last step that is not padding
    dense layer            (n, outputs) logits         no sigmoid and no softmax: the loss has it

Both frameworks skip a step that is padding, a token 0 or a vector of zeros only: the state passes it unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gpulab.models import recurrent_keras, recurrent_torch

CELLS = ("rnn", "lstm", "gru")
RECURRENT: Mapping[str, Callable[..., Any]] = {"torch": recurrent_torch.build, "keras": recurrent_keras.build}


def reference_rnn(
    framework: str,
    cell: str = "rnn",
    *,
    features: int = 10,
    vocabulary: int = 0,
    units: int = 64,
    outputs: int = 1,
    layers: int = 1,
    bidirectional: bool = False,
    dropout: float = 0.0,
    masked: bool = True,
) -> Any:
    """Return one of the course's reference recurrent networks with fresh weights.

    With the defaults it is the network that many first examples show, a ``SimpleRNN(64)`` or an ``LSTM(64)`` on inputs
    of shape (None, 10) with one output. Theirs ends with a sigmoid. Ours returns the logit: train it with
    ``loss="binary_cross_entropy"``, which has the sigmoid inside, and answer "yes" where the logit is above 0. With
    more than one output train it with ``"cross_entropy"``.

    Parameters
    ----------
    framework : {"torch", "keras"}
    cell : {"rnn", "lstm", "gru"}
        "rnn" is the plain one, with tanh. The GRU is the one that both frameworks share (``reset_after=True``).
    features : int
        Width of a step: of the vectors in x, or, with a vocabulary, of the embedding.
    vocabulary : int
        0: x is (n, T, features), float. More: x is (n, T), whole numbers below it; 0 is the padding.
    units : int
        Width of the state, in each direction.
    outputs : int
        Logits: 1 for two classes, else one a class.
    layers : int
        Recurrent layers on top of each other.
    bidirectional : bool
        Each layer reads the sequence in both directions; their states are put side by side.
    dropout : float
        Share of the numbers that are set to zero, in training, in what each recurrent layer hands on.
    masked : bool
        False: padding is read like data. For comparisons.

    Returns
    -------
    torch.nn.Module or keras.Model
        Takes any number of steps. Seed the framework first (``torch.manual_seed``, ``keras.utils.set_random_seed``) for
        the same weights again.

    Raises
    ------
    ValueError
        A name is not known, or a number is out of range.

    Notes
    -----
    Padding may stand at the end or at the front. Put it at the end: only then can Keras use cuDNN on a GPU. As with
    Keras' ``Masking(0.0)``, *every* step of zeros is skipped, a measured one in the middle, too. If an exact zero is a
    value like others in your data, say so with ``masked=False``.

    The weights start in both frameworks as they do in Keras, so that a difference comes from something else: inputs as
    in [1]_, the square matrices of the states orthogonal [2]_, biases 0, those of an LSTM's forget gates 1 [3]_. Only
    the embedding starts as in PyTorch, standard normal.

    The counts differ a little: PyTorch's RNN and LSTM have two biases where Keras has one (see
    :mod:`gpulab.models.convert`). The outputs are equal.

    References
    ----------
    .. [1] Glorot and Bengio, 2010. .. [2] Saxe et al., 2014. .. [3] Jozefowicz et al., 2015.

    Examples
    --------
    >>> reference_rnn("torch", "transformer")
    Traceback (most recent call last):
    ...
    ValueError: There is no cell 'transformer'. Choose one of: rnn, lstm, gru.
    """
    if framework not in RECURRENT:
        raise ValueError(
            f"There is no framework {framework!r} in the course. Choose one of: {', '.join(sorted(RECURRENT))}."
        )
    if cell not in CELLS:
        raise ValueError(f"There is no cell {cell!r}. Choose one of: {', '.join(CELLS)}.")
    for name, number, what in (
        ("features", features, "the width of one step"),
        ("units", units, "the width of the state"),
        ("outputs", outputs, "the number of logits: 1 for two classes, else one a class"),
        ("layers", layers, "the recurrent layers on top of each other"),
    ):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ValueError(f"{name}={number!r}: expected a whole number of at least 1, {what}.")
    if isinstance(vocabulary, bool) or not isinstance(vocabulary, int) or vocabulary < 0 or vocabulary == 1:
        raise ValueError(
            f"vocabulary={vocabulary!r}: expected 0 for vectors, or the number of tokens, "
            "at least 2: the padding and one more."
        )
    if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise ValueError(f"dropout={dropout!r}: expected a share from 0 to below 1, such as 0.2.")
    for name, flag in (("bidirectional", bidirectional), ("masked", masked)):
        if flag not in (True, False):
            raise ValueError(f"{name}={flag!r}: expected True or False.")
    build = RECURRENT[framework]
    return build(cell, features, vocabulary, units, outputs, layers, bool(bidirectional), float(dropout), bool(masked))
