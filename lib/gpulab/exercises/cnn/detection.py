"""The exercises on object detection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Number, as_array
from gpulab.exercises.engine import exercise


def _parts(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Return the areas of the intersection, the union and the smallest box around two boxes."""
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = a, b
    common = max(min(ax1, bx1) - max(ax0, bx0), 0) * max(min(ay1, by1) - max(ay0, by0), 0)
    union = (ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - common
    around = (max(ax1, bx1) - min(ax0, bx0)) * (max(ay1, by1) - min(ay0, by0))
    return float(common), float(union), float(around)


def _unclipped(a: np.ndarray, b: np.ndarray) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common, (_, union, around) = float(sides.prod()), _parts(a, b)
    union += _parts(a, b)[0] - common
    return common / union - (around - union) / around


def _with(formula: Callable[[float, float, float], float]) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda a, b: formula(*_parts(a, b))


@exercise("cnn/generalized-iou", "function", "a function giou(a, b) of two boxes x0, y0, x1, y1")
def generalized_iou(answer: Any) -> Iterator[Case]:
    """Compute the generalized intersection over union of two boxes."""
    mistakes = [
        Mistake("This is the plain IoU. Which share of the box around both is empty?", gives=_with(lambda i, u, h: i / u)),
        Mistake("The empty share is taken off, not added.", gives=_with(lambda i, u, h: i / u + (h - u) / h)),
        Mistake(
            "The empty part is a share of the box around both, not of the union.",
            gives=_with(lambda i, u, h: i / u - (h - u) / u),
        ),
        Mistake(
            "Empty is what the box around both has beyond the union, not beyond the intersection.",
            gives=_with(lambda i, u, h: i / u - (h - i) / h),
        ),
        Mistake(
            "Boxes that lie apart have no intersection: a negative side counts as 0, before the sides are multiplied.",
            gives=_unclipped,
        ),
        Mistake(
            "The union is the sum of both areas less the intersection, which was counted twice.",
            gives=_with(lambda i, u, h: i / (u + i) - (h - u - i) / h),
        ),
    ]
    hint = "Draw both boxes on paper, and the smallest box around them. Which three areas do you need?"
    boxes = [
        ("[0, 0, 2, 2] and [0, 0, 2, 2]", [0, 0, 2, 2], [0, 0, 2, 2]),
        ("[0, 0, 2, 2] and [1, 1, 3, 3]", [0, 0, 2, 2], [1, 1, 3, 3]),
        ("[0, 0, 2, 2] and [6, 0, 8, 2]", [0, 0, 2, 2], [6, 0, 8, 2]),
        ("[0, 0, 2, 3] and [5, 7, 9, 8]", [0, 0, 2, 3], [5, 7, 9, 8]),
        ("a box in another", [0, 0, 10, 5], [2, 1, 4, 3]),
    ]
    for label, a, b in boxes:
        call = (np.array(a, float), np.array(b, float))
        common, union, around = _parts(*call)
        yield from called(
            answer,
            call,
            Number(common / union - (around - union) / around),
            name="giou",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label}",
            verb="is",
        )


def _eleven(hit: np.ndarray, objects: int, *, beyond: bool = True, over: int | None = None) -> float:
    """Return the mean precision at eleven recalls, or a variant of it."""
    right = np.cumsum(hit)
    precision, recall = right / np.arange(1, len(hit) + 1), right / (over or objects)
    total = 0.0
    for tenth in range(11):
        reached = precision[recall >= tenth / 10 - 1e-9]
        if len(reached):
            total += float(reached.max() if beyond else reached[0])
    return total / 11


@exercise("cnn/eleven-points", "function", "a function eleven_points(hit, objects)")
def eleven_points(answer: Any) -> Iterator[Case]:
    """Compute the average precision from eleven points of the curve."""
    mistakes = [
        Mistake(
            "At each recall, take the best precision at that recall or beyond, not the first.",
            gives=lambda hit, objects: _eleven(hit, objects, beyond=False),
        ),
        Mistake(
            "Recall is a share of all objects, also of those that no box finds.",
            gives=lambda hit, objects: _eleven(hit, objects, over=max(int(hit.sum()), 1)),
        ),
        Mistake(
            "The recalls go up in tenths, and the first of them is 0: there are eleven.",
            gives=lambda hit, objects: (11 * _eleven(hit, objects) - np.max(_curve(hit), initial=0)) / 10,
        ),
        Mistake(
            "Divide by eleven, also where some recalls are never reached: there the precision is 0.",
            gives=lambda hit, objects: 11 * _eleven(hit, objects) / (int(10 * hit.sum() / objects + 1e-9) + 1),
        ),
        Mistake(
            "This is the mean precision over the boxes. The mean over eleven recalls is asked for.",
            gives=lambda hit, objects: float(_curve(hit).mean()),
        ),
        Mistake(
            "This is the share of boxes that are right: one point of the curve, not its mean.",
            gives=lambda hit, objects: float(hit.mean()),
        ),
    ]
    hint = "Write precision and recall after each box in two rows, as in the table above. Then read the curve eleven times."
    for label, hit, objects in (
        ("one box that finds the only object", [1], 1),
        ("one right box and two objects", [1], 2),
        ("a wrong box before a right one, one object", [0, 1], 1),
        ("right, wrong, right, and two objects", [1, 0, 1], 2),
        ("right, wrong, right, wrong, and four objects", [1, 0, 1, 0], 4),
        ("ten boxes and eight objects", [1, 1, 0, 1, 0, 0, 1, 0, 1, 0], 8),
    ):
        call = (np.array(hit, bool), objects)
        yield from called(
            answer,
            call,
            Number(_eleven(*call)),
            name="eleven_points",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )


def _curve(hit: np.ndarray) -> np.ndarray:
    return np.cumsum(hit) / np.arange(1, len(hit) + 1)


def _kept(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, threshold: float) -> list[int]:
    """Return the boxes that are kept, each class by itself, the best score first."""
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable").tolist():
        rivals = [k for k in kept if labels[k] == labels[index]]
        if all(_overlap(boxes[index], boxes[k]) <= threshold for k in rivals):
            kept.append(index)
    return kept


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    common, union, _ = _parts(a, b)
    return common / union


def _class_after_class(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, threshold: float) -> list[int]:
    kept = _kept(boxes, scores, labels, threshold)
    return sorted(kept, key=lambda index: labels[index])


def _places_in_class(boxes: np.ndarray, scores: np.ndarray, labels: np.ndarray, threshold: float) -> list[int]:
    found: list[int] = []
    for label in np.unique(labels):
        mine = labels == label
        found += _kept(boxes[mine], scores[mine], labels[mine], threshold)
    return found


@exercise("cnn/nms-by-class", "function", "a function nms_by_class(boxes, scores, labels, threshold)")
def nms_by_class(answer: Any) -> Iterator[Case]:
    """Suppress the doubles of each class by itself."""
    mistakes = [
        Mistake(
            "Indices are asked for: which boxes are kept, as whole numbers.",
            when=lambda got: as_array(got).dtype.kind in "fb" or np.ndim(got) == 2,
        ),
        Mistake(
            "A box can only be the double of a box of its own class.",
            gives=lambda boxes, scores, labels, threshold: _kept(boxes, scores, 0 * labels, threshold),
        ),
        Mistake(
            "Put the boxes of all classes together, the best score first.",
            gives=_class_after_class,
        ),
        Mistake(
            "These are places among the boxes of one class. Which boxes of the whole array are they?",
            gives=_places_in_class,
        ),
        Mistake(
            "The indices are right, but not in the order of the scores, the best first.",
            gives=lambda boxes, scores, labels, threshold: sorted(_kept(boxes, scores, labels, threshold)),
        ),
        Mistake(
            "Which of two doubles stays? The one with the better score.",
            gives=lambda boxes, scores, labels, threshold: _kept(boxes, -scores, labels, threshold),
        ),
        Mistake(
            "How much two boxes may overlap is up to `threshold`, which is not always the same.",
            gives=lambda boxes, scores, labels, threshold: _kept(boxes, scores, labels, 0.5),
        ),
        Mistake("Nothing is suppressed here.", gives=lambda boxes, scores, labels, threshold: np.argsort(-scores)),
    ]
    hint = "Begin with one class: which boxes of it would `vision.nms` keep?"
    near = [[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]]
    rng = np.random.default_rng(3)
    corner = rng.integers(0, 12, (12, 2))
    many = np.hstack([corner, corner + rng.integers(6, 12, (12, 2))])
    for label, boxes, scores, labels, threshold in (
        ("two doubles of one class and a box far away", near, [0.6, 0.9, 0.3], [0, 0, 0], 0.5),
        ("the same boxes, the first of another class", near, [0.6, 0.9, 0.3], [1, 0, 0], 0.5),
        ("two classes with two doubles each", [*near[:2], *near[:2]], [0.4, 0.5, 0.9, 0.7], [0, 0, 1, 1], 0.5),
        ("a better box of the second class", near, [0.9, 0.6, 0.8], [1, 1, 0], 0.5),
        (
            "twelve boxes of three classes and the threshold 0.3",
            many,
            rng.permutation(12) / 12,
            rng.integers(0, 3, 12),
            0.3,
        ),
    ):
        call = (np.array(boxes, float), np.array(scores), np.array(labels), threshold)
        yield from called(
            answer,
            call,
            Array(_kept(*call), kind="iu"),
            name="nms_by_class",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )


def _sides(box: np.ndarray, row: int, column: int, stride: int, middle: float = 0.5) -> np.ndarray:
    x0, y0, x1, y1 = box
    x, y = (column + middle) * stride, (row + middle) * stride
    return np.array([x - x0, y - y0, x1 - x, y1 - y]) / stride


@exercise("cnn/distances", "function", "a function distances(box, row, column, stride)")
def distances(answer: Any) -> Iterator[Case]:
    """Encode a box as its distances from the center of a cell, as YOLOv8 does."""
    mistakes = [
        Mistake(
            "A row belongs to y, a column to x.",
            gives=lambda box, row, column, stride: _sides(box, column, row, stride),
        ),
        Mistake(
            "Measure from the center of the cell, not from its corner.",
            gives=lambda box, row, column, stride: _sides(box, row, column, stride, middle=0.0),
        ),
        Mistake(
            "These are pixels. Distances are counted in cells.",
            gives=lambda box, row, column, stride: _sides(box, row, column, stride) * stride,
        ),
        Mistake(
            "Distances to the left and to the top are positive, too, where the center lies in the box.",
            gives=lambda box, row, column, stride: _sides(box, row, column, stride) * [-1, -1, 1, 1],
        ),
        Mistake(
            "A sign is the other way around: each distance is positive where the center lies in the box.",
            gives=lambda box, row, column, stride: -_sides(box, row, column, stride),
        ),
        Mistake(
            "The order is left, top, right, bottom.",
            gives=lambda box, row, column, stride: _sides(box, row, column, stride)[[0, 2, 1, 3]],
        ),
        Mistake(
            "These are edges in cells. How far are they from the center of the cell?",
            gives=lambda box, row, column, stride: np.asarray(box) / stride,
        ),
    ]
    hint = "Where is the center of the cell, in pixels? Draw it, and the box, and the four distances."
    for label, box, row, column, stride in (
        ("the box [0, 0, 8, 8], row 0, column 0, stride 8", [0, 0, 8, 8], 0, 0, 8),
        ("the box [4, 6, 20, 10], row 0, column 1, stride 8", [4, 6, 20, 10], 0, 1, 8),
        ("the box [10, 30, 34, 60], row 5, column 2, stride 8", [10, 30, 34, 60], 5, 2, 8),
        ("the box [10, 30, 34, 60], row 2, column 1, stride 16", [10, 30, 34, 60], 2, 1, 16),
        ("a cell whose center lies outside of the box", [10, 30, 34, 60], 7, 6, 8),
    ):
        call = (np.array(box, float), row, column, stride)
        yield from called(
            answer,
            call,
            Array(_sides(*call)),
            name="distances",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )
