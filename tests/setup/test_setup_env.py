"""The decisions and messages of the set-up. Nothing is installed here."""

from __future__ import annotations

import ast
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from tools import setup_env
from tools.setup_env import Plan, Python, SetupError

EVERY = ["base", "torch", "gpulab"]
Usage = namedtuple("Usage", "total used free")


def python(version: tuple[int, ...] = (3, 12, 1), bits: int = 64, base: str = "/usr") -> Python:
    return Python(version, bits, base, "/site")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a checkout with a complete environment, as far as files can say so."""
    root = tmp_path / "my course"
    for file in setup_env.STEP_FILES.values():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("x\n")
    venv = root / ".venv"
    venv.mkdir()
    (venv / "pyvenv.cfg").write_text(
        f"home = /usr/bin\nversion = 3.12.1\ncommand = /usr/bin/python3 -I -m venv {venv}\n"
    )
    setup_env.write_stamp(root, python())
    return root


def test_a_complete_environment_is_ready(root: Path) -> None:
    assert setup_env.decide(root, python()) == Plan("ready", "", [])


def test_another_patch_release_of_the_same_python_is_ready(root: Path) -> None:
    assert setup_env.decide(root, python((3, 12, 9))).action == "ready"


def test_no_environment_is_created(root: Path) -> None:
    shutil.rmtree(root / ".venv")
    assert setup_env.decide(root, None) == Plan("create", "", EVERY)


def test_an_interrupted_environment_is_continued(root: Path) -> None:
    (root / ".venv" / setup_env.STAMP).unlink()
    assert setup_env.decide(root, python())[::2] == ("continue", EVERY)


@pytest.mark.parametrize("text", ["", "{", "3"])
def test_an_unreadable_stamp_counts_as_none(root: Path, text: str) -> None:
    (root / ".venv" / setup_env.STAMP).write_text(text)
    assert setup_env.decide(root, python()).action == "continue"


@pytest.mark.parametrize("step", EVERY)
def test_only_the_step_whose_file_changed_is_done_again(root: Path, step: str) -> None:
    (root / setup_env.STEP_FILES[step]).write_text("changed\n")
    plan = setup_env.decide(root, python())
    assert (plan.action, plan.steps) == ("continue", [step]) and setup_env.STEP_FILES[step] in plan.reason


def test_an_environment_whose_python_is_gone_is_rebuilt(root: Path) -> None:
    assert setup_env.decide(root, None)[:2] == ("rebuild", "its Python does not run")


@pytest.mark.parametrize(
    "found", [python((3, 10, 4)), python((3, 14, 0)), python(bits=32), python((3, 13, 0)), python(base="/opt")]
)
def test_an_environment_of_another_python_is_rebuilt(root: Path, found: Python) -> None:
    plan = setup_env.decide(root, found)
    assert (plan.action, plan.steps) == ("rebuild", EVERY) and "made by" in plan.reason


@pytest.mark.parametrize("stamped", [True, False])
def test_a_moved_environment_is_rebuilt(root: Path, stamped: bool) -> None:
    if not stamped:
        (root / ".venv" / setup_env.STAMP).unlink()
    moved = root.rename(root.with_name("elsewhere"))
    plan = setup_env.decide(moved, python())
    assert plan.action == "rebuild" and str(root) in plan.reason and "moved" in plan.reason


def test_a_link_to_the_checkout_is_not_a_move(root: Path) -> None:
    link = root.with_name("link")
    link.symlink_to(root)
    assert setup_env.decide(link, python()).action == "ready"


def test_a_python_that_does_not_run_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setattr(setup_env, "candidates", lambda: [[str(shim)], [str(tmp_path / "none")], [sys.executable]])
    assert setup_env.choose_python() == [sys.executable]


@pytest.mark.parametrize(
    ("system", "advice"), [("Linux", "apt install python3.12"), ("Darwin", "brew install"), ("Windows", "python.org")]
)
def test_a_wrong_python_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, system: str, advice: str
) -> None:
    monkeypatch.setattr(setup_env, "candidates", lambda: [["python3.9"]])
    monkeypatch.setattr(setup_env, "probe", lambda command: python((3, 9, 2)))
    monkeypatch.setattr(setup_env.platform, "system", lambda: system)
    with pytest.raises(SetupError, match="3.9.2") as caught:
        setup_env.choose_python()
    assert advice in str(caught.value) and setup_env.SUPPORTED in str(caught.value)


def test_a_python_without_venv_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_env, "can_make_environments", lambda command: False)
    with pytest.raises(SetupError, match=r"apt install python3\.\d+-venv"):
        setup_env.choose_python()


def test_a_full_disk_says_what_is_needed_and_free(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 3_200_000_000))
    with pytest.raises(SetupError, match=r"about 9 GB are needed in .*my course, 3\.2 GB are free"):
        setup_env.check_disk(root)


def test_a_small_disk_for_temporary_files_says_tmpdir(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = {str(root): 50 * setup_env.GB, tempfile.gettempdir(): setup_env.GB}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, free[str(path)]))
    Stat = namedtuple("Stat", "st_dev")
    monkeypatch.setattr(setup_env.os, "stat", lambda path: Stat(str(path)))
    with pytest.raises(SetupError, match="TMPDIR"):
        setup_env.check_disk(root)


def test_what_is_installed_counts_against_the_disk_needed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_env, "folder_size", lambda folder: 8 * setup_env.GB)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 2 * setup_env.GB))
    setup_env.check_disk(root)


def test_a_read_only_checkout_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(SetupError, match="my course.*Read-only file system"):
        setup_env.check_writable(root)


@pytest.mark.parametrize(
    ("log", "status", "words"),
    [
        (
            "2030-01-01T10:00:00,123 ERROR: Could not install packages: OSError: [Errno 28] No space left on device",
            1,
            "TMPDIR",
        ),
        (
            "ERROR: Could not find a version\nNewConnectionError: Temporary failure in name resolution",
            1,
            "network did not answer",
        ),
        (
            "2030-01-01T10:00:00,123 ERROR: No matching distribution found for torch==2.14.1",
            1,
            "no build of this package",
        ),
        ("Installing collected packages: torch", -9, "ended from outside"),
    ],
)
def test_pips_failure_is_explained_from_its_log(log: str, status: int, words: str) -> None:
    text = setup_env.explain_pip(log, Path("install.log"), "torch", status)
    assert words in text and "install.log" in text and "run the same command again" in text and "2030" not in text


def test_pips_own_last_words_are_shown() -> None:
    text = setup_env.explain_pip(
        "noise\n2030-01-01T10:00:00,123 ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", Path("log"), "x"
    )
    assert "    ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n" in text and "noise" not in text


def test_packages_that_an_interruption_left_half_installed_are_found(tmp_path: Path) -> None:
    for name, record in {"whole": "whole.py,sha256=a,1\n", "missing": "missing.py,,\n", "cut": ""}.items():
        (tmp_path / f"{name}-1.dist-info").mkdir()
        (tmp_path / f"{name}-1.dist-info/RECORD").write_text(record)
    (tmp_path / "whole.py").write_text("x")
    (tmp_path / "none-1.dist-info").mkdir()
    (tmp_path / "~orch").mkdir()
    names = sorted(path.name for path in setup_env.half_installed(tmp_path))
    assert names == ["cut-1.dist-info", "missing-1.dist-info", "none-1.dist-info", "~orch"]


def run_main(monkeypatch: pytest.MonkeyPatch, root: Path, *arguments: str) -> int:
    monkeypatch.setattr(setup_env, "ROOT", root)
    monkeypatch.setattr(setup_env.signal, "signal", lambda *_: None)
    return setup_env.main(list(arguments))


def test_a_ready_environment_takes_one_line_and_no_step(root: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(setup_env, "probe", lambda command: python())
    monkeypatch.setattr(subprocess, "run", None)
    assert run_main(monkeypatch, root, "--no-assets") == 0
    assert capsys.readouterr().out == "The environment is ready.\n"


def test_ctrl_c_is_one_line_and_leaves_no_stamp(root: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    (root / ".venv" / setup_env.STAMP).unlink()

    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(setup_env, "probe", lambda command: python())
    monkeypatch.setitem(setup_env.STEPS, "base", interrupted)
    assert run_main(monkeypatch, root, "--no-assets", "--no-disk-check") == 130
    assert "Stopped." in capsys.readouterr().out and not (root / ".venv" / setup_env.STAMP).exists()


def test_a_rebuild_says_why_and_does_every_step(root: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    found, done = iter([python((3, 10, 4)), python()]), []
    monkeypatch.setattr(setup_env, "probe", lambda command: next(found))
    monkeypatch.setattr(setup_env, "choose_python", lambda: [sys.executable])
    monkeypatch.setattr(setup_env, "make_venv", lambda root: (root / ".venv").mkdir())
    for step in EVERY:
        monkeypatch.setitem(setup_env.STEPS, step, lambda _, step=step: done.append(step))
    assert run_main(monkeypatch, root, "--no-assets", "--no-disk-check") == 0
    assert done == EVERY and "making it again: it was made by Python 3.10.4" in capsys.readouterr().out
    assert setup_env.decide(root, python()).action == "ready"


def test_nothing_is_removed_where_no_python_fits(root: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(setup_env, "probe", lambda command: python((3, 9, 2)))
    assert run_main(monkeypatch, root) == 1
    assert (root / ".venv").exists() and "Python 3.9.2" in capsys.readouterr().err


def test_missing_assets_are_an_error_that_names_the_cache(root: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(setup_env, "probe", lambda command: python())
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 1))
    assert run_main(monkeypatch, root) == 1
    assert "GPULAB_HOME" in capsys.readouterr().err


def test_the_set_up_uses_the_standard_library_and_syntax_of_python_3_8() -> None:
    tree = ast.parse(Path(setup_env.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names | {"__future__"}


@pytest.mark.skipif(os.name != "posix", reason="make is not used on Windows")
def test_make_names_a_python_that_is_missing() -> None:
    done = subprocess.run(
        ["make", "-s", "env", "PYTHON=python-that-is-not-here"], cwd=setup_env.ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0 and "There is no python-that-is-not-here on PATH" in done.stderr
