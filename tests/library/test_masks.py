"""The NumPy measures of masks: by hand, by their properties, and their refusals."""

from __future__ import annotations

import numpy as np
import pytest
from gpulab.vision import masks

RNG = np.random.default_rng(0)
TRUE, ANSWERED = RNG.integers(0, 5, (2, 6, 16, 16))
COUNTS = masks.confusion(TRUE, ANSWERED, 5)


def test_the_table_counts_each_pixel_once() -> None:
    by_hand = [[int(((TRUE == i) & (ANSWERED == j)).sum()) for j in range(5)] for i in range(5)]
    assert COUNTS.tolist() == by_hand
    assert COUNTS.sum() == TRUE.size and COUNTS.dtype == np.int64


def test_iou_and_dice_are_those_of_sets_of_pixels() -> None:
    for k in range(5):
        a, b = ({tuple(p) for p in np.argwhere(mask == k)} for mask in (TRUE, ANSWERED))
        assert masks.iou(COUNTS)[k] == pytest.approx(len(a & b) / len(a | b))
        assert masks.dice(COUNTS)[k] == pytest.approx(2 * len(a & b) / (len(a) + len(b)))


def test_one_follows_from_the_other() -> None:
    share = masks.iou(COUNTS)
    assert np.allclose(masks.dice(COUNTS), 2 * share / (1 + share))


def test_a_perfect_answer_is_one_and_the_order_of_the_two_masks_does_not_matter() -> None:
    perfect = masks.confusion(TRUE, TRUE, 5)
    assert masks.pixel_accuracy(perfect) == 1 and (masks.iou(perfect) == 1).all() and (masks.dice(perfect) == 1).all()
    assert np.allclose(masks.iou(COUNTS), masks.iou(COUNTS.T))


def test_background_everywhere_has_a_high_accuracy_and_a_low_mean_iou() -> None:
    true = np.zeros((10, 10), int)
    true[0] = 1
    counts = masks.confusion(true, np.zeros_like(true), 2)
    assert masks.pixel_accuracy(counts) == 0.9
    assert masks.iou(counts).tolist() == [0.9, 0]


def test_an_absent_class_is_left_out_of_the_mean_but_a_wrongly_answered_one_is_not() -> None:
    absent = masks.confusion(np.array([0, 1]), np.array([0, 1]), 3)
    assert np.isnan(masks.iou(absent)[2]) and masks.mean_over_classes(masks.iou(absent)) == 1
    imagined = masks.confusion(np.array([0, 1]), np.array([0, 2]), 3)
    assert masks.iou(imagined).tolist() == [1, 0, 0]
    assert np.isnan(masks.mean_over_classes(np.array([np.nan]))) and np.isnan(masks.pixel_accuracy(np.zeros((2, 2))))


def test_tables_add_up_over_batches() -> None:
    parts = masks.confusion(TRUE[:2], ANSWERED[:2], 5) + masks.confusion(TRUE[2:], ANSWERED[2:], 5)
    assert np.array_equal(parts, COUNTS)


@pytest.mark.parametrize(
    ("true", "answered", "words"),
    [
        (TRUE, ANSWERED[:1], "expected the same shape"),
        (TRUE, np.zeros((*TRUE.shape, 5)), "Take the argmax over the classes first"),
        (TRUE, ANSWERED.astype(float), "answered has dtype float64; expected whole numbers"),
        (TRUE + 1, ANSWERED, "true has the class 5; with classes=5 expected 0 to 4"),
        (TRUE, ANSWERED - 1, "answered has the class -1"),
    ],
)
def test_wrong_masks_are_refused(true: np.ndarray, answered: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        masks.confusion(true, answered, 5)


@pytest.mark.parametrize("measure", [masks.iou, masks.dice, masks.pixel_accuracy])
def test_a_table_that_is_none_is_refused(measure: object) -> None:
    with pytest.raises(ValueError, match=r"counts has shape \(2, 3\); expected a table"):
        measure(np.zeros((2, 3)))


def test_the_border_has_a_pixel_on_each_side() -> None:
    mask = np.zeros((2, 6, 6), int)
    mask[0, 2:5, 2:5] = 3
    found = masks.border(mask)
    assert not found[1].any()
    by_hand = np.zeros((6, 6), bool)
    for i, j in np.ndindex(6, 6):
        around = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
        by_hand[i, j] = any(mask[0][p] != mask[0, i, j] for p in around if 0 <= p[0] < 6 and 0 <= p[1] < 6)
    assert np.array_equal(found[0], by_hand) and by_hand.sum() == 8 + 12
    with pytest.raises(ValueError, match=r"mask has shape \(3,\); expected"):
        masks.border(np.array([0, 1, 1]))
