"""The cases of a check, from the smallest to the largest: one builder for each kind of exercise.

================  =====================================================================================
kind              what yields its cases
================  =====================================================================================
a value, a shape  :func:`value` with ``Integer``, ``Number``, ``OneOf``, ``Shape`` or ``Array``
a function        :func:`called`, once for each input
a trained model   :func:`trained`
a plot's data     :func:`plotted`
a repaired cell   :func:`called`; the exercise names the ``broken`` function that was handed out
================  =====================================================================================
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpulab.exercises.compare import Array, AtLeast, Difference, Filled, Wanted, a, alike, as_array, show
from gpulab.exercises.running import quiet


@dataclass(frozen=True)
class Mistake:
    """A typical mistake and its hint.

    Attributes
    ----------
    hint : str
        Where to look. It names the idea that is missing, never the result.
    gives : object, optional
        What the mistake leads to: a value, or for functions a function with the mistake in it.
    when : callable, optional
        In place of ``gives``: tells from a result whether this mistake was made.
    """

    hint: str
    gives: Any = None
    when: Callable[[Any], bool] | None = None


@dataclass(frozen=True)
class Case:
    """One thing that is tested.

    Attributes
    ----------
    label : str
        The input in a few words: the subject of the sentence that tells of a failure.
    run : callable
        Runs the learner's code and returns the result. No arguments.
    wanted : Wanted
        What the result must be.
    mistakes : sequence of Mistake
    hint : str
        Where no mistake fits.
    verb : str
        Between the label and the result: "returns", "is".
    given : tuple, optional
        The arguments of the call, for the mistakes that are functions: positional ones and named ones.
    side_effect : callable, optional
        After ``run``: what the call did that it must not do, or an empty string.
    retry : str
        After an error: where the learner can see it happen.
    """

    label: str
    run: Callable[[], Any]
    wanted: Wanted
    mistakes: Sequence[Mistake] = ()
    hint: str = ""
    verb: str = "returns"
    given: tuple[tuple[Any, ...], Mapping[str, Any]] | None = None
    side_effect: Callable[[], str] = field(default=lambda: "")
    retry: str = ""

    def shows(self, mistake: Mistake, got: Any) -> bool:
        """Tell whether a result is what a mistake leads to."""
        try:
            with quiet():
                if mistake.when is not None:
                    return bool(mistake.when(got))
                return alike(got, self.expected_of(mistake.gives))
        except Exception:  # noqa: BLE001  the mistake does not work on this input, or on this result
            return False

    def expected_of(self, thing: Any) -> Any:
        """Return what a function gives for this case's input; a value as it is."""
        if self.given is None or not callable(thing):
            return thing
        arguments, named = copy.deepcopy(self.given)
        return thing(*arguments, **named)


def value(
    answer: Any, wanted: Wanted, *, mistakes: Sequence[Mistake] = (), hint: str, label: str = ""
) -> Iterator[Case]:
    """Yield the one case of a value or a shape.

    Parameters
    ----------
    answer : object
        The learner's.
    wanted : Wanted
    mistakes : sequence of Mistake
        Each with the value it leads to.
    hint : str
        Where no mistake fits.
    label : str
        What the value is, where the learner gave more than one.
    """
    if callable(answer) and not hasattr(answer, "shape"):
        hint = "The answer is a function. Call it, and hand in what it returns."
    yield Case(label or "Your answer", lambda: answer, wanted, mistakes, hint, verb="is")


def called(
    function: Any,
    call: tuple[Any, ...],
    wanted: Wanted,
    *,
    name: str,
    mistakes: Sequence[Mistake] = (),
    hint: str,
    label: str = "",
    verb: str = "returns",
    given: str = "",
    **named: Any,
) -> Iterator[Case]:
    """Yield the case of one call of a learner's function; its arguments are copies, and it must not change them.

    Parameters
    ----------
    function : callable
        The learner's. Anything else fails with a hint.
    call : tuple
        The positional arguments; ``named`` are the others.
    wanted : Wanted
        What it must return.
    name : str
        What the statement calls the function.
    mistakes : sequence of Mistake
        Each with a function that has the mistake in it, or with ``when``.
    hint : str
        Where no mistake fits.
    label : str
        The input in words, where the arguments are too long to be shown.
    verb : str
        Between the label and the result, where the label is no subject that returns something: "is".
    given : str
        What the learner's function is called with, in words, where it is not the arguments of this call.
    """
    if not callable(function):
        hint = f"Hand in the function itself, `{name}`, without parentheses."
        yield Case("Your answer", lambda: function, _Callable(), hint=hint, verb="is")
        return
    shown = ", ".join([*map(_argument, call), *(f"{key}={_argument(item)}" for key, item in named.items())])
    used: list[Any] = []

    def run() -> Any:
        used[:] = copy.deepcopy((call, named))  # anew each time: a function may change what it gets
        arguments, keywords = used
        return function(*arguments, **keywords)

    def side_effect() -> str:
        return "" if _unchanged([call, named], used) else "it changes the argument that it is given"

    retry = "Try this input in a cell of its own."
    if label or "<" in shown:  # the label does not show all of the input
        retry = f"Call `{name}` in a cell of its own, with {given or _in_words(call, named)}: it stops there, too."
    label = label or f"`{name}({shown})`"
    yield Case(label, run, wanted, mistakes, hint, verb, (call, named), side_effect, retry)


def trained(
    model: Any, data: Callable[[], Any], accuracy: float, *, on: str, mistakes: Sequence[Mistake] = (), hint: str
) -> Iterator[Case]:
    """Yield the case of a trained model: its accuracy on data that the learner did not train on.

    Parameters
    ----------
    model : torch.nn.Module or keras.Model
        The learner's.
    data : callable
        Returns a split or a pair (x, y); loaded only when it is needed.
    accuracy : float
        What the statement asks for.
    on : str
        The data in words: "the test images".
    """

    def measure() -> float:
        from gpulab.train import evaluate

        return evaluate(model, data())["accuracy"]

    retry = "Give your network and the validation part to `evaluate`, in a cell of its own: it stops there, too."
    yield Case(f"The accuracy on {on}", measure, AtLeast(accuracy), mistakes, hint, verb="is", retry=retry)


def plotted(
    answer: Any,
    *,
    lines: Sequence[tuple[str, Any, Any]] = (),
    xlabel: Sequence[str] | Filled | None = None,
    ylabel: Sequence[str] | Filled | None = None,
    title: Sequence[str] | Filled | None = None,
    rel: float = 1e-5,
    mistakes: Sequence[Mistake] = (),
    hint: str,
    x_hint: str = "",
) -> Iterator[Case]:
    """Yield the cases of a plot: its lines' data, then its labels. Matplotlib is not imported.

    Parameters
    ----------
    answer : matplotlib Axes
        The learner's; a figure with one plot in it will do.
    lines : sequence of (name, x, y)
        What must be drawn, in the order of drawing. The name is for the feedback: "the training loss".
    xlabel, ylabel, title : sequence of str or Filled, optional
        The text must be there, with one of these words if any are given; ``None`` asks for nothing.
    mistakes : sequence of Mistake
        About the lines' x or y.
    hint, x_hint : str
        Where no mistake fits: about the lines' y, and about their x if that needs another one.
    """
    axes = axes_of(answer)
    if axes is None:
        advice = "Hand in the axes that you drew on: `ax` in `figure, ax = plt.subplots()`."
        yield Case("Your answer", lambda: answer, _Axes(), hint=advice, verb="is")
        return
    drawn = axes.get_lines()
    advice = "Each thing that the exercise asks for is a line of its own, drawn with `ax.plot`."
    yield Case("The number of lines", lambda: len(drawn), _Enough(len(lines)), hint=advice, verb="is")
    for line, (name, x, y) in zip(drawn, lines, strict=False):
        swapped = Mistake("x and y are changed over: `ax.plot` takes x first.", gives=y)
        yield Case(
            f"The x data of {name}", line.get_xdata, Array(x, rel=rel), [swapped, *mistakes], x_hint or hint, verb="is"
        )
        yield Case(f"The y data of {name}", line.get_ydata, Array(y, rel=rel), mistakes, hint, verb="is")
    for what, words, read in (
        ("label of the x axis", xlabel, axes.get_xlabel),
        ("label of the y axis", ylabel, axes.get_ylabel),
        ("title", title, axes.get_title),
    ):
        if words is not None:
            advice = "A reader who sees only the picture must know what it shows, and in which unit."
            wanted = words if isinstance(words, Filled) else Filled(words)
            yield Case(f"The {what}", read, wanted, hint=advice, verb="is")


def axes_of(answer: Any) -> Any:
    """Return the axes that a learner handed in: as they are, of a figure with one plot, of drawn lines; or ``None``."""
    if isinstance(answer, list | tuple | np.ndarray) and len(answer):
        answer = answer[0]
    if hasattr(answer, "get_lines") and hasattr(answer, "get_xlabel"):
        return answer
    inner = getattr(answer, "axes", None)  # a figure's list, or a line's axes
    if isinstance(inner, list):
        return inner[0] if len(inner) == 1 else None
    return inner if hasattr(inner, "get_lines") else None


class _Callable:
    """Anything that can be called."""

    def difference(self, got: Any) -> Difference | None:
        return Difference(show(got), f", {a(type(got).__name__)}; a function is asked for")

    def secrets(self) -> list[str]:
        return []


class _Axes(_Callable):
    """The axes of a plot."""

    def difference(self, got: Any) -> Difference | None:
        return Difference(a(type(got).__name__), "; the axes of a plot are asked for")


@dataclass(frozen=True)
class _Enough:
    """At least so many."""

    least: int

    def difference(self, got: int) -> Difference | None:
        return None if got >= self.least else Difference(show(got), ", and more are asked for")

    def secrets(self) -> list[str]:
        return []


def _argument(thing: Any) -> str:
    """Return an argument as it could stand in code, if it is short."""
    if isinstance(thing, np.ndarray):
        return f"<array of shape {thing.shape}>"
    text = repr(thing)
    return text if len(text) <= 40 else f"<{type(thing).__name__}>"


def _in_words(call: tuple[Any, ...], named: Mapping[str, Any]) -> str:
    """Return the arguments of a call as a list in words.

    >>> _in_words((np.zeros((2, 3)), 4, print), {"stride": 2})
    'an array of shape (2, 3), `4`, a builtin_function_or_method and stride `2`'
    """
    words = [*map(show, call), *(f"{key} {show(item)}" for key, item in named.items())]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _unchanged(before: Any, after: Any) -> bool:
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_unchanged(before[key], after[key]) for key in before)
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(_unchanged, before, after))
    if hasattr(before, "shape"):
        one, other = as_array(before), as_array(after)
        return one.shape == other.shape and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return not isinstance(before, int | float | str) or before == after
