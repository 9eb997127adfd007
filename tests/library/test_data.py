"""Data sets are what their cards say, and no sample stands in two splits."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from gpulab import assets
from gpulab.data import DataSet, cards, lengths, load, series
from gpulab.data.cards import SERIES
from gpulab.data.images import raw
from gpulab.data.sequences import raw_names, raw_vowels
from gpulab.data.splits import by_hash, fingerprint, groups, look_alike

NAMES = sorted(cards())
IMAGES = sorted(name for name, card in cards().items() if card.samples == "images")
# Lessons quote accuracies on these very splits: a change here changes every number in the course.
SPLIT_HASHES = {
    "digits": "b78ae981790024a5",
    "emoji": "bafd5cc0448ea8ea",
    "names": "35dee20388052d96",
    "photos": "3f05f95c464aa1ee",
    "snippets": "10e997f53bb859c9",
    "vowels": "737c8cd157342979",
}
SERIES_HASHES = {"co2": "f990b16f408fca6f", "elnino": "febde28a5a73671e", "sunspots": "2a311fe49e670ad0"}


@pytest.fixture(scope="module")
def sets() -> dict[str, DataSet]:
    return {name: load(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_data_is_what_the_card_says(sets: dict[str, DataSet], name: str) -> None:
    data, card = sets[name], cards()[name]
    for part, size in zip((data.train, data.valid, data.test), card.sizes, strict=True):
        assert part.x.shape == (size, *card.shape)
        assert len(part.y) == size and part.y.dtype == np.int64
        assert set(part.y) == set(range(len(card.classes)))
    assert f"{card.sizes[0]:,} / {card.sizes[1]:,} / {card.sizes[2]:,} {card.samples}" in repr(data)


@pytest.mark.parametrize("name", IMAGES)
def test_images_are_floats_from_0_to_1(sets: dict[str, DataSet], name: str) -> None:
    for part in (sets[name].train, sets[name].valid, sets[name].test):
        assert part.x.dtype == np.float32
        assert part.x.min() == 0 and part.x.max() == 1


def test_names_are_letters_and_then_zeros(sets: dict[str, DataSet]) -> None:
    data = sets["names"]
    for part in (data.train, data.valid, data.test):
        assert part.x.dtype == np.int64 and part.x.min() == 0 and part.x.max() == 26
        assert (lengths(part.x) == (part.x > 0).sum(axis=1)).all()
        assert 0.81 < (part.y == 0).mean() < 0.83
    x, y = raw_names()
    spelled = {"".join(chr(96 + k) for k in name if k): label for name, label in zip(x, y)}
    assert len(spelled) == len(x) == 4832
    assert spelled["barbara"] == 0 and spelled["douglas"] == 1
    assert "leslie" not in spelled  # on both lists


def test_vowels_keep_the_official_division(sets: dict[str, DataSet]) -> None:
    data, (train, of_train), (test, of_test) = sets["vowels"], raw_vowels("train"), raw_vowels("test")
    assert {fingerprint(x) for x in data.test.x} == {fingerprint(x) for x in test}
    assert {fingerprint(x) for x in (*data.train.x, *data.valid.x)} == {fingerprint(x) for x in train}
    assert np.bincount(of_train).tolist() == [30] * 9
    assert np.bincount(data.valid.y).tolist() == [6] * 9
    assert np.bincount(of_test).tolist() == [31, 35, 88, 44, 29, 24, 40, 50, 29]
    for part in (data.train, data.valid, data.test):
        steps = lengths(part.x)
        assert part.x.dtype == np.float32 and steps.min() >= 7 and steps.max() <= 29
        used = (part.x != 0).any(axis=2)
        assert (used.sum(axis=1) == steps).all()  # no step before the end is all zeros
        assert np.abs(part.x).max() < 3
    # The first recording of the original file: its first two steps of the first channel, and its length.
    assert train[0, :2, 0] == pytest.approx([1.860936, 1.891651], abs=1e-6)
    assert lengths(train[:1]).tolist() == [20]


def test_snippets_are_sentences_with_both_signs(sets: dict[str, DataSet]) -> None:
    data = sets["snippets"]
    for part in (data.train, data.valid, data.test):
        assert part.x.dtype.kind == "U" and all(text == text.strip() and text for text in part.x)
        assert 0.49 < part.y.mean() < 0.51
    everything = dict(zip((*data.train.x, *data.valid.x, *data.test.x), (*data.train.y, *data.valid.y, *data.test.y)))
    assert everything["Effective but too tepid biopic"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_no_sample_stands_in_two_splits(sets: dict[str, DataSet], name: str) -> None:
    data = sets[name]
    prints = [{fingerprint(sample) for sample in part.x} for part in (data.train, data.valid, data.test)]
    assert not prints[0] & prints[1] and not prints[0] & prints[2] and not prints[1] & prints[2]


@pytest.mark.parametrize("name", ["photos", "emoji"])
def test_no_near_copy_stands_in_two_splits(sets: dict[str, DataSet], name: str) -> None:
    data = sets[name]
    parts = [np.round(part.x * 255).astype(np.uint8) for part in (data.train, data.valid, data.test)]
    alike = look_alike(np.concatenate(parts))
    part_of = np.repeat([0, 1, 2], [len(part) for part in parts])
    assert not (alike & (part_of[:, None] != part_of[None])).any()


def stored(x: np.ndarray, name: str) -> bytes:
    """Return the samples as the bytes that their file has for them."""
    if x.dtype.kind == "U":
        return "\n".join(x).encode()
    return (np.round(x * 255).astype(np.uint8) if name in IMAGES else x).tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_splits_never_move(sets: dict[str, DataSet], name: str) -> None:
    data, digest = sets[name], hashlib.sha256()
    for part in (data.train, data.valid, data.test):
        digest.update(stored(part.x, name) + part.y.tobytes())
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
    with pytest.raises(ValueError, match="no data set 'mnist'.*digits, emoji, names, photos, snippets, vowels"):
        load("mnist")


@pytest.mark.parametrize("name", NAMES)
def test_card_is_complete(name: str) -> None:
    card = cards()[name]
    assert all((card.source, card.license, card.how_made, card.splits, card.caution))
    assert card.license in card._repr_markdown_()


def test_lengths_counts_steps_before_the_padding() -> None:
    assert lengths(np.array([[1, 2, 0], [0, 0, 0], [0, 3, 0], [4, 5, 6]])).tolist() == [2, 0, 2, 3]
    x = np.zeros((2, 4, 3), np.float32)
    x[0, 1, 2] = -0.5
    assert lengths(x).tolist() == [2, 0] and lengths(x).dtype == np.int64
    assert lengths(np.zeros((0, 5), np.int64)).tolist() == []


@pytest.mark.parametrize("x", [np.zeros(3), np.array(["a sentence"]), np.zeros((1, 2, 3, 4)), np.array([["a", "b"]])])
def test_lengths_of_what_has_no_steps(x: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"x has the shape .*give numbers of the shape \(n, steps\)"):
        lengths(x)


@pytest.mark.parametrize("card", SERIES, ids=lambda card: card.name)
def test_series_is_what_its_card_says(card: object) -> None:
    found = series(card.name)
    assert found.values.shape == found.times.shape == (card.steps,)
    assert found.values.dtype == found.times.dtype == np.float64
    assert np.isfinite(found.values).all() and (np.diff(found.times) > 0).all()
    assert (found.period, found.unit, found.card) == (card.period, card.unit, card)
    assert all((card.source, card.license, card.how_made, card.caution)) and card.license in card._repr_markdown_()
    digest = hashlib.sha256(np.round(found.values * 1000).astype(np.int64).tobytes())
    assert digest.hexdigest()[:16] == SERIES_HASHES[card.name]


def test_missing_weeks_lie_between_measured_ones() -> None:
    weeks = assets.file("series", "co2.csv").read_text().split()[1:]
    missing = [i for i, week in enumerate(weeks) if week.endswith(",")]
    values = series("co2").values
    assert len(missing) == 59
    for i in missing:
        assert values[i] == pytest.approx((values[i - 1] + values[i + 1]) / 2, abs=0.002)


def test_steps_of_a_series_are_equal() -> None:
    assert set(np.diff(series("sunspots").times)) == {1}
    assert np.diff(series("elnino").times) == pytest.approx(1 / 12)
    assert np.diff(series("co2").times) == pytest.approx(7 / 365.25, abs=1e-4)
    assert series("co2").times[0] == pytest.approx(1958 + 87 / 365)  # March 29


def test_unknown_series_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no series 'nile'.*co2, elnino, sunspots"):
        series("nile")
