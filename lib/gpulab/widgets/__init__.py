"""Interactive figures for the lessons, alive in a notebook and in the built book, with no kernel and no network.

To add one: write ``NAME.js`` beside this file, one function that makes its controls and draws (``pooling.js`` is a short
example), and a Python function that returns an :class:`Explorer` of that name with the data and a still picture. Where the
pictures are made in advance, :func:`frames` alone will do. In the page's notebook the cell that shows it has the tag
``remove-input``.

>>> from gpulab.widgets import convolution
>>> convolution().title
'Explorer: a convolution, number by number'
"""

from __future__ import annotations

from gpulab.widgets.chooser import chooser
from gpulab.widgets.core import Explorer
from gpulab.widgets.frames import frames
from gpulab.widgets.grids import convolution, pooling
from gpulab.widgets.maps import feature_maps
from gpulab.widgets.reading import unrolled

__all__ = ["Explorer", "chooser", "convolution", "feature_maps", "frames", "pooling", "unrolled"]
