"""Which framework a model belongs to, found out without importing one."""

from __future__ import annotations

import math
from typing import Any


def origins(thing: object) -> set[str]:
    """Return the names of the packages that an object's classes come from.

    Examples
    --------
    >>> import numpy as np
    >>> "numpy" in origins(np.zeros(3))
    True
    """
    return {parent.__module__.split(".")[0] for parent in type(thing).__mro__}


def framework_of(model: object) -> str:
    """Return ``"torch"`` for a torch module and ``"keras"`` for a Keras model.

    Raises
    ------
    TypeError
        It is neither.

    Examples
    --------
    >>> framework_of([1, 2])
    Traceback (most recent call last):
    ...
    TypeError: The model is a list; expected a torch.nn.Module or a keras.Model.
    """
    found = origins(model)
    if "keras" in found and hasattr(model, "trainable_variables"):  # asked first: Keras can run on top of torch
        return "keras"
    if "torch" in found and hasattr(model, "named_parameters"):
        return "torch"
    if isinstance(model, type):
        raise TypeError(f"The model is the class {model.__name__} itself; expected a model: {model.__name__}(...).")
    raise TypeError(f"The model is a {type(model).__name__}; expected a torch.nn.Module or a keras.Model.")


def parameter_count(model: Any, *, trainable: bool = False) -> int:
    """Return how many numbers a model has learned or will learn; only those that training changes, if asked."""
    if framework_of(model) == "keras":
        return sum(math.prod(v.shape) for v in (model.trainable_variables if trainable else model.weights))
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)
