"""Run a command with no network but loopback: ``python -m tools.isolate COMMAND ...``.

Where the system allows it (most Linux), the command runs in a network namespace of its own, which holds for every
program. Elsewhere (macOS, Windows, some containers) a guard refuses connections in Python processes only. Standard
library only.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GUARD = ROOT / "tools" / "guard"
MARK = "GPULAB_ISOLATED"
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "PIP_NO_INDEX": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def bring_loopback_up() -> None:
    """Switch on ``lo``, which a new network namespace starts with switched off."""
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def in_namespace(command: Sequence[str]) -> list[str]:
    """Return ``command`` wrapped so that it runs in a network namespace of its own."""
    return ["unshare", "-rn", sys.executable, str(Path(__file__).resolve()), "--inside", *command]


@functools.cache
def namespace_works() -> bool:
    """Tell whether this system lets us make a network namespace and switch on its loopback."""
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        return False
    probe = in_namespace([sys.executable, "-c", "pass"])
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def guarded(environment: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of ``environment`` in which each Python process refuses to leave the machine."""
    path = [str(GUARD), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(path)}


def isolated(command: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[list[str], dict[str, str]]:
    """Return the command line and environment that run ``command`` with no network but loopback.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    environment : mapping of str to str, optional
        Variables to start from; ``os.environ`` where not given.
    """
    given = os.environ if environment is None else environment
    variables = {**given, **OFFLINE, MARK: "1"}
    if given.get(MARK) == "1":  # already inside: a namespace in a namespace gains nothing
        return list(command), variables
    if namespace_works():
        return in_namespace(command), variables
    return list(command), guarded(variables)


def main(arguments: Sequence[str]) -> int:
    """Run a command isolated and return its exit status; with ``--inside`` become the command."""
    if not arguments:
        print("usage: python -m tools.isolate COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    if arguments[0] == "--inside":
        bring_loopback_up()
        os.execvp(arguments[1], list(arguments[1:]))
    command, environment = isolated(arguments)
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
