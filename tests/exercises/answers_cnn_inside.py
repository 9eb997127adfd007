"""Answers to the exercises on reading results and on looking inside a network."""

from __future__ import annotations

import numpy as np

from tests.exercises.walk import Answers


def recall_precision(counts, k):
    return counts[k, k] / counts[k].sum(), counts[k, k] / counts[:, k].sum()


def gap(confidence, right, bins):
    total = 0.0
    for b in range(bins):
        low, high = b / bins, (b + 1) / bins
        here = (confidence >= low) & ((confidence < high) | (b == bins - 1))
        if here.any():
            total += here.sum() * abs(confidence[here].mean() - right[here].mean())
    return total / len(confidence)


def gaps(confidence, right, bins):
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.digitize(confidence, edges) - 1, 0, bins - 1)
    for b in range(bins):
        here = place == b
        if here.any():
            yield here.sum(), confidence[here].mean() - right[here].mean()


def gap_without_ones(confidence, right, bins):
    total = 0.0
    for b in range(bins):
        here = (confidence >= b / bins) & (confidence < (b + 1) / bins)
        if here.any():
            total += here.sum() * abs(confidence[here].mean() - right[here].mean())
    return total / len(confidence)


def gap_with_upper_ends(confidence, right, bins):
    total = 0.0
    for b in range(bins):
        here = (confidence > b / bins) & (confidence <= (b + 1) / bins)
        if here.any():
            total += here.sum() * abs(confidence[here].mean() - right[here].mean())
    return total / len(confidence)


def gap_with_empty_bins(confidence, right, bins):
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(all="ignore"):
        mean = np.bincount(place, confidence, bins) / counts
        share = np.bincount(place, right, bins) / counts
    return (counts * abs(mean - share)).sum() / len(confidence)


def grad_cam(maps, gradients):
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    values = np.maximum((weights * maps).sum(axis=-1), 0)
    highest = values.max(axis=(1, 2), keepdims=True)
    return values / np.where(highest > 0, highest, 1)


def cam_without_scale(maps, gradients):
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    return np.maximum((weights * maps).sum(axis=-1), 0)


def cam_without_guard(maps, gradients):
    values = cam_without_scale(maps, gradients)
    with np.errstate(all="ignore"):
        return values / values.max(axis=(1, 2), keepdims=True)


def cam_signed(maps, gradients):
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    values = (weights * maps).sum(axis=-1)
    return values / values.max(axis=(1, 2), keepdims=True)


def cam_place_by_place(maps, gradients):
    values = np.maximum((gradients * maps).sum(axis=-1), 0)
    return values / np.maximum(values.max(axis=(1, 2), keepdims=True), 1e-9)


def pointing(maps, corners, size, reach=0, before=0):
    hits = 0
    for values, (row, column) in zip(maps, corners, strict=True):
        i, j = np.unravel_index(values.argmax(), values.shape)
        hits += row - before <= i < row + size + reach and column - before <= j < column + size + reach
    return hits / len(maps)


def mass(maps, corners, size):
    inside = [m[r : r + size, c : c + size].sum() / m.sum() for m, (r, c) in zip(maps, corners, strict=True)]
    return float(np.mean(inside))


def occlusion_map(score, image, size, fill=0.0, fewer=0):
    rows, columns = (n - size + 1 - fewer for n in image.shape[:2])
    fall = np.zeros((rows, columns))
    for i, j in np.ndindex(rows, columns):
        covered = image.copy()
        covered[i : i + size, j : j + size] = fill
        fall[i, j] = (score(image[None]) - score(covered[None]))[0]
    return fall


def never_opened(score, image, size):
    rows, columns = (n - size + 1 for n in image.shape[:2])
    fall, covered = np.zeros((rows, columns)), image.copy()
    for i, j in np.ndindex(rows, columns):
        covered[i : i + size, j : j + size] = 0
        fall[i, j] = (score(image[None]) - score(covered[None]))[0]
    return fall


def square_alone(score, image, size):
    rows, columns = (n - size + 1 for n in image.shape[:2])
    scores = np.zeros((rows, columns))
    for i, j in np.ndindex(rows, columns):
        only = np.zeros_like(image)
        only[i : i + size, j : j + size] = image[i : i + size, j : j + size]
        scores[i, j] = score(only[None])[0]
    return scores


def first_channel(score, image, size):
    rows, columns = (n - size + 1 for n in image.shape[:2])
    fall = np.zeros((rows, columns))
    for i, j in np.ndindex(rows, columns):
        covered = image.copy()
        covered[i : i + size, j : j + size, 0] = 0
        fall[i, j] = (score(image[None]) - score(covered[None]))[0]
    return fall


def in_place(score, image, size):
    before = score(image[None])[0]
    rows, columns = (n - size + 1 for n in image.shape[:2])
    fall = np.zeros((rows, columns))
    for i, j in np.ndindex(rows, columns):
        image[i : i + size, j : j + size] = 0
        fall[i, j] = before - score(image[None])[0]
    return fall


def follows(before, after, pasted):
    could = before != pasted
    return (after[could] == pasted[could]).mean()


ANSWERS = {
    "cnn/recall-precision": Answers(
        recall_precision,
        [
            (lambda c, k: recall_precision(c, k)[::-1], "changed over"),
            (lambda c, k: (c[k, k] / c[k].sum(), c[k, k] / c[k].sum()), "looks at a column"),
            (lambda c, k: (c[k, k] / c.sum(), c[k, k] / c.sum()), "not by all images"),
            (lambda c, k: tuple(1 - value for value in recall_precision(c, k)), "wrong answers"),
            (lambda c, k: recall_precision(c, k)[0], "not the right shape"),
        ],
    ),
    "cnn/calibration-error": Answers(
        gap,
        [
            (lambda *given: np.mean([abs(off) for _, off in gaps(*given)]), "weight each bin"),
            (lambda *given: abs(sum(n * off for n, off in gaps(*given))) / len(given[0]), "must not cancel"),
            (lambda *given: max(abs(off) for _, off in gaps(*given)), "largest gap"),
            (lambda *given: len(given[0]) * gap(*given), "number of images"),
            (gap_with_empty_bins, "leave it out"),
            (gap_without_ones, "is lost"),
            (lambda p, right, bins: gap_without_ones(p[p < 1], right[p < 1], bins), "is lost"),
            (gap_with_upper_ends, "the bin above it"),
        ],
    ),
    "cnn/grad-cam": Answers(
        grad_cam,
        [
            (cam_without_scale, "highest value is 1"),
            (lambda m, g: cam_without_scale(m, g) / max(cam_without_scale(m, g).max(), 1e-9), "of its own"),
            (cam_without_guard, "do not divide it by 0"),
            (cam_signed, "set them to 0"),
            (cam_place_by_place, "place by place"),
            (lambda m, g: grad_cam(m, np.ones_like(g)), "weights are missing"),
        ],
    ),
    "cnn/pointing-game": Answers(
        pointing,
        [
            (lambda *given: pointing(*given, reach=1), "ends before corner + size"),
            (lambda m, corners, size: pointing(m, corners[:, ::-1], size), "in this order"),
            (lambda m, corners, size: round(pointing(m, corners, size) * len(m)), "not a count"),
            (lambda *given: pointing(*given, before=1), "column left of it"),
            (lambda *given: pointing(*given, before=1, reach=1), "pixels around the square"),
            (mass, "where the highest value is"),
        ],
    ),
    "cnn/occlusion-map": Answers(
        occlusion_map,
        [
            (lambda *given: -occlusion_map(*given), "sign"),
            (never_opened, "fresh copy"),
            (lambda *given: occlusion_map(*given, fill=1.0), "not with 1"),
            (lambda *given: occlusion_map(*given, fewer=1), "one row and one column are missing"),
            (square_alone, "score of the square alone"),
            (lambda s, image, size: square_alone(s, image, size) - s(0 * image[None])[0], "loses without it"),
            (first_channel, "all channels of the square"),
            (lambda s, image, size: s(image[None])[0] - occlusion_map(s, image, size), "not falls"),
        ],
    ),
    "cnn/follows-mark": Answers(
        follows,
        [
            (lambda before, after, pasted: (after == pasted).mean(), "had this answer before"),
            (lambda before, after, pasted: ((after == pasted) & (before != pasted)).mean(), "not by all"),
            (lambda before, after, pasted: (after != before)[before != pasted].mean(), "third class"),
            (lambda before, after, pasted: int(((after == pasted) & (before != pasted)).sum()), "not a count"),
        ],
    ),
}
