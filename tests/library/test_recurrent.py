"""The reference recurrent networks: bad arguments get one clear message, before a framework is loaded."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from gpulab.models import reference_rnn


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"framework": "jax"}, "no framework 'jax' in the course. Choose one of: keras, torch"),
        ({"cell": "mgu"}, "no cell 'mgu'. Choose one of: rnn, lstm, gru"),
        ({"units": 0}, "units=0: expected a whole number of at least 1"),
        ({"features": 2.5}, "features=2.5: expected a whole number"),
        ({"outputs": True}, "outputs=True: expected a whole number"),
        ({"layers": -1}, "layers=-1: expected a whole number"),
        ({"vocabulary": 1}, "vocabulary=1: expected 0 for vectors, or the number of tokens"),
        ({"vocabulary": -3}, "vocabulary=-3: expected 0"),
        ({"dropout": 1.0}, "dropout=1.0: expected a share from 0 to below 1"),
        ({"dropout": "high"}, "dropout='high': expected a share"),
        ({"bidirectional": "yes"}, "bidirectional='yes': expected True or False"),
        ({"masked": 2}, "masked=2: expected True or False"),
    ],
)
def test_a_bad_argument_is_named(wrong: dict[str, Any], words: str) -> None:
    before = set(sys.modules)
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        reference_rnn(**{"framework": "torch", **wrong})
    assert not {"torch", "keras"} & (set(sys.modules) - before)
