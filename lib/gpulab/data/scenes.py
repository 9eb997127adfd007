"""Scenes with several objects, their boxes and their masks: cut-outs of the offline sets on real backgrounds.

Nothing here rounds differently on another machine: placements are whole pixels, and pictures shrink by the average
of whole blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from gpulab.data.cards import Card
from gpulab.data.sets import load

# Each class of a scene, and the classes of the sets that its objects are cut from.
SOURCES = {
    "face": (("emoji", "face"),),
    "animal": (("emoji", "animal"), ("photos", "mammal")),
    "fruit": (("photos", "fruit"),),
    "vehicle": (("emoji", "vehicle"), ("photos", "vehicle")),
}
PARTS = ("train", "valid", "test")
# The columns of the two background photographs, 640 pixels wide, that each part may take crops from.
STRIPS = {"train": (0, 320), "valid": (320, 448), "test": (448, 640)}
WHITE = 240  # a ground is as bright as this in every channel, of 255
DARK = 150  # backgrounds keep this share of their brightness, of 255
SEEN = 0.75  # the share of each object that later ones leave in sight, at least
TRIES = 50  # draws of an object until it finds room
LARGEST = 128  # pixels a side; the valid strip is no wider

CARD = Card(
    name="scenes",
    title="Composed scenes",
    source="Cut-outs of the sets photos and emoji, on crops of china.jpg (danielbuechele) and flower.jpg (vultilion), "
    "two photographs that come with scikit-learn",
    license="GPL-2.0 (Tux Paint stamps), OFL-1.1 / Apache-2.0 (Noto Color Emoji), CC BY 2.0 (both photographs)",
    citation="pedregosa2011scikit",
    classes=tuple(SOURCES),
    shape=(64, 64, 3),
    sizes=(253, 65, 105),
    how_made="White ground removed from the border inward, shrunk by block averages, mirrored at random, placed at "
    "random on a darkened crop; an object keeps three quarters of its pixels in sight. Drawn anew from a seed; the "
    "sizes above count cut-outs.",
    splits="The splits of photos and emoji: parts share no cut-out. Backgrounds come from separate strips.",
    caution="As many scenes as you like, but few objects: 16 fruits in training. Outlines are sharp and there is no "
    "context, as in no photograph; white parts at an outline went with the ground.",
)


@dataclass(frozen=True)
class Scenes:
    """Images with the boxes, classes and masks of their objects.

    Attributes
    ----------
    images : ndarray, (n, size, size, 3), float32 in 0..1
    boxes : ndarray, (n, K, 4), float32
        Left, top, right and bottom edge in pixels, tight around what is in sight; K is the most objects in a scene.
        Rows without an object are 0.
    labels : ndarray, (n, K), int64
        The class of each object, an index into ``classes``; -1 where there is none.
    masks : ndarray, (n, size, size), int64
        The class of each pixel plus 1; 0 is background.
    classes : tuple of str
    """

    images: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    masks: np.ndarray
    classes: tuple[str, ...]

    @property
    def card(self) -> Card:
        """Where the scenes come from and what to keep in mind."""
        return CARD


def scenes(
    n: int, *, part: str = "train", seed: int = 0, size: int = 64, objects: tuple[int, int] = (1, 3)
) -> Scenes:
    """Compose scenes with several objects from real pictures.

    Parameters
    ----------
    n : int
        How many.
    part : {"train", "valid", "test"}
        The split that objects and backgrounds come from; no two parts share a source.
    seed : int
        The same seed gives the same scenes on every machine; each part draws other ones.
    size : int
        Height and width in pixels: a multiple of 8 from 32 to 128. Objects span a quarter to a half of it.
    objects : tuple of int
        The fewest and the most objects in a scene, from 1 to 6. One that finds no room is left out; at least one is in.

    Returns
    -------
    Scenes

    Raises
    ------
    ValueError
        An argument is outside of what is described above.

    Examples
    --------
    >>> few = scenes(2, part="test")
    >>> few.images.shape, few.boxes.shape, few.classes
    ((2, 64, 64, 3), (2, 3, 4), ('face', 'animal', 'fruit', 'vehicle'))
    """
    low, high = _checked(n, part, seed, size, objects)
    rng = np.random.default_rng([seed, PARTS.index(part)])
    sprites, grounds = _sprites(part, size), _grounds(part, size)
    images = np.zeros((n, size, size, 3), np.float32)
    boxes = np.zeros((n, high, 4), np.float32)
    labels = np.full((n, high), -1, np.int64)
    masks = np.zeros((n, size, size), np.int64)
    for i in range(n):
        image, owner, kinds = _compose(rng, sprites, grounds, size, int(rng.integers(low, high + 1)))
        images[i] = image
        labels[i, : len(kinds)] = kinds
        masks[i] = np.array([0, *(kind + 1 for kind in kinds)])[owner]
        for k in range(len(kinds)):
            boxes[i, k] = _box(owner == k + 1)
    return Scenes(images, boxes, labels, masks, tuple(SOURCES))


def _checked(n: int, part: str, seed: int, size: int, objects: tuple[int, int]) -> tuple[int, int]:
    """Return the fewest and the most objects, or say which argument is wrong."""
    if part not in PARTS:
        raise ValueError(f"There is no part {part!r}. Choose one of: {', '.join(PARTS)}.")
    for name, value, least in (("n", n, 1), ("seed", seed, 0)):
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} is {value!r}; give a whole number, {least} or larger.")
    if size not in range(32, LARGEST + 1, 8):
        raise ValueError(f"size is {size!r}; give a multiple of 8 from 32 to {LARGEST}.")
    try:
        low, high = objects
        right = 1 <= low <= high <= 6 and low == int(low) and high == int(high)
    except (TypeError, ValueError):
        right = False
    if not right:
        raise ValueError(f"objects is {objects!r}; give the fewest and the most, such as (1, 3), from 1 to 6.")
    return int(low), int(high)


def _compose(
    rng: np.random.Generator, sprites: list[list[np.ndarray]], grounds: list[np.ndarray], size: int, count: int
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return an image, the number of the object that owns each pixel (0: none), and the class of each object."""
    image = grounds[rng.integers(len(grounds))]
    top, left = (int(rng.integers(length - size + 1)) for length in image.shape[:2])
    image = image[top : top + size, left : left + size].copy()
    owner = np.zeros((size, size), np.int64)
    kinds: list[int] = []
    whole: list[int] = [0]  # pixels that each object covered when it was placed
    for _ in range(count):
        for _ in range(TRIES):
            kind = int(rng.integers(len(sprites)))
            sprite = sprites[kind][rng.integers(len(sprites[kind]))]
            sprite = sprite[:, ::-1] if rng.integers(2) else sprite
            height, width = sprite.shape[:2]
            y, x = int(rng.integers(size - height + 1)), int(rng.integers(size - width + 1))
            window = (slice(y, y + height), slice(x, x + width))
            after = owner.copy()
            after[window][sprite[..., 3] >= 0.5] = len(kinds) + 1
            seen = np.bincount(after.ravel(), minlength=len(kinds) + 2)
            if all(seen[k] >= SEEN * whole[k] for k in range(1, len(kinds) + 1)):
                alpha = sprite[..., 3:]
                image[window] = image[window] * (1 - alpha) + sprite[..., :3] * alpha
                owner = after
                kinds.append(kind)
                whole.append(int(seen[-1]))
                break
    return image, owner, kinds


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Return the edges x0, y0, x1, y1 of the smallest box around a mask, bool (height, width)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def _shrink(image: np.ndarray, block: int) -> np.ndarray:
    """Average whole blocks of an image of whole numbers, (height, width, channels); a part of a block is cut off."""
    height, width = (length // block for length in image.shape[:2])
    tiles = image[: height * block, : width * block].reshape(height, block, width, block, -1)
    return tiles.sum(axis=(1, 3)) / block**2


def _cut_out(image: np.ndarray) -> np.ndarray:
    """Return an image, int64 (side, side, 3) of 0..255, cropped, with a channel that is 1 on the object and 0 around.

    The ground is what is white and connected to the border.
    """
    from scipy import ndimage

    white = np.pad((image >= WHITE).all(axis=2), 1, constant_values=True)
    number, _ = ndimage.label(white)
    shown = (number != number[0, 0])[1:-1, 1:-1]
    x0, y0, x1, y1 = _box(shown)
    return np.dstack([image * shown[..., None], shown])[y0:y1, x0:x1]


@lru_cache(maxsize=8)
def _sprites(part: str, size: int) -> list[list[np.ndarray]]:
    """Return the objects of each class in every fitting size: float32 (height, width, 4), color and opacity in 0..1."""
    return [[sprite for cut in cuts for sprite in _sizes(cut, size)] for cuts in _cuts(part).values()]


def _sizes(cut: np.ndarray, size: int) -> list[np.ndarray]:
    """Shrink a cut-out so that its longer side is a quarter to a half of ``size``, in as many ways as there are."""
    longest = max(cut.shape[:2])
    found = []
    for block in range(1, longest + 1):
        if size / 4 <= longest // block <= size / 2 and min(cut.shape[:2]) // block >= 4:
            small = _shrink(np.pad(cut, ((0, -cut.shape[0] % block), (0, -cut.shape[1] % block), (0, 0))), block)
            opacity = small[..., 3:]
            color = small[..., :3] / np.maximum(opacity, 1e-9) / 255  # the average over the object's own pixels
            found.append(np.concatenate([color, opacity], axis=2).astype(np.float32))
    return found


@lru_cache(maxsize=3)
def _cuts(part: str) -> dict[str, list[np.ndarray]]:
    """Return the cut-outs of a part by class."""
    cuts: dict[str, list[np.ndarray]] = {}
    for name, places in SOURCES.items():
        cuts[name] = []
        for data_set, label in places:
            data = load(data_set)
            split = getattr(data, part)
            chosen = split.x[split.y == data.classes.index(label)]
            cuts[name] += [_cut_out(image) for image in np.round(chosen * 255).astype(np.int64)]
    return cuts


@lru_cache(maxsize=8)
def _grounds(part: str, size: int) -> list[np.ndarray]:
    """Return darkened photographs, float32 (height, width, 3) in 0..1, in every scale that leaves room for a crop."""
    from sklearn.datasets import load_sample_image

    left, right = STRIPS[part]
    found = []
    for name in ("china.jpg", "flower.jpg"):
        strip = load_sample_image(name)[:, left:right].astype(np.int64) * DARK
        found += [(_shrink(strip, block) / 255**2).astype(np.float32) for block in range(1, 128 // size + 1)]
    return found
