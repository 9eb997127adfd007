"""A stop button in a notebook, heard while a cell is running.

A kernel that runs a cell handles no message of a widget before the cell ends. ipykernel 7 has subshells for that, but
not every front end and not every version uses them for widgets (7.4 brings a widget's messages back to the main shell).
So the button looks at the messages as they arrive, on their way to the kernel's queue, in ipykernel 7 and in
ipykernel 6, as on Colab. It only looks: nothing is taken out, and no cell runs before its turn. Where a subshell does
run the ordinary callback, that is heard as well.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from typing import Any

from gpulab.train.errors import TrainError

VIEW = "application/vnd.jupyter.widget-view+json"
DELIMITER = b"<IDS|MSG>"  # between who sent a message and the message: signature, header, parent, metadata, content
POLLIN = 1  # zmq.POLLIN


class StopButton:
    """A button to press once.

    Raises
    ------
    TrainError
        The package ipywidgets is missing.
    """

    def __init__(self) -> None:
        try:
            from ipywidgets import Button
        except ImportError as error:
            raise TrainError(
                "live=True shows a stop button, which needs the package ipywidgets. Install it (pip install "
                "ipywidgets), restart the kernel, or leave live out."
            ) from error
        self.event = threading.Event()
        self.button = Button(
            description="Stop", icon="stop", tooltip="End training after this step; the model keeps what it learned"
        )
        self.button.on_click(self._note)
        self.doubtful = "VSCODE_PID" in os.environ  # VS Code may hold messages back while a cell runs
        self.listener = Listener(self.button.model_id, self.event)
        self.handle: Any = None

    def show(self) -> None:
        """Put the button into the cell's output, and begin to listen."""
        from IPython.display import display

        view = {VIEW: {"version_major": 2, "version_minor": 0, "model_id": self.button.model_id}}
        self.listener.start()
        self.handle = display({**view, "text/plain": "Stop"}, raw=True, display_id=True)

    def pressed(self) -> bool:
        """Return whether the button was pressed; ask this between two steps."""
        self.listener.look()
        return self.event.is_set()

    def remove(self) -> None:
        """Take the button out of the cell's output."""
        self.listener.end()
        if self.handle is not None:
            self.handle.update({"text/plain": ""}, raw=True)
            self.handle = None
        self.button.close()

    def _note(self, _button: Any) -> None:
        self.event.set()


class Listener:
    """Sees the messages on a kernel's shell channel before the kernel does, and knows the click of one button.

    Parameters
    ----------
    model_id : str
        The button's.
    event : threading.Event
        Set at the click.
    kernel : optional
        By default the one that this process runs.
    """

    def __init__(self, model_id: str, event: threading.Event, kernel: Any = None) -> None:
        self.model_id, self.event = model_id, event
        self.kernel = kernel or getattr(sys.modules["IPython"].get_ipython(), "kernel", None)
        self.stream = getattr(self.kernel, "shell_stream", None)
        self.before: Any = None
        self.listening = False

    def start(self) -> None:
        """Begin to listen, where the kernel is built in a way that is known here; else do nothing."""
        before = getattr(self.stream, "_recv_callback", None)
        if callable(before):
            self.before, self.listening = before, True
            self._receive(self._passing_on)

    def look(self) -> None:
        """Fetch the messages that wait, where no other thread does it: they go into the kernel's queue as always."""
        if self.listening and self._thread() is None:
            self.stream.flush(POLLIN)

    def end(self) -> None:
        """Let the kernel receive its messages as before."""
        if self.listening:
            self._receive(self.before)
            self.listening = False

    def _passing_on(self, frames: Any) -> Any:
        with suppress(Exception):  # a message of a form not known here is no click, and is the kernel's business
            if is_click([getattr(frame, "bytes", frame) for frame in frames], self.model_id):
                self.event.set()
        return self.before(frames)

    def _thread(self) -> Any:
        """Return the thread that receives messages (ipykernel 7); None if the main thread does (ipykernel 6)."""
        return getattr(self.kernel, "shell_channel_thread", None)

    def _receive(self, receiver: Any) -> None:
        """Let a function receive the messages from now on; a stream may be changed in its own thread only."""
        thread = self._thread()
        if thread is None:
            self.stream.on_recv(receiver, copy=False)
            return
        changed = threading.Event()

        def change() -> None:
            self.stream.on_recv(receiver, copy=False)
            changed.set()

        thread.io_loop.add_callback(change)
        changed.wait(1)


def is_click(frames: list[bytes], model_id: str) -> bool:
    """Tell whether a message, as it comes over the wire, is the click of a button.

    Examples
    --------
    >>> content = {"comm_id": "b1", "data": {"method": "custom", "content": {"event": "click"}}}
    >>> frames = [b"me", DELIMITER, b"", b'{"msg_type": "comm_msg"}', b"{}", b"{}", json.dumps(content).encode()]
    >>> is_click(frames, "b1"), is_click(frames, "b2")
    (True, False)
    """
    start = frames.index(DELIMITER)
    if json.loads(frames[start + 2])["msg_type"] != "comm_msg":
        return False
    content = json.loads(frames[start + 5])
    data = content["data"]
    clicked = data.get("method") == "custom" and data.get("content", {}).get("event") == "click"
    return content["comm_id"] == model_id and clicked
