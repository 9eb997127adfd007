"""Let Ctrl-C wait until the step under way is done: between two steps, weights and records agree."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Interrupt:
    """Catches the first Ctrl-C inside a ``with`` block and keeps it for :meth:`check`; a second one acts at once.

    Attributes
    ----------
    forced : bool
        Whether a second one came, so that the last step may be half done.
    """

    def __init__(self) -> None:
        self.pending = self.forced = False
        self.before: Any = None

    def __enter__(self) -> Interrupt:
        """Take over the signal. Only the main thread can, and only there it arrives."""
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signal back."""
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.pending:
            self.forced = True
            raise KeyboardInterrupt
        self.pending = True

    def check(self) -> None:
        """Raise the KeyboardInterrupt that was kept, if there is one."""
        if self.pending:
            raise KeyboardInterrupt
