"""What a check says: not answered, not right yet, or passed; the same words as text and as HTML."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

NOT_ANSWERED, WRONG, PASSED = "not answered", "wrong", "passed"
# Words, a sign and a color (Okabe and Ito's palette, 3:1 on white and on black): never the color alone.
LOOKS = {
    NOT_ANSWERED: ("Not answered yet", "\N{HORIZONTAL ELLIPSIS}", "#0072B2"),
    WRONG: ("Not right yet", "\N{BALLOT X}", "#D55E00"),
    PASSED: ("Passed", "\N{CHECK MARK}", "#009E73"),
}
BOX = (
    "border:1px solid {color};border-left-width:.5em;border-radius:.25em;padding:.5em .8em;max-width:44em;color:inherit"
)


@dataclass(frozen=True)
class Verdict:
    """The feedback on one answer; as the last expression of a cell it shows itself. It is true where the answer passed.

    Attributes
    ----------
    name : str
        The exercise.
    state : {"not answered", "wrong", "passed"}
    message : str
        What was asked for (not answered), the smallest case that fails (wrong), or how many cases there were (passed).
    hint : str
        Where to look next; only where the answer is wrong.
    words : str
        The part of the message that the check adds to the input and to the learner's own result: tests look there for
        a right answer that was given away.

    Examples
    --------
    >>> Verdict("cnn/keep-size", "passed")
    Passed: cnn/keep-size.
    >>> Verdict("cnn/keep-size", "wrong", "Your answer is `2`, which is not right.", "Think of the gaps.")
    Not right yet: cnn/keep-size.
    Your answer is `2`, which is not right.
    Hint: Think of the gaps.
    """

    name: str
    state: str
    message: str = ""
    hint: str = ""
    words: str = ""

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.state == PASSED

    @property
    def answered(self) -> bool:
        """Whether there is an answer at all."""
        return self.state != NOT_ANSWERED

    @property
    def lines(self) -> list[str]:
        """The feedback below its first line."""
        return [*filter(None, [self.message]), *([f"Hint: {self.hint}"] if self.hint else [])]

    @property
    def text(self) -> str:
        """The feedback as plain text."""
        return "\n".join([f"{LOOKS[self.state][0]}: {self.name}.", *self.lines])

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        title, sign, color = LOOKS[self.state]
        first = f'<span aria-hidden="true">{sign}</span> <strong>{title}</strong>: {html.escape(self.name)}.'
        rows = "".join(f'<p style="margin:0">{row}</p>' for row in [first, *map(_inline_code, self.lines)])
        return f'<div class="gpulab-verdict" role="status" style="{BOX.format(color=color)}">{rows}</div>'


def _inline_code(text: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))
