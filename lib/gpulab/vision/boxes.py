"""Intersection over union, non-maximum suppression and average precision of boxes x0, y0, x1, y1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

COCO_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))  # 0.5, 0.55, ..., 0.95
RECALLS = np.linspace(0, 1, 101)  # where COCO reads the curve of precision against recall


class Found(NamedTuple):
    """What a detector found in one image.

    Attributes
    ----------
    boxes : ndarray, (n, 4), float
    scores : ndarray, (n,), float
    labels : ndarray, (n,), int
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray


def _boxes(name: str, boxes: np.ndarray) -> np.ndarray:
    array = np.asarray(boxes, np.float64)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"{name} has shape {array.shape}; expected (n, 4): x0, y0, x1, y1. One box is `box[None]`.")
    if (array[:, 2:] < array[:, :2]).any():
        raise ValueError(f"{name} has a box with x1 < x0 or y1 < y0; expected edges x0, y0, x1, y1, not a center.")
    return array


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each box of ``a`` with each box of ``b``.

    Parameters
    ----------
    a, b : ndarray, (n, 4) and (m, 4)
        Edges x0, y0, x1, y1 in pixels.

    Returns
    -------
    ndarray, (n, m), float64 in 0..1
        0 where both boxes are empty.

    Raises
    ------
    ValueError
        An array is not of that shape, or a box has its edges in the wrong order.

    Examples
    --------
    >>> import numpy as np
    >>> iou(np.array([[0, 0, 2, 2]]), np.array([[0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6]])).round(3)
    array([[1.   , 0.143, 0.   ]])
    """
    a, b = _boxes("a", a), _boxes("b", b)
    sides = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    common = sides.clip(min=0).prod(axis=2)
    area_a, area_b = ((box[:, 2:] - box[:, :2]).prod(axis=1) for box in (a, b))
    union = area_a[:, None] + area_b - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def nms(boxes: np.ndarray, scores: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Keep the best of overlapping boxes (non-maximum suppression).

    Parameters
    ----------
    boxes : ndarray, (n, 4)
    scores : ndarray, (n,)
    threshold : float
        A box goes if its intersection over union with a better one that is kept is larger.

    Returns
    -------
    ndarray, int
        The indices that are kept, the best score first. Of equal scores the first box comes first.

    Examples
    --------
    >>> import numpy as np
    >>> nms(np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]]), np.array([0.6, 0.9, 0.3]))
    array([1, 2])
    """
    scores = np.asarray(scores)
    if scores.shape != (len(boxes),):
        raise ValueError(f"scores has shape {scores.shape}; expected ({len(boxes)},), one for each box.")
    overlap = iou(boxes, boxes)
    left, kept = np.argsort(-scores, kind="stable"), []
    while len(left):
        kept.append(left[0])
        left = left[1:][overlap[left[0], left[1:]] <= threshold]
    return np.array(kept, np.int64)


def hits(boxes: np.ndarray, scores: np.ndarray, truth: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Tell which boxes of one class in one image find an object.

    The best score chooses first: it takes the free object that it overlaps most, if by ``threshold`` or more. An object
    can be found once; each further box on it is wrong.

    Parameters
    ----------
    boxes, scores : ndarray, (n, 4) and (n,)
    truth : ndarray, (m, 4)
        The boxes of the objects.
    threshold : float

    Returns
    -------
    ndarray, (n,), bool
        In the order of ``boxes``.
    """
    return _matched(iou(boxes, truth), np.asarray(scores), threshold)


def _matched(overlap: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Tell which boxes find an object, from their IoU with each object, (n, m)."""
    found = np.zeros(len(overlap), bool)
    left = np.where(overlap >= threshold, overlap, -1.0)  # objects that are too far away, or found, are -1
    for index in np.argsort(-scores, kind="stable") if (left > 0).any() else ():
        nearest = left[index].argmax()
        if left[index, nearest] > 0:
            left[:, nearest] = -1
            found[index] = True
    return found


def precision_recall(hit: np.ndarray, scores: np.ndarray, objects: int) -> tuple[np.ndarray, np.ndarray]:
    """Return precision and recall as the threshold on the score falls, (n,) each.

    Parameters
    ----------
    hit, scores : ndarray, (n,)
        Of the boxes of one class in all images: did it find an object, and how sure was the detector?
    objects : int
        How many there are.
    """
    right = np.asarray(hit)[np.argsort(-np.asarray(scores), kind="stable")].cumsum()
    return right / np.arange(1, len(right) + 1), right / objects


def _area(precision: np.ndarray, recall: np.ndarray) -> float:
    """Return the mean over 101 recalls of the best precision at that recall or beyond; 0 beyond the last."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.append(envelope, 0)[np.searchsorted(recall, RECALLS)].mean())


def average_precision(
    found: Sequence[Found], boxes: np.ndarray, labels: np.ndarray, *, classes: int, thresholds: Sequence[float] = (0.5,)
) -> np.ndarray:
    """Return the average precision of each class at each threshold, as the COCO benchmark computes it.

    Parameters
    ----------
    found : sequence of Found
        One an image.
    boxes : ndarray, (n, K, 4)
        The objects of each image, as in :class:`gpulab.data.Scenes`.
    labels : ndarray, (n, K), int
        Their classes; -1 where there is no object.
    classes : int
        How many classes there are.
    thresholds : sequence of float
        How much a box must overlap an object to find it. ``COCO_THRESHOLDS`` are the ten of "mAP@[.5:.95]".

    Returns
    -------
    ndarray, (thresholds, classes), float64
        ``nan`` for a class with no object. The mean over all is the mAP.

    Raises
    ------
    ValueError
        The numbers of images differ.

    Notes
    -----
    The curve is read at 101 recalls. COCO keeps the best 100 boxes an image; here all count.

    Examples
    --------
    >>> import numpy as np
    >>> one = Found(np.array([[0, 0, 4, 4], [5, 5, 9, 9]]), np.array([0.9, 0.8]), np.array([0, 0]))
    >>> average_precision([one], np.array([[[5, 5, 9, 9]]]), np.array([[0]]), classes=1)
    array([[0.5]])
    """
    if not len(found) == len(boxes) == len(labels):
        raise ValueError(f"{len(found)} images in found, {len(boxes)} in boxes, {len(labels)} in labels.")
    table = np.full((len(thresholds), classes), np.nan)
    for label in range(classes):
        objects = int((labels == label).sum())
        scores = [one.scores[one.labels == label] for one in found]
        overlaps = [
            iou(one.boxes[one.labels == label], box[kind == label])
            for one, box, kind in zip(found, boxes, labels, strict=True)
        ]
        for row, threshold in enumerate(thresholds):
            if objects:
                hit = [_matched(*pair, threshold) for pair in zip(overlaps, scores, strict=True)]
                table[row, label] = _area(*precision_recall(np.concatenate(hit), np.concatenate(scores), objects))
    return table
