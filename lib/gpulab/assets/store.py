"""Where assets lie, and whether what lies there is what the list says. Nothing here reaches out."""

from __future__ import annotations

import hashlib
import os
import sys
from enum import Enum
from importlib.resources import files
from pathlib import Path

from gpulab.assets.listing import Asset, catalog


class AssetError(Exception):
    """Data or weights are missing, damaged or cannot be had; the message says what to do."""


class Status(Enum):
    """What a check of an asset's files found."""

    OK = "ok"
    MISSING = "missing"
    DAMAGED = "damaged"


def home() -> Path:
    """Return the course's cache: ``GPULAB_HOME``, else a folder ``gpulab`` in the user's cache folder."""
    if chosen := os.environ.get("GPULAB_HOME"):
        return Path(chosen).expanduser()
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "gpulab"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gpulab"


def asset(name: str) -> Asset:
    """Return the list's entry for ``name``.

    Raises
    ------
    AssetError
        The name is not in the list.
    """
    if name not in catalog():
        raise AssetError(f"There is no asset {name!r}. The list has: {', '.join(sorted(catalog()))}.")
    return catalog()[name]


def location(name: str) -> Path:
    """Return the folder of an asset's files, whether they are there or not."""
    if asset(name).package is None:
        return Path(str(files("gpulab.assets").joinpath("bundled")))
    return home() / "assets" / name


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def faults(name: str) -> dict[str, Status]:
    """Return the files of an asset that cannot be used, with the reason."""
    found: dict[str, Status] = {}
    for filename, expected in asset(name).files.items():
        path = location(name) / filename
        if not path.is_file():
            found[filename] = Status.MISSING
        elif sha256(path) != expected:
            found[filename] = Status.DAMAGED
    return found


def status(name: str) -> Status:
    """Check every file of an asset against the list.

    Returns
    -------
    Status
        ``DAMAGED`` if any file has other content than the list says, else ``MISSING`` if any is absent.
    """
    found = set(faults(name).values())
    return Status.DAMAGED if Status.DAMAGED in found else Status.MISSING if found else Status.OK


def folder(name: str) -> Path:
    """Return the folder of an asset, each file verified by hash.

    Parameters
    ----------
    name : str
        A name from the list, such as ``"minilm"``.

    Raises
    ------
    AssetError
        A file is missing, truncated or altered. It is named, and it is not used.
    """
    if not (found := faults(name)):
        return location(name)
    what = ", ".join(f"{location(name) / filename} is {why.value}" for filename, why in found.items())
    remedy = f"With a network, run: python -m gpulab assets fetch {name}. "
    remedy += "Without one, copy the cache of a machine that has it"
    if asset(name).package is None:
        remedy = "It is part of gpulab itself: install gpulab again, or restore the file from the repository"
    raise AssetError(f"{name}: {what}. {remedy} (GPULAB_HOME={home()}).")


def file(name: str, filename: str | None = None) -> Path:
    """Return one verified file of an asset.

    Parameters
    ----------
    name : str
        A name from the list.
    filename : str, optional
        Which file; may be left out where the asset has only one.

    Examples
    --------
    >>> file("photos").name
    'photos-128.npz'
    """
    known = list(asset(name).files)
    if filename is None and len(known) == 1:
        filename = known[0]
    if filename not in known:
        raise AssetError(f"{name} has no single file {filename!r}. Choose one of: {', '.join(known)}.")
    return folder(name) / filename
