"""The explorer of a recurrent network, unrolled: a name goes in letter by letter, and the hidden state is handed on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from gpulab.models import cells
from gpulab.widgets import still
from gpulab.widgets.core import Explorer

FILE = Path(__file__).parent / "reading-rnn.json"
NAMES = ("johanna", "federico", "annette", "clifford", "melissa", "enrique")
SHOWN, LONGEST = 3, 9  # letters read in the still picture; letters that fit
COLUMN, LEFT, TOP, SIDE, TALL = 62, 66, 74, 46, 26  # of the drawing, in its own units


@cache
def stored() -> dict[str, np.ndarray]:
    """Return the weights of the small network that reads names.

    Returns
    -------
    dict of ndarray
        ``weight_ih`` (4, 26), ``weight_hh`` (4, 4), ``bias_ih`` and ``bias_hh`` (4,) of the plain recurrent layer;
        ``out`` (4,) and ``out_bias`` () make the logit of a male name. `experiments/read_names.py` trained them.
    """
    arrays = json.loads(FILE.read_text(encoding="utf-8"))["weights"]
    return {name: np.array(array, dtype=np.float64) for name, array in arrays.items()}


def one_hot(name: str) -> np.ndarray:
    """Return the letters a to z of a name as rows of zeros and a one: (letters, 26).

    Examples
    --------
    >>> one_hot("abc")[:, :4].tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    """
    if not name or not all("a" <= letter <= "z" for letter in name):
        raise ValueError(f"{name!r} is not a word in the small letters a to z.")
    return np.eye(26)[[ord(letter) - ord("a") for letter in name]]


def read(name: str, weights: Mapping[str, np.ndarray] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read a name: the states after each letter (letters, 4), and each time the probability that it is male (letters,).

    Examples
    --------
    >>> states, male = read("anna")
    >>> states.shape, male.shape
    ((4, 4), (4,))
    """
    weights = stored() if weights is None else weights
    states = cells.run("rnn", weights, one_hot(name)[None]).h[0]
    return states, 1 / (1 + np.exp(-(states @ weights["out"] + weights["out_bias"])))


def unrolled() -> Explorer:
    """Return the explorer of the unrolled network: play it, take single steps, or type a name of your own."""
    name = NAMES[0]
    states, male = read(name)
    alt = (
        f"A recurrent network unrolled over the letters {', '.join(name)}. Each letter enters a copy of the same cell "
        f"from below. The cells hold four numbers each, the hidden state, and an arrow hands it on to the next cell. "
        f"{SHOWN} letters have been read; the other cells are still empty."
    )
    weights = {key: array.tolist() for key, array in stored().items()}
    return Explorer(
        name="unrolled",
        title="Explorer: a recurrent network reads a name",
        still=_drawn(name, states, male),
        alt=alt,
        data={"names": list(NAMES), "weights": weights, "longest": LONGEST},
    )


def _drawn(name: str, states: np.ndarray, male: np.ndarray) -> str:
    """Return the still picture, as a data address."""
    parts = [still.words(4, TOP + 60, "start"), still.words(4, TOP + 76, "at zero")]
    for t, letter in enumerate(name):
        x, known = LEFT + t * COLUMN, t < SHOWN
        values = states[t, :, None] if known else np.zeros((4, 1))
        parts.append(_column(values, x, known))
        parts.append(_arrow(x - 14, TOP + 2 * TALL, 12, False, known or t == SHOWN))
        parts.append(_arrow(x + SIDE / 2, TOP + 4 * TALL + 22, 18, True, known))
        parts.append(
            f"<text x='{x + SIDE / 2:g}' y='{TOP + 4 * TALL + 44:g}' font-size='20' text-anchor='middle'>"
            f"{letter}</text>"
        )
        if known:
            parts.append(still.words(x + 4, TOP - 28, f"{male[t]:.0%}".replace("%", " %")))
    parts.append(still.words(4, 20, "probability that the name is male, after each letter"))
    return still.picture(parts, LEFT + len(name) * COLUMN, TOP + 4 * TALL + 56)


def _column(values: np.ndarray, x: float, known: bool) -> str:
    """Return one cell with its four numbers, or empty."""
    boxes = []
    for i, value in enumerate(values[:, 0]):
        fill, y = still.signed(value) if known else "#fff", TOP + i * TALL
        boxes.append(f"<rect x='{x:g}' y='{y:g}' width='{SIDE}' height='{TALL}' fill='{fill}' stroke='#858585'/>")
        if known:
            place = f"x='{x + SIDE / 2:g}' y='{y + 18:g}' font-size='14' text-anchor='middle'"
            boxes.append(f"<text {place} fill='{still.ink(fill)}'>{still.number(value)}</text>")
    return "".join(boxes)


def _arrow(x: float, y: float, length: float, upward: bool, dark: bool) -> str:
    """Return an arrow up or to the right, gray where nothing has passed yet."""
    line = f"v{-length:g}m-4 5l4 -5l4 5" if upward else f"h{length:g}m-5 -4l5 4l-5 4"
    color = "#000" if dark else "#bbb"
    return f"<path d='M{x:g} {y:g}{line}' fill='none' stroke='{color}' stroke-width='1.5'/>"
