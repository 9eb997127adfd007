"""`import gpulab` is light, imports point one way, and each framework's half works without the other."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "lib" / "gpulab"
HEAVY = ("torch", "tensorflow", "keras", "transformers", "pandas", "matplotlib", "sklearn", "numpy", "IPython")
# The layers of design, lowest first. A module imports modules of lower layers only, never of its own or a higher one.
LAYERS = (
    {"assets", "hardware", "notebook", "results"},
    {"data", "models", "vision"},
    {"train", "estimate", "bench", "energy", "kernels"},
    {"transfer"},
    {"widgets", "plots", "exercises", "quizzes", "choose"},
    {"cli"},
    {"__main__"},
)


def modules() -> dict[str, set[str]]:
    """Return each room of the package with the other rooms that it imports."""
    graph: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room != "__init__":
            graph.setdefault(room, set()).update(imported_rooms(path) - {room})
    return graph


def imported_rooms(path: Path) -> set[str]:
    """Return the first names below ``gpulab`` that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("gpulab.")}
        elif isinstance(node, ast.ImportFrom) and node.level:
            found.add(f"a relative import in {path.name}")
        elif isinstance(node, ast.ImportFrom) and node.module == "gpulab":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gpulab."):
            found.add(node.module.split(".")[1])
    return found


def layer(room: str) -> int:
    """Return the layer a room belongs to; a new room must be given one."""
    return next(i for i, rooms in enumerate(LAYERS) if room in rooms)


@pytest.mark.parametrize("room", sorted(modules()))
def test_imports_point_down(room: str) -> None:
    wrong = {other for other in modules()[room] if layer(other) >= layer(room)}
    assert not wrong, f"gpulab.{room} imports {wrong}, which stand no lower than itself"


def test_the_graph_reader_sees_every_kind_of_import(tmp_path: Path) -> None:
    source = "import gpulab.data\nfrom gpulab import assets\ndef f():\n    from gpulab.train.loop import fit\n"
    (tmp_path / "x.py").write_text(source)
    assert imported_rooms(tmp_path / "x.py") == {"data", "assets", "train"}


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a fresh process."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_import_gpulab_loads_nothing_heavy() -> None:
    done = run(f"import sys, gpulab; print([name for name in {HEAVY} if name in sys.modules])")
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


@pytest.mark.parametrize("room", sorted(set(modules()) - {"__main__"}))
def test_every_module_imports_without_a_framework(room: str) -> None:
    block = "import sys; sys.modules.update({'torch': None, 'tensorflow': None, 'keras': None, 'matplotlib': None})"
    done = run(f"{block}; import gpulab.{room}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", ["torch", "tensorflow"])
def test_data_loads_with_one_framework_missing(missing: str) -> None:
    done = run(f"import sys; sys.modules['{missing}'] = None; from gpulab.data import load; print(load('digits'))")
    assert "3,500 / 500 / 1,000" in done.stdout, done.stderr
