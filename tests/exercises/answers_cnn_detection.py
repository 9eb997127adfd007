"""Answers to the exercises on object detection."""

from __future__ import annotations

import numpy as np

from gpulab import vision
from tests.exercises.walk import Answers


def areas(a, b):
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = np.maximum(sides, 0).prod()
    union = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common
    hull = (np.maximum(a[2:], b[2:]) - np.minimum(a[:2], b[:2])).prod()
    return common, union, hull


def giou(a, b):
    common, union, hull = areas(a, b)
    return common / union - (hull - union) / hull


def giou_unclipped(a, b):
    common = (np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])).prod()
    union = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common
    hull = areas(a, b)[2]
    return common / union - (hull - union) / hull


def giou_of_sum(a, b):
    common, union, hull = areas(a, b)
    return common / (union + common) - (hull - union - common) / hull


def curve(hit, objects):
    right = np.cumsum(hit)
    return right / np.arange(1, len(hit) + 1), right / objects


def eleven_points(hit, objects, tenths=range(11), over=11, best=max):
    precision, recall = curve(hit, objects)
    values = []
    for tenth in tenths:
        beyond = precision[recall >= tenth / 10 - 1e-9]
        values.append(best(beyond) if len(beyond) else 0)
    return float(sum(values) / (over or np.count_nonzero(values)))


def nms_by_class(boxes, scores, labels, threshold):
    kept = []
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        kept.extend(mine[vision.nms(boxes[mine], scores[mine], threshold)])
    return np.array(sorted(kept, key=lambda index: -scores[index]))


def class_after_class(boxes, scores, labels, threshold):
    kept = []
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        kept.extend(mine[vision.nms(boxes[mine], scores[mine], threshold)])
    return np.array(kept)


def places_in_class(boxes, scores, labels, threshold):
    kept = []
    for label in np.unique(labels):
        mine = labels == label
        kept.extend(vision.nms(boxes[mine], scores[mine], threshold))
    return np.array(kept)


def distances(box, row, column, stride):
    x, y = (column + 0.5) * stride, (row + 0.5) * stride
    return np.array([x - box[0], y - box[1], box[2] - x, box[3] - y]) / stride


ANSWERS = {
    "cnn/generalized-iou": Answers(
        giou,
        [
            (lambda a, b: areas(a, b)[0] / areas(a, b)[1], "plain IoU"),
            (lambda a, b: 2 * areas(a, b)[0] / areas(a, b)[1] - giou(a, b), "taken off, not added"),
            (lambda a, b: (areas(a, b)[0] - areas(a, b)[2]) / areas(a, b)[1] + 1, "not of the union"),
            (lambda a, b: areas(a, b)[0] / areas(a, b)[1] - 1 + areas(a, b)[0] / areas(a, b)[2], "beyond the intersection"),
            (giou_unclipped, "a negative side counts as 0"),
            (giou_of_sum, "counted twice"),
            (lambda a, b: None, "returns nothing"),
        ],
    ),
    "cnn/eleven-points": Answers(
        eleven_points,
        [
            (lambda hit, objects: eleven_points(hit, objects, best=lambda p: p[0]), "at that recall or beyond"),
            (lambda hit, objects: eleven_points(hit, max(hit.sum(), 1)), "also of those that no box finds"),
            (lambda hit, objects: eleven_points(hit, objects, range(1, 11), 10), "the first of them is 0"),
            (lambda hit, objects: eleven_points(hit, objects, over=None), "never reached"),
            (lambda hit, objects: curve(hit, objects)[0].mean(), "mean precision over the boxes"),
            (lambda hit, objects: hit.mean(), "the share of boxes"),
        ],
    ),
    "cnn/nms-by-class": Answers(
        nms_by_class,
        [
            (lambda b, s, k, t: vision.nms(b, s, t), "of its own class"),
            (class_after_class, "all classes together"),
            (places_in_class, "places among the boxes of one class"),
            (lambda b, s, k, t: np.isin(np.arange(len(b)), nms_by_class(b, s, k, t)), "Indices are asked for"),
            (lambda b, s, k, t: b[nms_by_class(b, s, k, t)], "as whole numbers"),
            (lambda b, s, k, t: np.sort(nms_by_class(b, s, k, t)), "not in the order of the scores"),
            (lambda b, s, k, t: nms_by_class(b, -s, k, t), "the better score"),
            (lambda b, s, k, t: nms_by_class(b, s, k, t).astype(float), "as whole numbers"),
            (lambda b, s, k, t: nms_by_class(b, s, k, 0.5), "up to `threshold`"),
            (lambda b, s, k, t: np.argsort(-s), "Nothing is suppressed"),
        ],
    ),
    "cnn/distances": Answers(
        distances,
        [
            (lambda box, row, column, stride: distances(box, column, row, stride), "A row belongs to y"),
            (lambda box, row, column, stride: distances(box, row - 0.5, column - 0.5, stride), "not from its corner"),
            (lambda box, row, column, stride: distances(box, row, column, stride) * stride, "counted in cells"),
            (lambda box, r, c, stride: distances(box, r, c, stride) * [-1, -1, 1, 1], "to the left and to the top"),
            (lambda box, row, column, stride: -distances(box, row, column, stride), "the other way around"),
            (lambda box, r, c, stride: distances(box, r, c, stride)[[0, 2, 1, 3]], "left, top, right, bottom"),
            (lambda box, row, column, stride: box / stride, "edges in cells"),
        ],
    ),
}
