"""What README.md, the Makefile, binder/ and .ci/run say holds."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def pins(*files: str) -> dict[str, set[str]]:
    """Return the versions that requirement files pin for each package."""
    found: dict[str, set[str]] = {}
    for file in files:
        for name, version in re.findall(
            r"^([\w.-]+)==([^\s;\\]+)", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE
        ):
            found.setdefault(name.lower(), set()).add(version.removesuffix("+cpu"))
    return found


@pytest.mark.parametrize(
    "target", sorted(set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(re.findall(r"`[^`]+`|^make .*", README, re.M)))))
)
def test_the_targets_that_the_readme_names_exist(target: str) -> None:
    assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)


def test_every_target_makes_the_environment_first() -> None:
    rules = dict(re.findall(r"^([a-z]+):(.*?)##", MAKEFILE, re.MULTILINE))
    assert {name for name, needs in rules.items() if "env" not in needs} == {"help", "env", "clean"}
    assert set(rules) == set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split())


def test_every_module_that_the_makefile_and_the_readme_run_exists() -> None:
    for module in re.findall(r"-m tools\.(\w+)", MAKEFILE + README):
        assert (ROOT / "tools" / f"{module}.py").is_file(), module


def test_make_clean_spares_the_environment_and_the_learners_work() -> None:
    recipe = MAKEFILE[MAKEFILE.index("\nclean:") :]
    removed = re.search(r"rm -rf (.*)", recipe)[1].split()
    assert not {".venv", "learn", "."} & set(removed)


def test_every_local_link_of_the_readme_leads_to_a_file() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).is_file(), target


def test_the_readme_names_the_pinned_tensorflow() -> None:
    assert set(re.findall(r"tensorflow\S*==([\d.]+)", README)) == pins("requirements/base.txt")["tensorflow"]


def test_the_hosted_environment_has_the_pinned_versions() -> None:
    course = pins("requirements/base.txt", "requirements/torch.txt")
    for name, versions in pins("binder/requirements.txt").items():
        assert versions <= course[name], name


def test_only_the_hosted_environment_names_another_index() -> None:
    files = [
        *ROOT.glob("requirements/*.txt"),
        ROOT / "pyproject.toml",
        ROOT / "Makefile",
        ROOT / "tools/setup_env.py",
        ROOT / ".ci/run",
        ROOT / "README.md",
    ]
    for path in files:
        assert not re.search(r"--(extra-)?index-url|--find-links", path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("script", [".ci/run", "binder/postBuild"])
@pytest.mark.skipif(os.name != "posix", reason="Windows has no executable bit")
def test_scripts_are_executable_and_stop_at_the_first_error(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK) and "set -euo pipefail" in (ROOT / script).read_text()


@pytest.mark.parametrize(
    ("file", "words"), [("LICENSE", "MIT License"), ("LICENSE-TEXT", "Creative Commons Attribution 4.0 International")]
)
def test_the_licenses_are_there(file: str, words: str) -> None:
    assert words in (ROOT / file).read_text(encoding="utf-8") and file in README
