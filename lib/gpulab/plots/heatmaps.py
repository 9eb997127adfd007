"""Pictures of maps over images: where a network looks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEAT = (0.902, 0.624, 0.0)  # the orange of the course's colors: seen on black, gray and white
FRAME = "#56B4E9"


def show_heatmaps(
    images: np.ndarray,
    maps: np.ndarray,
    titles: Sequence[str] = (),
    *,
    boxes: Sequence[tuple[float, float, float, float] | None] = (),
    columns: int = 8,
    title: str = "",
) -> Figure:
    """Show images with a map of heat over each: the more orange, the higher the value.

    Parameters
    ----------
    images : ndarray, (n, height, width) or (n, height, width, channels), float in 0..1
        One channel is drawn in gray, black for 0.
    maps : ndarray, (n, rows, columns), float, 0 or above
        One for each image, stretched over it where it is smaller. Each is scaled by its own highest value.
    titles : sequence of str, optional
        One caption an image.
    boxes : sequence of (row, column, height, width) or None, optional
        A frame for each image in pixels of the image, such as the place where the answer is known to be.
    columns : int
        Images a row.
    title : str
        Above the whole figure.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        The shapes do not go together, or a map has a negative or no finite value.

    Examples
    --------
    >>> figure = show_heatmaps(np.zeros((2, 8, 8)), np.ones((2, 4, 4)), boxes=[(1, 1, 3, 3), None])
    >>> len(figure.axes)
    2
    """
    import matplotlib.pyplot as plt

    _check(images, maps, titles, boxes)
    across = min(columns, len(images))
    down = -(-len(images) // across)
    figure, axes = plt.subplots(down, across, figsize=(across * 1.05, down * 1.3 + 0.4), squeeze=False)
    for place, ax in enumerate(axes.flat):
        ax.axis("off")
        if place >= len(images):
            ax.remove()
            continue
        plain = images[place, ..., 0] if images.ndim == 4 and images.shape[-1] == 1 else images[place]
        height, width = plain.shape[:2]
        ax.imshow(plain, vmin=0, vmax=1, interpolation="nearest")
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        ax.imshow(_heat(maps[place]), extent=extent, interpolation="nearest")
        if len(boxes) and boxes[place] is not None:
            row, column, high, wide = boxes[place]
            frame = plt.Rectangle((column - 0.5, row - 0.5), wide, high, fill=False, edgecolor=FRAME, linewidth=1.5)
            ax.add_patch(frame)
        ax.set_title(titles[place] if len(titles) else "", fontsize=9)
    figure.suptitle(title)
    return figure


def _heat(values: np.ndarray) -> np.ndarray:
    """Return a map as colors (rows, columns, 4): one color, the more opaque the higher the value."""
    top = float(values.max())
    colors = np.empty((*values.shape, 4))
    colors[..., :3] = HEAT
    colors[..., 3] = 0.9 * values / top if top > 0 else 0.0
    return colors


def _check(images: np.ndarray, maps: np.ndarray, titles: Sequence[str], boxes: Sequence[object]) -> None:
    """Raise ValueError if the arguments do not go together."""
    if images.ndim not in (3, 4):
        expected = "(n, height, width) or (n, height, width, channels)"
        raise ValueError(f"images has shape {images.shape}; expected {expected}.")
    if maps.ndim != 3 or len(maps) != len(images):
        raise ValueError(f"maps has shape {maps.shape}; expected one map (rows, columns) for each of {len(images)} images.")
    if not np.isfinite(maps).all() or maps.min(initial=0) < 0:
        raise ValueError("maps has values below 0 or not finite; give it sizes, such as np.abs(gradient).")
    for name, given in (("titles", titles), ("boxes", boxes)):
        if len(given) not in (0, len(images)):
            raise ValueError(f"{len(given)} {name} for {len(images)} images; give one for each, or none.")
