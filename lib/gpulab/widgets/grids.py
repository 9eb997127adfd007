"""The explorers of sliding windows: convolution and pooling, on small images of whole numbers."""

from __future__ import annotations

import numpy as np

from gpulab.widgets import still
from gpulab.widgets.core import Explorer

SIDE = 10
EDGE = np.array([[-1, 0, 1]] * 3)


def small_digit(label: int, place: int = 0) -> np.ndarray:
    """Return a real test digit in 10 x 10 whole numbers from 0 to 9: the middle 20 x 20 pixels, averaged two by two.

    Examples
    --------
    >>> int(small_digit(4).max()), small_digit(4).shape
    (9, (10, 10))
    """
    from gpulab.data import load

    test = load("digits").test
    pixels = np.rint(test.x[test.y == label][place][4:24, 4:24, 0] * 255).astype(np.int64)
    sums = pixels.reshape(SIDE, 2, SIDE, 2).sum(axis=(1, 3))  # whole numbers: the same on every machine
    return np.minimum(9, sums * 9 // (4 * 200))  # a mean of 200 of 255 counts as full ink


def patterns() -> dict[str, np.ndarray]:
    """Return the images that an explorer offers, by name: (10, 10), whole numbers from 0 to 9."""
    rows, columns = np.indices((SIDE, SIDE))
    dot = np.zeros((SIDE, SIDE), int)
    dot[4, 4] = 9
    return {
        "a digit 4": small_digit(4),
        "a digit 7": small_digit(7),
        "an edge": np.where(columns < SIDE // 2, 1, 8),
        "a dot": dot,
        "a checkerboard": np.where((rows + columns) % 2, 9, 0),
    }


def convolve(image: np.ndarray, kernel: np.ndarray, stride: int = 1, padding: int = 0, dilation: int = 1) -> np.ndarray:
    """Slide a kernel over an image, as a convolution layer with one channel and no bias does.

    Parameters
    ----------
    image : ndarray, (h, w)
    kernel : ndarray, (k, k)
    stride, padding, dilation : int

    Returns
    -------
    ndarray, (h_out, w_out)
        Empty where the window fits nowhere.

    Examples
    --------
    >>> convolve(np.eye(3), np.ones((2, 2)))
    array([[2., 1.],
           [1., 2.]])
    """
    padded, span = np.pad(image, padding), dilation * (len(kernel) - 1) + 1
    if min(padded.shape) < span:
        return np.zeros((0, 0))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (span, span))
    return (windows[::stride, ::stride, ::dilation, ::dilation] * kernel).sum(axis=(2, 3))


def pool(image: np.ndarray, window: int, stride: int, kind: str = "max") -> np.ndarray:
    """Pool an image with windows of ``window`` by ``window``; ``kind`` is "max" or "average".

    Examples
    --------
    >>> pool(np.arange(16).reshape(4, 4), 2, 2)
    array([[ 5,  7],
           [13, 15]])
    """
    windows = np.lib.stride_tricks.sliding_window_view(image, (window, window))[::stride, ::stride]
    return windows.max(axis=(2, 3)) if kind == "max" else windows.mean(axis=(2, 3))


def convolution() -> Explorer:
    """Return the explorer of a convolution: image, kernel, stride, padding and dilation, and what comes out.

    The cursor on the output frames the pixels that one number is made of, and shows the products.
    """
    images = patterns()
    image = images["a digit 4"]
    output, row, column = convolve(image, EDGE), 3, 2
    largest = np.abs(output).max()
    lit = [(row + u, column + v) for u in range(3) for v in range(3)]
    parts = [
        still.words(0, 14, "input, 10 × 10"),
        still.grid(image, 1, 22, 24, lambda value: still.blues(value / 9), lit),
        still.words(262, 14, "kernel, 3 × 3"),
        still.grid(EDGE, 262, 94, 24, lambda value: still.signed(0.6 * value)),
        still.words(358, 14, "output, 8 × 8"),
        still.grid(output, 358, 22, 24, lambda value: still.signed(value / largest), [(row, column)]),
        still.words(262, 242, "An output number is a sum of 9 products."),
        still.words(262, 260, f"The framed one is {still.number(output[row, column])}."),
    ]
    return Explorer(
        name="convolution",
        title="Explorer: a convolution, number by number",
        still=still.picture(parts, 552, 264),
        alt="Three grids of numbers: a digit 4 of 10 by 10 pixels with a window of 3 by 3 framed, a kernel whose left "
        "column is -1 and whose right column is 1, and the output of 8 by 8 numbers, with the one framed that the "
        "window makes.",
        data={"side": SIDE, "images": {name: values.tolist() for name, values in images.items()}},
    )


def pooling() -> Explorer:
    """Return the explorer of max and average pooling: window, stride, and a shift of the image.

    The cursor on the output frames the window that one number stands for, and marks the winner.
    """
    images = {"a digit 2": small_digit(2), **patterns()}
    image, row, column = images["a digit 2"], 1, 1
    lit = [(2 * row + u, 2 * column + v) for u in range(2) for v in range(2)]
    parts = [
        still.words(0, 14, "input, 10 × 10"),
        still.grid(image, 1, 22, 24, lambda value: still.blues(value / 9), lit),
        still.words(290, 14, "max pooling, 5 × 5"),
        still.grid(pool(image, 2, 2), 290, 22, 24, lambda value: still.blues(value / 9), [(row, column)]),
        still.words(290, 186, "Each window of 2 × 2"),
        still.words(290, 204, "becomes its largest number."),
    ]
    return Explorer(
        name="pooling",
        title="Explorer: pooling, window by window",
        still=still.picture(parts, 480, 264),
        alt="Two grids of numbers: a digit 2 of 10 by 10 pixels with a window of 2 by 2 framed, and the 5 by 5 numbers of "
        "max pooling, with the one framed that is the largest of that window.",
        data={"side": SIDE, "images": {name: values.tolist() for name, values in images.items()}},
    )
