"""Composed scenes: boxes fit the masks, parts share nothing, and a seed gives the same scenes everywhere."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from gpulab.data import Scenes, cards, load, scenes
from gpulab.data.scenes import CARD, PARTS, SOURCES, STRIPS, _cut_out, _cuts, _shrink, _sprites

# Lessons quote results on these very scenes: a change here changes their numbers.
DIGESTS = {"train": "9ebcfa3871c0d70d", "valid": "550201fd16e3b560", "test": "8dffc4fa6540085c"}


@pytest.fixture(scope="module")
def some() -> Scenes:
    return scenes(200, seed=3)


def digest(made: Scenes) -> str:
    found = hashlib.sha256(np.round(made.images * 255).astype(np.uint8).tobytes())
    for array in (made.boxes, made.labels, made.masks):
        found.update(array.tobytes())
    return found.hexdigest()[:16]


def test_shapes_types_and_ranges(some: Scenes) -> None:
    assert some.images.shape == (200, 64, 64, 3) and some.images.dtype == np.float32
    assert some.boxes.shape == (200, 3, 4) and some.boxes.dtype == np.float32
    assert some.labels.shape == (200, 3) and some.labels.dtype == np.int64
    assert some.masks.shape == (200, 64, 64) and some.masks.dtype == np.int64
    assert 0 <= some.images.min() < 0.1 and 0.9 < some.images.max() <= 1
    assert some.classes == tuple(SOURCES) == CARD.classes


def test_every_class_and_every_number_of_objects_occurs(some: Scenes) -> None:
    counts = np.bincount(some.labels[some.labels >= 0])
    assert len(counts) == len(SOURCES) and counts.min() > 0.6 * counts.mean()
    assert set((some.labels >= 0).sum(axis=1)) == {1, 2, 3}


def test_boxes_are_tight_around_the_masks(some: Scenes) -> None:
    alone = 0
    for boxes, labels, mask in zip(some.boxes, some.labels, some.masks, strict=True):
        covered = np.zeros_like(mask, bool)
        for (x0, y0, x1, y1), label in zip(boxes.astype(int), labels, strict=True):
            assert (label >= 0) == (x1 > x0) == (y1 > y0)
            covered[y0:y1, x0:x1] = True
        assert not mask[~covered].any(), "a pixel of an object lies outside of every box"
        if (labels >= 0).sum() == 1:
            rows, columns = np.nonzero(mask)
            assert boxes[0].tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert set(np.unique(mask)) == {0, labels[0] + 1}
            alone += 1
    assert alone > 20


def test_edges_of_boxes_touch_their_class(some: Scenes) -> None:
    for boxes, labels, mask in zip(some.boxes, some.labels, some.masks, strict=True):
        for (x0, y0, x1, y1), label in zip(boxes.astype(int), labels, strict=True):
            if label >= 0:
                inside = mask[y0:y1, x0:x1] == label + 1
                assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()


@pytest.mark.parametrize("size", [32, 64, 128])
def test_objects_span_a_quarter_to_a_half(size: int) -> None:
    for part in PARTS:
        for sprites, cuts in zip(_sprites(part, size), _cuts(part).values(), strict=True):
            assert len(sprites) >= len(cuts)
            assert all(size / 4 <= max(sprite.shape[:2]) <= size / 2 + 1 for sprite in sprites)
    assert scenes(5, size=size).images.shape == (5, size, size, 3)


@pytest.mark.parametrize("part", PARTS)
def test_a_seed_gives_the_same_scenes_everywhere(part: str) -> None:
    assert digest(scenes(50, part=part)) == DIGESTS[part]
    assert digest(scenes(50, part=part, seed=1)) != DIGESTS[part]


def test_the_first_scenes_do_not_depend_on_how_many_follow() -> None:
    assert np.array_equal(scenes(3).images, scenes(8).images[:3])


def test_parts_share_no_cut_out_and_no_background() -> None:
    prints = [{cut.tobytes() for cuts in _cuts(part).values() for cut in cuts} for part in PARTS]
    assert tuple(sum(map(len, _cuts(part).values())) for part in PARTS) == CARD.sizes
    assert not prints[0] & prints[1] and not prints[0] & prints[2] and not prints[1] & prints[2]
    strips = sorted(STRIPS.values())
    assert all(before[1] <= after[0] for before, after in zip(strips, strips[1:], strict=False))


def test_classes_come_from_classes_of_the_sets() -> None:
    for places in SOURCES.values():
        assert all(label in load(name).classes and name in cards() for name, label in places)


def test_cut_out_removes_the_ground_and_keeps_white_inside() -> None:
    image = np.full((9, 9, 3), 255)
    image[2:7, 3:8] = 100
    image[4, 5] = 255
    cut = _cut_out(image)
    assert cut.shape == (5, 5, 4) and cut[..., 3].all() and cut[2, 2].tolist() == [255, 255, 255, 1]


def test_shrink_averages_whole_blocks() -> None:
    image = np.arange(5 * 4 * 1).reshape(5, 4, 1)
    assert _shrink(image, 2)[..., 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_scenes_are_yours_to_change() -> None:
    before = scenes(4)
    scenes(4).images[:] = 0
    assert np.array_equal(before.images, scenes(4).images)


def test_card_is_complete() -> None:
    card = scenes(1).card
    assert all((card.source, card.license, card.how_made, card.splits, card.caution))
    assert "CC BY 2.0" in card._repr_markdown_()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"part": "trial"}, "no part 'trial'.*train, valid, test"),
        ({"n": 0}, "n is 0; give a whole number, 1 or larger"),
        ({"n": 2.5}, "n is 2.5; give a whole number"),
        ({"seed": -1}, "seed is -1; give a whole number, 0 or larger"),
        ({"size": 60}, "size is 60; give a multiple of 8 from 32 to 128"),
        ({"size": 256}, "size is 256; give a multiple"),
        ({"objects": (3, 1)}, r"objects is \(3, 1\); give the fewest and the most"),
        ({"objects": 3}, "objects is 3; give the fewest and the most"),
        ({"objects": (0, 2)}, "from 1 to 6"),
        ({"objects": (1, 7)}, "from 1 to 6"),
        ({"objects": ("a", "b")}, "from 1 to 6"),
    ],
)
def test_bad_arguments_get_one_clear_message(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        scenes(**{"n": 1, **arguments})
