"""Features made by hand: known small cases, what they ignore and what they keep, and clear errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gpulab.data import load
from gpulab.vision.hog import cells, color_histogram, gradients, hog


@pytest.fixture(scope="module")
def photos() -> np.ndarray:
    return load("photos").train.x[:6]


def ramp(degrees: float, side: int = 16) -> np.ndarray:
    """One gray image that gets brighter in a direction, counted from "to the right" toward "down"."""
    row, column = np.mgrid[:side, :side] / (2 * side)
    turn = np.deg2rad(degrees)
    return (np.cos(turn) * column + np.sin(turn) * row + 0.5)[None]


# --- Gradients ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 135, 170])
def test_a_ramp_has_one_direction_and_one_strength(degrees: float) -> None:
    strength, angle = gradients(ramp(degrees))
    inner = (slice(None), slice(1, -1), slice(1, -1))
    assert np.allclose(strength[inner], 2 / 32, atol=1e-4)
    assert np.allclose((angle[inner] - degrees + 90) % 180, 90, atol=0.1)


def test_the_sign_of_a_gradient_does_not_count() -> None:
    there, back = gradients(ramp(30)), gradients(1 - ramp(30))
    assert np.allclose(there[0], back[0], atol=1e-6)
    inner = (slice(None), slice(1, -1), slice(1, -1))
    assert np.allclose(there[1][inner], back[1][inner], atol=0.05)


def test_angles_stay_below_180(photos: np.ndarray) -> None:
    _, angle = gradients(photos)
    assert angle.min() >= 0
    assert angle.max() < 180


def test_each_pixel_takes_the_channel_that_changes_most() -> None:
    weak, strong = 0.2 * ramp(0), ramp(90)
    both = np.stack([weak, strong, np.zeros_like(weak)], axis=-1)
    for got, right in zip(gradients(both), gradients(strong), strict=True):
        assert np.array_equal(got, right)


# --- Cells and blocks --------------------------------------------------------------------------------------------------


def test_cells_are_what_plain_loops_give(photos: np.ndarray) -> None:
    image, cell, bins = photos[0, :32, :48], 16, 9
    strength, angle = gradients(image[None])
    right = np.zeros((2, 3, bins))
    for row, column in np.ndindex(32, 48):
        place = float(angle[0, row, column]) / (180 / bins)
        low = int(place)
        for k, share in ((low, 1 - (place - low)), (low + 1, place - low)):
            right[row // cell, column // cell, k % bins] += strength[0, row, column] * share
    assert np.allclose(cells(image[None], cell=cell, bins=bins)[0], right, atol=1e-3)


def test_every_vote_is_counted_once(photos: np.ndarray) -> None:
    strength, _ = gradients(photos)
    assert np.allclose(cells(photos).sum(axis=(1, 2, 3)), strength.sum(axis=(1, 2)), rtol=1e-4)


def test_a_vote_between_two_directions_is_shared() -> None:
    histogram = cells(ramp(30), cell=16, bins=9).sum(axis=(0, 1, 2))  # centers 20 and 40 degrees
    inner = cells(ramp(30, 64), cell=64, bins=9).sum(axis=(0, 1, 2))
    assert histogram.argsort()[-2:].tolist() in ([1, 2], [2, 1])
    assert inner[1] == pytest.approx(inner[2], rel=0.1)


def test_the_last_direction_is_next_to_the_first() -> None:
    histogram = cells(ramp(170, 64), cell=64, bins=9).sum(axis=(0, 1, 2))  # between 160 and 180
    assert sorted(histogram.argsort()[-2:].tolist()) == [0, 8]


def test_many_images_are_each_as_if_alone() -> None:
    images = np.random.default_rng(0).random((19, 32, 32, 3))
    assert np.array_equal(cells(images), np.concatenate([cells(image[None]) for image in images]))


def test_rows_and_columns_that_fill_no_cell_are_left_out(photos: np.ndarray) -> None:
    assert cells(photos[:, :37, :50], cell=16).shape == (6, 2, 3, 9)


def test_a_transposed_image_has_its_directions_mirrored(photos: np.ndarray) -> None:
    upright, turned = cells(photos, bins=8), cells(photos.transpose(0, 2, 1, 3), bins=8)
    order = [(4 - k) % 8 for k in range(8)]  # 0 and 90 degrees change over
    assert np.allclose(upright.transpose(0, 2, 1, 3)[..., order], turned, atol=2e-3)


def test_light_and_contrast_do_not_count(photos: np.ndarray) -> None:
    plain = hog(photos, cell=16)
    assert np.abs(hog(0.6 * photos + 0.2, cell=16) - plain).max() < 0.02
    assert np.abs(hog(1 - photos, cell=16) - plain).max() < 0.02


def test_a_shift_by_a_cell_moves_the_cells(photos: np.ndarray) -> None:
    moved = np.roll(photos, 16, axis=2)
    assert np.allclose(cells(moved, cell=16)[:, :, 2:-1], cells(photos, cell=16)[:, :, 1:-2], atol=1e-3)


def test_a_short_shift_changes_hog_less_than_pixels(photos: np.ndarray) -> None:
    moved = np.roll(photos, 2, axis=2)

    def change(features: Callable[[np.ndarray], np.ndarray]) -> float:
        """Return how far an image moves from itself, in units of how far other images are away."""
        one, other = features(photos), features(moved)
        between = np.linalg.norm(one[:, None] - one[None], axis=-1)
        return float(np.linalg.norm(one - other, axis=1).mean() / between[between > 0].mean())

    assert change(lambda x: hog(x, cell=16)) < change(lambda x: x.reshape(len(x), -1))


def test_blocks_have_length_one_or_zero(photos: np.ndarray) -> None:
    blocks = hog(photos, cell=16, bins=9, block=2).reshape(6, 49, 36)
    length = np.linalg.norm(blocks, axis=-1)
    assert (((length > 0.95) & (length < 1.001)) | (length < 0.7)).all()
    assert hog(np.full((1, 32, 32), 0.3)).max() == 0


def test_a_block_is_four_neighboring_cells() -> None:
    image = np.zeros((1, 32, 32))
    image[:, 8:24, 17:] = 1.0
    found = cells(image, cell=16)
    right = found[0].ravel() / np.sqrt((found**2).sum() + 1e-6)
    right = np.minimum(right, 0.2)
    right /= np.sqrt((right**2).sum() + 1e-6)
    got = hog(image, cell=16)
    assert np.allclose(np.sort(got[0]), np.sort(right), atol=1e-5)


@pytest.mark.parametrize(("size", "cell", "block"), [(64, 8, 2), (96, 16, 2), (128, 16, 3), (40, 8, 1)])
def test_the_length_is_what_the_docstring_says(size: int, cell: int, block: int) -> None:
    rows = size // cell - block + 1
    got = hog(np.zeros((2, size, size)), cell=cell, block=block)
    assert got.shape == (2, rows * rows * block * block * 9)
    assert got.dtype == np.float32


# --- Colors ------------------------------------------------------------------------------------------------------------


def test_a_color_stands_at_its_place() -> None:
    image = np.zeros((1, 2, 2, 3))
    image[0, 0] = (1.0, 0.0, 0.6)  # two pixels of this color, two black ones
    got = color_histogram(image, bins=4)
    assert got[0, (3 * 4 + 0) * 4 + 2] == 0.5
    assert got[0, 0] == 0.5


def test_colors_are_what_numpy_counts(photos: np.ndarray) -> None:
    right, _ = np.histogramdd(photos[0].reshape(-1, 3).astype(np.float64), bins=4, range=[(0, 1)] * 3)
    assert np.allclose(color_histogram(photos)[0], right.ravel() / right.sum(), atol=1e-6)


def test_where_the_colors_lie_does_not_count(photos: np.ndarray) -> None:
    assert np.array_equal(color_histogram(photos), color_histogram(photos[:, ::-1, ::-1]))
    assert np.array_equal(color_histogram(photos), color_histogram(np.roll(photos, 9, axis=1)))


# --- Errors ------------------------------------------------------------------------------------------------------------

ONE = np.zeros((16, 16, 3))
WRONG = [
    (lambda: hog(ONE[0]), r"shape \(16, 3\); expected \(n, height, width\)"),
    (lambda: hog(ONE[None].astype(np.uint8)), "dtype uint8; expected floats in 0..1: divide bytes by 255"),
    (lambda: hog(np.full((1, 16, 16), np.nan)), "not finite"),
    (lambda: hog(ONE[None], cell=17), "cell=17: expected a whole number of pixels, from 1 to 16"),
    (lambda: hog(ONE[None], cell=8.0), "cell=8.0: expected a whole number"),
    (lambda: hog(ONE[None], bins=1), "bins=1: expected a whole number of directions, at least 2"),
    (lambda: hog(ONE[None], cell=8, block=3), "block=3: expected a whole number of cells, from 1 to 2"),
    (lambda: color_histogram(ONE[None, ..., :1]), r"expected color images, \(n, height, width, 3\)"),
    (lambda: color_histogram(255 * ONE[None] + 9), "values from 9 to 9; expected 0 to 1"),
    (lambda: color_histogram(ONE[None], bins=0), "bins=0: expected a whole number of steps"),
]


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_no_images_give_no_rows() -> None:
    assert hog(np.zeros((0, 32, 32, 3))).shape == (0, 324)
    assert color_histogram(np.zeros((0, 8, 8, 3))).shape == (0, 64)
