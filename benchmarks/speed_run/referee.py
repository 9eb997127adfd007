"""The referee of the speed run: reruns an entry in fresh processes, with its own clock, and looks for cheating.

    python -m benchmarks.speed_run.referee my_entry.py                # three seeds that nobody knew before
    python -m benchmarks.speed_run.referee my_entry.py --seeds 10 --out my_entry.json

An entry is one Python file::

    CLAIM = {"name": "Example", "author": "A. Student", "class": "reference", "accuracy": 0.976}

    def train(train, valid, seed):      # each a pair: images (n, 28, 28, 1) float32 in 0..1, labels (n,) int64
        ...
        return predict                  # predict(images) gives classes (n,), or logits (n, 10)

For each seed the referee starts a process, waits until the entry is imported, starts **its own** clock, hands over the
training and the validation part, waits for the end of the training, hands over the test images **without labels**, and
stops the clock when the answers are there. Training inside ``predict``, or before the end is told, gains nothing.

What it does against cheating, and what each is for:

- *Renamed classes.* In every run the classes have other numbers, drawn from the run's secret. Knowledge of the digits
  that did not come from the training part handed over (labels read from a file, a table in the entry) names the wrong
  classes.
- *Changed pixels.* All images are a little darker, by a secret factor. A table of hashes finds nothing.
- *Hidden files.* The folder of the data set is covered in the entry's process where the system can do that (Linux), and
  a guard refuses and reports every attempt to open it, to use the network, or (after the imports) to start a program.
- *Moved copies.* After the clock has stopped, the test images are asked for again, each moved by one pixel. Who
  recognizes images instead of digits falls.
- *Asked twice.* Some images are asked for again, in other company and order. An answer may depend on its image only.
- *A limit on the size of the file.* It has no room for images or for a trained network.

What it cannot catch: machine code in the entry that goes around Python's guard on a system without such hiding; a part
of a trained network that fits into the limit; knowledge of the test part that went into the choice of the recipe,
since everybody has the data at home; and a network of another class than the one that is declared. So a
person reads the file, too: it is short.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import platform
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed_run import messages
from benchmarks.speed_run.recipes import TARGET

ROOT = Path(__file__).resolve().parents[2]
MOST_BYTES = 20_000  # of an entry's file
MOST_FALL = 0.15  # of the accuracy, when the digits are moved by one pixel
LEAST_AGREEMENT = 0.99  # between two answers for the same images
MOST_HURRY = 0.2  # a claimed time below this share of the measured one is no other machine, it is another clock
AGAIN = 200  # images that are asked for twice
CLAIM_KEYS = ("name", "author", "class", "accuracy")
CLASSES = ("reference", "open")
COVER = 'mount -t tmpfs none "$0" && exec "$@"'


class EntryError(Exception):
    """The file is no entry; the message says what is missing."""


@dataclass
class Run:
    """What one run of an entry gave.

    Attributes
    ----------
    seed : int
    seconds : float
        From handing over the training part to the last answer, by the referee's clock.
    accuracy, moved : float
        Share of right answers for the test images, and for their moved copies.
    problems : list of str
        What was refused, failed or looks like cheating.
    """

    seed: int
    seconds: float = float("nan")
    accuracy: float = 0.0
    moved: float = 0.0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Disguise:
    """How the referee changes a data set for one run: other class numbers, darker images, another order of the test."""

    names: np.ndarray  # (classes,): the new number of each class
    light: np.float32
    order: np.ndarray  # of the test images
    down: int
    right: int

    @classmethod
    def drawn(cls, secret: int, classes: int, tests: int) -> Disguise:
        """Draw one from a secret number."""
        rng = np.random.default_rng(secret)
        names = rng.permutation(classes)
        light = np.float32(1 - 0.02 * rng.random())
        down, right = ((0, 1), (1, 0), (0, -1), (-1, 0))[rng.integers(4)]
        return cls(names, light, rng.permutation(tests), down, right)

    def images(self, x: np.ndarray) -> np.ndarray:
        """Return darker images."""
        return x * self.light

    def labels(self, y: np.ndarray) -> np.ndarray:
        """Return the labels with their new numbers."""
        return self.names[y].astype(np.int64)

    def moved(self, x: np.ndarray) -> np.ndarray:
        """Return images moved by one pixel; what comes in is black."""
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        height, width = x.shape[1:3]
        return padded[:, 1 - self.down : 1 - self.down + height, 1 - self.right : 1 - self.right + width]


def read_claim(path: Path, limit: int = MOST_BYTES) -> dict[str, Any]:
    """Return what an entry says about itself, without running it.

    Raises
    ------
    EntryError
        The file is too large, is no Python, or has no usable CLAIM or no ``train``.
    """
    text = path.read_bytes()
    if len(text) > limit:
        raise EntryError(f"{path.name} has {len(text):,} bytes; at most {limit:,} are allowed.")
    try:
        body = ast.parse(text).body
    except SyntaxError as error:
        raise EntryError(f"{path.name} is no Python file: {error}.") from error
    made = [part for part in body if isinstance(part, ast.Assign) and getattr(part.targets[0], "id", "") == "CLAIM"]
    example = 'CLAIM = {"name": "Example", "author": "A. Student", "class": "reference", "accuracy": 0.976}'
    try:
        claim = ast.literal_eval(made[0].value)
        missing = [key for key in CLAIM_KEYS if key not in claim]
    except (IndexError, ValueError, TypeError):
        raise EntryError(f"{path.name} has no CLAIM; expected a line such as {example}.") from None
    if missing:
        raise EntryError(f"The CLAIM of {path.name} has no {', '.join(missing)}; expected {example}.")
    if claim["class"] not in CLASSES:
        raise EntryError(f"class {claim['class']!r} of {path.name}: expected one of {', '.join(CLASSES)}.")
    if not any(isinstance(part, ast.FunctionDef) and part.name == "train" for part in body):
        raise EntryError(f"{path.name} has no function train(train, valid, seed).")
    return claim


def run_once(entry: str, seed: int, digits: Any = None, *, secret: int = 0, threads: int = 2, limit: float = 300) -> Run:
    """Run an entry once in a fresh process.

    Parameters
    ----------
    entry : str
        Path of a file, or the name of a recipe of the ladder.
    seed : int
        What the entry is to seed its random numbers with.
    digits : DataSet, optional
        With ``train``, ``valid`` and ``test``; by default the course's digits.
    secret : int
        Of the disguise.
    threads : int
        That the frameworks may use.
    limit : float
        Seconds after which the process is ended.

    Returns
    -------
    Run
    """
    if digits is None:
        from gpulab.data import load

        digits = load("digits")
    cover = Disguise.drawn(secret, int(digits.train.y.max()) + 1, len(digits.test.y))
    run = Run(seed)
    with tempfile.TemporaryDirectory() as folder:
        process = _start(Path(folder), threads)
        timer = threading.Timer(limit, process.kill)
        timer.start()
        try:
            _lead(process, entry, run, digits, cover)
        except (EOFError, BrokenPipeError):
            if not run.problems:
                run.problems.append(f"ended before it had answered, or ran longer than {limit:g} s")
        except (ValueError, KeyError, TypeError, OSError) as error:
            run.problems.append(f"sent something that is no answer ({error})")
        finally:
            timer.cancel()
            process.kill()
            process.communicate()
    return run


def _start(folder: Path, threads: int) -> subprocess.Popen[bytes]:
    """Start the process of an entry, in an empty folder, with a home of the course in which nothing lies."""
    count = str(threads)
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "GPULAB_HOME": str(folder),
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
    }
    command = [*covering(), sys.executable, "-W", "ignore", "-m", "benchmarks.speed_run.entry"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=variables, cwd=folder, **pipes)


def hidden() -> list[Path]:
    """Return the folders that an entry may not look into."""
    from gpulab.assets import store

    return [store.location("digits").parent]


@cache
def covering() -> tuple[str, ...]:
    """Return the start of a command that covers the folder of the data set with an empty one, where that works."""
    (folder,) = hidden()
    start = ("unshare", "-rm", "sh", "-c", COVER, str(folder))
    if sys.platform != "linux" or not shutil.which("unshare") or not folder.is_dir():
        return ()
    works = subprocess.run([*start, "true"], capture_output=True, check=False).returncode == 0
    return start if works else ()


def _lead(process: subprocess.Popen[bytes], entry: str, run: Run, digits: Any, cover: Disguise) -> None:
    """Lead an entry through its run."""

    def hear(kind: str) -> dict[str, Any]:
        while True:
            message = messages.receive(process.stdout)
            if message["kind"] == "refused":
                problem = f"reached for {message['what']}"
                run.problems += [] if problem in run.problems else [problem]
            elif message["kind"] == "failed":
                run.problems.append(f"failed: {message['text'].strip().splitlines()[-1]}")
                raise EOFError
            elif message["kind"] == kind:
                return message

    def ask(images: np.ndarray) -> np.ndarray:
        messages.send(process.stdin, "images", {"x": images})
        return hear("answers")["classes"]

    name = str(Path(entry).resolve()) if entry.endswith(".py") else entry
    messages.send(process.stdin, "start", entry=name, hidden=[str(folder) for folder in hidden()])
    x, y = cover.images(digits.test.x[cover.order]), cover.labels(digits.test.y[cover.order])
    parts = {}
    for part, (images, labels) in {"train": digits.train, "valid": digits.valid}.items():
        parts |= {f"{part}_x": cover.images(images), f"{part}_y": cover.labels(labels)}
    hear("ready")
    start = time.perf_counter()
    messages.send(process.stdin, "go", parts, seed=run.seed)
    hear("trained")
    answers = ask(x)
    run.seconds = time.perf_counter() - start
    run.accuracy = float((answers == y).mean())
    again = np.arange(len(x))[::-1][:AGAIN]
    agreement = float((ask(x[again]) == answers[again]).mean())
    run.moved = float((ask(cover.moved(x)) == y).mean())
    if agreement < LEAST_AGREEMENT:
        run.problems.append(f"only {agreement:.1%} of the answers stay the same when images are asked for again")
    if run.accuracy - run.moved > MOST_FALL:
        fall = f"{run.accuracy:.1%} to {run.moved:.1%}"
        run.problems.append(f"moved by one pixel, the test images are recognized much worse: {fall}")


def verify(
    path: Path,
    seeds: Sequence[int],
    digits: Any = None,
    *,
    target: float = TARGET,
    threads: int = 2,
    limit: float = 300,
    secret: int | None = None,
) -> dict[str, Any]:
    """Run an entry with the given seeds and return its line of the leaderboard.

    Parameters
    ----------
    path : Path
        The entry's file.
    seeds : sequence of int
        At least two, chosen by the teacher after the entry was handed in.
    digits, threads, limit
        As for :func:`run_once`.
    target : float
        Mean accuracy that an entry must reach.
    secret : int, optional
        Of the disguises; by default a fresh one. It must not follow from the seeds, which the entry gets to know.

    Returns
    -------
    dict
        "verdict" is "accepted" or "rejected", and "problems" says why.

    Raises
    ------
    EntryError
        The file is no entry.
    """
    if len(seeds) < 2:
        raise EntryError(f"{len(seeds)} seed is given; at least 2 are needed, or there is no spread.")
    claim = read_claim(path)
    drawn = np.random.default_rng(secrets.randbits(64) if secret is None else secret).integers(2**62, size=len(seeds))
    runs = [
        run_once(str(path), seed, digits, secret=int(own), threads=threads, limit=limit)
        for seed, own in zip(seeds, drawn, strict=True)
    ]
    return report(claim, hashlib.sha256(path.read_bytes()).hexdigest(), runs, target)


def report(claim: dict[str, Any], sha256: str, runs: Sequence[Run], target: float) -> dict[str, Any]:
    """Return the line of the leaderboard that the runs make."""
    accuracies, seconds = [run.accuracy for run in runs], [run.seconds for run in runs]
    mean, spread = statistics.mean(accuracies), statistics.stdev(accuracies)
    error = spread / len(runs) ** 0.5
    problems = [f"seed {run.seed}: {problem}" for run in runs for problem in run.problems]
    if mean < target:
        problems.append(f"mean accuracy {mean:.2%}, and {target:.1%} are asked for")
    if mean + 2 * max(error, 0.001) < claim["accuracy"]:
        problems.append(f"claims an accuracy of {claim['accuracy']:.2%}; measured are {mean:.2%} ± {error:.2%}")
    if claim.get("seconds", float("inf")) < MOST_HURRY * min(seconds):
        problems.append(f"claims to take {claim['seconds']:g} s; on the referee's clock it takes {min(seconds):.2f} s")
    return {
        **{key: claim[key] for key in CLAIM_KEYS[:3]},
        "verdict": "rejected" if problems else "accepted",
        "problems": problems,
        "accuracy": round(mean, 5),
        "accuracy_spread": round(spread, 5),
        "seconds": round(statistics.median(seconds), 3),
        "seconds_all": [round(value, 3) for value in seconds],
        "seeds": [run.seed for run in runs],
        "sha256": sha256,
        "files_covered": bool(covering()),
        "machine": machine(),
    }


def machine() -> dict[str, Any]:
    """Return what the times belong to: processor, cores, system."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        facts = dict(line.split(":", 1) for line in info.read_text().split("\n\n")[0].splitlines() if ":" in line)
        facts = {key.strip(): value.strip() for key, value in facts.items()}
        name = facts.get("model name", name)
        flags = set(facts.get("flags", "").split())
        extra = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
        return {"processor": name, "extensions": extra, "cores": os.cpu_count(), "system": platform.system()}
    return {"processor": name, "cores": os.cpu_count(), "system": platform.system()}


def main() -> None:
    """Verify a file, print the verdict, and write the line of the leaderboard if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, default=3, help="how many; their values are drawn now")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--baseline", default="", help="a recipe of the ladder to run in turn, for the ratio")
    parser.add_argument("--out", type=Path, help="write the entry's line of the leaderboard here")
    given = parser.parse_args()
    seeds = [secrets.randbelow(2**31) for _ in range(given.seeds)]
    try:
        line = verify(given.file, seeds, threads=given.threads)
    except EntryError as error:
        raise SystemExit(str(error)) from None
    if given.baseline:
        base = [run_once(given.baseline, seed, threads=given.threads) for seed in seeds]
        line["ratio"] = round(statistics.median(run.seconds for run in base) / line["seconds"], 2)
        line["baseline"] = given.baseline
    print(json.dumps(line, indent=1))
    if given.out:
        given.out.write_text(json.dumps(line, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
