"""The live view: what it draws and when, the stop button in a busy kernel, and what is left in a notebook."""

from __future__ import annotations

import base64
import re
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import nbformat
import numpy as np
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from gpulab import plots
from gpulab.train import Checkpoint, History, Run, TrainError, curves, live
from gpulab.train.api import _callbacks
from gpulab.train.callbacks import BY_HAND, Progress
from gpulab.train.live import Live
from gpulab.train.stop_button import VIEW, Listener, StopButton

ROWS = [
    {"epoch": n, "seconds": 1.0, "loss": 1 / n, "accuracy": 1 - 0.5 / n, "valid_loss": 2 / n, "valid_accuracy": 0.5}
    for n in (1, 2, 3)
]


class Fake(Run):
    """A run of ten epochs of four steps."""

    def __init__(self, processes: int = 1) -> None:
        settings = {"loss": "cross_entropy", "samples": 400, "processes": processes}
        super().__init__(None, History(settings=settings), 10, 4)

    def losses(self) -> np.ndarray:
        return np.linspace(2, 1, 4)[: self.step]

    def go(self, callback: Live, steps: int) -> None:
        """Make steps, and the rows of the epochs that end."""
        for _ in range(steps):
            self.step += 1
            callback.on_step(self)
            if self.step == self.steps or self.history.stopped:
                self.history.epochs.append(self.mark_if_cut({**ROWS[0], "epoch": self.epoch + 1}))
                self.epoch, self.step = self.epoch + 1, 0
                callback.on_epoch(self)
            if self.history.stopped:
                return


# --- The picture -----------------------------------------------------------------------------------------------------


def test_the_colors_are_those_of_the_course() -> None:
    assert (curves.TRAINING, curves.VALIDATION) == plots.COLORS[:2]


def test_the_picture_is_sound_and_the_same_for_the_same_numbers() -> None:
    history = History(ROWS, {"loss": "cross_entropy"})
    picture = curves.draw(history, 10, [(0.1, 2.3), (0.2, float("nan")), (0.3, 2.0)])
    ET.fromstring(picture)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", picture)
    assert {"epoch", "cross-entropy (nats)", "accuracy (share right)", "training", "validation"} <= set(texts)
    assert "nan" not in picture and curves.draw(history, 10) == curves.draw(History(ROWS, history.settings), 10)


@pytest.mark.parametrize(
    "rows", [[], [{"epoch": 1, "loss": 0.0}], [{"epoch": 1, "loss": float("nan")}], [{"epoch": 1, "loss": 1e30}]]
)
def test_odd_histories_are_drawn_too(rows: list[dict[str, Any]]) -> None:
    ET.fromstring(curves.draw(History(rows), 3))
    assert curves.describe(History(rows), 3).startswith("Learning curves")


def test_higher_losses_stand_higher_and_later_epochs_further_right() -> None:
    points = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', curves.draw(History(ROWS), 10))
    x, y = np.array(points[:3], dtype=float).T  # the training loss falls
    assert (np.diff(x) > 0).all() and (np.diff(y) > 0).all()


def test_a_long_run_is_drawn_with_few_points() -> None:
    rows = [{"epoch": n, "loss": 1 / n, "valid_loss": 2 / n} for n in range(1, 20_001)]
    assert len(curves.draw(History(rows), 100_000)) < 20_000


# --- When it draws ---------------------------------------------------------------------------------------------------


class Shown:
    """Stands for IPython's display and its handle: notes what is shown."""

    def __init__(self) -> None:
        self.contents: list[dict[str, str]] = []

    def display(self, content: dict[str, str], **_: Any) -> Shown:
        self.contents.append(content)
        return self

    def update(self, content: dict[str, str], **_: Any) -> None:
        self.contents.append(content)


class FakeButton:
    """A stop button that is pressed when the test says so."""

    now = False
    doubtful = False
    removed = False

    def show(self) -> None:
        pass

    def pressed(self) -> bool:
        return self.now

    def remove(self) -> None:
        self.removed = True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shown]:
    """Catch what is displayed."""
    monkeypatch.setattr(live, "StopButton", FakeButton)
    caught = Shown()
    monkeypatch.setattr("IPython.display.display", caught.display)
    return caught


def test_the_view_changes_in_the_first_epoch_and_leaves_a_still_figure(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WAIT", 0)
    monkeypatch.setattr(live, "WAIT_AT_END", 0)
    monkeypatch.setattr(live, "SHARE", 1e9)
    run, view = Fake(), Live(watched=True)
    view.on_start(run)
    run.go(view, 2)
    html = shown.contents[-1]["text/html"]
    picture = base64.b64decode(re.search(r"base64,([^\"]+)", html)[1]).decode()
    assert "epoch 1 of 10, step 2 of 4" in html and "<polyline" in picture and "running" in picture
    run.go(view, 6)
    view.close(run)
    last = shown.contents[-1]["text/html"]
    assert "2 epochs in 0 s" in last and 'alt="Learning curves over 2 of 10 epochs' in last
    assert len(shown.contents) == 1 + 8 + 2 + 1  # at the start, each step, each epoch, and the end


def test_it_draws_twice_a_second_at_most(shown: Shown) -> None:
    run, view = Fake(), Live(watched=True)
    view.on_start(run)
    drawn = len(shown.contents)
    run.go(view, 3)
    assert len(shown.contents) == drawn
    view.drawn_at -= 1
    run.step = 0
    run.go(view, 3)
    assert len(shown.contents) == drawn + 1


def test_costly_pictures_are_drawn_more_rarely(shown: Shown) -> None:
    run, view = Fake(), Live(watched=True)
    view.on_start(run)
    view.cost = 1.0
    view.drawn_at -= 20  # a second in twenty would be 5 %
    drawn = len(shown.contents)
    run.go(view, 4)
    assert len(shown.contents) == drawn
    view.drawn_at -= 10
    run.go(view, 1)
    assert len(shown.contents) == drawn + 1


def test_stop_ends_the_run_after_the_step_and_the_epoch_counts_as_far_as_it_went(shown: Shown) -> None:
    run, view = Fake(), Live(watched=True)
    view.on_start(run)
    run.go(view, 5)
    button = view.button
    button.now = True
    run.go(view, 99)
    view.close(run)
    assert run.history.stopped == f"{BY_HAND}, in epoch 2, after 2 of 4 steps"
    assert run.history.epochs[-1]["share"] == 0.5 and "share" not in run.history.epochs[0]
    assert run.history.throughput(400) == 300  # one whole epoch in a second, half an epoch in another
    assert button.removed and BY_HAND in shown.contents[-1]["text/html"]


def test_several_processes_have_no_button_and_others_than_the_main_one_show_nothing(shown: Shown) -> None:
    run, view = Fake(processes=2), Live(watched=True)
    view.on_start(run)
    assert view.button is None and len(shown.contents) == 1
    run.main, before = False, len(shown.contents)
    other = Live(watched=True)
    other.on_start(run)
    run.go(other, 9)
    other.close(run)
    assert len(shown.contents) == before


def test_unwatched_it_leaves_one_plain_picture_without_times(shown: Shown) -> None:
    run, view = Fake(), Live(watched=False)
    view.on_start(run)
    run.go(view, 8)
    view.close(run)
    (content,) = shown.contents
    assert content.keys() == {"image/svg+xml", "text/plain"}
    assert "running" not in content["image/svg+xml"] and "2 of 10 epochs" in content["text/plain"]


# --- What fit asks for ------------------------------------------------------------------------------------------------


def test_in_a_script_nothing_is_drawn_and_the_line_of_progress_stays() -> None:
    shown = [callback for callback in _callbacks([], True, True) if isinstance(callback, Live | Progress)]
    assert [type(callback) for callback in shown] == [Progress]


def test_in_a_watched_notebook_the_view_takes_the_place_of_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "in_notebook", lambda: True)
    monkeypatch.setattr(live, "in_live_notebook", lambda: True)
    everything = _callbacks([Checkpoint("x")], True, True)
    assert [type(callback).__name__ for callback in everything] == ["NaNGuard", "Live", "Checkpoint"]


def test_live_is_true_or_false() -> None:
    with pytest.raises(TrainError, match="live='yes': expected True or False"):
        _callbacks([], "auto", "yes")


def test_without_ipywidgets_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(TrainError, match="pip install ipywidgets"):
        StopButton()


# --- In a kernel -----------------------------------------------------------------------------------------------------

BUSY = """
import time
from gpulab.train.stop_button import StopButton
button = StopButton()
button.show()
end = time.monotonic() + 8
while not button.pressed() and time.monotonic() < end:
    time.sleep(0.05)
button.remove()
print("pressed" if button.event.is_set() else "not pressed")
"""


def ask(client: Any, kind: str, channel: str = "shell") -> dict[str, Any]:
    """Send a request and return the answer's content."""
    message = client.session.msg(kind, {})
    getattr(client, f"{channel}_channel").send(message)
    while True:
        answer = getattr(client, f"get_{channel}_msg")(timeout=10)
        if answer["parent_header"].get("msg_id") == message["header"]["msg_id"]:
            return answer["content"]


def until(client: Any, wanted: Any) -> Any:
    """Return the first thing wanted among what the kernel publishes."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = wanted(client.get_iopub_msg(timeout=20))
        if found:
            return found
    raise TimeoutError


@pytest.mark.parametrize("way", ["subshell", "queue"])
def test_a_busy_kernel_hears_the_click_and_runs_the_next_cell_in_its_turn(way: str) -> None:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=30)
        supported = "kernel subshells" in ask(client, "kernel_info_request").get("supported_features", [])
        if way == "subshell" and not supported:
            pytest.skip("this kernel has no subshells")
        subshell = ask(client, "create_subshell_request", "control")["subshell_id"] if way == "subshell" else None
        client.execute(BUSY)
        client.execute("print('next')")
        model = until(client, lambda message: message["content"].get("data", {}).get(VIEW, {}).get("model_id"))
        click = {"comm_id": model, "data": {"method": "custom", "content": {"event": "click"}}}
        for kind, content in (("comm_info_request", {}), ("comm_msg", click)):
            message = client.session.msg(kind, content)
            if subshell:
                message["header"]["subshell_id"] = subshell
            client.shell_channel.send(message)
        said = ""
        while "next" not in said:
            said += until(client, lambda message: message["content"].get("text"))
        assert said.split() == ["pressed", "next"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_kernel_of_another_kind_is_left_alone() -> None:
    listener = Listener("b1", None, kernel=object())
    listener.start()
    listener.look()
    listener.end()
    assert not listener.listening


FIT = """
import os
os.environ.pop("GPULAB_STRICT", None)
os.environ.update({variables})
from gpulab.train import History, Run
from gpulab.train.live import live_view
run = Run(None, History([{{"epoch": 1, "loss": 0.5}}]), 1, 3)
run.losses = lambda: __import__("numpy").ones(run.step)
for callback in live_view():
    callback.on_start(run)
    run.step = 1
    callback.on_step(run)
    callback.close(run)
print("done")
"""


def outputs(variables: dict[str, str]) -> list[Any]:
    """Return what a notebook's cell with a short run leaves behind."""
    cell = nbformat.v4.new_code_cell(FIT.format(variables=variables))
    done = NotebookClient(nbformat.v4.new_notebook(cells=[cell]), timeout=60, kernel_name="python3").execute()
    return done.cells[0].outputs


def test_a_notebook_that_a_tool_executes_has_a_still_figure_and_no_widget() -> None:
    figure, said = outputs({})
    assert figure["data"].keys() == {"image/svg+xml", "text/plain"} and said["text"] == "done\n"


def test_a_watched_notebook_is_left_with_a_figure_in_words_too_and_no_button() -> None:
    gone, figure, said = outputs({"JPY_SESSION_NAME": "lesson.ipynb"})
    assert gone["data"] == {"text/plain": ""}
    assert 'alt="Learning curves over 1 of 1 epoch.' in figure["data"]["text/html"] and said["text"] == "done\n"
