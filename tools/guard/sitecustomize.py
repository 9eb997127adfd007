"""Refuse every connection that leaves the machine, in each Python process that has this folder on its path.

``tools.isolate`` puts the folder on ``PYTHONPATH`` where the system gives no network namespace. An audit hook sees
every use of a socket by Python code, whatever library makes it, and is inherited by subprocesses and kernels through
the environment. Standard library only: this runs at the start of each interpreter.
"""

from __future__ import annotations

import errno
import ipaddress
import sys

LOCAL_NAMES = ("", "localhost", "0.0.0.0", "::")
# Where the address stands among the arguments of each event.
ADDRESS_AT = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1}
NAME_AT = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0}


def host_of(event: str, arguments: tuple[object, ...]) -> object:
    """Return the host that an event reaches for, or ``None`` where it reaches for none."""
    if event in NAME_AT:
        return arguments[NAME_AT[event]]
    if event in ADDRESS_AT:
        address = arguments[ADDRESS_AT[event]]
        return address[0] if isinstance(address, tuple) and address else None  # a string: a Unix socket's path
    return None


def is_local(host: object) -> bool:
    """Tell whether a host is this machine: loopback or no host at all."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str) or host.lower() in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_remote(event: str, arguments: tuple[object, ...]) -> None:
    """Raise ``OSError`` before a socket reaches past this machine."""
    host = host_of(event, arguments)
    if not is_local(host):
        raise OSError(errno.ENETUNREACH, f"no network in tests: something tried to reach {host!r} ({event})")


sys.addaudithook(refuse_remote)
