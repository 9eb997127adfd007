"""The process of an entry: it imports the entry's code, trains when the referee says go, and answers images.

It never gets test labels. A guard refuses, and reports, what an entry has no business with: the files that hold the
data set or stored answers, other programs, and the network. The guard sees what goes through Python. It does not see
machine code that an entry brings along; where the system can, the referee hides the files from the whole process, too.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from benchmarks.speed_run import messages

PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile")
NETWORK = ("socket.connect", "socket.sendto", "urllib.Request")


def guard(hidden: list[str], report: Callable[[str], None]) -> Callable[[], None]:
    """Refuse files inside the hidden folders and the network, from now on and for good.

    Returns
    -------
    callable
        Call it after the imports: then other programs are refused, too. (When they are imported, the frameworks ask small
        programs of the system for the processor and for libraries.)
    """
    folders = tuple(os.path.realpath(folder) for folder in hidden)
    imported = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        what = ""
        if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], str | bytes | os.PathLike):
            place = os.path.realpath(os.fsdecode(arguments[0]))
            if place.startswith(folders):
                what = f"a file that holds the data or its answers ({Path(place).name})"
        elif event in PROGRAMS and imported:
            what = f"another program ({event})"
        elif event in NETWORK:
            what = f"the network ({event})"
        if what:
            report(what)
            raise PermissionError(f"The referee refuses {what}.")

    sys.addaudithook(watch)
    _watch_the_loader(report)
    return lambda: imported.append(True)


def _watch_the_loader(report: Callable[[str], None]) -> None:
    """Report who asks the course's loader for the digits, also where the file is covered and nothing is opened."""
    from gpulab.assets import store

    real = store.location

    def location(name: str) -> Path:
        if name == "digits":
            report("the data set, test part and all (gpulab.data)")
            raise PermissionError("The referee refuses the data set. Use the training part that was handed over.")
        return real(name)

    store.location = location


def load(name: str) -> Callable[..., Any]:
    """Return the function ``train`` of an entry: a recipe of the ladder, or a file.

    Raises
    ------
    AttributeError
        The file has no such function.
    """
    if not name.endswith(".py"):
        from benchmarks.speed_run.recipes import LADDER

        recipe = LADDER[name].recipe
        side = importlib.import_module(f"benchmarks.speed_run.{recipe.framework}_side")
        return lambda train, valid, seed: side.train(recipe, train, valid, seed)
    spec = importlib.util.spec_from_file_location("entry_under_test", name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.train


def classes(answer: Any, count: int) -> np.ndarray:
    """Return the answers for so many images as classes, int64 (n,); logits are taken, too."""
    found = np.asarray(answer)
    found = found.argmax(axis=1) if found.ndim == 2 else found
    if found.shape != (count,) or found.dtype.kind not in "iu":
        raise TypeError(f"predict returned {found.dtype} {found.shape}; expected classes ({count},) or logits.")
    return found.astype(np.int64)


def serve(source: BinaryIO, out: BinaryIO) -> None:
    """Do what the referee says until it says no more."""
    start = messages.receive(source)
    close = guard(start["hidden"], lambda what: messages.send(out, "refused", what=what))
    try:
        train = load(start["entry"])
        close()
        messages.send(out, "ready")
        go = messages.receive(source)
        parts = (go["train_x"], go["train_y"]), (go["valid_x"], go["valid_y"])
        predict = train(*parts, go["seed"])
        messages.send(out, "trained")
        while (asked := messages.receive(source))["kind"] == "images":
            messages.send(out, "answers", {"classes": classes(predict(asked["x"]), len(asked["x"]))})
    except EOFError:
        pass
    except BaseException:  # noqa: BLE001  whatever an entry does, the referee is told
        messages.send(out, "failed", text=traceback.format_exc()[-2000:])


if __name__ == "__main__":
    # The messages keep the pipes for themselves; what the entry prints goes to the error output.
    source, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    serve(source, out)
    os._exit(0)
