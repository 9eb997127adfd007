"""The exercises on segmentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Integer, Number
from gpulab.exercises.engine import exercise


@exercise("cnn/mask-overlap", "function", "a function overlap(a, b) of two masks")
def mask_overlap(answer: Any) -> Iterator[Case]:
    """Compute IoU and Dice of two masks of truth values."""

    def sizes(a: np.ndarray, b: np.ndarray) -> tuple[int, int, int]:
        return int((a & b).sum()), int((a | b).sum()), int(a.sum() + b.sum())

    mistakes = [
        Mistake("First the IoU, then Dice.", gives=lambda a, b: _pair(a, b)[::-1]),
        Mistake(
            "Dice counts the intersection twice: a pixel in both masks is in |A| and in |B|.",
            gives=lambda a, b: (_pair(a, b)[0], sizes(a, b)[0] / max(sizes(a, b)[2], 1)),
        ),
        Mistake(
            "The IoU divides by the union. In |A| + |B| the common pixels are counted twice.",
            gives=lambda a, b: (sizes(a, b)[0] / max(sizes(a, b)[2], 1), _pair(a, b)[1]),
        ),
        Mistake(
            "This counts the pixels outside of both masks, too. Only pixels of the masks count.",
            when=lambda got: bool(np.allclose(got, 7 / 8)),
        ),
        Mistake(
            "Both masks are empty, so there is nothing to divide by. The statement says what holds then.",
            when=lambda got: bool(np.isnan(np.asarray(got, float)).any()),
        ),
        Mistake("Two empty masks fit perfectly.", when=lambda got: bool((np.asarray(got, float) == 0).all())),
    ]
    hint = "Count the pixels in both masks, and those in each. The union is the sum of the two, less what is in both."
    for label, a, b in (
        ("[1, 1, 0, 0] and [1, 0, 0, 0]", [1, 1, 0, 0], [1, 0, 0, 0]),
        ("[1, 1, 1, 0] and [0, 1, 1, 1]", [1, 1, 1, 0], [0, 1, 1, 1]),
        ("two equal masks in a large image", [[1, 0, 0, 0]] * 2 + [[0] * 4] * 2, [[1, 0, 0, 0]] * 2 + [[0] * 4] * 2),
        ("masks that share nothing", [[1, 0], [0, 0]], [[0, 0], [0, 1]]),
        ("masks of different size", [[1] * 6] * 6, [[1] * 6] * 2 + [[0] * 6] * 4),
        ("two empty masks", [[0, 0]], [[0, 0]]),
    ):
        call = (np.array(a, bool), np.array(b, bool))
        right = _pair(*call)
        yield from called(
            answer,
            call,
            Array(right, kind="f"),
            name="overlap",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
            given="two masks of truth values",
        )


def _pair(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Return IoU and Dice, counted with sets."""
    first, second = ({tuple(place) for place in np.argwhere(mask)} for mask in (a, b))
    if not first | second:
        return 1.0, 1.0
    return len(first & second) / len(first | second), 2 * len(first & second) / (len(first) + len(second))


@exercise("cnn/transposed-size", "function", "a function rows_out(n, k, stride, padding)")
def transposed_size(answer: Any) -> Iterator[Case]:
    """Compute the number of rows after a transposed convolution."""
    mistakes = [
        Mistake(
            "This is the size after a convolution. A transposed one goes the other way.",
            gives=lambda n, k, stride, padding: (n + 2 * padding - k) // stride + 1,
        ),
        Mistake(
            "n stamps have n - 1 distances between them, not n.",
            gives=lambda n, k, stride, padding: n * stride + k - 2 * padding,
        ),
        Mistake(
            "The last stamp is k rows high. Where the stamps begin is not all.",
            gives=lambda n, k, stride, padding: (n - 1) * stride - 2 * padding,
        ),
        Mistake(
            "In a transposed convolution the padding takes rows away.",
            gives=lambda n, k, stride, padding: (n - 1) * stride + k + 2 * padding,
        ),
        Mistake(
            "The padding is taken away on both sides.",
            gives=lambda n, k, stride, padding: (n - 1) * stride + k - padding,
        ),
        Mistake(
            "This is right only where kernel and padding make it so. Use all four arguments.",
            gives=lambda n, k, stride, padding: n * stride,
        ),
    ]
    hint = "Draw it: where does the first stamp begin, and where does the last one end?"
    for call in ((1, 3, 1, 0), (2, 3, 2, 0), (2, 2, 2, 0), (4, 4, 2, 1), (8, 3, 2, 1), (5, 5, 3, 2)):
        n, k, stride, padding = call
        stamped = np.zeros(500, bool)
        for i in range(n):  # stamp, and count
            stamped[i * stride : i * stride + k] = True
        last = int(np.flatnonzero(stamped).max())
        yield from called(
            answer, call, Integer(last + 1 - 2 * padding), name="rows_out", mistakes=mistakes, hint=hint
        )


@exercise("cnn/dice-loss", "function", "a function dice_loss(p, y)")
def dice_loss(answer: Any) -> Iterator[Case]:
    """Compute the Dice loss of several classes over a batch."""

    def parts(p: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t = np.eye(p.shape[-1])[y]
        return 2 * (p * t).sum(axis=(0, 1, 2)), p.sum(axis=(0, 1, 2)) + t.sum(axis=(0, 1, 2))

    def of(p: np.ndarray, y: np.ndarray, above: float = 1, below: float = 1) -> np.ndarray:
        top, bottom = parts(p, y)
        return (top + above) / (bottom + below)

    def by_image(p: np.ndarray, y: np.ndarray) -> float:
        return float(1 - np.mean([of(p[i : i + 1], y[i : i + 1]).mean() for i in range(len(p))]))

    mistakes = [
        Mistake("This is the mean Dice. The loss is one minus it.", gives=lambda p, y: of(p, y).mean()),
        Mistake("The factor 2 of the intersection is missing.", gives=lambda p, y: 1 - of(p / 2, y).mean()),
        Mistake(
            "The factor 2 of the intersection is missing.",
            gives=lambda p, y: 1 - ((parts(p, y)[0] / 2 + 1) / (parts(p, y)[1] + 1)).mean(),
        ),
        Mistake("Epsilon stands above and below.", gives=lambda p, y: 1 - of(p, y, 0, 1).mean()),
        Mistake("Epsilon is missing: an absent class gives 0/0.", gives=lambda p, y: 1 - of(p, y, 0, 0).mean()),
        Mistake("Each class has its own Dice; the mean over the classes comes last.", gives=lambda p, y: 1 - (
            (parts(p, y)[0].sum() + 1) / (parts(p, y)[1].sum() + 1)
        )),
        Mistake("Add up over the whole batch before you divide, not over each image.", gives=by_image),
        Mistake("The mean over the K classes is asked for, not the sum.", gives=lambda p, y: 1 - of(p, y).sum()),
        Mistake("One number is asked for, the mean over the classes.", when=lambda got: np.ndim(got) > 0),
        Mistake(
            "All K classes count, class 0 too.", gives=lambda p, y: 1 - of(p, y)[1:].mean()
        ),
    ]  # fmt: skip
    hint = "One-hot first: `np.eye(K)[y]` has the shape of p. Then three sums over images, rows and columns."
    rng = np.random.default_rng(0)
    for label, n, side, classes in (
        ("one image of 2 × 2 pixels and two classes", 1, 2, 2),
        ("three classes, one of them absent", 1, 3, 3),
        ("a batch of three images", 3, 4, 3),
    ):
        y = rng.integers(0, 2, (n, side, side))
        y[0, 0, :2] = 0, 1
        p = rng.random((n, side, side, classes)) ** 2 + 0.05
        p /= p.sum(axis=-1, keepdims=True)
        right = []
        for k in range(classes):  # one class and one pixel at a time
            both = sum(p[place][k] for place in np.ndindex(y.shape) if y[place] == k)
            right.append((2 * both + 1) / (p[..., k].sum() + (y == k).sum() + 1))
        yield from called(
            answer,
            (p, y),
            Number(1 - sum(right) / classes),
            name="dice_loss",
            mistakes=mistakes,
            hint=hint,
            label=f"The loss for {label}",
            verb="is",
        )


@exercise("cnn/mean-iou", "function", "a function mean_iou(counts) of a confusion matrix (K, K)")
def mean_iou(answer: Any) -> Iterator[Case]:
    """Compute the mean IoU from a confusion matrix in which a class may be absent."""

    def ious(c: np.ndarray) -> np.ndarray:
        union = c.sum(axis=0) + c.sum(axis=1) - c.diagonal()
        return np.divide(c.diagonal(), union, out=np.full(len(c), np.nan), where=union > 0)

    mistakes = [
        Mistake(
            "A class that is in neither mask says nothing: leave it out of the mean. It is no 0.",
            gives=lambda c: np.nan_to_num(ious(c)).mean(),
        ),
        Mistake("A class that is in neither mask is left out, not counted as 1.", gives=lambda c: np.nan_to_num(
            ious(c), nan=1.0).mean()),
        Mistake("0/0 is not a number. Leave absent classes out before you take the mean.", when=lambda got: bool(
            np.isnan(got))),
        Mistake("This is the pixel accuracy.", gives=lambda c: c.trace() / c.sum()),
        Mistake(
            "This divides by the true pixels only. The union has those that were wrongly answered, too.",
            gives=lambda c: np.nanmean(np.where(c.sum(axis=1) > 0, c.diagonal() / np.maximum(c.sum(axis=1), 1), np.nan)),
        ),
        Mistake(
            "This is the mean Dice. The common pixels stand once in the union.",
            gives=lambda c: np.nanmean(2 * ious(c) / (1 + ious(c))),
        ),
        Mistake(
            "A class that is only in the answer has an IoU of 0, and counts: it was imagined.",
            gives=lambda c: ious(c)[c.sum(axis=1) > 0].mean(),
        ),
        Mistake(
            "The sum of row and column has the common pixels twice: take them away once.",
            gives=lambda c: np.nanmean(
                np.where(c.sum(0) + c.sum(1) > 0, c.diagonal() / np.maximum(c.sum(0) + c.sum(1), 1), np.nan)
            ),
        ),
        Mistake("One number is asked for, the mean.", when=lambda got: np.ndim(got) > 0),
    ]  # fmt: skip
    hint = "For each class: the diagonal, over row plus column less diagonal. Then the mean over classes with a union."
    for label, counts in (
        ("[[6, 2], [0, 4]]", [[6, 2], [0, 4]]),
        ("three classes", [[50, 3, 2], [4, 10, 1], [5, 0, 7]]),
        ("a class that is in neither mask", [[8, 1, 0], [3, 4, 0], [0, 0, 0]]),
        ("a class that is only in the answer", [[8, 1, 2], [3, 4, 0], [0, 0, 0]]),
        ("both kinds at once", [[8, 1, 2, 0], [3, 5, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]),
    ):
        table = np.array(counts)
        found = []
        for k in range(len(table)):  # pixel by pixel
            union = sum(int(n) for (i, j), n in np.ndenumerate(table) if k in (i, j))
            if union:
                found.append(int(table[k, k]) / union)
        yield from called(
            answer,
            (table,),
            Number(sum(found) / len(found)),
            name="mean_iou",
            mistakes=mistakes,
            hint=hint,
            label=f"The mean IoU for {label}",
            verb="is",
        )
