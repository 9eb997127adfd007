"""The register of exercises, and ``check``: cases in, verdict out."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from gpulab.exercises.cases import Case, Mistake
from gpulab.exercises.running import Outcome, TooLong, attempt, explain, is_stub, same_code, unwritten
from gpulab.exercises.verdict import NOT_ANSWERED, PASSED, WRONG, Verdict

Kind = Literal["value", "function", "shape", "trained model", "plot", "repaired"]
Framework = Literal["torch", "keras"]
# The modules that hold exercises, one a part of the course: gpulab.exercises.cnn has those named "cnn/...".
CONTENT = ("cnn", "gpu", "rnn", "transfer")
NAME = re.compile(r"[a-z]+/[a-z]+(?:-[a-z]+)*")
SECONDS = 10.0


@dataclass(frozen=True)
class Exercise:
    """A registered exercise; see :func:`exercise` for what the fields mean."""

    name: str
    kind: Kind
    asks: str
    cases: Callable[[Any], Iterator[Case]]
    needs: tuple[Framework, ...] = ()
    broken: Callable[..., Any] | None = None
    seconds: float = SECONDS


_register: dict[str, Exercise] = {}


def exercise(
    name: str,
    kind: Kind,
    asks: str,
    *,
    needs: tuple[Framework, ...] = (),
    broken: Callable[..., Any] | None = None,
    seconds: float = SECONDS,
) -> Callable[[Callable[[Any], Iterator[Case]]], Callable[[Any], Iterator[Case]]]:
    """Register the decorated function as the check of an exercise.

    Parameters
    ----------
    name : str
        "part/topic", in small letters, without numbers: "cnn/output-size".
    kind : {"value", "function", "shape", "trained model", "plot", "repaired"}
    asks : str
        What the learner hands in, to be read after "asks for": "a whole number".
    needs : tuple of {"torch", "keras"}
        The frameworks it can be solved in; empty where NumPy is enough. Its tests run where these are installed.
    broken : callable, optional
        For "repaired": the function that was handed out. An answer of the same lines that does the same is none yet.
    seconds : float
        Time for one case.

    Raises
    ------
    ValueError
        The name or the kind is not allowed, or the name is taken.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f'{name!r} is no name for an exercise; write it like "cnn/output-size", without numbers.')
    if kind not in get_args(Kind):
        raise ValueError(f"{kind!r} is no kind of exercise; one of {', '.join(get_args(Kind))}.")
    if name in _register:
        raise ValueError(f"There are two exercises named {name!r}.")

    def decorate(cases: Callable[[Any], Iterator[Case]]) -> Callable[[Any], Iterator[Case]]:
        _register[name] = Exercise(name, kind, asks, cases, needs, broken, seconds)
        return cases

    return decorate


def exercises() -> dict[str, Exercise]:
    """Return all exercises of the course by name."""
    for module in CONTENT:
        importlib.import_module(f"gpulab.exercises.{module}")
    return dict(sorted(_register.items()))


def find(name: str) -> Exercise:
    """Return the exercise of that name.

    Raises
    ------
    TypeError, ValueError
        It is no name, or no exercise has it; the message lists the closest ones.
    """
    if not isinstance(name, str):
        raise TypeError('The first argument of check is the name of the exercise: check("cnn/output-size", answer).')
    known = exercises()
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or list(known)
    raise ValueError(f"There is no exercise {name!r}. Did you mean {' or '.join(map(repr, close))}?")


def check(name: str, answer: Any) -> Verdict:
    """Check an answer and say at once how it is: not answered, not right yet with a hint, or passed.

    It never shows the right answer.

    Parameters
    ----------
    name : str
        The exercise, as its statement writes it: "cnn/output-size".
    answer : object
        What the exercise asks for. ``...``, ``None`` and a function that raises ``NotImplementedError`` are no answer.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        No exercise has this name; the message lists the closest ones.

    Examples
    --------
    >>> check("cnn/keep-size", ...)
    Not answered yet: cnn/keep-size.
    The exercise asks for a whole number.
    >>> check("cnn/keep-size", 2)
    Not right yet: cnn/keep-size.
    Your answer is `2`, which is not right.
    Hint: With dilation there are gaps between the pixels that a window reads. How far does it reach?
    """
    found = find(name)
    if is_unanswered(answer):
        return _unanswered(found)
    return examine(found, list(found.cases(answer)), answer)


def is_unanswered(answer: Any) -> bool:
    """Tell whether an answer is still the placeholder it was handed out with.

    >>> is_unanswered(...), is_unanswered((..., 3)), is_unanswered(0)
    (True, True, False)
    """
    parts = answer if isinstance(answer, list | tuple) else [answer]
    return any(part is Ellipsis or part is None for part in parts)


def examine(found: Exercise, cases: list[Case], answer: Any = None) -> Verdict:
    """Try the cases in order, and tell of the first that fails.

    An answer that does what was handed out to be repaired is no answer, unless its lines were changed.
    """
    for position, case in enumerate(cases):
        outcome = attempt(case.run, found.seconds)
        if outcome.error is not None and is_stub(outcome.error):
            other = unwritten(outcome.error)
            return _calls_a_placeholder(found, other) if other else _unanswered(found)
        verdict = _judge(found, case, outcome, cases[position + 1 :])
        if verdict is not None:
            return _unanswered(found) if _is_still_broken(found, cases, answer) else verdict
    count = f"All {len(cases)} cases are right." if len(cases) > 1 else ""
    return Verdict(found.name, PASSED, count)


def _unanswered(found: Exercise) -> Verdict:
    return Verdict(found.name, NOT_ANSWERED, f"The exercise asks for {found.asks}.")


def _calls_a_placeholder(found: Exercise, name: str) -> Verdict:
    message = f"Your answer calls `{name}`, which is not written yet."
    return Verdict(found.name, WRONG, message, f"Write `{name}` first, or do without it.")


def _judge(found: Exercise, case: Case, outcome: Outcome, later: list[Case]) -> Verdict | None:
    """Return what is wrong with one case, or ``None``."""
    subject = case.label[:1].upper() + case.label[1:] if case.label[:1].islower() else case.label
    if outcome.error is not None:
        story = explain(outcome.error, found.seconds)
        endless = isinstance(outcome.error, TooLong)
        hint = "Which step makes the loop end?" if endless else case.retry or f"The exercise asks for {found.asks}."
        subject = subject if case.verb == "returns" else f"{subject} cannot be computed: the code"
        return Verdict(found.name, WRONG, f"{subject} {story}.", hint)
    got = outcome.value
    difference = case.wanted.difference(got)
    if difference is None:
        done = case.side_effect()
        hint = "Work on a copy: the caller still needs the argument as it was."
        return Verdict(found.name, WRONG, f"{subject}: {done}.", hint, done) if done else None
    if got is None and (case.verb == "returns" or case.given is not None):
        advice = "It prints the result. Return it." if outcome.printed else "Is a `return` missing?"
        subject = subject if case.verb == "returns" else f"{subject}: the function"
        return Verdict(found.name, WRONG, f"{subject} returns nothing.", advice)
    message = f"{subject} {case.verb} {difference.shown}{difference.problem}."
    hint = _hint(case, got, later, found.seconds)
    return Verdict(found.name, WRONG, message, hint, difference.problem)


def _hint(case: Case, got: Any, later: list[Case], seconds: float) -> str:
    """Return the hint of the mistake that explains a result; where several do, of the one that explains most cases."""
    fitting = [mistake for mistake in case.mistakes if case.shows(mistake, got)]
    if len(fitting) > 1:
        outcomes = [(other, attempt(other.run, seconds)) for other in later]
        fitting.sort(key=lambda mistake: -_explained(mistake, outcomes))
    return fitting[0].hint if fitting else case.hint


def _explained(mistake: Mistake, outcomes: Iterable[tuple[Case, Outcome]]) -> int:
    return sum(case.shows(mistake, outcome.value) for case, outcome in outcomes if outcome.error is None)


def _is_still_broken(found: Exercise, cases: list[Case], answer: Any) -> bool:
    """Tell whether the answer is the function that was handed out to be repaired."""
    if found.broken is None or (answer is not None and not same_code(answer, found.broken)):
        return False
    return _behaves_like(found.broken, cases, found.seconds)


def _behaves_like(broken: Callable[..., Any], cases: list[Case], seconds: float) -> bool:
    """Tell whether the answer does what the broken function does in every case that is a call, errors included."""
    calls = [case for case in cases if case.given is not None]
    return bool(calls) and all(_does_the_same(broken, case, seconds) for case in calls)


def _does_the_same(broken: Callable[..., Any], case: Case, seconds: float) -> bool:
    mine = attempt(case.run, seconds)
    theirs = attempt(lambda: case.expected_of(broken), seconds)
    if type(mine.error) is not type(theirs.error):
        return False
    return mine.error is not None or case.shows(Mistake("", gives=broken), mine.value)
