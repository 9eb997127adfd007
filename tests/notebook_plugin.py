"""Run every notebook as a test, strictly: a pytest plugin on top of nbval.

Use it with ``python -m pytest -p tests.notebook_plugin --nbval --nbval-current-env ...``; ``tools.run_tests`` does.
Each notebook gives one item for its stamps, one item a code cell, and one item that looks at which frameworks the
kernel loaded. After the first failing cell the rest of a notebook is skipped: its failures would only be echoes.
"""

from __future__ import annotations

import base64
import io
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Empty

import nbformat
import numpy as np
import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

from tools import notebooks

FOREIGN = {
    "none": ["tensorflow", "torch"],
    "torch": ["tensorflow"],
    "keras": ["torch"],
}
# A picture is drawn again, not copied: antialiasing may move a few pixels, a curve that moved is many.
MAX_LEVEL_CHANGE = 32
MAX_CHANGED_SHARE = 0.001


class CourseNotebook(IPyNbFile):
    """A notebook as a collection of tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the stamp check, the code cells and the framework check."""
        try:
            self.nb = notebooks.read(Path(self.path))
        except notebooks.NotebookError as error:
            yield StampItem.from_parent(self, name="stamps", found=[str(error)])
            return
        text = Path(self.path).read_text(encoding="utf-8")
        yield StampItem.from_parent(self, name="stamps", found=notebooks.problems(self.nb, text))
        cells = notebooks.code_cells(self.nb)
        for number, cell in enumerate(cells):
            yield self._cell_item(f"Cell {number}", number, cell)
        if cells:
            yield self._cell_item("frameworks", len(cells), framework_cell(self.nb))

    def _cell_item(self, name: str, number: int, cell: nbformat.NotebookNode) -> CourseCell:
        tags = notebooks.tags(cell)
        # The tags below are the only switches: nbval's own comments and tags are refused by the stamp check.
        options = defaultdict(bool, check="measured" not in tags, check_exception="raises-exception" in tags)
        return CourseCell.from_parent(self, name=name, cell_num=number, cell=cell, options=options)


class StampItem(pytest.Item):
    """Passes where a notebook's stored outputs can be trusted."""

    def __init__(self, *, found: list[str], **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.found = found

    def runtest(self) -> None:
        """Fail with every problem found."""
        if self.found:
            raise AssertionError("\n".join(self.found))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: str | None = None) -> str:
        """Return the problems without a traceback: none of it would be about the notebook."""
        return f"{self.path.name}:\n{excinfo.value}"

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return what the report calls this item."""
        return Path(self.path), 0, f"{self.path.name}: stamps"


class CourseCell(IPyNbCell):
    """A code cell; its pictures are compared too, which nbval leaves out."""

    def compare_outputs(
        self, test: list[nbformat.NotebookNode], ref: list[nbformat.NotebookNode], skip_compare: object = None
    ) -> bool:
        """Compare text as nbval does, then the pictures pixel by pixel."""
        if not super().compare_outputs(test, ref, skip_compare):
            return False
        for stored, drawn in zip(pngs(ref), pngs(test), strict=False):
            difference = picture_difference(stored, drawn)
            if difference:
                self.comparison_traceback.append(f"a picture changed: {difference}")
                return False
        if len(pngs(ref)) != len(pngs(test)):
            self.comparison_traceback.append(f"{len(pngs(ref))} pictures stored, {len(pngs(test))} drawn")
            return False
        return True


def framework_cell(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a cell that fails where the kernel loaded a framework the notebook does not declare."""
    framework = nb.metadata.get("course", {}).get("framework", "none")
    source = (
        f"import sys\nloaded = sorted(set({FOREIGN[framework]}) & set(sys.modules))\n"
        f"assert not loaded, f'this notebook says framework: {framework}, and loaded {{loaded}}'"
    )
    return nbformat.v4.new_code_cell(source, execution_count=1)


def pngs(outputs: Iterable[nbformat.NotebookNode]) -> list[str]:
    """Return the PNG pictures in a cell's outputs, as base64 text."""
    return [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]


def picture_difference(stored: str, drawn: str) -> str:
    """Say how two PNG pictures differ; an empty string where they look the same."""
    if stored.strip() == drawn.strip():
        return ""
    before, after = _pixels(stored), _pixels(drawn)
    if before.shape != after.shape:
        return f"its size was {before.shape[1]} x {before.shape[0]}, now {after.shape[1]} x {after.shape[0]}"
    changed = np.abs(before - after).max(axis=-1) > MAX_LEVEL_CHANGE
    share = float(changed.mean())
    return f"{share:.2%} of its pixels" if share > MAX_CHANGED_SHARE else ""


def _pixels(png: str) -> np.ndarray:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        return np.asarray(image.convert("RGBA"), dtype=np.int16)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Iterator[None]:
    """Put our collector in the place of nbval's."""
    collectors = yield
    return [
        CourseNotebook.from_parent(parent, path=file_path) if type(collector) is IPyNbFile else collector
        for collector in collectors
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remember the first cell of a notebook that fails."""
    report = yield
    if isinstance(item, CourseCell) and report.failed and not getattr(item.parent, "first_failure", None):
        item.parent.first_failure = item.name
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what comes after a failing cell."""
    first = getattr(item.parent, "first_failure", None)
    if isinstance(item, CourseCell) and first:
        pytest.skip(f"{first} of this notebook failed")


def pytest_configure(config: pytest.Config) -> None:
    """Mend nbval's kernel in two places."""
    RunningKernel.execute_cell_input = _execute_with_history
    RunningKernel.await_reply = _await_reply_of_living_kernel


def _execute_with_history(self: RunningKernel, source: str, allow_stdin: bool | None = None) -> str:
    """Run a cell as JupyterLab does: with ``Out[n]``, and a closing semicolon that silences the result."""
    return self.kc.execute(source, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)


_await_reply = RunningKernel.await_reply


def _await_reply_of_living_kernel(self: RunningKernel, msg_id: str, timeout: float | None = None) -> None:
    """Wait for a cell, but not for a kernel that died."""
    deadline = time.monotonic() + (timeout or notebooks.CELL_TIMEOUT)
    while True:
        try:
            return _await_reply(self, msg_id, timeout=1)
        except Empty:
            if not self.is_alive():
                raise RuntimeError("the kernel died while it ran this cell") from None
            if time.monotonic() > deadline:
                raise
