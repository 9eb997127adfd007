"""Pictures of images and of confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def show_images(images: np.ndarray, titles: Sequence[str] = (), *, columns: int = 10, title: str = "") -> Figure:
    """Show images in a grid, each under its own caption.

    Parameters
    ----------
    images : ndarray, (n, height, width) or (n, height, width, channels), float in 0..1
        One channel is drawn in gray, black for 0.
    titles : sequence of str, optional
        One caption an image.
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
        ``images`` is not a stack of images, or the captions do not match.
    """
    import matplotlib.pyplot as plt

    if images.ndim not in (3, 4):
        expected = "(n, height, width) or (n, height, width, channels)"
        raise ValueError(f"images has shape {images.shape}; expected {expected}.")
    if len(titles) not in (0, len(images)):
        raise ValueError(f"{len(titles)} titles for {len(images)} images; give one for each, or none.")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(columns * 0.85, rows * 1.05 + 0.4), squeeze=False)
    for place, ax in enumerate(axes.flat):
        ax.axis("off")
        if place < len(images):
            _draw(ax, images[place])
            ax.set_title(titles[place] if titles else "", fontsize=10)
    figure.suptitle(title)
    return figure


def _draw(ax: Axes, image: np.ndarray) -> None:
    """Draw one image at its own pixels, dark for 0."""
    plain = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    ax.imshow(plain, vmin=0, vmax=1, interpolation="nearest")


def show_confusion(counts: np.ndarray, classes: Sequence[str], *, title: str = "") -> Figure:
    """Show a confusion matrix: a row is a true class, a column what was answered.

    Parameters
    ----------
    counts : ndarray, (classes, classes), int
    classes : sequence of str
    title : str

    Returns
    -------
    Figure
    """
    import matplotlib.pyplot as plt

    side = 0.42 * len(classes) + 1.6
    figure, ax = plt.subplots(figsize=(side, side))
    ax.imshow(counts, cmap="Blues", vmin=0)
    ax.set(xlabel="answered", ylabel="true class", title=title)
    ax.set_xticks(range(len(classes)), classes, rotation=0 if max(map(len, classes)) < 3 else 90)
    ax.set_yticks(range(len(classes)), classes)
    ax.grid(visible=False)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            color = "white" if count > counts.max() / 2 else "black"
            ax.text(column, row, count, ha="center", va="center", color=color)
    return figure
