"""How the groups of tests are run, counted and reported."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tools import notebooks, run_tests
from tools.run_tests import Group, Result


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make an empty project with the project's own test rules."""
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", encoding="utf-8")
    (tmp_path / "tests").mkdir()
    shutil.copy(run_tests.ROOT / "tests" / "conftest.py", tmp_path / "tests")
    return tmp_path


def run_file(tree: Path, code: str, *options: str, may_be_empty: bool = False) -> Result:
    """Run one test file as a group."""
    (tree / "tests" / "test_it.py").write_text(code, encoding="utf-8")
    group = Group("sample", ["tests", *options], {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, may_be_empty)
    return run_tests.run_group(group, tree)


def counts(result: Result) -> tuple[int, int, int]:
    """Return passed, failed and skipped."""
    return result.passed, result.failed, result.skipped


def test_outcomes_are_counted_and_errors_are_failures(tree: Path) -> None:
    code = """
import pytest
def test_good(): pass
def test_bad(): assert False
def test_left(): pytest.skip("left out")
def test_error(missing_fixture): pass
"""
    result = run_file(tree, code)
    assert counts(result) == (1, 2, 1)
    assert {label.split("::")[-1] for _, label in result.tests} == {"test_good", "test_bad", "test_left", "test_error"}


def test_broken_test_file_is_a_failure(tree: Path) -> None:
    assert counts(run_file(tree, "import nothing_of_that_name")) == (0, 1, 0)


def test_crash_is_one_failure_that_says_so(tree: Path) -> None:
    result = run_file(tree, "import os\ndef test_crash(): os.abort()")
    assert counts(result) == (0, 1, 0)
    assert "crashed" in result.note


def test_collecting_nothing_is_a_failure_unless_narrowed(tree: Path) -> None:
    code = "def test_good(): pass"
    assert counts(run_file(tree, code, "-k", "cnns")) == (0, 1, 0)
    assert counts(run_file(tree, code, "-k", "cnns", may_be_empty=True)) == (0, 0, 0)


def test_no_notebook_at_all_is_a_failure(tmp_path: Path) -> None:
    group = next(group for group in run_tests.plan(root=tmp_path) if group.name == "notebooks")
    assert counts(run_tests.run_group(group, tmp_path)) == (0, 1, 0)


def test_both_frameworks_in_one_process_fail_the_run(tree: Path) -> None:
    for name in ("torch", "tensorflow"):
        (tree / "tests" / f"{name}.py").write_text("", encoding="utf-8")
    both = run_file(tree, "import torch\ndef test_one(): pass\ndef test_two(): import tensorflow")
    assert counts(both)[1] == 1
    assert counts(run_file(tree, "import torch\ndef test_one(): pass")) == (1, 0, 0)


def test_frameworks_have_processes_of_their_own() -> None:
    groups = {group.name: group.arguments for group in run_tests.plan()}
    assert list(groups) == ["library", "copies", "torch", "keras", "notebooks", "measuring", "book"]
    assert groups["torch"] == ["tests/torch"]
    assert groups["keras"] == ["tests/keras"]


def test_part_narrows_to_its_notebooks(tmp_path: Path) -> None:
    for name in ("labs/cnns/one.ipynb", "labs/rnns/two.ipynb", "chapters/cnns/.ipynb_checkpoints/old.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    assert [path.name for path in notebooks.find(tmp_path)] == ["one.ipynb", "two.ipynb"]
    narrowed = {group.name: group.arguments for group in run_tests.plan("cnns", tmp_path)}
    assert narrowed["notebooks"][-1].endswith("one.ipynb")
    assert narrowed["book"] == ["tests/promises"]


def test_notebooks_that_measure_the_machine_run_alone(tmp_path: Path) -> None:
    for name in ("labs/cnns/one.ipynb", "labs/gpus/two.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    groups = {group.name: group.arguments for group in run_tests.plan(root=tmp_path)}
    assert groups["notebooks"][-1].endswith("one.ipynb") and "--dist=loadfile" in groups["notebooks"]
    assert groups["measuring"][-1].endswith("two.ipynb") and "-n" not in groups["measuring"]
    assert "two.ipynb" not in " ".join(groups["notebooks"])


def test_last_line_counts_everything(capsys: pytest.CaptureFixture[str]) -> None:
    results = [Result("a", 3, 0, 1, tests=[(2.5, "slow one")]), Result("b", 1, 2, 0, note="why")]
    assert run_tests.summarize(results) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "4 passed, 2 failed, 1 skipped"
    assert any("slow one" in line and "2.50 s" in line for line in lines)


def test_nothing_passed_is_no_success() -> None:
    assert run_tests.summarize([Result("a")]) == 1
    assert run_tests.summarize([Result("a", passed=1)]) == 0


def test_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run_tests.main(["--part", "robots"])
    assert "cnns" in capsys.readouterr().err


def test_empty_part_means_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    monkeypatch.setattr(run_tests, "plan", lambda part: asked.append(part) or [])
    with pytest.raises(SystemExit):
        run_tests.main(["--part="])
    assert asked == [None]
