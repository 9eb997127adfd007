"""Data sets are what their cards say, and no image stands in two splits."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from gpulab.data import DataSet, cards, load
from gpulab.data.images import raw
from gpulab.data.splits import by_hash, fingerprint, groups, look_alike

NAMES = sorted(cards())
# Lessons quote accuracies on these very splits: a change here changes every number in the course.
SPLIT_HASHES = {"digits": "b78ae981790024a5", "emoji": "bafd5cc0448ea8ea", "photos": "3f05f95c464aa1ee"}


@pytest.fixture(scope="module")
def sets() -> dict[str, DataSet]:
    return {name: load(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_data_is_what_the_card_says(sets: dict[str, DataSet], name: str) -> None:
    data, card = sets[name], cards()[name]
    for part, size in zip((data.train, data.valid, data.test), card.sizes, strict=True):
        assert part.x.shape == (size, *card.shape)
        assert part.x.dtype == np.float32 and part.y.dtype == np.int64
        assert part.x.min() == 0 and part.x.max() == 1
        assert set(part.y) == set(range(len(card.classes)))


@pytest.mark.parametrize("name", NAMES)
def test_no_image_stands_in_two_splits(sets: dict[str, DataSet], name: str) -> None:
    data = sets[name]
    prints = [{fingerprint(image) for image in part.x} for part in (data.train, data.valid, data.test)]
    assert not prints[0] & prints[1] and not prints[0] & prints[2] and not prints[1] & prints[2]


@pytest.mark.parametrize("name", ["photos", "emoji"])
def test_no_near_copy_stands_in_two_splits(sets: dict[str, DataSet], name: str) -> None:
    data = sets[name]
    parts = [np.round(part.x * 255).astype(np.uint8) for part in (data.train, data.valid, data.test)]
    alike = look_alike(np.concatenate(parts))
    part_of = np.repeat([0, 1, 2], [len(part) for part in parts])
    assert not (alike & (part_of[:, None] != part_of[None])).any()


@pytest.mark.parametrize("name", NAMES)
def test_splits_never_move(sets: dict[str, DataSet], name: str) -> None:
    data, digest = sets[name], hashlib.sha256()
    for part in (data.train, data.valid, data.test):
        digest.update(np.round(part.x * 255).astype(np.uint8).tobytes() + part.y.tobytes())
    assert digest.hexdigest()[:16] == SPLIT_HASHES[name]


def test_mirror_images_count_as_alike() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    other = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    alike = look_alike(np.concatenate([image, image[:, :, ::-1], other]))
    assert alike.tolist() == [[True, True, False], [True, True, False], [False, False, True]]


def test_groups_join_chains() -> None:
    chain = np.eye(5, dtype=bool)
    for i, j in ((0, 1), (1, 2), (3, 4)):
        chain[i, j] = chain[j, i] = True
    assert groups(chain).tolist() == [0, 0, 0, 3, 3]


def test_copies_stay_together_and_every_image_is_dealt() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 1), dtype=np.uint8)
    images[30:] = images[:30]
    labels = np.zeros(60, dtype=np.int64)
    parts = by_hash(images, labels, (0.5, 0.2, 0.3))
    assert sorted(np.concatenate(parts).tolist()) == list(range(60))
    for part in parts:
        assert {i % 30 for i in part} & {i % 30 for other in parts if other is not part for i in other} == set()


def test_emoji_and_photos_agree_with_their_files() -> None:
    assert len(raw("photos")[0]) == 223 and len(raw("emoji")[0]) == 900


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no data set 'mnist'.*digits, emoji, photos"):
        load("mnist")


@pytest.mark.parametrize("name", NAMES)
def test_card_is_complete(name: str) -> None:
    card = cards()[name]
    assert all((card.source, card.license, card.how_made, card.splits, card.caution))
    assert card.license in card._repr_markdown_()
