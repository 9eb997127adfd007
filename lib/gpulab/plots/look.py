"""The style of every figure: colors that color-blind readers can tell apart, light grid, no frame."""

from __future__ import annotations

# Okabe and Ito's palette (https://jfly.uni-koeln.de/color/): distinct under the common color-vision deficiencies.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def style() -> None:
    """Use the course's style for the figures that follow: readable size, white ground, light grid, no frame."""
    import matplotlib as mpl

    mpl.rcParams.update(
        {
            "axes.prop_cycle": mpl.cycler(color=COLORS),
            "axes.grid": True,
            "grid.color": "#dddddd",
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.dpi": 110,
            "figure.figsize": (6.0, 3.4),
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "font.size": 11,
            "image.cmap": "gray",
            "svg.hashsalt": "gpulab",  # the same figure gives the same file
        }
    )
