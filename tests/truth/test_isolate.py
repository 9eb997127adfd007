"""Nothing run by the tests can leave the machine: by a network namespace, and by the guard that stands in for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tools import isolate

OWN_LOOPBACK = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
print("loopback works")
"""
REACH_OUT = {
    "connect": "socket.create_connection(('192.0.2.1', 80), timeout=3)",
    "datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 80))",
    "raw-connect": "socket.socket().connect(('192.0.2.1', 80))",
    "url": "__import__('urllib.request').request.urlopen('http://192.0.2.1/', timeout=3)",
}


@pytest.fixture
def outside() -> Iterator[int]:
    """Listen on this process's loopback and give the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def run_python(code: str, guard: bool) -> subprocess.CompletedProcess[str]:
    """Run code in the namespace or under the guard."""
    command = [sys.executable, "-c", f"import socket\n{code}"]
    variables = dict(os.environ)
    if guard:
        variables = isolate.guarded(variables)
    else:
        command = isolate.in_namespace(command)
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)


def need_namespace() -> None:
    """Skip where the system gives no namespace; the guard's tests hold there."""
    if not isolate.namespace_works():
        pytest.skip("this system gives no network namespace; the guard is used and tested instead")


def test_namespace_has_a_loopback_of_its_own(outside: int) -> None:
    need_namespace()
    assert "loopback works" in run_python(OWN_LOOPBACK, guard=False).stdout
    reached = run_python(f"socket.create_connection(('127.0.0.1', {outside}))", guard=False)
    assert "ConnectionRefusedError" in reached.stderr


@pytest.mark.parametrize("way", REACH_OUT)
def test_namespace_blocks_the_network(way: str) -> None:
    need_namespace()
    assert "Network is unreachable" in run_python(REACH_OUT[way], guard=False).stderr


def test_guard_lets_loopback_through(outside: int) -> None:
    assert "loopback works" in run_python(OWN_LOOPBACK, guard=True).stdout
    assert run_python(f"socket.create_connection(('localhost', {outside}))", guard=True).returncode == 0


def test_guard_lets_unix_sockets_through() -> None:
    code = "a, b = socket.socketpair(); a.send(b'x'); s = socket.socket(socket.AF_UNIX)\ns.connect('/nowhere')"
    assert "FileNotFoundError" in run_python(code, guard=True).stderr


@pytest.mark.parametrize("way", REACH_OUT)
def test_guard_blocks_the_network_and_says_what_was_tried(way: str) -> None:
    refused = run_python(REACH_OUT[way], guard=True).stderr
    assert "no network in tests" in refused
    assert "192.0.2.1" in refused


def test_guard_holds_in_child_processes() -> None:
    child = f"import socket; {REACH_OUT['connect']}"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    assert "no network in tests" in run_python(code, guard=True).stderr


def test_guard_blocks_names() -> None:
    assert "no network in tests" in run_python("socket.getaddrinfo('example.org', 443)", guard=True).stderr


def test_guard_is_used_where_there_is_no_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolate, "namespace_works", lambda: False)
    command, variables = isolate.isolated(["program"], {"PYTHONPATH": "mine"})
    assert command == ["program"]
    assert variables["PYTHONPATH"].split(os.pathsep) == [str(isolate.GUARD), "mine"]
    assert variables["HF_HUB_OFFLINE"] == "1"


def test_exit_status_of_the_command_comes_back() -> None:
    command = [sys.executable, "-m", "tools.isolate", sys.executable, "-c", "raise SystemExit(7)"]
    assert subprocess.run(command, cwd=isolate.ROOT, check=False).returncode == 7
