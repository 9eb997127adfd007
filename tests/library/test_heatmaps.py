"""Maps over images show what they were given, and refuse what they cannot show."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from gpulab import plots

matplotlib.use("agg")


def test_the_highest_value_is_the_most_opaque_and_zero_is_clear() -> None:
    figure = plots.show_heatmaps(np.zeros((1, 4, 4, 1)), np.array([[[0.0, 2], [4, 1]]]))
    image, heat = figure.axes[0].images
    opacity = heat.get_array()[..., 3]
    assert image.get_clim() == (0, 1)
    assert opacity[0, 0] == 0 and opacity[1, 0] == opacity.max() == pytest.approx(0.9)
    assert opacity[0, 1] == pytest.approx(0.45)


def test_a_small_map_is_stretched_over_its_whole_image() -> None:
    figure = plots.show_heatmaps(np.zeros((1, 8, 6, 3)), np.ones((1, 2, 3)))
    image, heat = figure.axes[0].images
    assert list(heat.get_extent()) == list(image.get_extent()) == [-0.5, 5.5, 7.5, -0.5]


def test_each_map_has_a_scale_of_its_own_and_an_empty_one_is_clear() -> None:
    maps = np.stack([np.full((2, 2), 5.0), np.full((2, 2), 0.1), np.zeros((2, 2))])
    figure = plots.show_heatmaps(np.zeros((3, 4, 4)), maps, list("abc"))
    opacity = [ax.images[1].get_array()[..., 3].max() for ax in figure.axes]
    assert opacity == pytest.approx([0.9, 0.9, 0.0])
    assert [ax.get_title() for ax in figure.axes] == list("abc")


def test_a_frame_is_drawn_around_the_pixels_of_its_box() -> None:
    figure = plots.show_heatmaps(np.zeros((2, 9, 9)), np.ones((2, 9, 9)), boxes=[(2, 3, 4, 5), None])
    (frame,) = figure.axes[0].patches
    assert (frame.get_xy(), frame.get_height(), frame.get_width()) == ((2.5, 1.5), 4, 5)
    assert not figure.axes[1].patches


@pytest.mark.parametrize(
    ("images", "maps", "more", "words"),
    [
        ((4, 4), (1, 4, 4), {}, "expected"),
        ((2, 4, 4), (1, 4, 4), {}, "one map .* for each of 2 images"),
        ((2, 4, 4), (2, 4), {}, "maps has shape"),
        ((2, 4, 4), (2, 4, 4), {"titles": ["a"]}, "1 titles for 2 images"),
        ((2, 4, 4), (2, 4, 4), {"boxes": [None]}, "1 boxes for 2 images"),
    ],
)
def test_what_does_not_go_together_is_refused(images: tuple, maps: tuple, more: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plots.show_heatmaps(np.zeros(images), np.zeros(maps), **more)


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_a_map_with_signs_is_refused_with_what_to_do(value: float) -> None:
    with pytest.raises(ValueError, match="np.abs"):
        plots.show_heatmaps(np.zeros((1, 2, 2)), np.full((1, 2, 2), value))
