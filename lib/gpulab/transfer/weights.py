"""Weights of a pretrained model as plain arrays: from the pinned package, from a folder, or from the makers' address.

Whatever the source, the file's hash is compared with the published one before anything in it is used.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from gpulab import assets
from gpulab.assets.store import sha256
from gpulab.transfer.errors import TransferError

Arrays = dict[str, np.ndarray]


def read(name: str, source: str | os.PathLike[str]) -> Arrays:
    """Return the weights of a model by the names and layouts of its published file.

    Parameters
    ----------
    name : str
        Of a pretrained model; its asset has the same name.
    source : str or path
        "package": the pinned asset in the course's cache. A folder: one that holds the same file. "hub": the makers'
        address, asked only now; the bytes must have the published hash.

    Raises
    ------
    TransferError
        The file is missing, damaged, or another one; or there is no network.
    """
    from safetensors.numpy import load_file

    return load_file(locate(name, source))


def locate(name: str, source: str | os.PathLike[str]) -> Path:
    """Return the verified file of weights of a model; see :func:`read`."""
    return files(name, source) / weights_file(name)


def weights_file(name: str) -> str:
    """Return the name of the file that holds a model's weights."""
    return next(filename for filename in assets.catalog()[name].files if filename.endswith(".safetensors"))


def files(name: str, source: str | os.PathLike[str]) -> Path:
    """Return the folder of a model's files, each verified; see :func:`read`."""
    try:
        if source == "package":
            return assets.folder(name)
        if source == "hub":
            return assets.official(name)
    except assets.AssetError as error:
        raise TransferError(str(error)) from error
    return _verified(name, Path(source))


def _verified(name: str, folder: Path) -> Path:
    """Return a folder given by a reader if it holds the model's files unaltered."""
    if not folder.is_dir():
        raise TransferError(
            f"source={str(folder)!r} is no folder. Give one that holds {weights_file(name)}, or 'package', 'hub', None."
        )
    for filename, expected in assets.catalog()[name].files.items():
        path = folder / filename
        if not path.is_file():
            inside = ", ".join(sorted(entry.name for entry in folder.iterdir())[:5]) or "nothing"
            raise TransferError(f"{folder} has no {filename}, the file of {name}. It has: {inside}.")
        if (got := sha256(path)) != expected:
            raise TransferError(
                f"{path} is not the file of {name}: its SHA-256 is {got[:16]}..., expected {expected[:16]}.... "
                "It is damaged or another model's, and is not used. Copy it again."
            )
    return folder
