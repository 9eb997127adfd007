"""What the tests of the exercises share: a solution and typical wrong answers for each, and what must hold for them.

The tables are in files beside this one: ``answers_cnn.py`` for exercises that NumPy is enough for, ``answers_cnn_torch.py``
and ``answers_cnn_keras.py`` for those that need a framework. Each has a dictionary ``ANSWERS``.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpulab.exercises import Verdict, check, exercises
from gpulab.exercises.engine import Exercise

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Made:
    """An answer that takes a while to make, such as a trained model: made when its test runs."""

    make: Callable[[], Any]


@dataclass(frozen=True)
class Answers:
    """The answers that an exercise is tested with.

    Attributes
    ----------
    solution : object
        The right answer, or ``Made(function)``.
    wrong : sequence of (answer, words)
        At least three typical wrong answers, and words that the feedback on each must contain.
    """

    solution: Any
    wrong: Sequence[tuple[Any, str]]


def load(framework: str = "") -> dict[str, Answers]:
    """Return the tables of one framework, or those that need none."""
    ends = ("_torch", "_keras")
    names = [path.stem for path in sorted(HERE.glob("answers_*.py"))]
    chosen = [name for name in names if (name.endswith(f"_{framework}") if framework else not name.endswith(ends))]
    found: dict[str, Answers] = {}
    for name in chosen:
        found.update(importlib.import_module(f"tests.exercises.{name}").ANSWERS)
    return found


def registered(framework: str = "") -> dict[str, Exercise]:
    """Return the exercises that are tested with this framework, or with none."""
    return {
        name: found
        for name, found in exercises().items()
        if (framework in found.needs if framework else not found.needs)
    }


def made(answer: Any) -> Any:
    """Return an answer that can be checked."""
    return answer.make() if isinstance(answer, Made) else answer


def assert_complete(framework: str = "") -> None:
    """Assert that the tables and the register name the same exercises, and that each has three wrong answers."""
    tables, known = load(framework), registered(framework)
    assert tables.keys() == known.keys()
    few = [name for name, answers in tables.items() if len(answers.wrong) < 3]
    assert not few, f"fewer than three typical wrong answers: {few}"


def assert_passes(name: str, answers: Answers) -> None:
    """Assert that the solution passes, twice: a check leaves nothing behind."""
    solution = made(answers.solution)
    for _ in range(2):
        verdict = check(name, solution)
        assert verdict.passed and verdict.answered, verdict.text


def assert_hinted(name: str, answer: Any, words: str) -> None:
    """Assert that a wrong answer fails with the fitting words, and that the feedback does not give the right one away."""
    answer = made(answer)
    verdict = check(name, answer)
    assert verdict.answered and not verdict.passed, verdict.text
    assert words.lower() in verdict.text.lower(), verdict.text
    assert "`" not in re.sub(r"`[^`]*`", "", verdict.text), f"an odd number of backticks: {verdict.text}"
    assert not leaks(name, answer, verdict), f"{leaks(name, answer, verdict)} in: {verdict.text}"


def leaks(name: str, answer: Any, verdict: Verdict) -> list[str]:
    """Return the right results that the feedback's own words contain, of any case of the exercise.

    The input and the learner's own result stand in the message, too; they are no secret.
    """
    words = f"{verdict.words} {verdict.hint}"
    secrets = {secret for case in exercises()[name].cases(answer) for secret in case.wanted.secrets()}
    return sorted(secret for secret in secrets if re.search(rf"(?<![\w.]){re.escape(secret)}(?![\w]|\.\d)", words))
