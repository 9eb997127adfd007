"""Figures show what they were given, and refuse what they cannot show."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from gpulab import plots

matplotlib.use("agg")


def test_grid_has_one_panel_an_image_with_its_caption() -> None:
    figure = plots.show_images(np.zeros((7, 4, 4, 1)), list("abcdefg"), columns=5, title="Seven")
    drawn = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in drawn] == list("abcdefg")
    assert figure.get_suptitle() == "Seven"


def test_gray_is_not_stretched() -> None:
    """A faint image must look faint: the scale is fixed at 0..1, not fitted to each image."""
    figure = plots.show_images(np.full((1, 4, 4), 0.1))
    assert figure.axes[0].images[0].get_clim() == (0, 1)


@pytest.mark.parametrize(("shape", "titles", "words"), [((4, 4), [], "expected"), ((3, 4, 4), ["a"], "1 titles for 3")])
def test_what_is_no_stack_of_images_is_refused(shape: tuple[int, ...], titles: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plots.show_images(np.zeros(shape), titles)


def test_confusion_matrix_has_truth_on_rows() -> None:
    figure = plots.show_confusion(np.array([[5, 1], [0, 7]]), ["cat", "dog"], title="Pets")
    ax = figure.axes[0]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("true class", "answered")
    assert {text.get_text(): text.get_position() for text in ax.texts} == {"5": (0, 0), "1": (1, 0), "7": (1, 1)}
