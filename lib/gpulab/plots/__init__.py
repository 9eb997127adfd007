"""Pictures for the lessons: one plain style, colors that color-blind readers can tell apart."""

from __future__ import annotations

from gpulab.plots.heatmaps import show_heatmaps
from gpulab.plots.images import show_confusion, show_images
from gpulab.plots.look import COLORS, style
from gpulab.plots.machines import place_in_catalog, roofline

__all__ = ["COLORS", "place_in_catalog", "roofline", "show_confusion", "show_heatmaps", "show_images", "style"]
