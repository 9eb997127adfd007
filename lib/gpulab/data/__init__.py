"""Data sets with cards: source, license, size, classes, splits, and how each was made. Offline, real, never leaking.

>>> from gpulab.data import load
>>> photos = load("photos")
>>> photos.train.x.shape, photos.train.x.dtype
((134, 128, 128, 3), dtype('float32'))
>>> print(photos.card.license)
GPL-2.0 (Tux Paint stamps)
>>> names = load("names")
>>> names.train.x[0]
array([14, 15, 18,  9, 11, 15,  0,  0,  0,  0,  0])
"""

from __future__ import annotations

from gpulab.data.cards import Card, SeriesCard, cards
from gpulab.data.scenes import Scenes, scenes
from gpulab.data.sequences import lengths
from gpulab.data.series import Series, series
from gpulab.data.sets import DataSet, Split, load

__all__ = ["Card", "DataSet", "Scenes", "Series", "SeriesCard", "Split", "cards", "lengths", "load", "scenes", "series"]
