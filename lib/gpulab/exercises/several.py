"""For exercises whose result is several arrays, or anything without a fault, and not one number or one array.

>>> Got([np.ones(2), np.zeros(3)]) == Got([np.ones(2), np.zeros(3)])
True
>>> Holds(lambda value: "" if value > 0 else ", which is not positive").difference(-1).problem
', which is not positive'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpulab.exercises.cases import Mistake
from gpulab.exercises.compare import Difference, as_array, show


class Got:
    """What a learner's function returned, where that is several arrays: equal to another if all of them are.

    Attributes
    ----------
    value : object
        An array, or a list or tuple of such, to any depth.
    close : bool
        Let the arrays differ by rounding. One of the two that are compared is enough.
    """

    def __init__(self, value: Any, *, close: bool = False) -> None:
        self.value, self.close = value, close

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Got) and same(self.value, other.value, close=self.close or other.close)

    __hash__ = None


def same(one: Any, other: Any, *, close: bool = False) -> bool:
    """Tell whether arrays, or lists and tuples of them, are equal; but for rounding, if asked."""
    if isinstance(one, list | tuple):
        same_kind = isinstance(other, list | tuple) and len(one) == len(other)
        return same_kind and all(same(a, b, close=close) for a, b in zip(one, other, strict=True))
    left, right = as_array(one), as_array(other)
    if close:
        return left.shape == right.shape and bool(np.allclose(left, right, rtol=1e-5, atol=1e-7))
    return bool(np.array_equal(left, right))


def kept(function: Any, *, close: bool = False) -> Any:
    """Return a learner's function with its result as :class:`Got`; anything that is no function as it is."""
    if not callable(function):
        return function

    def call_and_keep(*call: Any) -> Any:
        value = function(*call)
        return None if value is None else Got(value, close=close)

    call_and_keep.__wrapped__ = function
    return call_and_keep


def of(test: Callable[[Any], bool]) -> Callable[[Got], bool]:
    """Return a test of a value as a test of a :class:`Got`."""
    return lambda got: test(got.value)


@dataclass(frozen=True)
class Holds:
    """Anything without a fault; ``faults(value)`` says in words which one there is, or returns an empty string.

    Attributes
    ----------
    faults : callable
    unshown : tuple of type
        A result of such a kind is named by its kind, and not shown.
    """

    faults: Callable[[Any], str]
    unshown: tuple[type, ...] = (tuple, dict)

    def difference(self, got: Any) -> Difference | None:
        """Return the fault, if there is one."""
        if got is None:
            return Difference("nothing")
        got = got.value if isinstance(got, Got) else got
        fault = self.faults(got)
        shown = f"a {type(got).__name__}" if isinstance(got, self.unshown) else show(got)
        return Difference(shown, fault) if fault else None

    def secrets(self) -> list[str]:
        """Return nothing: there is no one right result to give away."""
        return []


@dataclass(frozen=True)
class AllTrue:
    """A list of truth values, of which some must hold; the first that does not is named.

    Attributes
    ----------
    otherwise : mapping of int to str
        For the place of each that must hold, in order: what is said where it does not.
    """

    otherwise: Mapping[int, str]

    def difference(self, got: Any) -> Difference | None:
        """Return the first that does not hold, if there is one."""
        if not isinstance(got, list):
            return Difference(show(got), "; a network is asked for")
        return next((Difference(said, "") for k, said in self.otherwise.items() if not got[k]), None)

    def secrets(self) -> list[str]:
        """Return nothing: there is no answer to give away."""
        return []


def first_false(hints: Mapping[int, str]) -> list[Mistake]:
    """Return a mistake for each truth value that must hold: it is false, and those before it are true."""
    return [
        Mistake(hint, when=lambda got, k=k: not got[k] and all(got[j] for j in hints if j < k))
        for k, hint in hints.items()
    ]
