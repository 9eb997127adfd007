"""What a result must be, and how a difference is put into words without giving the right result away.

Each class below holds a right result. ``difference(got)`` returns ``None`` where ``got`` is as good, and else a
:class:`Difference`. Type, shape and dtype come before values, since they explain them. ``secrets()`` are the texts that
no feedback may contain; the tests hold every exercise to that.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

NOT_RIGHT = ", which is not right"
KINDS = {"f": "floats", "i": "integers", "u": "integers", "b": "truth values", "c": "complex numbers"}


@dataclass(frozen=True)
class Difference:
    """A learner's result (``shown``), and what our words say about it (``problem``); one follows the other."""

    shown: str
    problem: str = NOT_RIGHT


class Wanted(Protocol):
    """What the classes below have in common."""

    def difference(self, got: Any) -> Difference | None:
        """Say how ``got`` differs, or return ``None``."""

    def secrets(self) -> list[str]:
        """Return the texts that would give the right result away."""


def show(value: Any) -> str:
    """Return a learner's value in at most 60 characters, the same on every machine.

    >>> show(3.0), show(np.int64(3)), show([1, 2]), show(np.zeros((2, 3)))
    ('`3.0`', '`3`', '`[1, 2]`', 'an array of shape (2, 3)')
    """
    if isinstance(value, np.generic):
        value = value.item()
    if hasattr(value, "shape") and not isinstance(value, type):
        return f"an array of shape {tuple(value.shape)}"
    if isinstance(value, float):
        return f"`{value:.6g}`" if value != int_or_none(value) else f"`{value}`"
    if value is None or isinstance(value, bool | int | str | tuple | list | dict):
        text = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(repr(value).split())).replace("`", "'")
        return f"`{text}`" if len(text) <= 60 else f"`{text[:57]}...`"
    return f"{a(type(value).__name__)}"


def int_or_none(value: float) -> int | None:
    """Return a finite float as the integer it equals, or ``None``."""
    return int(value) if math.isfinite(value) and value == int(value) else None


def a(noun: str) -> str:
    """Return a noun with its article.

    >>> a("float"), a("int")
    ('a float', 'an int')
    """
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def as_array(value: Any) -> np.ndarray:
    """Return anything array-like as a NumPy array: torch and Keras tensors too, wherever they live."""
    for method in ("detach", "cpu"):
        value = getattr(value, method)() if callable(getattr(value, method, None)) else value
    return np.asarray(value)


def alike(one: Any, other: Any) -> bool:
    """Tell whether two results are the same numbers in the same shape; types are not compared.

    >>> alike(3, 3.0), alike([1.0, np.nan], np.array([1, np.nan])), alike((3, 1), (3, 2)), alike("a", "a")
    (True, True, False, True)
    """
    try:
        left, right = as_array(one), as_array(other)
        if left.dtype.kind in KINDS and right.dtype.kind in KINDS:
            return left.shape == right.shape and bool(np.allclose(left, right, rtol=1e-5, atol=1e-7, equal_nan=True))
        return bool(one == other)
    except Exception:  # noqa: BLE001  a learner's object may do anything when it is compared
        return False


def scalar(value: Any) -> Any:
    """Return the number inside an array or tensor of one element; anything else as it is."""
    if hasattr(value, "shape") and hasattr(value, "dtype") and tuple(value.shape) == ():
        return as_array(value).item()
    return value


@dataclass(frozen=True)
class Integer:
    """A whole number, exactly.

    >>> Integer(3).difference(3), Integer(3).difference(np.int64(3))
    (None, None)
    >>> Integer(3).difference(2.5)
    Difference(shown='`2.5`', problem=', a float; a whole number is asked for')
    """

    value: int

    def difference(self, got: Any) -> Difference | None:
        got = scalar(got)
        if isinstance(got, bool | np.bool_) or not isinstance(got, numbers.Integral):
            return Difference(show(got), f", {a(type(got).__name__)}; a whole number is asked for")
        return None if int(got) == self.value else Difference(show(got))

    def secrets(self) -> list[str]:
        return [str(self.value), f"{self.value:,}"]


@dataclass(frozen=True)
class Number:
    """A number, within a tolerance.

    >>> Number(0.25).difference(0.25000000001), Number(0.25, rel=0.05).difference(0.26)
    (None, None)
    >>> Number(0.25).difference(0.5)
    Difference(shown='`0.5`', problem=', which is not right')
    """

    value: float
    rel: float = 1e-6
    absolute: float = 1e-9

    def difference(self, got: Any) -> Difference | None:
        got = scalar(got)
        if isinstance(got, bool | np.bool_) or not isinstance(got, numbers.Real):
            return Difference(show(got), f", {a(type(got).__name__)}; a number is asked for")
        same = math.isclose(got, self.value, rel_tol=self.rel, abs_tol=self.absolute)
        return None if same else Difference(show(float(got)))

    def secrets(self) -> list[str]:
        return _spellings(self.value)


@dataclass(frozen=True)
class Shape:
    """A shape: a tuple of whole numbers.

    >>> Shape((26, 26, 32)).difference((28, 26, 32))
    Difference(shown='`(28, 26, 32)`', problem=': the number at place 0 is not right')
    """

    value: tuple[int, ...]

    def difference(self, got: Any) -> Difference | None:
        try:
            sizes = tuple(got)
        except TypeError:
            return Difference(show(got), f", {a(type(got).__name__)}; a shape is asked for, a tuple such as `(1, 2)`")
        if not all(isinstance(n, numbers.Integral) and not isinstance(n, bool) for n in sizes):
            return Difference(show(sizes), "; the numbers in it must be whole")
        sizes = tuple(map(int, sizes))
        if len(sizes) != len(self.value):
            return Difference(show(sizes), ": this is not the right number of axes")
        wrong = [place for place, (n, right) in enumerate(zip(sizes, self.value, strict=True)) if n != right]
        return Difference(show(sizes), f": the number at place {wrong[0]} is not right") if wrong else None

    def secrets(self) -> list[str]:
        inside = ", ".join(map(str, self.value))
        return [inside if len(self.value) > 1 else f"({inside},)", *(str(n) for n in self.value if n > 9)]


@dataclass(frozen=True)
class Pair(Shape):
    """Two whole numbers, in their order.

    >>> Pair((5, 3)).difference(8)
    Difference(shown='`8`', problem=', an int; two numbers are asked for, such as `(7, 4)`')
    """

    value: tuple[int, int]

    def difference(self, got: Any) -> Difference | None:
        if not isinstance(got, tuple | list | np.ndarray) or np.ndim(got) == 0:
            return Difference(show(got), f", {a(type(got).__name__)}; two numbers are asked for, such as `(7, 4)`")
        return super().difference(got) if len(got) == 2 else Difference(show(got), "; two numbers are asked for")


@dataclass(frozen=True)
class Array:
    """An array: dtype (only its kind, where one is given), shape, then values, within a tolerance.

    Parameters
    ----------
    value : array_like
    rel, absolute : float
        Tolerances.
    kind : str
        Letters of the dtype kinds that are allowed ("f" floats, "i" integers); empty for any numbers.

    Examples
    --------
    >>> Array([0.25, 0.75]).difference(np.array([0.25, 0.5])).shown
    'an array of shape (2,) with `0.5` at [1]'
    """

    value: Any
    rel: float = 1e-5
    absolute: float = 1e-7
    kind: str = ""

    def difference(self, got: Any) -> Difference | None:
        right = np.asarray(self.value)
        try:
            array = as_array(got)
        except Exception:  # noqa: BLE001  ragged lists and foreign objects: NumPy raises several kinds of errors
            return Difference(show(got), ", and NumPy can make no array of it")
        if array.dtype.kind not in KINDS:
            return Difference(show(got), f", {a(type(got).__name__)}; an array of numbers is asked for")
        shown = f"an array of shape {array.shape}" if array.ndim else show(got)
        if self.kind and array.dtype.kind not in self.kind:
            return Difference(shown, f" with the dtype {array.dtype}; {KINDS[self.kind[0]]} are asked for")
        if array.shape != right.shape:
            return Difference(shown, ", which is not the right shape")
        close = np.isclose(array, right, rtol=self.rel, atol=self.absolute, equal_nan=True)
        if close.all():
            return None
        place = tuple(int(i) for i in np.argwhere(~close)[0])
        return Difference(f"{shown} with {show(array[place])} at {list(place)}" if place else shown)

    def secrets(self) -> list[str]:
        values = np.unique(np.asarray(self.value).ravel())[:50]
        return [text for value in values for text in _spellings(float(value)) if len(text) > 2]


@dataclass(frozen=True)
class AtLeast:
    """A share that must reach a bound the statement names, such as an accuracy.

    >>> AtLeast(0.9).difference(0.42)
    Difference(shown='42.0 %', problem=', and at least 90 % are asked for')
    """

    bound: float

    def difference(self, got: Any) -> Difference | None:
        got = float(got)
        return None if got >= self.bound else Difference(f"{got:.1%}".replace("%", " %"), self.problem)

    @property
    def problem(self) -> str:
        """What is said of a share that is too small."""
        return f", and at least {self.bound * 100:g} % are asked for"

    def secrets(self) -> list[str]:
        return []


@dataclass(frozen=True)
class OneOf:
    """A word out of a few; capitals and spaces around it don't count.

    >>> OneOf("memory", ("memory", "arithmetic")).difference(" Memory "), OneOf("yes", ("yes", "no")).difference(1)
    (None, Difference(shown='`1`', problem='; the answer is one of these words: yes, no'))
    """

    value: str
    words: Sequence[str] = field(default=())

    def difference(self, got: Any) -> Difference | None:
        word = got.strip().lower() if isinstance(got, str) else None
        if self.words and word not in self.words:
            return Difference(show(got), f"; the answer is one of these words: {', '.join(self.words)}")
        return None if word == self.value else Difference(show(got))

    def secrets(self) -> list[str]:
        return [] if self.words else [self.value]


@dataclass(frozen=True)
class Filled:
    """A text that is not empty, and that has one of the words where some are given: a label or a title of a plot.

    Parameters
    ----------
    words : sequence of str
    lacks : str
        What is said of a text without any of the words; it follows the text.

    Examples
    --------
    >>> Filled(("epoch", "step")).difference("Epoch"), Filled().difference("")
    (None, Difference(shown='empty', problem=''))
    >>> Filled(("ms",), "the unit is missing").difference("time")
    Difference(shown="`'time'`", problem=': the unit is missing')
    """

    words: Sequence[str] = ()
    lacks: str = "it does not say what is drawn there"

    def difference(self, got: Any) -> Difference | None:
        text = str(got).strip()
        if not text:
            return Difference("empty", "")
        if self.words and not any(word.lower() in text.lower() for word in self.words):
            return Difference(show(text), f": {self.lacks}")
        return None

    def secrets(self) -> list[str]:
        return []


def _spellings(value: float) -> list[str]:
    """Return the ways in which a number could stand in a text."""
    whole = int_or_none(value)
    exact = [str(whole), f"{whole:,}"] if whole is not None else [repr(value)]
    rounded = [f"{value:.{digits}f}" for digits in (2, 3, 4)]
    return list(dict.fromkeys(exact + [text for text in rounded if float(text) != 0 or value == 0]))
