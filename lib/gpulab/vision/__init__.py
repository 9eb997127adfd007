"""Boxes and grids: what a detector's targets and answers are made of, and how its answers are judged. NumPy only.

>>> import numpy as np
>>> from gpulab.vision import iou
>>> iou(np.array([[0, 0, 10, 10]]), np.array([[5, 0, 15, 10]])).round(2)
array([[0.33]])
"""

from __future__ import annotations

from gpulab.vision.boxes import COCO_THRESHOLDS, Found, average_precision, hits, iou, nms, precision_recall
from gpulab.vision.grid import decode, detect, encode

__all__ = [
    "COCO_THRESHOLDS",
    "Found",
    "average_precision",
    "decode",
    "detect",
    "encode",
    "hits",
    "iou",
    "nms",
    "precision_recall",
]
