"""From the first callback to the last, for both sides: start, resume, train, end, and clean up whatever happens."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from gpulab.train import checkpoint, recipe as recipes
from gpulab.train.callbacks import BY_HAND, Callback, Run
from gpulab.train.history import History
from gpulab.train.interrupt import Interrupt

CALLER = 6  # frames from the warning below up to the line that called fit


def play(
    run: Run, callbacks: list[Callback], work: Callable[[Interrupt], None], resume: Path | None, *, save: bool = True
) -> None:
    """Do the work of a run, with everything that goes before and after it.

    Parameters
    ----------
    run : Run
    callbacks : list of Callback
        Called in this order.
    work : callable
        Trains; asks the interrupt it gets whether to go on.
    resume : Path or None
        Folder of a checkpoint to go on from.
    save : bool
        Whether a run that is interrupted may be saved where it stands.
    """
    with Interrupt() as interrupt:
        try:
            for callback in callbacks:
                callback.on_start(run)
            if resume is not None:
                go_back(resume, run, callbacks)
            work(interrupt)
            for callback in callbacks:
                callback.on_end(run)
        except KeyboardInterrupt:
            if save and not interrupt.forced:  # after a second Ctrl-C a step may be half done
                for callback in callbacks:
                    callback.on_interrupt(run)
            raise
        finally:
            run.set_rate(1.0)  # an optimizer of the learner's gets its own rate back
            for callback in callbacks:
                callback.close(run)
    run.history.seconds = run.elapsed()
    run.history.samples_per_second = run.history.throughput(run.history.settings["samples"])


def go_back(folder: Path, run: Run, callbacks: list[Callback]) -> None:
    """Go back to a checkpoint; warn about what may make the result differ from that of an uninterrupted run.

    Raises
    ------
    TrainError
        There is none, it cannot be trusted, or it is of another run.
    """
    content, record = checkpoint.read(folder)
    history = History.from_json(record["history"])
    if differing := recipes.compare(history.settings, run.history.settings):
        said = f"Resumed with other settings, so results may differ: {'; '.join(differing)}."
        warnings.warn(said, stacklevel=CALLER)
    run.restore(content, record, callbacks)
    run.history.epochs = history.epochs
    run.history.stopped = "" if history.stopped.startswith(BY_HAND) else history.stopped
    run.began -= history.seconds
