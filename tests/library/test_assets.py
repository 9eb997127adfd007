"""Nothing damaged is ever used; every failure names the file and the remedy; the cache travels."""

from __future__ import annotations

import errno
import functools
import http.server
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpulab import assets
from gpulab.assets import hub, listing, store
from gpulab.assets.listing import Asset, Member, Package
from gpulab.cli import main


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


def test_no_network_says_what_to_do(tiny: Asset, wheel: Path) -> None:
    wheel.unlink()
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
        assert entry.package is None or all(member.second_source for member in entry.members), entry.name
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
