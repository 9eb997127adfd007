"""Boxes and grids: known values, properties, and one clear message for bad input."""

from __future__ import annotations

import numpy as np
import pytest

from gpulab.data import scenes
from gpulab.vision import COCO_THRESHOLDS, Found, average_precision, decode, detect, encode, hits, iou, nms
from gpulab.vision import precision_recall


def random_boxes(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 40, (n, 2))
    return np.hstack([corner, corner + rng.uniform(2, 20, (n, 2))])


@pytest.mark.parametrize(
    ("a", "b", "right"),
    [
        ([0, 0, 4, 4], [0, 0, 4, 4], 1),
        ([0, 0, 4, 4], [2, 0, 6, 4], 8 / 24),
        ([0, 0, 4, 4], [1, 1, 3, 3], 4 / 16),
        ([0, 0, 4, 4], [4, 0, 8, 4], 0),
        ([0, 0, 4, 4], [9, 9, 12, 12], 0),
        ([1, 1, 1, 1], [1, 1, 1, 1], 0),
    ],
)
def test_iou_of_known_boxes(a: list[int], b: list[int], right: float) -> None:
    assert iou(np.array([a]), np.array([b]))[0, 0] == pytest.approx(right)


def test_iou_counts_pixels_and_is_symmetric() -> None:
    a, b = np.round(random_boxes(20)), np.round(random_boxes(30, 1))
    table = iou(a, b)
    assert np.allclose(table, iou(b, a).T) and table.min() >= 0 and table.max() <= 1

    def mask(box: np.ndarray) -> np.ndarray:
        x0, y0, x1, y1 = box.astype(int)
        drawn = np.zeros((70, 70), bool)
        drawn[y0:y1, x0:x1] = True
        return drawn

    for i, j in np.ndindex(5, 5):
        both, either = mask(a[i]) & mask(b[j]), mask(a[i]) | mask(b[j])
        assert table[i, j] == pytest.approx(both.sum() / either.sum())


def test_nms_keeps_boxes_apart_and_drops_only_what_a_better_one_covers() -> None:
    boxes, scores = random_boxes(60), np.random.default_rng(2).uniform(size=60)
    kept = nms(boxes, scores, 0.3)
    overlap = iou(boxes, boxes)
    assert (np.diff(scores[kept]) <= 0).all()
    assert (overlap[np.ix_(kept, kept)] - np.eye(len(kept)) <= 0.3).all()
    for index in set(range(60)) - set(kept.tolist()):
        better = kept[scores[kept] >= scores[index]]
        assert (overlap[index, better] > 0.3).any()


def test_nms_of_nothing_and_of_ties() -> None:
    assert nms(np.zeros((0, 4)), np.zeros(0)).tolist() == []
    assert nms(np.array([[0, 0, 4, 4], [0, 0, 4, 4]]), np.array([0.5, 0.5])).tolist() == [0]
    assert nms(np.array([[0, 0, 4, 4], [2, 0, 6, 4]]), np.array([0.5, 0.6]), 1 / 3).tolist() == [1, 0]


def test_an_object_is_found_once_by_the_surest_box() -> None:
    truth = np.array([[0, 0, 10, 10], [20, 0, 30, 10]])
    boxes = np.array([[0, 0, 10, 9], [0, 0, 10, 10], [21, 0, 31, 10], [50, 50, 60, 60]])
    assert hits(boxes, np.array([0.9, 0.8, 0.7, 0.6]), truth).tolist() == [True, False, True, False]
    assert hits(boxes, np.array([0.9, 0.8, 0.7, 0.6]), truth, 0.95).tolist() == [False, True, False, False]
    assert hits(boxes, np.ones(4), np.zeros((0, 4))).tolist() == [False] * 4


def test_precision_and_recall() -> None:
    precision, recall = precision_recall(np.array([False, True, True]), np.array([0.5, 0.9, 0.1]), 4)
    assert precision.tolist() == [1, 1 / 2, 2 / 3] and recall.tolist() == [0.25, 0.25, 0.5]


def perfect(boxes: np.ndarray, labels: np.ndarray) -> list[Found]:
    return [Found(b[k >= 0], np.ones((k >= 0).sum()), k[k >= 0]) for b, k in zip(boxes, labels, strict=True)]


def test_average_precision_of_the_truth_of_nothing_and_of_halves() -> None:
    some = scenes(40)
    given = {"classes": 4, "thresholds": COCO_THRESHOLDS}
    assert np.allclose(average_precision(perfect(some.boxes, some.labels), some.boxes, some.labels, **given), 1)
    nothing = [Found(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int))] * 40
    assert np.allclose(average_precision(nothing, some.boxes, some.labels, **given), 0)
    shifted = perfect(some.boxes + [3, 0, 3, 0], some.labels)
    table = average_precision(shifted, some.boxes, some.labels, **given)
    assert (np.diff(table.mean(axis=1)) <= 0).all() and table[0].mean() > 0.9 > 0.1 > table[-1].mean()


def test_average_precision_of_a_class_without_objects_is_nan() -> None:
    table = average_precision(perfect(np.ones((1, 1, 4)), np.array([[0]])), np.ones((1, 1, 4)), np.array([[0]]), classes=2)
    assert table[0, 0] == 0 and np.isnan(table[0, 1])  # an empty box overlaps nothing


def test_an_encoded_box_is_decoded_again() -> None:
    some = scenes(60)
    grid = encode(some.boxes, some.labels, size=64, cells=8, classes=4)
    inside = grid.clip(1e-6, 1 - 1e-6).astype(np.float64)
    boxes, scores, labels = decode(np.log(inside / (1 - inside)), size=64)
    for i in range(60):
        there = np.flatnonzero(grid[i, ..., 0].ravel())
        for box, label in zip(boxes[i, there], labels[i, there], strict=True):
            near = np.abs(some.boxes[i] - box).max(axis=1)
            assert near.min() < 1e-3 and some.labels[i, near.argmin()] == label
        assert (scores[i, there] > 0.99).all() and scores[i].sum() < len(there) + 0.01


def test_detect_finds_what_was_encoded() -> None:
    some = scenes(60)
    logits = 20 * encode(some.boxes, some.labels, size=64, cells=8, classes=4) - 10
    exact = encode(some.boxes, some.labels, size=64, cells=8, classes=4)[..., 1:5].clip(1e-6, 1 - 1e-6)
    logits[..., 1:5] = np.log(exact / (1 - exact))
    table = average_precision(detect(logits, size=64), some.boxes, some.labels, classes=4)
    assert table.mean() > 0.95  # two centers in one cell are few
    assert [len(one.boxes) for one in detect(logits, size=64, least=1.1)] == [0] * 60


def test_boxes_of_different_classes_do_not_suppress_each_other() -> None:
    logits = np.full((1, 2, 2, 7), -20.0)
    logits[0, 0, :, 0] = 20
    logits[0, 0, 0, 1:5], logits[0, 0, 1, 1:5] = (20, 20, 0, 0), (-20, 20, 0, 0)  # the same box from two cells
    logits[0, 0, 0, 5] = logits[0, 0, 1, 6] = 20
    (found,) = detect(logits, size=64)
    assert sorted(found.labels.tolist()) == [0, 1]
    logits[0, 0, 1, 5:] = 20, -20
    (found,) = detect(logits, size=64)
    assert found.labels.tolist() == [0]


def test_the_center_on_the_lower_border_stays_in_the_last_cell() -> None:
    grid = encode(np.array([[[60, 64, 68, 64]]]), np.array([[0]]), size=64, cells=8, classes=1)
    assert np.argwhere(grid[0, :, :, 0]).tolist() == [[7, 7]]


def test_large_logits_do_not_overflow() -> None:
    with np.errstate(all="raise", under="ignore"):
        boxes, scores, _ = decode(np.full((1, 2, 2, 7), -900.0), size=64)
    assert np.isfinite(boxes).all() and np.isfinite(scores).all()


def test_bad_input_gets_one_clear_message() -> None:
    with pytest.raises(ValueError, match=r"a has shape \(4,\); expected \(n, 4\).*box\[None\]"):
        iou(np.zeros(4), np.zeros((1, 4)))
    with pytest.raises(ValueError, match="b has a box with x1 < x0"):
        iou(np.zeros((1, 4)), np.array([[30, 30, 10, 10]]))
    with pytest.raises(ValueError, match=r"scores has shape \(2,\); expected \(1,\)"):
        nms(np.zeros((1, 4)), np.zeros(2))
    with pytest.raises(ValueError, match=r"1 images in found, 2 in boxes"):
        average_precision(perfect(np.ones((1, 1, 4)), np.array([[0]])), np.ones((2, 1, 4)), np.zeros((2, 1)), classes=1)
    with pytest.raises(ValueError, match=r"boxes has shape \(1, 4\), labels \(1,\); expected"):
        encode(np.zeros((1, 4)), np.zeros(1), size=64, cells=8, classes=2)
