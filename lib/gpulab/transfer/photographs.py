"""A few whole photographs to try a pretrained model on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from gpulab import assets
from gpulab.transfer.errors import TransferError


@dataclass(frozen=True, eq=False)
class Photograph:
    """A photograph, and whom to thank for it.

    Attributes
    ----------
    name, title : str
        A word, and what is to be seen.
    image : ndarray, uint8, (height, width, 3)
        The shorter side has 256 pixels. Read-only.
    license, credit : str
    """

    name: str
    title: str
    image: np.ndarray = field(repr=False)
    license: str
    credit: str

    def crop(self, size: int = 224) -> np.ndarray:
        """Return the square in the middle as pixels from 0 to 1.

        Parameters
        ----------
        size : int
            Height and width in pixels.

        Returns
        -------
        ndarray, float32, (size, size, 3)

        Raises
        ------
        TransferError
            The photograph is smaller than that.
        """
        height, width = self.image.shape[:2]
        if not 0 < size <= min(height, width):
            raise TransferError(f"size={size}: expected 1 to {min(height, width)}, the shorter side of the photograph.")
        top, left = (height - size) // 2, (width - size) // 2
        return self.image[top : top + size, left : left + size].astype(np.float32) / 255


# name: what is to be seen, license, credit
KNOWN = {
    "cat": ("Chelsea, a tabby cat", "CC0", "Stefan van der Walt"),
    "coffee": ("A cup of coffee", "CC0", "Rachel Michetti, Pikolo Espresso Bar"),
    "camera": ("A man with a camera on a tripod", "CC0", "Lav Varshney"),
    "rocket": ("A Falcon 9 rocket", "Public domain", "SpaceX"),
    "astronaut": ("Eileen Collins, an astronaut", "Public domain", "NASA"),
    "retina": ("The retina of a healthy eye", "CC0", "Mikael Häggström"),
    "galaxies": ("Galaxies, seen by Hubble", "Public domain", "NASA and ESA"),
    "clock": ("A wall clock; the camera moved", "Public domain", "Stefan van der Walt"),
}


@cache
def photographs() -> tuple[Photograph, ...]:
    """Return eight whole photographs, free to use; they ship inside gpulab.

    Raises
    ------
    AssetError
        The file is damaged.

    Examples
    --------
    >>> [photograph.name for photograph in photographs()]
    ['cat', 'coffee', 'camera', 'rocket', 'astronaut', 'retina', 'galaxies', 'clock']
    >>> photographs()[0].image.shape, photographs()[0].crop().shape
    ((256, 385, 3), (224, 224, 3))
    """
    found = []
    with np.load(assets.file("photographs")) as file:
        for name, (title, license_, credit) in KNOWN.items():
            image = np.cumsum(file[name], axis=1, dtype=np.uint8)  # stored as differences: a smaller file
            image.setflags(write=False)
            found.append(Photograph(name, title, image, license_, credit))
    return tuple(found)
