"""The exercises on reading results and on looking inside a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Number
from gpulab.exercises.engine import exercise


@exercise("cnn/recall-precision", "function", "a function recall_precision(counts, k) of a confusion matrix (K, K)")
def recall_precision(answer: Any) -> Iterator[Case]:
    """Compute recall and precision of one class from a confusion matrix."""

    def both(c: np.ndarray, k: int) -> list[float]:
        return [float(c[k, k] / c[k].sum()), float(c[k, k] / c[:, k].sum())]

    mistakes = [
        Mistake(
            "They are changed over. Recall asks about the images of the class, which are a row.",
            gives=lambda c, k: both(c, k)[::-1],
        ),
        Mistake("Both divide by the same sum. Precision looks at a column.", gives=lambda c, k: both(c, k)[:1] * 2),
        Mistake("Both divide by the same sum. Recall looks at a row.", gives=lambda c, k: both(c, k)[1:] * 2),
        Mistake("Divide by a row and by a column, not by all images.", gives=lambda c, k: [c[k, k] / c.sum()] * 2),
        Mistake("These are shares of wrong answers.", gives=lambda c, k: [1 - value for value in both(c, k)]),
        Mistake(
            "Do not leave the diagonal out of the sums: the right answers belong to the row and to the column.",
            gives=lambda c, k: [c[k, k] / (c[k].sum() - c[k, k]), c[k, k] / (c[:, k].sum() - c[k, k])],
        ),
    ]
    hint = "How many images has the class, and how many images got this answer?"
    for label, counts, k, right in (
        ("class 0 of [[3, 1], [2, 4]]", [[3, 1], [2, 4]], 0, [3 / 4, 3 / 5]),
        ("class 1 of [[3, 1], [2, 4]]", [[3, 1], [2, 4]], 1, [4 / 6, 4 / 5]),
        ("class 2 of three classes", [[8, 0, 2], [1, 5, 4], [0, 1, 3]], 2, [3 / 4, 3 / 9]),
    ):
        yield from called(
            answer,
            (np.array(counts), k),
            Array(right),
            name="recall_precision",
            mistakes=mistakes,
            hint=hint,
            label=f"The pair for {label},",
            verb="is",
        )


def _bins(confidence: np.ndarray, right: np.ndarray, bins: int) -> list[tuple[int, float]]:
    """Return for each bin with images how many it has, and its mean confidence less its accuracy."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    inside = [place == number for number in range(bins)]
    return [(int(here.sum()), float((confidence - right)[here].mean())) for here in inside if here.any()]


@exercise("cnn/calibration-error", "function", "a function gap(confidence, right, bins)")
def calibration_error(answer: Any) -> Iterator[Case]:
    """Compute the expected calibration error."""

    def signed(p: np.ndarray, right: np.ndarray, bins: int) -> float:
        return sum(n * off for n, off in _bins(p, right, bins)) / len(p)

    def without_ones(p: np.ndarray, right: np.ndarray, bins: int) -> float:
        return _expected(p[p < 1], right[p < 1], bins) * (p < 1).sum() / len(p)

    def upper_ends(p: np.ndarray, right: np.ndarray, bins: int) -> float:
        return _expected(np.nextafter(p, 0), right, bins)  # an edge falls into the bin below it

    mistakes = [
        Mistake(
            "A bin with many images must count more: weight each bin by its share of the images.",
            gives=lambda p, right, bins: float(np.mean([abs(off) for _, off in _bins(p, right, bins)])),
        ),
        Mistake("Bins that are too sure and bins that are too unsure must not cancel: take each size.", gives=signed),
        Mistake(
            "Bins that are too sure and bins that are too unsure must not cancel: take the size in each bin, "
            "not at the end.",
            gives=lambda *given: abs(signed(*given)),
        ),
        Mistake(
            "This is the largest gap. All bins are asked for, each weighted by its share of the images.",
            gives=lambda p, right, bins: max(abs(off) for _, off in _bins(p, right, bins)),
        ),
        Mistake("Divide by the number of images at the end.", gives=lambda *given: len(given[0]) * _expected(*given)),
        Mistake("A confidence of exactly 1 is in no bin: its image is lost.", gives=without_ones),
        Mistake(
            "A confidence of exactly 1 is in no bin: its image is lost.",
            gives=lambda p, right, bins: _expected(p[p < 1], right[p < 1], bins),
        ),
        Mistake("A bin has no upper end: a confidence on an edge belongs to the bin above it.", gives=upper_ends),
        Mistake(
            "An empty bin gives `nan`: leave it out.", when=lambda got: bool(np.isnan(np.asarray(got, float)).any())
        ),
    ]
    hint = "In each bin: the mean confidence, less the share of right answers. Which bins count how much?"
    for label, confidence, right, bins in (
        ("two images in one bin", [0.9, 0.8], [True, False], 1),
        ("two bins, and a confidence on their edge", [0.9, 0.8, 0.5, 0.4], [True, False, True, False], 2),
        ("one bin too sure, one too unsure", [0.9, 0.9, 0.3, 0.3, 0.3], [True, False, True, True, False], 2),
        ("ten bins, most of them empty", [0.95, 0.92, 0.55, 0.98], [True, True, False, False], 10),
        ("a confidence of exactly 1", [1.0, 0.96, 0.41, 0.44, 0.47], [False, True, False, True, True], 5),
    ):
        call = (np.array(confidence), np.array(right), bins)
        yield from called(
            answer,
            call,
            Number(_expected(*call)),
            name="gap",
            mistakes=mistakes,
            hint=hint,
            label=f"The error for {label}",
            verb="is",
        )


def _expected(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    return sum(n * abs(off) for n, off in _bins(confidence, right, bins)) / len(confidence)


@exercise("cnn/grad-cam", "function", "a function grad_cam(maps, gradients) of two arrays (n, h, w, c)")
def grad_cam(answer: Any) -> Iterator[Case]:
    """Compute Grad-CAM from feature maps and gradients, each map scaled to a highest value of 1."""

    def raw(maps: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return np.einsum("nijc,nc->nij", maps, weights)

    def scaled(values: np.ndarray) -> np.ndarray:
        top = values.max(axis=(1, 2), keepdims=True)
        return np.divide(values, top, out=np.zeros_like(values), where=top > 0)

    def right(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        return scaled(np.maximum(raw(maps, gradients.mean(axis=(1, 2))), 0))

    def unscaled(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        return np.maximum(raw(maps, gradients.mean(axis=(1, 2))), 0)

    def all_together(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        values = unscaled(maps, gradients)
        return values / values.max()

    mistakes = [
        Mistake(
            "A map with no evidence is 0 everywhere: do not divide it by 0.",
            when=lambda got: bool(np.isnan(np.asarray(got, float)).any()),
        ),
        Mistake("Scale each map so that its highest value is 1.", gives=unscaled),
        Mistake("Each image has a highest value of its own: do not divide all maps by one number.", gives=all_together),
        Mistake(
            "Negative values are evidence against the class: set them to 0.",
            gives=lambda maps, g: scaled(raw(maps, g.mean(axis=(1, 2)))),
        ),
        Mistake(
            "A channel has one weight: the mean of its gradient over all places. Do not multiply place by place.",
            gives=lambda maps, g: scaled(np.maximum((maps * g).sum(axis=-1), 0)),
        ),
        Mistake("The weights are missing: this is the sum of the maps.", gives=lambda maps, g: scaled(maps.sum(-1))),
        Mistake(
            "ReLU comes after the sum over the channels: a channel with a negative weight must be able to subtract.",
            gives=lambda maps, g: scaled(raw(maps, np.maximum(g.mean(axis=(1, 2)), 0))),
        ),
        Mistake(
            "Take the weights of each image from its own gradient, not the mean over the images.",
            gives=lambda maps, g: scaled(
                np.maximum(raw(maps, np.repeat(g.mean(axis=(0, 1, 2))[None], len(g), axis=0)), 0)
            ),
        ),
    ]
    hint = "One weight for each channel; the weighted sum of the channels; ReLU; then each map divided by its highest."
    rng = np.random.default_rng(0)
    maps = rng.integers(0, 5, (3, 2, 4, 3)).astype(float)
    gradients = rng.integers(-4, 5, (3, 2, 4, 3)).astype(float)
    nothing = (np.ones((1, 2, 2, 1)), -np.ones((1, 2, 2, 1)))
    for label, call in (
        ("one image, maps of 1 x 2, one channel", (np.array([[[[1.0], [3]]]]), np.array([[[[4.0], [2]]]]))),
        ("two channels", (np.array([[[[1.0, 0], [3, 4]]]]), np.array([[[[4.0, -2], [2, -6]]]]))),
        ("three images of 2 x 4, three channels", (maps, gradients)),
        ("an image that speaks only against the class", nothing),
    ):
        yield from called(
            answer,
            call,
            Array(right(*call)),
            name="grad_cam",
            mistakes=mistakes,
            hint=hint,
            label=f"The map for {label},",
            verb="is",
        )


@exercise("cnn/pointing-game", "function", "a function pointing(maps, corners, size)")
def pointing_game(answer: Any) -> Iterator[Case]:
    """Count the maps whose highest value lies inside a known square."""

    def tops(maps: np.ndarray) -> np.ndarray:
        return np.array([np.unravel_index(m.argmax(), m.shape) for m in maps])

    def hits(maps: np.ndarray, corners: np.ndarray, size: int, last: int = 0, first: int = 0) -> np.ndarray:
        off = tops(maps) - corners
        return ((off >= -first) & (off < size + last)).all(axis=1)

    def mass(maps: np.ndarray, corners: np.ndarray, size: int) -> float:
        return float(
            np.mean([m[r : r + size, c : c + size].sum() / m.sum() for m, (r, c) in zip(maps, corners, strict=True)])
        )

    mistakes = [
        Mistake(
            "The square ends before corner + size: that row and that column are outside.",
            gives=lambda *given: float(hits(*given, last=1).mean()),
        ),
        Mistake(
            "A corner is (row, column), in this order.",
            gives=lambda m, corners, size: float(hits(m, corners[:, ::-1], size).mean()),
        ),
        Mistake(
            "No extra pixel counts here: the row above the square and the column left of it are outside.",
            gives=lambda *given: float(hits(*given, first=1).mean()),
        ),
        Mistake(
            "No extra pixel counts here: the pixels around the square are outside.",
            gives=lambda *given: float(hits(*given, first=1, last=1).mean()),
        ),
        Mistake("A share is asked for, not a count.", gives=lambda *given: float(hits(*given).sum())),
        Mistake("This is the share of the mass inside. Ask only where the highest value is.", gives=mass),
        Mistake(
            "Row and column must both be inside: not one of them.",
            gives=lambda m, corners, size: float(
                ((tops(m) - corners >= 0) & (tops(m) - corners < size)).any(axis=1).mean()
            ),
        ),
        Mistake("Only the corner itself counts here. The whole square does.", gives=lambda m, c, s: hits(m, c, 1).mean()),
    ]
    hint = "`np.unravel_index(map.argmax(), map.shape)` gives the row and the column of the highest value."
    rng = np.random.default_rng(1)

    def peaks(places: list[tuple[int, int]]) -> np.ndarray:
        maps = rng.random((len(places), 8, 9)) * 0.5
        for one, place in zip(maps, places, strict=True):
            one[place] = 1
        return maps

    for label, places, corners, size in (
        ("one map that hits", [(3, 4)], [(2, 3)], 3),
        ("one hit, one miss in the columns", [(3, 4), (3, 7)], [(2, 3), (2, 3)], 3),
        ("highest values right beside the square", [(5, 4), (1, 4), (1, 5), (3, 2), (4, 4)], [(2, 3)] * 5, 3),
        ("five maps", [(1, 6), (1, 5), (7, 2), (0, 0), (2, 8)], [(1, 5), (1, 5), (5, 2), (2, 2), (7, 0)], 2),
    ):
        call = (peaks(places), np.array(corners), size)
        yield from called(
            answer,
            call,
            Number(float(hits(*call).mean())),
            name="pointing",
            mistakes=mistakes,
            hint=hint,
            label=f"The share for {label}",
            verb="is",
        )


@exercise("cnn/occlusion-map", "function", "a function occlusion_map(score, image, size)")
def occlusion_map(answer: Any) -> Iterator[Case]:
    """Compute how far a score falls when a square of an image is covered, for each place of the square."""

    def fall(score: Callable[[np.ndarray], np.ndarray], image: np.ndarray, size: int, fill: float = 0) -> np.ndarray:
        rows, columns = (n - size + 1 for n in image.shape[:2])
        values = np.zeros((rows, columns))
        for i, j in np.ndindex(rows, columns):
            covered = image.copy()
            covered[i : i + size, j : j + size] = fill
            values[i, j] = float(score(image[None])[0] - score(covered[None])[0])
        return values

    def alone(score: Callable[[np.ndarray], np.ndarray], image: np.ndarray, size: int) -> np.ndarray:
        values = fall(score, image, size)
        for i, j in np.ndindex(values.shape):
            only = np.zeros_like(image)
            only[i : i + size, j : j + size] = image[i : i + size, j : j + size]
            values[i, j] = float(score(only[None])[0])
        return values

    def keeps_only(score: Callable[[np.ndarray], np.ndarray], image: np.ndarray, size: int) -> np.ndarray:
        return score(image[None])[0] - alone(score, image, size)

    def one_channel(score: Callable[[np.ndarray], np.ndarray], image: np.ndarray, size: int) -> np.ndarray:
        values = fall(score, image, size)
        for i, j in np.ndindex(values.shape):
            covered = image.copy()
            covered[i : i + size, j : j + size, 0] = 0
            values[i, j] = float(score(image[None])[0] - score(covered[None])[0])
        return values

    def never_restored(score: Callable[[np.ndarray], np.ndarray], image: np.ndarray, size: int) -> np.ndarray:
        values, covered = fall(score, image, size), image.copy()
        for i, j in np.ndindex(values.shape):
            covered[i : i + size, j : j + size] = 0
            values[i, j] = float(score(image[None])[0] - score(covered[None])[0])
        return values

    mistakes = [
        Mistake(
            "These are falls with the sign changed: the score before, minus the score when covered.",
            gives=lambda *given: -fall(*given),
        ),
        Mistake(
            "Each place needs a fresh copy: squares that were covered before must be open again.", gives=never_restored
        ),
        Mistake(
            "These are scores, not falls: how much smaller is the score than that of the open image?",
            gives=lambda score, image, size: float(score(image[None])[0]) - fall(score, image, size),
        ),
        Mistake("Cover the square with 0, and leave the rest open.", gives=keeps_only),
        Mistake("This is the score of the square alone. Cover the square, and leave the rest open.", gives=alone),
        Mistake(
            "What the square scores alone is not what the image loses without it: leave the rest open.",
            gives=lambda score, image, size: alone(score, image, size) - score(np.zeros_like(image)[None])[0],
        ),
        Mistake("Cover all channels of the square, not only the first.", gives=one_channel),
        Mistake("Cover with 0, not with 1.", gives=lambda *given: fall(*given, fill=1)),
        Mistake("Cover with 0, not with gray.", gives=lambda *given: fall(*given, fill=0.5)),
        Mistake(
            "One row and one column are missing: a square fits at n − size + 1 places.",
            gives=lambda *given: fall(*given)[:-1, :-1],
        ),
    ]
    hint = "For each place: copy the image, set the square to 0, ask for the score of the copy."
    rng = np.random.default_rng(2)

    def weighted(weights: np.ndarray, power: int) -> Callable[[np.ndarray], np.ndarray]:
        return lambda images: 9 + (images * weights).sum(axis=(1, 2, 3)) ** power

    for label, shape, size, power in (
        ("an image of 2 x 2, square of 1", (2, 2, 1), 1, 1),
        ("an image of 3 x 3 with two channels, square of 2", (3, 3, 2), 2, 2),
        ("an image of 4 rows and 6 columns with three channels", (4, 6, 3), 3, 2),
    ):
        image = rng.integers(1, 5, shape).astype(float)
        score = weighted(rng.integers(-3, 4, shape).astype(float), power)
        yield from called(
            answer,
            (score, image, size),
            Array(fall(score, image, size)),
            name="occlusion_map",
            mistakes=mistakes,
            hint=hint,
            label=f"The map for {label},",
            verb="is",
        )


@exercise("cnn/follows-mark", "function", "a function follows(before, after, pasted) of three arrays (n,)")
def follows_mark(answer: Any) -> Iterator[Case]:
    """Measure which share of the answers that could change went over to the class of a pasted mark."""

    def share(before: np.ndarray, after: np.ndarray, pasted: np.ndarray) -> float:
        return float((after == pasted)[before != pasted].mean())

    mistakes = [
        Mistake(
            "Leave out the images that had this answer before: the mark could not change them.",
            gives=lambda before, after, pasted: float((after == pasted).mean()),
        ),
        Mistake(
            "Divide by the images that could change, not by all.",
            gives=lambda before, after, pasted: float(((after == pasted) & (before != pasted)).mean()),
        ),
        Mistake(
            "An answer that changed to some third class does not follow the mark.",
            gives=lambda before, after, pasted: float((after != before)[before != pasted].mean()),
        ),
        Mistake(
            "An answer that changed to some third class does not follow the mark.",
            gives=lambda before, after, pasted: float((after != before).mean()),
        ),
        Mistake("A share is asked for, not a count.", gives=lambda b, a, p: int(((a == p) & (b != p)).sum())),
        Mistake("This is the share that did not follow.", gives=lambda b, a, p: 1 - share(b, a, p)),
    ]
    hint = "Choose the images whose answer before was another one. How many of these now give the pasted class?"
    for label, before, after, pasted in (
        ("one image that follows", [3], [5], [5]),
        ("two images, one follows", [3, 4], [5, 4], [5, 6]),
        ("an image that had the answer before", [3, 5, 7, 1], [5, 5, 7, 1], [5, 5, 5, 2]),
        ("six images", [1, 2, 3, 4, 5, 6], [1, 9, 8, 4, 8, 8], [2, 9, 9, 4, 8, 8]),
    ):
        call = tuple(np.array(each) for each in (before, after, pasted))
        yield from called(
            answer,
            call,
            Number(share(*call)),
            name="follows",
            mistakes=mistakes,
            hint=hint,
            label=f"The share for {label}",
            verb="is",
        )
