"""A quiz as HTML that needs nothing else: questions that can be read without scripts, and a script that checks them."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gpulab.quizzes.questions import Choice, Number, Order, Question, QuizError, read

FOLDER = Path(__file__).parent
NEEDS_SCRIPTS = "The answers are checked by a script. Run the cell in JupyterLab, or allow scripts on this page."


@dataclass(frozen=True)
class Quiz:
    """A quiz, shown by a notebook as the value of a cell.

    Attributes
    ----------
    name : str
        Such as ``"cnns/pooling"``.
    title : str
        What it is about.
    questions : tuple of Choice, Number or Order
    """

    name: str
    title: str
    questions: tuple[Question, ...]

    def __repr__(self) -> str:
        """Return the questions as plain text, without answers."""
        lines = [f"Quiz: {self.title} ({len(self.questions)} questions)"]
        for number, question in enumerate(self.questions, 1):
            lines += [f"{number}. {plain(question.text)}", *(f"   - {plain(text)}" for text in offered(question))]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the whole quiz: the questions, its style, and the script that checks the answers."""
        title, questions = (
            html.escape(self.title),
            "\n".join(_fieldset(self.name, number, question) for number, question in enumerate(self.questions, 1)),
        )
        # Base64, so that nobody reads the answers by accident in the page's source or in the notebook's file.
        answers = base64.b64encode(json.dumps([_answer(q) for q in self.questions]).encode()).decode()
        return (
            f'<section class="gpulab-quiz" data-quiz="{self.name}" '
            f'aria-label="Quiz: {title}">\n<style>{source("quiz.css")}</style>\n'
            f'<p class="gpulab-quiz-title">Quiz: {title}</p>\n{questions}\n'
            f'<p class="gpulab-quiz-note">{NEEDS_SCRIPTS}</p>\n'
            f'<script>\n({source("quiz.js")})(document.currentScript, "{answers}");\n</script>\n</section>'
        )


def quiz(name: str) -> Quiz:
    """Return a quiz of the course by its name.

    Raises
    ------
    QuizError
        There is no such quiz, or its file is not right.

    Examples
    --------
    >>> quiz("cnns/poling")
    Traceback (most recent call last):
    ...
    gpulab.quizzes.questions.QuizError: There is no quiz 'cnns/poling'. Did you mean 'cnns/pooling'?
    """
    if name not in names():
        from difflib import get_close_matches

        close = get_close_matches(str(name), names(), 1)
        advice = f"Did you mean {close[0]!r}?" if close else f"Choose one of: {', '.join(names())}."
        raise QuizError(f"There is no quiz {name!r}. {advice}")
    title, questions = read((FOLDER / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")
    return Quiz(name, title, questions)


def names() -> list[str]:
    """Return the names of all quizzes: the part of the course, and the chapter's page."""
    return sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.toml"))


def offered(question: Question) -> list[str]:
    """Return what a question offers to choose from or to put in order, as it stands on the page."""
    if isinstance(question, Choice):
        return [option.text for option in question.options]
    return [question.items[number] for number in question.shown] if isinstance(question, Order) else []


def marked_up(text: str) -> str:
    """Return a text of a quiz as HTML: `` `code` ``, ``*a symbol*``, ``x_{1}`` and ``x^{2}``; all else is plain.

    Between numbers a hyphen becomes a minus sign.

    Examples
    --------
    >>> marked_up("`x < 3` and *k*^{2}")
    '<code>x &lt; 3</code> and <em>k</em><sup>2</sup>'
    >>> marked_up("2 - 5 = -3 in 2-D")
    '2 − 5 = −3 in 2-D'
    """
    parts = re.split(r"`([^`]+)`", text.strip())
    for number, part in enumerate(parts):
        escaped = html.escape(part, quote=False)
        if number % 2:
            parts[number] = f"<code>{escaped}</code>"
            continue
        escaped = re.sub(r"\*([^*\s]+)\*", r"<em>\1</em>", escaped)
        escaped = re.sub(r"(?<![\w.)])-(?=\d)|(?<= )-(?= )", "\N{MINUS SIGN}", escaped)
        parts[number] = re.sub(r"\^\{([^}]+)\}", r"<sup>\1</sup>", re.sub(r"_\{([^}]+)\}", r"<sub>\1</sub>", escaped))
    return re.sub(r"\s*\n\s*", " ", "".join(parts))


def plain(text: str) -> str:
    """Return a text of a quiz without its markup.

    Examples
    --------
    >>> plain("`x < 3` and *k*^{2}")
    'x < 3 and k^2'
    """
    text = re.sub(r"\*([^*\s]+)\*", r"\1", text.strip().replace("`", ""))
    return re.sub(r"\s*\n\s*", " ", re.sub(r"([_^])\{([^}]+)\}", r"\1\2", text))


def _fieldset(name: str, number: int, question: Question) -> str:
    """Return a question as it stands on the page before it is answered."""
    group = f"quiz-{name.replace('/', '-')}-{question.id}"
    if isinstance(question, Choice):
        kind = "checkbox" if question.several else "radio"
        answers = "\n".join(
            f'<label><input type="{kind}" name="{group}" value="{place}"><span>{marked_up(option.text)}</span></label>'
            for place, option in enumerate(question.options)
        )
    elif isinstance(question, Number):
        unit = f" {marked_up(question.unit)}" if question.unit else ""
        field = f'<input type="text" inputmode="decimal" autocomplete="off" size="10" name="{group}">'
        answers = f'<label class="gpulab-quiz-number"><span>Your answer:</span>{field}<span>{unit}</span></label>'
    else:
        items = (
            f'<li data-item="{place}"><span>{marked_up(question.items[place])}</span></li>' for place in question.shown
        )
        answers = f"<ol>{''.join(items)}</ol>"
    several = " Several answers can be right." if isinstance(question, Choice) and question.several else ""
    text = f"<legend><b>{number}.</b> {marked_up(question.text)}{several}</legend>"
    return f'<fieldset data-kind="{_kind(question)}">{text}\n{answers}\n</fieldset>'


def _answer(question: Question) -> dict[str, object]:
    """Return what the script needs to check a question, and the key under which its answer is kept."""
    # An answer to an earlier wording of a question is no answer to the new one.
    key = f"{question.id}-{hashlib.sha256(repr(question).encode()).hexdigest()[:6]}"
    if isinstance(question, Choice):
        return {"key": key, "options": [[option.right, marked_up(option.why)] for option in question.options]}
    if isinstance(question, Number):
        wrong = [[value, marked_up(why)] for value, why in question.wrong]
        right = [question.value, question.tolerance, marked_up(question.why)]
        return {"key": key, "right": right, "wrong": wrong}
    return {"key": key, "why": marked_up(question.why), "hint": marked_up(question.hint)}


def _kind(question: Question) -> str:
    return type(question).__name__.lower()


@cache
def source(file: str) -> str:
    """Return a script or a style sheet without the lines that are only comments, and without indentation."""
    lines = (line.strip() for line in (FOLDER / file).read_text(encoding="utf-8").splitlines())
    text = "\n".join(line for line in lines if line and not line.startswith("//"))
    return re.sub(r";\Z", "", text)
