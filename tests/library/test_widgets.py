"""The explorers: what a notebook stores, the still pictures, and the small network's weights."""

from __future__ import annotations

import base64
import io
import re
import urllib.parse
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from gpulab import results, widgets
from gpulab.data import load
from gpulab.widgets import core, grids, maps, network, still

EXPLORERS = (widgets.convolution, widgets.pooling, widgets.feature_maps, widgets.unrolled)
DOT = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><circle cx='4' cy='4' r='3'/></svg>"


@pytest.mark.parametrize("make", EXPLORERS)
def test_what_a_cell_stores_is_complete_and_the_same_each_time(make: Callable[[], widgets.Explorer]) -> None:
    page = make()._repr_html_()
    assert page == make()._repr_html_()
    assert len(page) < 400_000
    assert re.findall(r"(?:src|href)=[\"'](?!data:)", page) == [] and "import(" not in page and "fetch(" not in page
    assert " id=" not in page  # the same explorer twice on a page would have the same id twice
    assert page.count("<script>") == page.count("</script>") == 1


@pytest.mark.parametrize("make", EXPLORERS)
def test_still_picture_is_sound_svg_with_words(make: Callable[[], widgets.Explorer]) -> None:
    explorer = make()
    svg = ET.fromstring(urllib.parse.unquote(explorer.still.split(",", 1)[1]))
    assert float(svg.get("width")) <= 640
    assert len(explorer.alt) > 80
    assert f'alt="{explorer.alt}"' in explorer._repr_html_() and core.HOW in explorer._repr_html_()


def test_plain_text_says_where_to_see_it() -> None:
    assert repr(widgets.pooling()) == "Explorer('pooling'): run it in a notebook, or read its page in the book."


def test_data_cannot_end_the_script() -> None:
    explorer = core.Explorer("pooling", "<b>", DOT_ADDRESS, "A dot.", {"words": "</script><b>"})
    page = explorer._repr_html_()
    assert page.count("</script>") == 1 and "<b>" not in page.split("<script>")[0]


DOT_ADDRESS = still.data_address(DOT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing", "", DOT_ADDRESS, "A dot."), "no explorer 'nothing': its script nothing.js is not"),
        (("pooling", "", DOT_ADDRESS, " "), "has no alt text"),
        (("pooling", "", "dot.svg", "A dot."), "is no data address"),
    ],
)
def test_a_figure_that_somebody_could_not_read_is_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        core.Explorer(*arguments)


def test_comments_of_a_script_stay_out_of_the_page() -> None:
    text = core.source("runtime.js")
    assert "What all explorers share" in (core.FOLDER / "runtime.js").read_text(encoding="utf-8")
    assert "What all explorers share" not in text and not text.endswith(";")


# --- Frames ----------------------------------------------------------------------------------------------------------


def test_frames_take_svg_png_and_figures() -> None:
    import matplotlib.pyplot as plt

    figure, _ = plt.subplots(figsize=(1, 1))
    file = io.BytesIO()
    figure.savefig(file)
    made = widgets.frames([DOT, file.getvalue(), figure], "abc", ["A dot.", "Axes.", "Axes."], control="step", first=2)
    plt.close(figure)
    kinds = [frame["source"].split(",")[0] for frame in made.data["frames"]]
    assert kinds == ["data:image/svg+xml", "data:image/png;base64", "data:image/png;base64"]
    assert (made.alt, made.still, made.title) == ("Axes.", made.data["frames"][2]["source"], "step")


@pytest.mark.parametrize(
    ("pictures", "labels", "alts", "first", "message"),
    [
        ([DOT], ["1"], ["A dot."], 0, "1 pictures"),
        ([DOT, DOT], ["1"], ["A dot.", "A dot."], 0, "2 pictures, 1 labels and 2 alts"),
        ([DOT, DOT], ["1", "2"], ["A dot.", ""], 0, "empty alt text"),
        ([DOT, DOT], ["1", "2"], ["A dot.", "A dot."], 2, "choose one from 0 to 1"),
        ([DOT, 3], ["1", "2"], ["A dot.", "A dot."], 0, "cannot show a int"),
    ],
)
def test_frames_say_what_is_wrong(pictures: list, labels: list, alts: list, first: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        widgets.frames(pictures, labels, alts, control="step", first=first)


# --- Windows ---------------------------------------------------------------------------------------------------------


def by_loops(image: np.ndarray, kernel: np.ndarray, stride: int, padding: int, dilation: int) -> np.ndarray:
    """Return the convolution as its definition says."""
    k, padded = len(kernel), np.pad(image, padding)
    n = max(0, (len(padded) - dilation * (k - 1) - 1) // stride + 1)
    out = np.zeros((n, n))
    for i, j, u, v in product(range(n), range(n), range(k), range(k)):
        out[i, j] += kernel[u, v] * padded[i * stride + u * dilation, j * stride + v * dilation]
    return out


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_convolution_is_its_definition(k: int) -> None:
    rng = np.random.default_rng(k)
    image, kernel = rng.integers(0, 10, (6, 6)), rng.normal(size=(k, k))
    for setting in product((1, 2, 4), (0, 1, 2), (1, 2, 3)):
        found, expected = grids.convolve(image, kernel, *setting), by_loops(image, kernel, *setting)
        assert found.shape == expected.shape and np.allclose(found, expected), setting


def test_images_are_small_whole_numbers() -> None:
    for name, image in grids.patterns().items():
        assert image.shape == (10, 10) and image.dtype.kind == "i" and image.min() >= 0 and image.max() <= 9, name


@pytest.mark.parametrize("share", np.linspace(0, 1, 21))
@pytest.mark.parametrize("color", [still.blues, still.signed, lambda share: still.signed(-share), still.gray])
def test_numbers_can_be_read_on_every_color(color: Callable[[float], str], share: float) -> None:
    def luminance(text: str) -> float:
        text = text if len(text) == 7 else "#" + "".join(2 * letter for letter in text[1:])
        parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))

    low, high = sorted((luminance(color(share)), luminance(still.ink(color(share)))))
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_png_is_read_back_as_it_was() -> None:
    from PIL import Image

    values = np.random.default_rng(0).integers(0, 16, (300, 501))  # odd, and more than one stored block
    with Image.open(io.BytesIO(still.png(values, still.gray))) as image:
        image.load()
        assert np.array_equal(np.asarray(image), values)
        assert image.convert("RGB").getpixel((0, 0)) == (255 - 17 * int(values[0, 0]),) * 3


# --- The network -----------------------------------------------------------------------------------------------------


def test_rounded_network_is_as_good_as_the_trained_one() -> None:
    (row,) = results.load("reference_weights")
    test = load("digits").test
    right = float(np.mean(network.forward(test.x[..., 0])["logits"].argmax(axis=1) == test.y))
    assert row["file_sha256"] == network.digest(), "run again: python -m experiments.reference_weights"
    assert abs(right - row["test_8_bits"]) < 0.0015  # one digit on the edge may fall the other way elsewhere
    assert abs(right - row["test"]) <= 0.003 + 1e-9
    assert row["test"] > 0.97


def test_page_asks_for_the_one_mistake_among_its_ten_digits() -> None:
    answers = network.forward(maps.ten_digits() / 255)["logits"].argmax(axis=1)
    assert np.flatnonzero(answers != np.arange(10)).tolist() == [5]


def test_packing_keeps_weights_to_half_a_step() -> None:
    rng = np.random.default_rng(0)
    shapes = {"conv1": (3, 1, 3, 3), "conv2": (2, 3, 3, 3), "conv3": (2, 2, 3, 3), "dense1": (4, 18), "dense2": (2, 4)}
    arrays = {f"{name}.weight": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    arrays |= {f"{name}.bias": rng.normal(size=shape[0]).astype(np.float32) for name, shape in shapes.items()}
    arrays["dense2.weight"][1] = 0  # a channel that does nothing must not divide by zero
    back = network.weights(network.pack(arrays))
    for name, array in arrays.items():
        step = np.abs(array.reshape(len(array), -1)).max(axis=1).reshape(-1, *[1] * (array.ndim - 1)) / 127
        assert back[name].dtype == np.float32 and back[name].shape == array.shape
        assert (np.abs(back[name] - array) <= step / 2 + 1e-6).all(), name


def test_shades_of_the_still_picture_are_those_of_the_network() -> None:
    digit = maps.ten_digits()[maps.SHOWN]
    exact = network.forward(digit[None] / 255)["conv1"][0]
    assert np.abs(maps.first_maps(digit) - exact * 15 / exact.max()).max() <= 1.001


def test_page_weighs_what_its_weights_weigh() -> None:
    assert sum(len(base64.b64decode(layer["weight"])) for layer in network.stored().values()) == 93_322 - 234
