"""The grid of a one-stage detector: each cell answers for the object whose center falls in it.

Of each cell the network gives 5 + C numbers: one for "there is an object", two for the center in the cell, two for
width and height as shares of the image, and one a class. All are logits.
"""

from __future__ import annotations

import numpy as np

from gpulab.vision.boxes import Found, nms


def encode(boxes: np.ndarray, labels: np.ndarray, *, size: int, cells: int, classes: int) -> np.ndarray:
    """Return the targets of a grid.

    Parameters
    ----------
    boxes : ndarray, (n, K, 4)
        Edges x0, y0, x1, y1 in pixels.
    labels : ndarray, (n, K), int
        -1 where there is no object.
    size, cells, classes : int
        Pixels and cells a side, and the number of classes.

    Returns
    -------
    ndarray, (n, cells, cells, 5 + classes), float32
        In the cell of an object's center: 1; the place of the center in the cell, x and y in 0..1; width and height as
        shares of the image; and the class, one-hot. All other cells are 0. Of two centers in one cell the later object
        stays.

    Examples
    --------
    >>> import numpy as np
    >>> grid = encode(np.array([[[8, 16, 24, 48]]]), np.array([[1]]), size=64, cells=4, classes=2)
    >>> np.argwhere(grid[0, :, :, 0]).tolist(), grid[0, 2, 1].tolist()
    ([[2, 1]], [1.0, 0.0, 0.0, 0.25, 0.5, 0.0, 1.0])
    """
    boxes, labels = np.asarray(boxes, np.float64), np.asarray(labels)
    if boxes.shape != (*labels.shape, 4) or labels.ndim != 2:
        raise ValueError(f"boxes has shape {boxes.shape}, labels {labels.shape}; expected (n, K, 4) and (n, K).")
    grid = np.zeros((len(boxes), cells, cells, 5 + classes), np.float32)
    for image, k in np.argwhere(labels >= 0):
        x0, y0, x1, y1 = boxes[image, k] / size
        x, y = (x0 + x1) / 2 * cells, (y0 + y1) / 2 * cells
        row, column = min(int(y), cells - 1), min(int(x), cells - 1)
        grid[image, row, column] = 0
        grid[image, row, column, :5] = 1, x - column, y - row, x1 - x0, y1 - y0
        grid[image, row, column, 5 + labels[image, k]] = 1
    return grid


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))  # never overflows


def decode(outputs: np.ndarray, *, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a box, a score and a class for each cell of a network's outputs.

    Parameters
    ----------
    outputs : ndarray, (n, cells, cells, 5 + classes), float
        Logits, channels last.
    size : int
        Pixels a side.

    Returns
    -------
    boxes : ndarray, (n, cells * cells, 4), float64
        Edges in pixels.
    scores : ndarray, (n, cells * cells)
        The probability of an object, times that of its class.
    labels : ndarray, (n, cells * cells), int64
    """
    outputs = np.asarray(outputs, np.float64)
    n, cells = outputs.shape[:2]
    numbers = _sigmoid(outputs[..., :5])
    corner = np.stack(np.meshgrid(np.arange(cells), np.arange(cells)), axis=-1)  # column, row
    center = (corner + numbers[..., 1:3]) * (size / cells)
    half = numbers[..., 3:5] * (size / 2)
    logits = outputs[..., 5:]
    share = np.exp(logits - logits.max(axis=-1, keepdims=True))
    best = 1 / share.sum(axis=-1)  # the largest share is exp(0)
    boxes = np.concatenate([center - half, center + half], axis=-1)
    return boxes.reshape(n, -1, 4), (numbers[..., 0] * best).reshape(n, -1), logits.argmax(axis=-1).reshape(n, -1)


def detect(outputs: np.ndarray, *, size: int, least: float = 0.05, threshold: float = 0.5) -> list[Found]:
    """Return what a network's outputs find: decoded, the weak ones dropped, the doubles of each class suppressed.

    Parameters
    ----------
    outputs : ndarray, (n, cells, cells, 5 + classes), float
    size : int
        Pixels a side.
    least : float
        The lowest score that counts. Low for a curve of precision and recall, about 0.5 for a picture.
    threshold : float
        Of the suppression, see :func:`gpulab.vision.nms`.
    """
    found = []
    for boxes, scores, labels in zip(*decode(outputs, size=size), strict=True):
        strong = np.flatnonzero(scores >= least)
        apart = boxes[strong] + 2 * size * labels[strong, None]  # boxes of different classes never meet
        kept = strong[nms(apart, scores[strong], threshold)]
        found.append(Found(boxes[kept], scores[kept], labels[kept]))
    return found
