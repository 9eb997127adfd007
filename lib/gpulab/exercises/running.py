"""Run a learner's code and come back whatever it does: an error, an endless loop, a page of prints."""

from __future__ import annotations

import ast
import contextlib
import inspect
import io
import linecache
import re
import signal
import sysconfig
import textwrap
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

FOREIGN = tuple({str(Path(sysconfig.get_path(key))) for key in ("stdlib", "platstdlib", "purelib", "platlib")})
OURS = str(Path(__file__).resolve().parents[1])


class TooLong(BaseException):
    """The time is up. No ``Exception``, so that ``except Exception`` in a learner's loop does not swallow it."""


@dataclass(frozen=True)
class Outcome:
    """What came of running a learner's code.

    Attributes
    ----------
    value : object
        What it gave; ``None`` where it raised.
    error : BaseException or None
    printed : str
        What it printed meanwhile.
    """

    value: Any = None
    error: BaseException | None = None
    printed: str = ""


def attempt(run: Callable[[], Any], seconds: float) -> Outcome:
    """Call ``run``; keep its result or its error, and what it printed.

    Parameters
    ----------
    run : callable
        No arguments.
    seconds : float
        After so long it is stopped where that is safe: in the main thread of a system with timer signals (Linux,
        macOS), which is where a notebook runs its cells. Elsewhere there is no limit, and the learner interrupts.

    Examples
    --------
    >>> attempt(lambda: 1 / 0, 5).error
    ZeroDivisionError('division by zero')
    """
    printed = io.StringIO()
    try:
        with quiet(), contextlib.redirect_stdout(printed), time_limit(seconds):
            value = run()
        return Outcome(value, printed=printed.getvalue())
    except (Exception, SystemExit, TooLong) as error:  # noqa: BLE001  a learner may raise anything
        return Outcome(error=error, printed=printed.getvalue())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings out of the learner's notebook: the feedback says what is wrong."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise :class:`TooLong` in the block after so many seconds, where that is safe; else do nothing."""
    if not _may_use_timer():
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooLong

    former = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def _may_use_timer() -> bool:
    """Tell whether a timer signal is to be had, and nobody else waits for one."""
    main = threading.current_thread() is threading.main_thread()
    return main and hasattr(signal, "setitimer") and signal.getitimer(signal.ITIMER_REAL)[0] == 0


def learners_frame(error: BaseException) -> traceback.FrameSummary | None:
    """Return the last place in the learner's own code that an error came through, or ``None``."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_learners(frame.filename)]
    return frames[-1] if frames else None


def _is_learners(file: str) -> bool:
    compiled = file.endswith((".pyx", ".pxd"))  # Cython's frames have paths of the machine that built the package
    return not compiled and not file.startswith((OURS, "<frozen", "<__array_function__", *FOREIGN))


def is_stub(error: BaseException | None) -> bool:
    """Tell whether an error is the learner's ``raise NotImplementedError()``, and not one of a library."""
    if not isinstance(error, NotImplementedError):
        return False
    last = traceback.extract_tb(error.__traceback__)[-1]
    # Compiled libraries leave no frame of their own: then the learner's line is a call.
    return _is_learners(last.filename) and "NotImplementedError" in (last.line or "NotImplementedError")


def unwritten(error: BaseException) -> str:
    """Return the name of the placeholder that the learner's answer called, or "" where it is the answer itself."""
    places = [frame.name for frame in traceback.extract_tb(error.__traceback__) if _is_learners(frame.filename)]
    return places[-1] if places[-1] != places[0] else ""


def same_code(one: Any, other: Any) -> bool:
    """Tell whether two functions are the same lines, but for comments, docstrings, type hints and imports.

    Where the lines of one are not to be had, they count as the same.
    """
    try:
        return _statements(one) == _statements(other)
    except (OSError, TypeError, SyntaxError, StopIteration):
        return True


def _statements(function: Any) -> list[str]:
    """Return the statements of a function as text."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    definition = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    text = (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in definition.body)
    kept = (node for node, is_text in zip(definition.body, text, strict=True) if not is_text)
    return [ast.unparse(node) for node in kept if not isinstance(node, ast.Import | ast.ImportFrom)]


def explain(error: BaseException, seconds: float) -> str:
    """Return an error in one line, with the line of the learner's code that it came from."""
    if isinstance(error, TooLong):
        return f"does not come to an end: it was stopped after {seconds:g} s"
    message = next(iter(str(error).strip().splitlines()), "")
    message = re.sub(r" at 0x[0-9a-fA-F]+", "", message).replace("`", "'")[:200].removesuffix(".")
    text = f"stops with {type(error).__name__}{': ' if message else ''}{message}"
    frame = learners_frame(error)
    code = frame and (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
    return f"{text}, in line {frame.lineno} of your code: `{code}`" if code else text
