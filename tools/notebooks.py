"""Execute, stamp and check the course's notebooks.

``python -m tools.notebooks execute NB ...`` runs notebooks top to bottom and stores what they print;
``check [NB ...]`` names what is wrong with stored notebooks (all of them where none is given);
``bootstrap`` rewrites every notebook's bootstrap cell after ``_config.yml`` or its template changed.

A notebook carries two stamps: a hash of the code that was executed and a hash of the outputs it left. An output that
is older than its code, or was edited by hand, no longer fits its stamp.
"""

from __future__ import annotations

import argparse
import ast
import copy
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

from tools import isolate

ROOT = Path(__file__).resolve().parents[1]
CELL_TIMEOUT = 120  # seconds; one notebook must run in 60
MAX_BYTES = 1_000_000
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python"}
EXTRAS = {"none": "notebooks", "torch": "notebooks,torch", "keras": "keras,notebooks"}
MORE_EXTRAS = {  # what goes with a pretrained model: architectures and adapters in torch, a tokenizer for text
    "minilm": {"none": "text", "torch": "transfer", "keras": "text"},
    **dict.fromkeys(("mobilenet-v2", "efficientnet-lite0", "vgg16-edges"), {"torch": "transfer"}),
}
TAGS = {
    "bootstrap", "exercise", "hide-cell", "hide-input", "hide-output", "instructor", "measured", "raises-exception",
    "remove-cell", "remove-input", "remove-output",
}  # fmt: skip
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|tmp|Users|private)/\w|\b[A-Z]:\\+Users\b|[/\\]site-packages[/\\]")
NBVAL_MARKER = re.compile(r"^\s*#\s*(NBVAL_\w+|PYTEST_VALIDATE_IGNORE_OUTPUT)", re.MULTILINE)


class NotebookError(Exception):
    """A notebook that can't be read, executed or written; the message names the file and what to do."""


# --- Files ---------------------------------------------------------------------------------------------------------


def find(root: Path, part: str | None = None) -> list[Path]:
    """Return the notebooks of the course under ``root``, or of one part of it, in a stable order."""
    folders = [root / kind / part if part else root / kind for kind in ("chapters", "labs")]
    found = [path for folder in folders for path in folder.rglob("*.ipynb")]
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def read(path: Path) -> NotebookNode:
    """Read a notebook.

    Raises
    ------
    NotebookError
        If the file is missing, is no JSON or is no notebook.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        advice = "mend its JSON by hand or take it again from git"
        raise NotebookError(f"{path}: cannot be read as a notebook ({_first_line(error)}); {advice}") from error


def parse(text: str) -> NotebookNode:
    """Turn a notebook's text into a notebook; ``ValueError`` says why it is none."""
    try:
        nb = nbformat.reads(text, as_version=4)
        nbformat.validate(nb, relax_add_props=True)
    except json.JSONDecodeError:
        raise
    except Exception as error:  # nbformat raises several kinds, AttributeError and KeyError among them
        raise ValueError(f"{type(error).__name__}: {_first_line(error)}") from error
    return nb


def write(nb: NotebookNode, path: Path) -> bool:
    """Write a notebook in normal form, whole or not at all; return whether the file changed."""
    text = normal_form(nb)
    if path.is_file() and path.read_bytes() == text.encode("utf-8"):
        return False
    write_text(path, text)
    return True


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _first_line(error: object) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


# --- Normal form ---------------------------------------------------------------------------------------------------


def normal_form(nb: NotebookNode) -> str:
    """Return the one text that a notebook is stored as: nothing of the machine or the editor in it."""
    nb = copy.deepcopy(nb)
    course = nb.metadata.get("course", {})
    nb.metadata = NotebookNode(course=course, kernelspec=KERNELSPEC, language_info=LANGUAGE)
    nb.nbformat, nb.nbformat_minor = 4, 5
    seen: set[str] = set()
    for position, cell in enumerate(nb.cells):
        _normalize_cell(cell, position, seen)
    return nbformat.v4.writes(nb) + "\n"


def _normalize_cell(cell: NotebookNode, position: int, seen: set[str]) -> None:
    kept = {key: cell.metadata[key] for key in ("mystnb", "tags") if cell.metadata.get(key)}
    cell.metadata = nbformat.from_dict(kept)
    if not cell.get("id") or cell.id in seen:
        cell.id = hashlib.sha256(f"{position}:{cell.source}".encode()).hexdigest()[:8]
    seen.add(cell.id)
    if cell.cell_type != "code":
        cell.pop("outputs", None)
        cell.pop("execution_count", None)
        return
    cell.outputs = _merge_streams(cell.outputs)
    for output in cell.outputs:
        if output.output_type == "execute_result":
            output.execution_count = cell.execution_count


def _merge_streams(outputs: Iterable[NotebookNode]) -> list[NotebookNode]:
    """Join neighboring pieces of one stream: where a kernel cuts its prints is chance."""
    merged: list[NotebookNode] = []
    for output in outputs:
        before = merged[-1] if merged else None
        if before and output.output_type == before.output_type == "stream" and output.name == before.name:
            before.text += output.text
        else:
            merged.append(output)
    return merged


# --- Stamps and problems -------------------------------------------------------------------------------------------


def code_cells(nb: NotebookNode) -> list[NotebookNode]:
    """Return the code cells of a notebook."""
    return [cell for cell in nb.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    """Return a cell's tags."""
    return list(cell.metadata.get("tags", []))


def digest_code(nb: NotebookNode) -> str:
    """Return the hash of what was executed: the code but for the bootstrap cell, which does nothing here."""
    return _digest([cell.source for cell in code_cells(nb) if "bootstrap" not in tags(cell)])


def digest_outputs(nb: NotebookNode) -> str:
    """Return the hash of everything the code cells show: text, tables, pictures, errors."""
    shown = (_merge_streams(copy.deepcopy(cell.outputs)) for cell in code_cells(nb))
    return _digest([[_without_count(output) for output in outputs] for outputs in shown])


def _without_count(output: NotebookNode) -> dict[str, Any]:
    return {key: value for key, value in output.items() if key != "execution_count"}


def _digest(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def stamp(nb: NotebookNode) -> None:
    """Record in the metadata which code and which outputs belong together."""
    nb.metadata.setdefault("course", NotebookNode())
    nb.metadata.course["stamp"] = NotebookNode(code=digest_code(nb), outputs=digest_outputs(nb))


def problems(nb: NotebookNode, text: str | None = None) -> list[str]:
    """Name everything that makes a stored notebook untrustworthy.

    Parameters
    ----------
    nb : NotebookNode
        The notebook.
    text : str, optional
        The file's text, to check size and normal form as well.

    Returns
    -------
    list of str
        One sentence a problem; empty for a sound notebook.
    """
    found = [*_stamp_problems(nb), *_count_problems(nb)]
    for position, cell in enumerate(nb.cells):
        found += [f"cell {position} ({cell.get('id', 'no id')}): {message}" for message in _cell_problems(nb, position)]
    if text is not None:
        size = len(text.encode("utf-8"))
        if size > MAX_BYTES:
            found.append(f"{size:,} bytes; the limit is {MAX_BYTES:,}: make its pictures smaller or fewer")
        if text != normal_form(nb):
            found.append("not in normal form: execute it again, or run `python -m tools.notebooks normalize`")
    return found


def _stamp_problems(nb: NotebookNode) -> list[str]:
    stored = nb.metadata.get("course", {}).get("stamp", {})
    if not stored:
        return ["no stamp: it was never executed by `python -m tools.notebooks execute`"]
    found = []
    if stored.get("code") != digest_code(nb):
        found.append("stale: the code changed after the outputs were made; execute it again")
    if stored.get("outputs") != digest_outputs(nb):
        found.append("edited: the stored outputs are not the ones the execution left; execute it again")
    return found


def _count_problems(nb: NotebookNode) -> list[str]:
    counts = [cell.execution_count for cell in code_cells(nb)]
    if not counts:
        return ["no code cell: nothing in it can be tested; make it a .md page"]
    if None in counts:
        return [f"stripped: {counts.count(None)} of {len(counts)} code cells were not executed"]
    if counts != list(range(1, len(counts) + 1)):
        return [f"not executed from top to bottom: the counts are {counts}"]
    return []


def _cell_problems(nb: NotebookNode, position: int) -> list[str]:
    cell = nb.cells[position]
    if cell.cell_type != "code":
        return []
    found = [f"unknown tag {tag!r}; known: {', '.join(sorted(TAGS))}" for tag in tags(cell) if tag not in TAGS]
    if NBVAL_MARKER.search(cell.source):
        found.append("an NBVAL comment switches the comparison off; tag the cell `measured` instead")
    failed = [output for output in cell.outputs if output.output_type == "error"]
    if failed and "raises-exception" not in tags(cell):
        found.append(f"stored error {failed[0].ename}: {failed[0].evalue}")
    if "raises-exception" in tags(cell) and not failed and cell.execution_count is not None:
        found.append("tagged `raises-exception` but stores no error")
    if MACHINE_PATH.search(json.dumps(cell.outputs, ensure_ascii=False)):
        found.append("an output shows a path of one machine")
    if "measured" in tags(cell) and not _asserted_after(nb, position):
        found.append("tagged `measured`, so the next code cell must assert what holds on every machine; it does not")
    return found


def _asserted_after(nb: NotebookNode, position: int) -> bool:
    later = (cell for cell in nb.cells[position + 1 :] if cell.cell_type == "code")
    following = next(later, None)
    if following is None or "raises-exception" in tags(following):
        return False
    return asserts(following.source)


def asserts(source: str) -> bool:
    """Tell whether code asserts something that could fail (``assert True`` can't)."""
    try:
        tree = ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.MULTILINE))
    except SyntaxError:
        return False
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.Assert))
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    by_call = any(getattr(f, "attr", getattr(f, "id", "")).startswith("assert_") for f in calls)
    return by_call or any(not isinstance(node.test, ast.Constant | ast.Tuple) for node in statements)


def problems_in_file(path: Path) -> list[str]:
    """Name everything wrong with a stored notebook; that it can't be read is one problem."""
    try:
        return problems(read(path), path.read_text(encoding="utf-8"))
    except NotebookError as error:
        return [str(error).removeprefix(f"{path}: ")]


# --- Bootstrap cell ------------------------------------------------------------------------------------------------

BOOTSTRAP = '''\
EXTRAS, ASSETS = {extras}, {assets}  # what this page needs; where the course is installed, the cell does nothing
import importlib, importlib.util, subprocess, sys

if importlib.util.find_spec("gpulab") is None:
    package = f"gpulab[{{EXTRAS}}] @ git+{url}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", package], check=True)
    importlib.invalidate_caches()
    if ASSETS:
        subprocess.run([sys.executable, "-m", "gpulab", "assets", "fetch", *ASSETS], check=True)'''
BOOTSTRAP_LINE = re.compile(r"^EXTRAS, ASSETS = (\"[\w,]*\"), (\[[^\]]*\])")
BOOTSTRAP_TAGS = ["bootstrap", "remove-cell"]


def repository_url(root: Path = ROOT) -> str:
    """Return the address of the course's repository from ``_config.yml``."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return config["repository"]["url"].rstrip("/")


def bootstrap_source(framework: str, assets: Sequence[str], url: str | None = None) -> str:
    """Return the source of the bootstrap cell.

    Parameters
    ----------
    framework : {"none", "torch", "keras"}
        What the notebook runs on.
    assets : sequence of str
        Names for ``python -m gpulab assets fetch``.
    url : str, optional
        Address of the repository; the one in ``_config.yml`` where not given.
    """
    more = {MORE_EXTRAS.get(name, {}).get(framework) for name in assets} - {None}
    extras = ",".join([EXTRAS[framework], *sorted(more)])
    return BOOTSTRAP.format(extras=json.dumps(extras), assets=json.dumps(list(assets)), url=url or repository_url())


def bootstrap_assets(source: str) -> list[str] | None:
    """Return the assets that a bootstrap cell names, or ``None`` where it is not one."""
    match = BOOTSTRAP_LINE.match(source)
    return ast.literal_eval(match.group(2)) if match else None


def expected_bootstrap(nb: NotebookNode, url: str) -> str | None:
    """Return what the notebook's bootstrap cell should be, keeping its assets; ``None`` where there is none."""
    cell = next((cell for cell in code_cells(nb) if "bootstrap" in tags(cell)), None)
    if cell is None:
        return None
    framework = nb.metadata.get("course", {}).get("framework", "none")
    return bootstrap_source(framework, bootstrap_assets(cell.source) or [], url)


def rewrite_bootstrap(path: Path, url: str) -> bool:
    """Bring a notebook's bootstrap cell up to date; return whether the file changed."""
    nb = read(path)
    source = expected_bootstrap(nb, url)
    if source is None:
        raise NotebookError(f"{path}: no cell tagged `bootstrap`; add one as the second cell")
    cell = next(cell for cell in code_cells(nb) if "bootstrap" in tags(cell))
    if cell.source == source:
        return False
    cell.source = source
    return write(nb, path)


# --- Execution -----------------------------------------------------------------------------------------------------


def environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that notebooks run under, when they are executed and when they are tested."""
    variables = {**(os.environ if base is None else base), **isolate.OFFLINE}
    variables.pop("MPLBACKEND", None)  # the kernel chooses its inline back end
    variables["GPULAB_STRICT"] = "1"
    variables["OMP_NUM_THREADS"] = "1"  # as fast on small arrays, and sums come in one order
    variables["IPYTHONDIR"] = str(ROOT / "_build" / "ipython")  # no start-up files or history of the user's
    # ipykernel then leaves the C libraries' own messages out of the outputs, as it does under nbval.
    variables["PYTEST_CURRENT_TEST"] = "notebooks"
    return variables


def execute(path: Path, timeout: int = CELL_TIMEOUT) -> bool:
    """Execute a notebook in its own folder, stamp and store it; return whether the file changed.

    Raises
    ------
    NotebookError
        If the file can't be read or a cell fails; the file is then untouched.
    """
    nb = read(path)
    run(nb, path, timeout)
    stamp(nb)
    return write(nb, path)


def run(nb: NotebookNode, path: Path, timeout: int = CELL_TIMEOUT) -> None:
    """Execute a notebook in memory, as if it stood at ``path``."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    class ThisPython(AsyncKernelManager):
        """Starts this environment's kernel, whatever kernels the user has installed."""

        def _kernel_spec_manager_default(self) -> KernelSpecManager:
            return KernelSpecManager(parent=self, kernel_dirs=[])

    for cell in code_cells(nb):
        cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        nb,
        timeout=timeout,
        kernel_name="python3",
        kernel_manager_class=ThisPython,
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env=environment(), stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        raise NotebookError(f"{path}: {_failing_cell(nb)} raised {error.ename}: {error.evalue}") from error
    except (CellTimeoutError, DeadKernelError) as error:
        why = f"took more than {timeout} s" if isinstance(error, CellTimeoutError) else "killed its kernel"
        raise NotebookError(f"{path}: {_failing_cell(nb)} {why}") from error
    nb.metadata.pop("widgets", None)
    for cell in code_cells(nb):
        cell.outputs = [_without_machine(output) for output in cell.outputs]


def _failing_cell(nb: NotebookNode) -> str:
    """Name the last cell that was started: its number, and its first line."""
    started = [i for i, cell in enumerate(nb.cells) if cell.cell_type == "code" and cell.execution_count is not None]
    failed = [i for i in started if any(output.output_type == "error" for output in nb.cells[i].outputs)]
    waiting = [i for i, cell in enumerate(nb.cells) if cell.cell_type == "code" and cell.execution_count is None]
    position = failed[-1] if failed else (waiting or started)[0]
    first = next((line for line in nb.cells[position].source.splitlines() if line.strip()), "")
    return f"cell {position} ({first.strip()!r})"


def _without_machine(output: NotebookNode) -> NotebookNode:
    """Replace what differs on every run and tells the reader nothing: addresses, and folders in tracebacks."""
    text = json.dumps(output, ensure_ascii=False)
    text = re.sub(r" at 0x[0-9a-fA-F]{6,16}", " at 0x7f0000000000", text)
    if output.output_type == "error":
        text = re.sub(r"[^\s\"':]*[/\\]site-packages[/\\]", "site-packages/", text)
        text = re.sub(r"[^\s\"':]*[/\\]lib[/\\]python3\.\d+[/\\]", "python/", text)
        text = text.replace(f"{ROOT}{os.sep}", "")
    return nbformat.from_dict(json.loads(text))


# --- Command line --------------------------------------------------------------------------------------------------


def _execute_all(paths: Sequence[Path]) -> int:
    failed = 0
    for path in paths:
        start = time.perf_counter()
        try:
            changed = execute(path)
        except NotebookError as error:
            print(f"FAILED {error} (file untouched)", file=sys.stderr, flush=True)
            failed += 1
            continue
        seconds = time.perf_counter() - start
        print(f"{path}: executed in {seconds:.1f} s, {'written' if changed else 'unchanged'}", flush=True)
        for problem in problems_in_file(path):
            print(f"  note: {problem}")
    return 1 if failed else 0


def _check_all(paths: Sequence[Path]) -> int:
    bad = 0
    for path in paths:
        found = problems_in_file(path)
        bad += bool(found)
        for problem in found:
            print(f"{path}: {problem}")
    print(f"{len(paths)} notebooks checked, {bad} with problems")
    return 1 if bad else 0


def _rewrite_all(paths: Sequence[Path]) -> int:
    url, failed = repository_url(), 0
    for path in paths:
        try:
            print(f"{path}: {'rewritten' if rewrite_bootstrap(path, url) else 'up to date'}")
        except NotebookError as error:
            print(error, file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def _normalize_all(paths: Sequence[Path]) -> int:
    for path in paths:
        print(f"{path}: {'written' if write(read(path), path) else 'unchanged'}")
    return 0


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, needs in (("execute", "+"), ("check", "*"), ("bootstrap", "*"), ("normalize", "*")):
        commands.add_parser(name).add_argument("notebooks", nargs=needs, type=Path, metavar="NB")
    options = parser.parse_args(arguments)
    if options.command == "execute" and os.environ.get(isolate.MARK) != "1":
        command = [sys.executable, "-m", "tools.notebooks", *arguments]
        wrapped, variables = isolate.isolated(command)
        return subprocess.run(wrapped, env=variables, check=False).returncode
    paths = options.notebooks or find(ROOT)
    actions = {"execute": _execute_all, "check": _check_all, "bootstrap": _rewrite_all, "normalize": _normalize_all}
    try:
        return actions[options.command](paths)
    except NotebookError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
