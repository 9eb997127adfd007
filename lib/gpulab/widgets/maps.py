"""The explorer of a trained network's feature maps."""

from __future__ import annotations

import base64

import numpy as np

from gpulab.widgets import network, still
from gpulab.widgets.core import Explorer

CENTER = 14  # where the data set's digits have the center of their ink, in rows and columns counted from 0
SHOWN = 3  # the digit at the start, and in the still picture


def ten_digits() -> np.ndarray:
    """Return the first test digit of each class: (10, 28, 28), whole numbers from 0 to 255."""
    from gpulab.data import load

    test = load("digits").test
    places = [int(np.flatnonzero(test.y == label)[0]) for label in range(10)]
    return np.rint(test.x[places, :, :, 0] * 255).astype(np.uint8)


def first_maps(digit: np.ndarray) -> np.ndarray:
    """Return the 32 maps after conv1 in whole shades from 0 to 15: (32, 26, 26).

    The sums are of whole numbers, so that the still picture is the same on every machine.
    """
    steps, scale, bias = network.unpack(network.stored()["conv1"])
    windows = np.lib.stride_tricks.sliding_window_view(digit.astype(np.int64), (3, 3))
    sums = np.tensordot(steps[:, 0].astype(np.int64), windows, ((1, 2), (2, 3)))
    maps = np.maximum(sums * (scale.astype(np.float64)[:, None, None] / 255) + bias[:, None, None], 0)
    return np.floor(maps * 15 / maps.max()).astype(np.int64)


def feature_maps() -> Explorer:
    """Return the explorer of the reference CNN's feature maps, on a test digit or on the reader's own drawing.

    The network runs in the page, with weights of 8 bits.
    """
    digits = ten_digits()
    maps = first_maps(digits[SHOWN])
    framed = np.pad(maps, ((0, 0), (1, 0), (1, 0)), constant_values=6)
    sheet = framed.reshape(4, 8, 27, 27).transpose(0, 2, 1, 3).reshape(4 * 27, 8 * 27)
    parts = [
        still.words(0, 14, "a test digit, 28 × 28"),
        still.pixels(digits[SHOWN].astype(np.int64) // 17, 0, 22, 168, lambda share: still.gray(1 - share)),
        still.words(190, 14, "32 feature maps after the first convolution, 26 × 26 each"),
        still.pixels(sheet, 190, 22, 378, still.signed),
    ]
    return Explorer(
        name="feature_maps",
        title="Explorer: inside the trained reference network",
        still=still.picture(parts, 570, 214),
        alt=f"A handwritten digit {SHOWN} and the 32 feature maps that the first convolution of the trained network makes "
        "of it: some show its upper edges, some its lower or its left edges, a few are empty.",
        data={
            "digits": [base64.b64encode(digit.tobytes()).decode() for digit in digits],
            "layers": network.stored(),
            "center": CENTER,
        },
        uses=("network", "drawing"),
    )
