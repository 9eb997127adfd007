"""The course's networks, in PyTorch and in Keras, the same on both sides; weights go from one to the other by file.

>>> from gpulab.models import KNOWN
>>> sorted(KNOWN)
['keras', 'torch']
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gpulab.models import cnn_keras, cnn_torch
from gpulab.models.convert import WeightsError, load_weights, save_weights
from gpulab.models.framework import framework_of, parameter_count
from gpulab.models.recurrent import reference_rnn
from gpulab.models.small import small

__all__ = [
    "KNOWN",
    "WeightsError",
    "framework_of",
    "load_weights",
    "parameter_count",
    "reference_cnn",
    "reference_rnn",
    "save_weights",
    "small",
]

KNOWN: Mapping[str, Callable[[], Any]] = {"torch": cnn_torch.reference_cnn, "keras": cnn_keras.reference_cnn}


def reference_cnn(framework: str) -> Any:
    """Return the course's reference CNN with fresh weights: 28 x 28 x 1 in, 10 logits out, 93,322 parameters.

    Parameters
    ----------
    framework : {"torch", "keras"}

    Returns
    -------
    torch.nn.Module or keras.Model
        Seed the framework first (``torch.manual_seed``, ``keras.utils.set_random_seed``) for the same weights again.

    Raises
    ------
    ValueError
        The name of the framework is not known.

    Examples
    --------
    >>> reference_cnn("jax")
    Traceback (most recent call last):
    ...
    ValueError: There is no framework 'jax' in the course. Choose one of: keras, torch.
    """
    if framework not in KNOWN:
        raise ValueError(
            f"There is no framework {framework!r} in the course. Choose one of: {', '.join(sorted(KNOWN))}."
        )
    return KNOWN[framework]()
