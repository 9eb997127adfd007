"""Learning curves as a small SVG picture: drawn in a millisecond, so that they can follow a run that is training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

from gpulab.train.history import History

# The first two colors of gpulab.plots, which stands above this: told apart under the common color-vision deficiencies.
TRAINING, VALIDATION = "#0072B2", "#D55E00"
LOSSES = {"cross_entropy": "cross-entropy (nats)", "binary_cross_entropy": "cross-entropy (nats)"}
WIDTH, HEIGHT = 680, 270  # of the picture, in pixels
TOP, BOTTOM = 34, 222  # of a panel
ROOM = 0.05  # above and below the curves, of their range
TICKS = 5
FEW = 20  # epochs that are shown from the start; of a long run, the axis grows with what is done
MOST_POINTS, MOST_MARKS = 300, 60

Points = Sequence[tuple[float, float]]
Place = Callable[[float, float], tuple[float, float]]  # of a point, in pixels


def draw(history: History, epochs: int, running: Points = ()) -> str:
    """Draw the loss and, where there is one, the accuracy against epochs.

    Parameters
    ----------
    history : History
        The finished epochs.
    epochs : int
        How many there will be.
    running : sequence of (float, float), optional
        Epochs and the training loss while they run, for a thin line.

    Returns
    -------
    str
        An SVG picture that stands by itself, the same for the same numbers.

    Examples
    --------
    >>> row = {"epoch": 1, "loss": 0.5, "accuracy": 0.8, "valid_loss": 0.4, "valid_accuracy": 0.9}
    >>> picture = draw(History([row]), epochs=2)
    >>> picture.startswith("<svg"), picture.count("<circle"), picture.count("<rect")
    (True, 4, 5)
    """
    epochs = _span(len(history), epochs)
    has_accuracy = any(value is not None for value in history["accuracy"])
    width = (WIDTH - 70 * 2) / 2 if has_accuracy or not history.epochs else WIDTH - 80
    name = str(history.settings.get("loss", "loss"))
    parts = [_panel(history, "loss", 60, width, epochs, LOSSES.get(name, name.replace("_", " ")), running)]
    if has_accuracy:
        parts.append(_panel(history, "accuracy", 60 + width + 70, width, epochs, "accuracy (share right)", ()))
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    style = 'font-family="DejaVu Sans, Arial, sans-serif" font-size="13" fill="#222222"'
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{ground}{"".join(parts)}</svg>'


def describe(history: History, epochs: int) -> str:
    """Say in words what :func:`draw` shows.

    Examples
    --------
    >>> rows = [{"epoch": n, "loss": 1 / n, "valid_loss": 2 / n} for n in (1, 2)]
    >>> print(describe(History(rows), epochs=2))
    Learning curves over 2 of 2 epochs. Training loss from 1.000 to 0.500. Validation loss from 2.000 to 1.000.
    """
    done = len(history)
    if not done:
        return f"Learning curves, before the first of {epochs} epochs is finished."
    said = [f"Learning curves over {done} of {epochs} epoch{'s' if epochs > 1 else ''}."]
    for column, name in (
        ("loss", "Training loss"),
        ("valid_loss", "Validation loss"),
        ("accuracy", "Training accuracy"),
        ("valid_accuracy", "Validation accuracy"),
    ):
        values = [value for value in history[column] if value is not None]
        if values:
            said.append(f"{name} from {values[0]:.3f} to {values[-1]:.3f}.")
    return " ".join(said)


def ticks(low: float, high: float) -> list[float]:
    """Return a few round numbers between two others.

    Examples
    --------
    >>> ticks(0.03, 1.31)
    [0.5, 1.0]
    >>> ticks(0, 10)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _span(done: int, epochs: int) -> int:
    """Return how many epochs the axis shows: all, or of a long run some more than are done."""
    span = FEW
    while span <= done:
        span *= 2
    return min(span, epochs)


def thin(points: Points, most: int = MOST_POINTS) -> Points:
    """Leave points out where there are too many to see; the last one stays.

    Examples
    --------
    >>> thin([(0, 0), (1, 1), (2, 4), (3, 9), (4, 16)], most=3)
    [(0, 0), (2, 4), (4, 16)]
    """
    every = -(-len(points) // most)
    return points[::-every][::-1] if every > 1 else points


def _panel(history: History, column: str, left: float, width: float, epochs: int, label: str, running: Points) -> str:
    """Draw one pair of axes with the curves of a column and of its validation."""
    curves = [
        (TRAINING, "training", _points(history, column)),
        (VALIDATION, "validation", _points(history, f"valid_{column}")),
    ]
    running = [(x, y) for x, y in running if math.isfinite(y)]
    values = [y for *_, points in curves for _, y in points] + [y for _, y in running]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    margin = (high - low) * ROOM or max(abs(high), 1.0) * ROOM
    low, high = low - margin, high + margin

    def place(x: float, y: float) -> tuple[float, float]:
        return left + x / epochs * width, BOTTOM - (y - low) / (high - low) * (BOTTOM - TOP)

    parts = [_axes(left, width, epochs, low, high, label, place)]
    if running:
        parts.append(_line([place(*point) for point in thin(running)], TRAINING, 1, 0.45))
        parts.append(_line([(left + 190, 18), (left + 206, 18)], TRAINING, 1, 0.45))
        parts.append(f'<text x="{left + 212:.0f}" y="22">running</text>')
    for number, (color, name, points) in enumerate(curves):
        if points:
            where = [place(*point) for point in thin(points)]
            parts.append(_line(where, color, 2, 1))
            parts.append(_marks(where if len(where) <= MOST_MARKS else where[-1:], color, circle=not number))
            parts.append(_legend(left + number * 90, color, name, circle=not number))
    return "".join(parts)


def _points(history: History, column: str) -> list[tuple[float, float]]:
    """Return a column against epochs; an epoch that was cut short counts as far as it went."""
    rows = [(row["epoch"] - 1 + row.get("share", 1), row.get(column)) for row in history.epochs]
    return [(x, y) for x, y in rows if y is not None and math.isfinite(y)]


def _axes(left: float, width: float, epochs: int, low: float, high: float, label: str, place: Place) -> str:
    """Draw a grid with numbers, the frame's two sides, and what they mean."""
    parts = []
    for value in ticks(low, high):
        y = place(0, value)[1]
        parts.append(f'<path d="M{left:.0f} {y:.1f}h{width:.0f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 6:.0f}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    whole = [value for value in ticks(0, epochs) if value == int(value)]
    for value in whole:
        x = place(value, low)[0]
        parts.append(f'<path d="M{x:.1f} {BOTTOM}v4" stroke="#222222"/>')
        parts.append(f'<text x="{x:.1f}" y="{BOTTOM + 18}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<path d="M{left:.0f} {TOP}V{BOTTOM}h{width:.0f}" fill="none" stroke="#222222"/>')
    parts.append(f'<text x="{left + width / 2:.0f}" y="{BOTTOM + 38}" text-anchor="middle">epoch</text>')
    middle = (TOP + BOTTOM) / 2
    turned = f'transform="translate({left - 44:.0f} {middle:.0f}) rotate(-90)" text-anchor="middle"'
    parts.append(f"<text {turned}>{escape(label)}</text>")
    return "".join(parts)


def _line(points: Points, color: str, width: int, opacity: float) -> str:
    if len(points) < 2:
        return ""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}" opacity="{opacity:g}"/>'


def _marks(points: Points, color: str, *, circle: bool) -> str:
    """Draw a mark at each point: circles for one curve and squares for the other, not told apart by color alone."""
    if circle:
        return "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{color}"/>' for x, y in points)
    return "".join(f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" fill="{color}"/>' for x, y in points)


def _legend(left: float, color: str, name: str, *, circle: bool) -> str:
    return _marks([(left + 8, 18)], color, circle=circle) + f'<text x="{left + 18:.0f}" y="22">{name}</text>'
