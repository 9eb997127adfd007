"""Data sets with cards: source, license, size, classes, splits, and how each was made. Offline, real, never leaking.

>>> from gpulab.data import load
>>> photos = load("photos")
>>> photos.train.x.shape, photos.train.x.dtype
((134, 128, 128, 3), dtype('float32'))
>>> print(photos.card.license)
GPL-2.0 (Tux Paint stamps)
"""

from __future__ import annotations

from gpulab.data.cards import Card, cards
from gpulab.data.images import DataSet, Split, load
from gpulab.data.scenes import Scenes, scenes

__all__ = ["Card", "DataSet", "Scenes", "Split", "cards", "load", "scenes"]
