"""The live view of a run: curves that grow while it trains, and a stop button that keeps what was learned."""

from __future__ import annotations

import base64
import time
from html import escape
from typing import Any

from gpulab.train import curves
from gpulab.train.callbacks import BY_HAND, Callback, Run, in_live_notebook, in_notebook
from gpulab.train.stop_button import StopButton

WAIT, WAIT_AT_END = 0.5, 0.2  # seconds between two pictures, at least; at the end of an epoch
SHARE = 0.04  # of the time, at most, for pictures
MOST = 400  # points of the running loss
HINT = "If Stop does nothing in your editor, interrupt the kernel: the model keeps what it learned too."


class Live(Callback):
    """Show the learning curves while somebody watches, and leave them as a still figure.

    Stop ends the run after the step under way: the epoch counts as far as it went, its validation follows, and
    ``history.stopped`` says what happened. A notebook that nobody watches gets the still figure only.

    Parameters
    ----------
    watched : bool
        Whether somebody looks: then the view changes, and there is a button.
    """

    def __init__(self, *, watched: bool) -> None:
        self.watched = watched
        self.button: StopButton | None = None
        self.handle: Any = None
        self._forget()

    def _forget(self) -> None:
        self.running: list[tuple[float, float]] = []
        self.drawn_at = self.cost = 0.0
        self.steps = self.first = 0  # finished steps of the whole run when the last picture was drawn; at the start
        self.began = 0.0

    def on_start(self, run: Run) -> None:
        """Open the view. With several processes there is no button: they would not stop at the same step."""
        self._forget()
        if not (self.watched and run.main):
            return
        self.button = StopButton() if run.history.settings.get("processes", 1) == 1 else None
        if self.button:
            self.button.show()
        self._publish(run, "Before the first step")

    def on_step(self, run: Run) -> None:
        """Stop if asked to; draw, but not too often."""
        if self.button and self.button.pressed():
            at = f"in epoch {run.epoch + 1}, after {run.step:,} of {run.steps:,} steps"
            run.stop(f"{BY_HAND}, {at}")
        if not self.began:  # the first step also warms up: the throughput is counted from here
            self.began, self.first = time.perf_counter(), run.steps_done
        if self._due(WAIT):
            self._draw(run)

    def on_epoch(self, run: Run) -> None:
        """Draw the new row."""
        if self._due(WAIT_AT_END):
            self._draw(run)

    def close(self, run: Run) -> None:
        """Leave a still figure, and no button."""
        if self.button:
            self.button.remove()
            self.button = None
        if not run.main:
            return
        if self.handle is not None:
            self._publish(run, self._last_words(run))
            self.handle = None
        elif not self.watched and len(run.history):
            publish_still(run)

    def _due(self, wait: float) -> bool:
        return self.handle is not None and time.perf_counter() - self.drawn_at >= max(wait, self.cost / SHARE)

    def _draw(self, run: Run) -> None:
        """Bring the picture and the line above it up to date."""
        losses = run.losses()
        new = losses[-max(run.steps_done - self.steps, 1) :]  # those of this epoch since the last picture
        self.steps = run.steps_done
        if len(new):
            self.running.append((run.epoch + run.step / run.steps, float(new.mean())))
            self.running = self.running[:: 1 + (len(self.running) > MOST)]
        now = f"epoch {run.epoch + bool(run.step):,} of {run.epochs:,}"
        now += f", step {run.step:,} of {run.steps:,}" if run.step else " done"
        self._publish(run, "; ".join([now, *self._speed(run), *([f"loss {new.mean():.3f}"] if len(new) else [])]))

    def _speed(self, run: Run) -> list[str]:
        seconds = time.perf_counter() - self.began
        samples = (run.steps_done - self.first) * run.history.settings.get("samples", 0) / run.steps
        return [f"{samples / seconds:,.0f} samples a second"] if self.began and samples and seconds else []

    def _last_words(self, run: Run) -> str:
        done = len(run.history)
        said = f"{done} epoch{'' if done == 1 else 's'} in {run.elapsed():.0f} s"
        return "; ".join([said, *self._speed(run), *([run.history.stopped] if run.history.stopped else [])])

    def _publish(self, run: Run, line: str) -> None:
        """Show the picture with a line above it, in the place of the last one; measure what that costs."""
        from IPython.display import display

        start = time.perf_counter()
        words = curves.describe(run.history, run.epochs)
        picture = base64.b64encode(curves.draw(run.history, run.epochs, self.running).encode()).decode()
        size = f'width="{curves.WIDTH}" height="{curves.HEIGHT}" style="max-width:100%;height:auto"'
        hint = f"<br><small>{HINT}</small>" if self.button and self.button.doubtful else ""
        shown = f'<div>{escape(line)}.{hint}</div><img {size} alt="{escape(words)}" src="data:image/svg+xml;base64,{picture}">'
        content = {"text/html": shown, "text/plain": words}
        if self.handle is None:
            self.handle = display(content, raw=True, display_id=True)
        else:
            self.handle.update(content, raw=True)
        self.drawn_at = time.perf_counter()
        self.cost = self.drawn_at - start


def publish_still(run: Run) -> None:
    """Put the curves into a notebook's output as a plain picture: no times, so the same for the same numbers."""
    from IPython.display import display

    picture = curves.draw(run.history, run.epochs)
    display({"image/svg+xml": picture, "text/plain": curves.describe(run.history, run.epochs)}, raw=True)


def live_view() -> list[Callback]:
    """Return the callback that ``fit(live=True)`` asks for: in a notebook one, elsewhere none."""
    return [Live(watched=in_live_notebook())] if in_notebook() else []
