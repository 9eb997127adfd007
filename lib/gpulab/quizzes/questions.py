"""The questions of a quiz, read from a TOML file and checked: whoever writes one is told what is wrong with it."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class QuizError(ValueError):
    """A quiz that does not exist, or whose file is not right."""


@dataclass(frozen=True)
class Option:
    """One answer to choose: whether it is right, and why or why not."""

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Choice:
    """A question with options: exactly one is right, or, with ``several``, one or more."""

    id: str
    text: str
    options: tuple[Option, ...]
    several: bool = False


@dataclass(frozen=True)
class Number:
    """A question for a number: within the tolerance it is right. ``wrong`` explains values that come from a mistake."""

    id: str
    text: str
    value: float
    why: str
    tolerance: float = 0.0
    unit: str = ""
    wrong: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Order:
    """A question for an order: ``items`` stand in the right one, and ``shown`` says in which one they are offered."""

    id: str
    text: str
    items: tuple[str, ...]
    shown: tuple[int, ...]
    why: str
    hint: str


Question = Choice | Number | Order

# Of each kind of question: the entries that must be there, and those that may.
COMMON = {"kind": str, "id": str, "text": str}
ENTRIES: Mapping[str, tuple[dict[str, type], dict[str, type]]] = {
    "choice": ({**COMMON, "option": list}, {"several": bool}),
    "number": ({**COMMON, "value": float, "why": str}, {"tolerance": float, "unit": str, "wrong": list}),
    "order": ({**COMMON, "items": list, "shown": list, "why": str, "hint": str}, {}),
}
OPTION: tuple[dict[str, type], dict[str, type]] = ({"text": str, "why": str}, {"right": bool})
WRONG: tuple[dict[str, type], dict[str, type]] = ({"value": float, "why": str}, {})
WORDS = {str: "text", bool: "true or false", float: "a number", list: "a list"}


def read(text: str, where: str) -> tuple[str, tuple[Question, ...]]:
    """Return the title and the questions in the text of a quiz file.

    Parameters
    ----------
    text : str
        TOML: a title, and tables ``[[question]]``; ``chapters/maintaining.md`` has an example of each kind.
    where : str
        Begins the message of an error, such as the file's name.

    Raises
    ------
    QuizError
        The message names the question and says what is wrong and what is expected.

    Examples
    --------
    >>> title, (first,) = read('''
    ... title = "Sums"
    ... [[question]]
    ... kind = "number"
    ... id = "two"
    ... text = "1 + 1 = ?"
    ... value = 2
    ... why = "One and one more."
    ... ''', "sums.toml")
    >>> first.value
    2.0
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise QuizError(f"{where} is no TOML: {error}") from error
    content = _checked(content, ({"title": str, "question": list}, {}), where)
    questions = [_question(entry, f"{where}, question {n}") for n, entry in enumerate(content["question"], 1)]
    ids = [question.id for question in questions]
    if repeated := {name for name in ids if ids.count(name) > 1}:
        raise QuizError(f"{where}: the id {min(repeated)!r} stands twice; answers are kept under it.")
    return content["title"], tuple(questions)


def _question(entry: Any, where: str) -> Question:
    """Return one question of any kind."""
    kind = entry.get("kind") if isinstance(entry, Mapping) else None
    if kind not in ENTRIES:
        raise QuizError(f"{where}: kind is {kind!r}; expected one of: {', '.join(ENTRIES)}.")
    where = f"{where} ({entry.get('id', 'no id')})"
    entry = _checked(entry, ENTRIES[kind], where)
    if not NAME.fullmatch(entry["id"]):
        raise QuizError(f"{where}: the id {entry['id']!r} is not made of small letters, digits and single hyphens.")
    make = {"choice": _choice, "number": _number, "order": _order}[kind]
    return make(entry, where)


def _choice(entry: Mapping[str, Any], where: str) -> Choice:
    several = entry.get("several", False)
    options = [
        Option(**_checked(option, OPTION, f"{where}, option {number}"))
        for number, option in enumerate(entry["option"], 1)
    ]
    right = sum(option.right for option in options)
    if len(options) < 2:
        raise QuizError(f"{where}: {len(options)} option; expected at least two.")
    if (right != 1) if not several else (right < 1):
        expected = "at least one" if several else "exactly one, or several = true"
        raise QuizError(f"{where}: {right} options are right; expected {expected}.")
    if len({option.text for option in options}) < len(options):
        raise QuizError(f"{where}: two options have the same text.")
    return Choice(entry["id"], entry["text"], tuple(options), several)


def _number(entry: Mapping[str, Any], where: str) -> Number:
    value, tolerance = float(entry["value"]), float(entry.get("tolerance", 0))
    if not (math.isfinite(value) and math.isfinite(tolerance) and tolerance >= 0):
        raise QuizError(f"{where}: value and tolerance must be finite, and the tolerance not below 0.")
    wrong = []
    for number, given in enumerate(entry.get("wrong", []), 1):
        given = _checked(given, WRONG, f"{where}, wrong {number}")
        if abs(given["value"] - value) <= tolerance:
            raise QuizError(f"{where}, wrong {number}: {given['value']} lies within the tolerance of the right value.")
        wrong.append((float(given["value"]), given["why"]))
    return Number(entry["id"], entry["text"], value, entry["why"], tolerance, entry.get("unit", ""), tuple(wrong))


def _order(entry: Mapping[str, Any], where: str) -> Order:
    items, shown = entry["items"], entry["shown"]
    if len(items) < 3 or not all(isinstance(item, str) and item.strip() for item in items):
        raise QuizError(f"{where}: items must be at least three texts, in the right order.")
    if sorted(shown) != list(range(len(items))):
        raise QuizError(f"{where}: shown is {shown}; expected each number from 0 to {len(items) - 1} once.")
    if list(shown) == sorted(shown):
        raise QuizError(f"{where}: shown is the right order already; offer another one.")
    return Order(entry["id"], entry["text"], tuple(items), tuple(shown), entry["why"], entry["hint"])


def _checked(entry: Any, entries: tuple[dict[str, type], dict[str, type]], where: str) -> dict[str, Any]:
    """Return a table whose entries are those that are expected, each of its type and none of them empty."""
    needed, allowed = entries
    if not isinstance(entry, Mapping):
        raise QuizError(f"{where} is {entry!r}; expected a table.")
    if missing := needed.keys() - entry.keys():
        raise QuizError(f"{where}: {_listed(missing)} missing.")
    if unknown := entry.keys() - needed.keys() - allowed.keys():
        raise QuizError(f"{where}: {_listed(unknown)} unknown; expected {', '.join([*needed, *allowed])}.")
    for key, value in entry.items():
        kind = {**needed, **allowed}[key]
        fits = (
            isinstance(value, int | float) and not isinstance(value, bool) if kind is float else isinstance(value, kind)
        )
        if not fits or value in ("", []) or (isinstance(value, str) and not value.strip()):
            raise QuizError(f"{where}: {key} is {value!r}; expected {WORDS[kind]}, and not nothing.")
    return dict(entry)


def _listed(names: Sequence[str] | set[str]) -> str:
    return f"{', '.join(sorted(names))} {'is' if len(names) == 1 else 'are'}"
