"""Make the course's environment, `.venv`, or mend what is missing in it, and fetch the data and weights.

Run by `make env` and by every other target of the Makefile: `python3 tools/setup_env.py [--no-assets]`. Standard
library only, and no syntax newer than Python 3.8, so that an old Python prints a message and not a traceback.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, NoReturn, Optional, Tuple

ROOT = Path(__file__).resolve().parents[1]
OLDEST, NEWEST = (3, 11), (3, 13)
SUPPORTED = "Python 3.11, 3.12 or 3.13 (64 bit)"
GB = 10**9
NEEDED = 8 * GB  # measured on Linux with PyTorch's CUDA build; macOS and Windows need less
MARGIN = 1 * GB
NEEDED_TEMPORARY = 4 * GB  # pip unpacks what it downloads in the folder for temporary files first
STAMP = "course-stamp.json"
LOG = "course-install.log"
# The steps, and the file whose change makes each one stale.
STEP_FILES = {"base": "requirements/base.txt", "torch": "requirements/torch.txt", "gpulab": "pyproject.toml"}
PROBE = (
    "import json, struct, sys, sysconfig; print(json.dumps({'python': list(sys.version_info[:3]),"
    " 'bits': struct.calcsize('P') * 8, 'base': sys.base_prefix, 'site': sysconfig.get_path('purelib')}))"
)
CHECK = (
    "from importlib.metadata import version as v; print(', '.join(f'{n} {v(n)}' for n in"
    " ('gpulab', 'numpy', 'torch', 'tensorflow', 'transformers', 'jupyterlab', 'jupyter-book')))"
)


class SetupError(Exception):
    """Something that a person has to put right; the text says what and how."""


class Python(NamedTuple):
    """What a Python says of itself when it is run."""

    version: Tuple[int, ...]
    bits: int
    base: str  # where the Python that a virtual environment was made from lives
    site: str  # where its packages are

    @property
    def name(self) -> str:
        return ".".join(str(part) for part in self.version)

    @property
    def supported(self) -> bool:
        return OLDEST <= self.version[:2] <= NEWEST and self.bits == 64


class Plan(NamedTuple):
    """What to do with `.venv`."""

    action: str  # "ready", "create", "continue" or "rebuild"
    reason: str
    steps: List[str]


# --- What is there ---------------------------------------------------------------------------------------------------


def probe(command: List[str]) -> Optional[Python]:
    """Run a Python and return what it says of itself, or None where it does not run (a missing or broken one)."""
    try:
        done = subprocess.run(
            command + ["-I", "-c", PROBE],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        facts = json.loads(done.stdout.decode())
        return Python(tuple(facts["python"]), facts["bits"], facts["base"], facts["site"])
    except (OSError, ValueError, KeyError, subprocess.SubprocessError):
        return None


def can_make_environments(command: List[str]) -> bool:
    """Return whether a Python has `venv` and `ensurepip` (Debian packs them separately)."""
    done = subprocess.run(
        command + ["-I", "-c", "import ensurepip, venv"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return done.returncode == 0


def candidates() -> List[List[str]]:
    """Return the Pythons to try: the one that runs this file, then those on PATH."""
    names = [[f"python3.{minor}"] for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    if os.name == "nt":
        names = [["py", f"-3.{minor}"] for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    return [[sys.executable]] + [name for name in names if shutil.which(name[0])]


def choose_python() -> List[str]:
    """Return the command of a Python that can make the environment, or raise SetupError."""
    without_venv = None
    for command in candidates():
        found = probe(command)
        if found is None or not found.supported:
            continue
        if can_make_environments(command):
            return command
        without_venv = without_venv or found
    if without_venv:
        raise SetupError(no_venv_message(without_venv))
    raise SetupError(wrong_python_message(probe([sys.executable])))


def venv_python(venv: Path) -> Path:
    """Return the path of the Python in a virtual environment."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def made_at(venv: Path) -> Optional[str]:
    """Return the folder that an environment was made in, from its pyvenv.cfg, or None where it does not say."""
    try:
        match = re.search(
            r"^command\s*=.* -m venv\s+(?:--?\S+\s+)*(.+?)\s*$", (venv / "pyvenv.cfg").read_text(), re.MULTILINE
        )
    except (OSError, UnicodeDecodeError):
        return None
    return match[1] if match else None


def made_with(venv: Path) -> Optional[str]:
    """Return the version ("3.11") that an environment was made with, from its pyvenv.cfg."""
    try:
        match = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+)", (venv / "pyvenv.cfg").read_text(), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return None
    return match[1] if match else None


def read_stamp(venv: Path) -> Optional[Dict[str, str]]:
    """Return the stamp that a complete environment has, or None."""
    try:
        stamp = json.loads((venv / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) else None


def step_hashes(root: Path) -> Dict[str, str]:
    """Return the hash of the file behind each step."""
    return {step: hashlib.sha256((root / file).read_bytes()).hexdigest() for step, file in STEP_FILES.items()}


def new_stamp(root: Path, python: Python) -> Dict[str, str]:
    """Return the stamp of an environment that is complete now."""
    return {**step_hashes(root), "python": python.name, "base_prefix": python.base, "root": str(root)}


def decide(root: Path, found: Optional[Python]) -> Plan:
    """Say what is to be done with `.venv`, from what its Python says of itself, its stamp and its pyvenv.cfg."""
    venv, every = root / ".venv", list(STEP_FILES)
    if not os.path.lexists(str(venv)):
        return Plan("create", "", every)
    if found is None:
        return Plan("rebuild", "its Python does not run", every)
    if not found.supported:
        return Plan("rebuild", f"it was made by Python {found.name}; the course needs {SUPPORTED}", every)
    if made_with(venv) not in (None, "%d.%d" % found.version[:2]):
        return Plan("rebuild", f"it was made by Python {made_with(venv)}, which has become {found.name}", every)
    stamp = read_stamp(venv)
    place = (stamp or {}).get("root") or (made_at(venv) and os.path.dirname(str(made_at(venv))))
    if place and os.path.realpath(str(place)) != os.path.realpath(str(root)):
        return Plan("rebuild", f"it was made in {place}, and environments cannot be moved", every)
    if stamp is None:
        return Plan("continue", "an earlier run did not finish", every)
    if stamp.get("base_prefix") != found.base:
        return Plan("rebuild", "it was made by another Python", every)
    stale = [step for step, value in step_hashes(root).items() if stamp.get(step) != value]
    if stale:
        return Plan("continue", "changed since: " + ", ".join(STEP_FILES[step] for step in stale), stale)
    return Plan("ready", "", [])


# --- Messages --------------------------------------------------------------------------------------------------------


def wrong_python_message(found: Optional[Python]) -> str:
    """Say which Python is needed and how to get one here."""
    have = f"This is Python {found.name} ({found.bits} bit)" if found else "This Python does not run"
    how = {
        "Darwin": "install it from https://www.python.org/downloads/ or with `brew install python@3.12`",
        "Windows": "install it from https://www.python.org/downloads/ (64 bit, with the `py` launcher)",
    }.get(
        platform.system(),
        "install it with the system's packages (Debian, Ubuntu: `sudo apt install python3.12 python3.12-venv`; "
        "Fedora: `sudo dnf install python3.12`) or with uv or pyenv",
    )
    return (
        f"The course needs {SUPPORTED}. {have}, and no other that fits is on PATH.\nTo go on: {how}; "
        "then run the same command again.\nA Python elsewhere can be named: make env PYTHON=/path/to/python3.12"
    )


def no_venv_message(found: Python) -> str:
    """Say how to get the modules that make environments."""
    return (
        f"Python {found.name} is here, but its modules venv and ensurepip are not.\n"
        f"On Debian and Ubuntu: sudo apt install python3.{found.version[1]}-venv (or python3-venv); "
        "elsewhere install Python from python.org. Then run the same command again."
    )


def disk_message(place: str, free: int, needed: int, temporary: bool) -> str:
    """Say how much disk is needed, how much is free, and what to do."""
    what = "for pip's temporary files" if temporary else "for the environment and the data"
    how = (
        "set TMPDIR to a folder on a larger disk"
        if temporary
        else "free some space, or move the course to a larger disk"
    )
    return (
        f"Not enough disk {what}: about {needed / GB:.0f} GB are needed in {place}, {free / GB:.1f} GB are free.\n"
        f"To go on: {how}, and run the same command again. (--no-disk-check tries anyway.)"
    )


def explain_pip(log: str, path: Path, step: str, status: int = 1) -> str:
    """Say why pip failed, from its log and exit status: full disk, no network, ended from outside, or its words."""
    tail = [re.sub(r"^\S*\d\d:\d\d:\d\d\S*\s+", "", line).strip() for line in log.splitlines()[-400:]]
    tail = [line for line in tail if line]
    errors = [line for line in tail if re.search(r"\bERROR: |\bError: ", line)]
    lines = [f"pip failed at the step '{step}':"] + [f"    {line[:300]}" for line in errors[-3:] or tail[-3:]]
    text = "\n".join(tail)
    if re.search(r"No space left on device|Errno 28|WinError 112", text):
        lines.append(
            f"The disk is full. The environment needs about {NEEDED / GB:.0f} GB in {ROOT}, and pip needs room for "
            f"temporary files in {tempfile.gettempdir()}: free some, or set TMPDIR to a folder on a larger disk."
        )
    elif re.search(
        r"name resolution|NewConnectionError|Max retries|timed out|Network is unreachable|getaddrinfo|Connection|Proxy",
        text,
    ):
        lines.append("The network did not answer. Check the connection (and the proxy, if there is one).")
    elif "No matching distribution" in text:
        lines.append(
            "pip found no build of this package for this system and Python. Use " + SUPPORTED + " on Linux, "
            "Windows or a Mac with Apple silicon, or open the course on a hosted machine (see README.md)."
        )
    elif status < 0 or status > 128:
        lines.append("pip was ended from outside: by another program, or because the memory was full.")
    lines.append(f"The whole log: {path}. What is installed stays; run the same command again to go on.")
    return "\n".join(lines)


# --- Doing it --------------------------------------------------------------------------------------------------------


def say(text: str) -> None:
    """Print one line of progress at once, also into a pipe."""
    print(text, flush=True)


def check_writable(root: Path) -> None:
    """Raise SetupError where nothing can be written in the checkout."""
    try:
        with tempfile.TemporaryFile(dir=str(root)):
            pass
    except OSError as error:
        raise SetupError(
            f"Nothing can be written in {root} ({error.strerror}). Copy the course to a folder of your own "
            "that you may write to, and run the command there."
        ) from error


def folder_size(folder: Path) -> int:
    """Return the bytes in a folder."""
    sizes = 0
    for place, _, files in os.walk(str(folder)):
        for name in files:
            try:
                sizes += os.lstat(os.path.join(place, name)).st_size
            except OSError:
                pass
    return sizes


def check_disk(root: Path) -> None:
    """Raise SetupError where the disk cannot hold what is still to be installed."""
    here = folder_size(root / ".venv")
    needed, free = max(NEEDED - here, 0) + MARGIN, shutil.disk_usage(str(root)).free
    if free < needed:
        raise SetupError(disk_message(str(root), free, needed, temporary=False))
    temporary = tempfile.gettempdir()
    if here < NEEDED // 2 and os.stat(temporary).st_dev != os.stat(str(root)).st_dev:
        free = shutil.disk_usage(temporary).free
        if free < NEEDED_TEMPORARY:
            raise SetupError(disk_message(temporary, free, NEEDED_TEMPORARY, temporary=True))


def remove(path: Path) -> None:
    """Remove a folder, a file or a link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(str(path))
    else:
        path.unlink()


def half_installed(site: Path) -> List[Path]:
    """Return what an interrupted pip left: packages without a list of files or with missing files, and leftovers.

    pip writes a package's list of files (RECORD) last, and takes a package without one for installed.
    """
    broken = [path for path in site.glob("~*")]
    for info in site.glob("*.dist-info"):
        try:
            lines = (info / "RECORD").read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            broken.append(info)
            continue
        files = [line.rsplit(",", 2)[0].strip('"') for line in lines if line]
        if not files or any(
            not os.path.lexists(os.path.join(str(site), file)) for file in files if not file.endswith(".pyc")
        ):
            broken.append(info)
    return broken


def make_venv(root: Path) -> None:
    """Make an empty environment with pip in it."""
    command = choose_python()
    found = probe(command)
    say(f"[1/5] Making .venv with Python {found.name if found else ''} (seconds)")
    done = subprocess.run(command + ["-I", "-m", "venv", str(root / ".venv")])
    if done.returncode != 0:
        raise SetupError(
            "The environment .venv could not be made; Python's own message stands above. Run the same command "
            "again; where that fails too, reinstall Python."
        )


def pip(root: Path, step: str, arguments: List[str]) -> None:
    """Run pip in the environment, with its progress on the screen and its log in a file."""
    log = root / ".venv" / LOG
    if log.exists():
        log.unlink()
    command = [str(venv_python(root / ".venv")), "-I", "-m", "pip", "--log", str(log)] + arguments
    status = subprocess.run(command, cwd=str(root)).returncode
    if status != 0:
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        raise SetupError(explain_pip(text, log, step, status))


def install_base(root: Path) -> None:
    """Install everything but torch: pinned, by hash, complete."""
    say("[2/5] Installing JupyterLab, Jupyter Book, TensorFlow, transformers and more (about 700 MB; 1 to 10 minutes)")
    pip(root, "everything but torch", ["install", "--no-deps", "-r", "requirements/base.txt"])


def install_torch(root: Path) -> None:
    """Install torch and torchvision, with the GPU libraries that pip brings along on Linux."""
    say("[3/5] Installing PyTorch and torchvision (up to 3 GB on Linux, with the GPU libraries; 1 to 20 minutes)")
    pip(root, "torch", ["install", "-r", "requirements/torch.txt"])


def install_gpulab(root: Path) -> None:
    """Install the course's own package in place, without the network, and check that the packages fit together."""
    say("[4/5] Installing the course's library and checking the environment (seconds)")
    pip(root, "gpulab", ["install", "--no-deps", "--no-build-isolation", "-e", "."])
    python = str(venv_python(root / ".venv"))
    for arguments in (["-m", "pip", "check"], ["-c", CHECK]):
        if subprocess.run([python, "-I"] + arguments, cwd=str(root)).returncode != 0:
            raise SetupError(
                "The packages in .venv do not fit together (see above). Remove the folder .venv and run the "
                "same command again."
            )


STEPS: Dict[str, Callable[[Path], None]] = {"base": install_base, "torch": install_torch, "gpulab": install_gpulab}


def write_stamp(root: Path, python: Python) -> None:
    """Write the stamp that says that the environment is complete."""
    temporary = root / ".venv" / (STAMP + ".part")
    temporary.write_text(json.dumps(new_stamp(root, python), indent=1) + "\n", encoding="utf-8")
    os.replace(str(temporary), str(root / ".venv" / STAMP))


def prepare(root: Path, disk_check: bool) -> str:
    """Make the environment complete and return what was done: "ready" where there was nothing to do."""
    venv = root / ".venv"
    plan = decide(root, probe([str(venv_python(venv))]))
    if plan.action == "ready":
        return plan.action
    check_writable(root)
    if plan.action == "rebuild":
        choose_python()  # before anything is removed
        say(f"Removing .venv and making it again: {plan.reason}.")
        remove(venv)
    if disk_check and len(plan.steps) > 1:
        check_disk(root)
    if plan.action == "continue":
        say(f"Going on with .venv: {plan.reason}.")
    else:
        make_venv(root)
    python = probe([str(venv_python(venv))])
    if python is None:
        raise SetupError(
            "The new environment's Python does not run. Remove the folder .venv and run the same command again."
        )
    for path in half_installed(Path(python.site)):
        remove(path)
    for step in [step for step in STEPS if step in plan.steps or step == "gpulab"]:
        STEPS[step](root)
    write_stamp(root, python)
    return plan.action


def prepare_assets(root: Path, new: bool) -> None:
    """Fetch the data and weights that are not in the cache yet; say nothing where all are there."""
    gpulab = [str(venv_python(root / ".venv")), "-I", "-m", "gpulab", "assets"]
    if (
        not new
        and subprocess.run(gpulab + ["verify"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    ):
        return
    say("[5/5] Fetching data sets and pretrained weights into the course's cache (about 190 MB; seconds to minutes)")
    if subprocess.run(gpulab + ["fetch"], cwd=str(root)).returncode != 0:
        raise SetupError(
            "The environment is complete; some data or weights are missing (see above). Run the same command again "
            "with a network, or set GPULAB_HOME to a cache that was carried here. To work without them: "
            f"{venv_python(Path('.venv'))} -m tools.lab"
        )


def stop(*_: object) -> NoReturn:
    """Treat a request to end like Ctrl-C, so that pip is ended too."""
    raise KeyboardInterrupt


def main(arguments: Optional[List[str]] = None) -> int:
    """Make the course's environment in .venv, or mend it, and fetch the data and weights."""
    parser = argparse.ArgumentParser(prog="setup_env.py", description=main.__doc__)
    parser.add_argument("--no-assets", action="store_true", help="do not fetch data and weights")
    parser.add_argument("--no-disk-check", action="store_true", help="try even where the disk looks too small")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, stop)
    try:
        action = prepare(ROOT, not options.no_disk_check)
        if not options.no_assets:
            prepare_assets(ROOT, action != "ready")
    except KeyboardInterrupt:
        say("\nStopped. What is installed stays; run the same command again to go on.")
        return 130
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nThe set-up failed: {error}. Put that right and run the same command again.", file=sys.stderr)
        return 1
    say("The environment is ready.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
