"""One finding, and the small comparisons that rules share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How much a finding matters."""

    OK = "ok"
    ADVICE = "advice"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """What a rule found, and what to do about it.

    Attributes
    ----------
    level : Level
        ``BROKEN`` where something that is installed cannot do its work; ``ADVICE`` where it could do better.
    topic : str
        A word for the reader: ``"CPU"``, ``"GPU"``, ``"PyTorch"``.
    found, do : str
        What was found, and what to do; nothing to do where all is well.
    """

    level: Level
    topic: str
    found: str
    do: str = ""


def ok(topic: str, found: str) -> list[Finding]:
    """Return one finding that asks for nothing."""
    return [Finding(Level.OK, topic, found)]


def advice(topic: str, found: str, do: str) -> list[Finding]:
    """Return one piece of advice."""
    return [Finding(Level.ADVICE, topic, found, do)]


def broken(topic: str, found: str, do: str) -> list[Finding]:
    """Return one thing that is broken, with its remedy."""
    return [Finding(Level.BROKEN, topic, found, do)]


def parts(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, so that versions can be compared.

    Examples
    --------
    >>> parts("2.14.1+cu130") > parts("2.9")
    True
    """
    release = re.match(r"[\d.]*", version)
    return tuple(int(part) for part in (release[0] if release else "").split(".") if part)
