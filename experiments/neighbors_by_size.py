"""How does the nearest neighbor gain from more training images, and from moved copies of them?

For each number of training images and each seed: draw that many training digits, name the validation digits after their
nearest one, as they are and moved to the right by two pixels; then the same with copies of the training images moved by
up to two pixels in every direction.
"""

from __future__ import annotations

import numpy as np

from experiments import stamp
from gpulab.data import load

SIZES = (50, 100, 200, 400, 800, 1600, 3500)
SEEDS = tuple(range(10))
MOVE = 2


def shifted(images: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return images (n, 28, 28, 1) moved by whole pixels, black filled in."""
    padded = np.pad(images, ((0, 0), (MOVE, MOVE), (MOVE, MOVE), (0, 0)))
    top, left = MOVE - down, MOVE - right
    return padded[:, top : top + images.shape[1], left : left + images.shape[2]]


def nearest(images: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of the nearest known image for each image, and the squared distance."""
    a, b = (part.reshape(len(part), -1).astype(np.float64) for part in (images, known))
    gaps = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    best = gaps.argmin(1)
    return best, gaps[np.arange(len(gaps)), best]


def accuracy(images: np.ndarray, labels: np.ndarray, copies: list[np.ndarray], known_labels: np.ndarray) -> float:
    """Return the share of images whose nearest neighbor among all copies has the right label."""
    best, gap = zip(*(nearest(images, copy) for copy in copies))
    winner = np.argmin(gap, axis=0)
    answers = known_labels[np.array(best)[winner, np.arange(len(images))]]
    return float((answers == labels).mean())


def point(size: int, seed: int, augmented: bool) -> dict[str, float]:
    """Return one row: the accuracy on plain and on moved validation digits."""
    digits = load("digits")
    chosen = np.random.default_rng(seed).permutation(len(digits.train.y))[:size]
    x, y = digits.train.x[chosen], digits.train.y[chosen]
    moves = [(d, r) for d in range(-MOVE, MOVE + 1) for r in range(-MOVE, MOVE + 1)] if augmented else [(0, 0)]
    copies = [shifted(x, *move) for move in moves]
    plain, moved = digits.valid.x, shifted(digits.valid.x, 0, MOVE)
    scores = {name: accuracy(part, digits.valid.y, copies, y) for name, part in (("plain", plain), ("moved", moved))}
    return {"size": size, "seed": seed, "augmented": augmented, **scores}


def compute() -> list[dict[str, float]]:
    """Return every row."""
    return [point(size, seed, augmented) for augmented in (False, True) for size in SIZES for seed in SEEDS]


if __name__ == "__main__":
    stamp.run("neighbors_by_size", compute, SEEDS, ["numpy"])
