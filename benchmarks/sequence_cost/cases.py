"""The list of what is timed: the same in both frameworks, but for the ways to write the loop over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

WIDTH, HEADS, WIDE = 128, 4, 512  # of the layers: features, heads of attention, feed-forward inside
STEPS, BATCH = 64, 16  # of the baseline
LENGTHS = (16, 32, 64, 128, 256, 512, 1024)
BATCHES = (1, 4, 16, 64, 256)
CACHES = (64, 256, 1024, 4096)
LAYERS = ("rnn", "gru", "lstm", "transformer")
MODES = ("forward", "training")  # training: forward and backward
LOOPS = {
    "torch": ("lstm", "time first", "loop of cells", "loop, inputs first", "loop, gates apart"),
    "keras": ("lstm", "unrolled", "compiled", "loop of cells"),
}


@dataclass(frozen=True)
class Case:
    """One thing to time.

    Attributes
    ----------
    part : str
        "length", "loop", "batch" or "stream".
    kind : str
        A layer, or a way to write the loop.
    mode : str
        "forward" or "training".
    steps, batch : int
        Shape of the input; in "stream" ``steps`` is the number of earlier tokens.
    """

    part: str
    kind: str
    mode: str
    steps: int = STEPS
    batch: int = BATCH


def cases(framework: str) -> Iterator[Case]:
    """Yield what a framework's process times, without repetition of a shape."""
    for kind in LAYERS:
        for mode in MODES:
            for steps in LENGTHS:
                yield Case("length", kind, mode, steps)
    for kind in LOOPS[framework][1:]:
        yield Case("loop", kind, "training")
    for kind in ("lstm", "transformer"):
        for mode in MODES:
            for batch in BATCHES:
                if batch != BATCH:
                    yield Case("batch", kind, mode, STEPS, batch)
    yield Case("stream", "lstm", "forward", 0, 1)
    for steps in CACHES:
        yield Case("stream", "transformer", "forward", steps, 1)


def baseline(mode: str) -> Case:
    """Return the case that the ratios of a mode are formed with."""
    return Case("length", "lstm", mode)
