"""Which cell, how many layers, which padding, masked or not: the reference recurrent networks on first names.

Three seeds each, in PyTorch and (fewer of them) in Keras. The recipe was fixed on the validation part. Each network is
also asked with more padding than it was trained with, and name by name without any. Baselines look at letters only. A
second task, sentences from movie reviews word by word, shows a case that counted words win. It goes on where it stopped:
python -m experiments.reference_rnns [--log FILE].
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from experiments import stamp
from experiments.digits_cnn import seed_framework

SEEDS = (0, 1, 2)
RECIPE = {"epochs": 10, "batch_size": 64, "lr": 5e-3, "schedule": "one_cycle", "loss": "binary_cross_entropy"}
STEPS, MORE = 11, 40  # letters of the longest name; and a generous padding
PLAIN = {"cell": "rnn", "layers": 1, "bidirectional": False, "dropout": 0.0, "masked": True, "side": "end", "steps": STEPS}


def settings(framework: str) -> list[dict[str, Any]]:
    """Return the networks and paddings that are compared in one framework."""
    changes: list[dict[str, Any]] = [{"cell": cell} for cell in ("rnn", "lstm", "gru")]
    changes += [{"cell": cell, "masked": False} for cell in ("rnn", "lstm")]
    changes += [{"cell": cell, "masked": False, "steps": MORE} for cell in ("rnn", "lstm")]
    changes += [{"cell": "lstm", "bidirectional": True}]
    if framework == "torch":
        changes += [{"cell": c, "masked": False, "side": "front", "steps": n} for c in ("rnn", "lstm") for n in (STEPS, MORE)]
        changes += [{"bidirectional": True}, {"dropout": 0.3}, {"cell": "lstm", "layers": 2}]
        changes += [{"cell": "lstm", "layers": 2, "bidirectional": True}, {"cell": "lstm", "dropout": 0.3}]
    return [{**PLAIN, **change} for change in changes]


def padded(x: np.ndarray, side: str, steps: int) -> np.ndarray:
    """Return names (n, 11) with their padding at the end or at the front, ``steps`` letters in all."""
    rows = np.pad(x, ((0, 0), (0, steps - x.shape[1])))
    if side == "front":
        rows = np.stack([np.roll(row, steps - int((row > 0).sum())) for row in rows])
    return rows


def rates(scores: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Return what the logits (n,) say: accuracy, the recall of each class, their mean, and the area under the curve."""
    answers = scores > 0
    recall = float(np.mean(~answers[y == 0])), float(np.mean(answers[y == 1]))
    _, place, times = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(times) - (times - 1) / 2)[place]  # equal scores share the mean of their ranks
    ones = int(y.sum())
    area = (rank[y == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(y) - ones))
    return {
        "accuracy": float(np.mean(answers == y)),
        "balanced": sum(recall) / 2,
        "recall_0": recall[0],
        "recall_1": recall[1],
        "area": float(area),
    }


def logits(model: Any, framework: str, x: np.ndarray) -> np.ndarray:
    """Return the logits of sequences, (n,)."""
    if framework == "keras":
        return np.asarray(model(x, training=False))[:, 0]
    from gpulab.train import predict

    return predict(model, x, batch_size=2000)[:, 0]


def alone(model: Any, framework: str, x: np.ndarray) -> np.ndarray:
    """Return the logits of names without padding: those of one length at a time."""
    many, found = (x > 0).sum(axis=1), np.zeros(len(x))
    for length in np.unique(many):
        found[many == length] = logits(model, framework, x[many == length, :length])
    return found


def point(framework: str, how: dict[str, Any], seed: int) -> dict[str, Any]:
    """Train one network on names; return one row."""
    from gpulab.data import load
    from gpulab.models import parameter_count, reference_rnn
    from gpulab.train import fit

    names = load("names")
    start = time.perf_counter()
    seed_framework(framework, seed)
    options = {key: how[key] for key in ("layers", "bidirectional", "dropout", "masked")}
    model = reference_rnn(framework, how["cell"], vocabulary=27, **options)
    parts = [(padded(part.x, how["side"], how["steps"]), part.y) for part in (names.train, names.valid)]
    history = fit(model, *parts, seed=seed, verbose=False, **RECIPE)
    seconds = time.perf_counter() - start
    x, y = names.test
    scores = logits(model, framework, padded(x, how["side"], how["steps"]))
    longer = logits(model, framework, padded(x, how["side"], MORE))
    without = alone(model, framework, x)
    return {
        "task": "names",
        "framework": framework,
        **how,
        "seed": seed,
        **rates(scores, y),
        "train": history["accuracy"][-1],
        "valid": history["valid_accuracy"][-1],
        "longer_accuracy": rates(longer, y)["accuracy"],
        "longer_balanced": rates(longer, y)["balanced"],
        "longer_changed": float(np.mean((longer > 0) != (scores > 0))),
        "alone_accuracy": rates(without, y)["accuracy"],
        "alone_balanced": rates(without, y)["balanced"],
        "alone_changed": float(np.mean((without > 0) != (scores > 0))),
        "alone_gap": float(abs(without - scores).max()),
        "parameters": parameter_count(model),
        "seconds": round(seconds, 1),
    }


def small(masked: bool, seed: int) -> dict[str, Any]:
    """Train a network of 16 units, and keep its weights: the chapter computes with them."""
    from gpulab.data import load
    from gpulab.models import reference_rnn
    from gpulab.train import fit

    names = load("names")
    seed_framework("torch", seed)
    model = reference_rnn("torch", "rnn", features=8, vocabulary=27, units=16, masked=masked)
    fit(model, names.train, names.valid, seed=seed, verbose=False, **RECIPE)
    weights = {name: np.round(tensor.numpy().astype(float), 4).tolist() for name, tensor in model.state_dict().items()}
    scores = logits(model, "torch", names.test.x)
    return {"task": "weights", "masked": masked, "seed": seed, **rates(scores, names.test.y), "weights": weights}


def baselines() -> list[dict[str, Any]]:
    """Return what the letters alone say: always female, the last letter, counted letters, letters of the ending."""
    from sklearn.linear_model import LogisticRegression

    from gpulab.data import load, lengths

    names = load("names")
    (x, y), (tx, ty) = names.train, names.test

    def last(rows: np.ndarray, back: int) -> np.ndarray:
        at = lengths(rows) - back
        return np.where(at >= 0, rows[np.arange(len(rows)), np.maximum(at, 0)], 0)

    def counts(rows: np.ndarray) -> np.ndarray:
        return np.stack([(rows == letter).sum(axis=1) for letter in range(1, 27)], axis=1)

    def ending(rows: np.ndarray, letters: int) -> np.ndarray:
        return np.concatenate([np.eye(27)[last(rows, back)] for back in range(1, letters + 1)], axis=1)

    share = np.array([np.log((y[last(x, 1) == k].sum() + 0.5) / ((1 - y[last(x, 1) == k]).sum() + 0.5)) for k in range(27)])
    scores = {"always female": np.full(len(ty), -1.0), "last letter": share[last(tx, 1)]}
    for name, read in {
        "letters counted": counts,
        "last two letters": lambda rows: ending(rows, 2),
        "last three letters": lambda rows: ending(rows, 3),
    }.items():
        linear = LogisticRegression(max_iter=2000).fit(read(x), y)
        scores[name] = linear.decision_function(read(tx))
    return [{"task": "baseline", "baseline": name, **rates(found, ty)} for name, found in scores.items()]


def sentences(seed: int) -> list[dict[str, Any]]:
    """Return rows of the second task: 2,000 sentences, counted words against words in their order."""
    from sklearn.linear_model import LogisticRegression

    from gpulab.data import load
    from gpulab.models import parameter_count, reference_rnn
    from gpulab.train import fit

    snippets = load("snippets")
    words = [[re.findall(r"[a-z']+", text.lower()) for text in part.x] for part in (snippets.train, snippets.test)]
    chosen = np.random.default_rng(seed).permutation(len(words[0]))[:2000]
    train, y = [words[0][i] for i in chosen], snippets.train.y[chosen]
    known = [word for word, _ in Counter(word for line in train for word in line).most_common(2000)]
    number = {word: place for place, word in enumerate(known, start=2)}  # 0 is the padding, 1 any other word

    def tokens(lines: list[list[str]]) -> np.ndarray:
        rows = np.zeros((len(lines), 30), dtype=np.int64)
        for row, line in zip(rows, lines, strict=True):
            kept = [number.get(word, 1) for word in line[:30]] or [1]
            row[: len(kept)] = kept
        return rows

    def bag(rows: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(row, minlength=len(known) + 2)[1:] for row in rows]).astype(float)

    x, tx, ty = tokens(train), tokens(words[1]), snippets.test.y
    linear = LogisticRegression(C=0.3, max_iter=2000).fit(bag(x), y)
    found = [{"task": "sentences", "model": "words counted", "seed": seed, **rates(linear.decision_function(bag(tx)), ty)}]
    for cell in ("rnn", "lstm"):
        seed_framework("torch", seed)
        model = reference_rnn("torch", cell, features=16, vocabulary=len(known) + 2, units=32, dropout=0.3)
        fit(model, (x, y), epochs=6, batch_size=64, lr=5e-3, schedule="one_cycle", loss=RECIPE["loss"], verbose=False)
        row = {"task": "sentences", "model": cell, "seed": seed, "parameters": parameter_count(model)}
        found.append({**row, **rates(logits(model, "torch", tx), ty)})
    return found


def work(framework: str, log: Path) -> None:
    """Compute what the log lacks, and write each result to it at once."""
    done = {json.loads(line)["key"] for line in log.read_text(encoding="utf-8").splitlines()} if log.exists() else set()

    def keep(key: str, make: Any) -> None:
        if key in done:
            return
        start = time.perf_counter()
        rows = make()
        record = {"key": key, "seconds": time.perf_counter() - start, "rows": rows if isinstance(rows, list) else [rows]}
        with log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")

    for seed in SEEDS:
        for how in settings(framework):
            keep(f"{framework} {json.dumps(how)} {seed}", lambda how=how, seed=seed: point(framework, how, seed))
        if framework == "torch":
            for masked in (True, False) if seed == 0 else ():
                keep(f"small {masked} {seed}", lambda masked=masked, seed=seed: small(masked, seed))
            keep(f"sentences {seed}", lambda seed=seed: sentences(seed))
    if framework == "torch":
        keep("baselines", baselines)


def main() -> None:
    """Run both frameworks, each in a process of its own, and store all rows with their stamp."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, default=stamp.ROOT / "_build" / "reference_rnns")
    parser.add_argument("--only", choices=("torch", "keras"))
    options = parser.parse_args()
    options.log.mkdir(parents=True, exist_ok=True)
    rows, seconds = [], 0.0
    for framework in ("torch", "keras"):
        log = options.log / f"{stamp.script_hash('reference_rnns')[:12]}-{framework}.jsonl"
        if options.only == framework:
            work(framework, log)
        if options.only:
            continue
        command = [sys.executable, "-m", "experiments.reference_rnns", "--log", str(options.log), "--only", framework]
        subprocess.run(command, check=True)
        for line in log.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            rows += record["rows"]
            seconds += record["seconds"]
    if not options.only:
        packages = ["numpy", "torch", "tensorflow", "keras", "scikit-learn"]
        path = stamp.store("reference_rnns", rows, SEEDS, packages, seconds)
        print(f"{len(rows)} rows in {seconds:.0f} s, stored in {path.relative_to(stamp.ROOT)}")


if __name__ == "__main__":
    main()
