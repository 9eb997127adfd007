"""A JupyterLab with the course's settings on the loopback interface, and what a test does on its pages."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from tools import isolate, lab

from .conftest import ROOT

START = 40  # seconds until the server answers, at most
READY = 30  # seconds until a notebook's kernel is idle

KERNEL_IS_IDLE = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  const kernel = context?.isReady && context.session?.kernel;
  return kernel && kernel.connectionStatus === "connected" && kernel.status === "idle";
}"""


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run JupyterLab over a folder, with no token, as ``make lab`` does; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        "--no-browser",
        "--LabApp.expose_app_in_browser=True",
        "--IdentityProvider.token=",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
    ]
    command = lab.lab_command(ROOT, folder, [*options, "--ServerApp.ip=127.0.0.1"])
    private = {f"JUPYTER_{name}_DIR": str(folder / f".{name.lower()}") for name in ("CONFIG", "DATA", "RUNTIME")}
    variables = {**lab.lab_environment(ROOT), **isolate.OFFLINE, **private, "IPYTHONDIR": str(folder / ".ipython")}
    for mark in ("GPULAB_STRICT", "PYTEST_CURRENT_TEST", "MPLBACKEND"):  # nobody but a learner is looking
        variables.pop(mark, None)
    variables["OMP_NUM_THREADS"] = "1"
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            address = f"http://127.0.0.1:{port}/"
            wait_for(address + "api", server)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError("JupyterLab did not start; see server.log in its folder")


def write_notebook(path: Path, sources: Sequence[str]) -> None:
    """Write a notebook of code cells."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


def open_notebook(page: Any, address: str, name: str) -> None:
    """Open a notebook and wait until its kernel is there."""
    page.goto(f"{address}lab/tree/{name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=READY * 1000)
    page.wait_for_function(KERNEL_IS_IDLE, timeout=READY * 1000)


def run_all(page: Any) -> None:
    """Run all cells."""
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")


def output(page: Any, number: int) -> Any:
    """Return the output area of a code cell, counted from 0."""
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number).locator(".jp-OutputArea")
