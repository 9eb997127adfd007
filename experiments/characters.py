"""How well do small recurrent networks predict the next character of reviews, and when do they learn text by heart?

Bits per character on held-out sentences, three seeds. Parts: "cell" (RNN, LSTM and GRU on all of the training text),
"lab" (the LSTM of the labs on a part of it, PyTorch and Keras), "carry" (pieces of several lengths, with the state
carried from piece to piece or not), "memory" (one LSTM on little and on more text), "counts" (n-grams). One network's
weights are kept, rounded to 16 bits, for the page. Each framework and part runs in a process of its own, and a run that
was stopped goes on with the rows that are in the log: ``python -m experiments.characters --log FILE``.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from experiments import stamp

SEEDS = (0, 1, 2)
ALPHABET = "\n '?,.abcdefghijklmnopqrstuvwxyz"
CELLS = ("rnn", "lstm", "gru")
UNITS, EMBEDDED = 128, 32
PIECE = 64
CELL = {"epochs": 2, "batch_size": 16, "lr": 1e-2, "schedule": "one_cycle", "clip": 1.0}
LAB_TEXT, LAB_UNITS = 250_000, 96
LAB = {"epochs": 2, "batch_size": 16, "lr": 1e-2, "schedule": "one_cycle", "clip": 1.0}
CARRY_PIECES, CARRY_UNITS, CARRY_TEXT = (8, 64), 64, 200_000
AMOUNTS = (4_000, 16_000, 64_000, 256_000)
MEMORY_STEPS, MEMORY_LANES, MEMORY_EVERY = 600, 16, 50
PARTS = (
    ("counts", "none"),
    ("lab", "torch"),
    ("lab", "keras"),
    ("memory", "torch"),
    ("carry", "torch"),
    ("cell", "torch"),
)


# --- Text -----------------------------------------------------------------------------------------------------------


def clean(sentence: str) -> str:
    """Return a sentence in the 32 characters of the alphabet: lower case, no accents, nothing else."""
    plain = unicodedata.normalize("NFKD", sentence.lower())
    return " ".join("".join(c for c in plain if c in ALPHABET).split())


@cache
def texts() -> dict[str, str]:
    """Return the text of each part: sentences, each after a line end."""
    from gpulab.data import load

    data = load("snippets")
    parts = {"train": data.train, "valid": data.valid, "test": data.test}
    return {name: "\n" + "\n".join(clean(s) for s in part.x) + "\n" for name, part in parts.items()}


def encode(text: str) -> np.ndarray:
    """Return the number of each character."""
    return np.array([ALPHABET.index(c) for c in text])


def decode(ids: np.ndarray) -> str:
    """Return the text of numbers."""
    return "".join(ALPHABET[i] for i in ids)


def cut(ids: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pieces (n, length) and their targets, which are one character later."""
    n = (len(ids) - 1) // length
    return ids[: n * length].reshape(n, length), ids[1 : n * length + 1].reshape(n, length)


def lanes(ids: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the text in so many long lanes that are read beside each other, and their targets."""
    return cut(ids, (len(ids) - 1) // count)


def longest_run(sample: str, text: str) -> int:
    """Return the length of the longest run of characters of the sample that stands in the text."""
    best = 0
    for start in range(len(sample)):
        while start + best < len(sample) and sample[start : start + best + 1] in text:
            best += 1
    return best


def real_words(sample: str) -> float:
    """Return the share of a sample's words that stand in the training text."""
    words = split_words(sample)
    return sum(word in known_words() for word in words) / max(len(words), 1)


def split_words(text: str) -> list[str]:
    """Return the words, without marks around them."""
    return [w for w in (word.strip("'?,.") for word in text.split()) if w]


@cache
def known_words() -> frozenset[str]:
    """Return the words of the training text."""
    return frozenset(split_words(texts()["train"]))


# --- n-grams --------------------------------------------------------------------------------------------------------


def codes(ids: np.ndarray, n: int) -> np.ndarray:
    """Return a number for each character with the n - 1 before it; before the text stand line ends."""
    padded = np.concatenate([np.zeros(n - 1, int), ids])
    total = np.zeros(len(ids), int)
    for i in range(n):
        total = total * len(ALPHABET) + padded[i : i + len(ids)]
    return total


def look_up(table: tuple[np.ndarray, np.ndarray], wanted: np.ndarray) -> np.ndarray:
    """Return how often each code was counted."""
    values, counts = table
    place = np.searchsorted(values, wanted).clip(max=len(values) - 1)
    return np.where(values[place] == wanted, counts[place], 0)


def ngram(train: np.ndarray, held: np.ndarray, longest: int, strength: float) -> Iterator[tuple[int, np.ndarray, int]]:
    """Yield for n = 1, 2, ... the probability of each held-out character, and how many n-grams were counted.

    The probability for n is mixed with that for n - 1, which counts as so many observations (``strength``).
    """
    p = np.full(len(held), 1 / len(ALPHABET))
    for n in range(1, longest + 1):
        seen = codes(train, n)
        grams, contexts = (np.unique(c, return_counts=True) for c in (seen, seen // len(ALPHABET)))
        wanted = codes(held, n)
        p = (look_up(grams, wanted) + strength * p) / (look_up(contexts, wanted // len(ALPHABET)) + strength)
        yield n, p, len(grams[0])


def bits(p: np.ndarray) -> float:
    """Return the mean bits per character."""
    return float(-np.log2(p).mean())


def counts_part() -> Iterator[dict[str, object]]:
    """Yield a row for each n."""
    train, valid, test = (encode(texts()[name]) for name in ("train", "valid", "test"))
    for strength in (2, 5, 10, 20):
        both = np.concatenate([valid, test])
        for n, p, size in ngram(train, both, 9, strength):
            row = {"part": "counts", "framework": "none", "seed": 0, "n": n, "strength": strength, "stored": size}
            yield {**row, "valid": bits(p[: len(valid)]), "test": bits(p[len(valid) + 8 :])}


# --- Networks -------------------------------------------------------------------------------------------------------


def torch_network(cell: str, units: int, seed: int) -> Any:
    """Return characters (n, T) -> logits (n, T, 32); ``states`` of the last call are kept, for the next piece."""
    import torch
    from torch import nn

    class Characters(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell]
            self.embed = nn.Embedding(len(ALPHABET), EMBEDDED)
            self.cell = layer(EMBEDDED, units, batch_first=True)
            self.head = nn.Linear(units, len(ALPHABET))

        def forward(self, x: torch.Tensor, state: Any = None) -> torch.Tensor:
            h, self.state = self.cell(self.embed(x), state)
            return self.head(h)

    torch.manual_seed(seed)
    return Characters()


def keras_network(cell: str, units: int, seed: int) -> Any:
    """Return the same in Keras; a piece begins with a state of zeros."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    normal = keras.initializers.RandomNormal(stddev=1.0)  # as in PyTorch; Keras' own would be 20 times smaller
    layer = {"rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}[cell]
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(len(ALPHABET), EMBEDDED, embeddings_initializer=normal),
            layer(units, return_sequences=True),
            layers.Dense(len(ALPHABET)),
        ]
    )


def lstm_weights(framework: str, model: Any) -> dict[str, np.ndarray]:
    """Return what a step of the LSTM needs; "wx" is (in, 4 units), "wh" (units, 4 units)."""
    if framework == "keras":
        names = ("embed", "wx", "wh", "b", "head", "head_b")
        return {n: np.asarray(w, np.float64) for n, w in zip(names, model.get_weights(), strict=True)}
    w = {name: value.double().numpy() for name, value in model.state_dict().items()}
    return {
        "embed": w["embed.weight"],
        "wx": w["cell.weight_ih_l0"].T,
        "wh": w["cell.weight_hh_l0"].T,
        "b": w["cell.bias_ih_l0"] + w["cell.bias_hh_l0"],
        "head": w["head.weight"].T,
        "head_b": w["head.bias"],
    }


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return numbers between 0 and 1."""
    return 1 / (1 + np.exp(-z))


def step(w: dict[str, np.ndarray], ids: np.ndarray, state: tuple | None = None) -> tuple[np.ndarray, tuple]:
    """Return the logits (n, 32) after one more character for each of n texts, and the new state."""
    units = len(w["wh"])
    h, c = state or np.zeros((2, len(ids), units))
    i, f, g, o = np.split(w["embed"][ids] @ w["wx"] + h @ w["wh"] + w["b"], 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return h @ w["head"] + w["head_b"], (h, c)


def softmax(z: np.ndarray) -> np.ndarray:
    """Return probabilities along the last axis."""
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def probabilities(w: dict[str, np.ndarray], ids: np.ndarray, count: int = 64) -> np.ndarray:
    """Return the probability of each character of a text, read in lanes with the state carried along."""
    x, y = lanes(ids, count)
    state, found = None, np.zeros(x.shape)
    for t in range(x.shape[1]):
        logits, state = step(w, x[:, t], state)
        found[:, t] = softmax(logits)[np.arange(len(x)), y[:, t]]
    return found


def write(w: dict[str, np.ndarray], temperature: float, texts: int, length: int, seed: int) -> list[str]:
    """Return texts that begin at the beginning of a sentence; temperature 0 takes the most probable character."""
    rng = np.random.default_rng(seed)
    ids, state, written = np.zeros(texts, int), None, []
    for _ in range(length):
        logits, state = step(w, ids, state)
        if temperature == 0:
            ids = logits.argmax(axis=1)
        else:
            total = softmax(logits / temperature).cumsum(axis=1)
            ids = (total < rng.random((texts, 1))).sum(axis=1).clip(max=len(ALPHABET) - 1)
        written.append(ids)
    return [decode(row) for row in np.array(written).T]


def describe(w: dict[str, np.ndarray], seed: int) -> dict[str, list[float]]:
    """Return the share of real words in texts written at several temperatures."""
    return {str(t): round(np.mean([real_words(s) for s in write(w, t, 20, 200, seed)]), 4) for t in (0.5, 1.0, 1.5)}


# --- Parts ----------------------------------------------------------------------------------------------------------


def trained(framework: str, cell: str, units: int, ids: np.ndarray, recipe: dict, seed: int) -> tuple[Any, Any]:
    """Return a network and the record of its training on pieces that begin with a state of zeros."""
    from gpulab.train import fit

    model = (torch_network if framework == "torch" else keras_network)(cell, units, seed)
    return model, fit(model, cut(ids, PIECE), seed=seed, verbose=False, device="cpu", **recipe)


def lab_part(framework: str) -> Iterator[Callable[[], dict[str, object]]]:
    """Yield the point of the labs for each seed."""
    for seed in SEEDS:

        def point(seed: int = seed) -> dict[str, object]:
            ids = encode(texts()["train"][:LAB_TEXT])
            model, history = trained(framework, "lstm", LAB_UNITS, ids, LAB, seed)
            w = lstm_weights(framework, model)
            return {
                "part": "lab", "framework": framework, "seed": seed, "seconds": round(history.seconds, 1),
                "valid": bits(probabilities(w, encode(texts()["valid"]))), "words": describe(w, seed),
            }  # fmt: skip

        yield point


def cell_part(framework: str) -> Iterator[Callable[[], dict[str, object]]]:
    """Yield the three cells on all of the training text for each seed, the seeds one after the other."""
    for seed in SEEDS:
        for cell in CELLS:

            def point(cell: str = cell, seed: int = seed) -> dict[str, object]:
                model, history = trained(framework, cell, UNITS, encode(texts()["train"]), CELL, seed)
                row = {
                    "part": "cell", "framework": framework, "cell": cell, "seed": seed,
                    "parameters": sum(p.numel() for p in model.parameters()), "seconds": round(history.seconds, 1),
                    **{name: read(model, encode(texts()[name])) for name in ("valid", "test")},
                }  # fmt: skip
                if cell == "lstm":
                    w = {name: array.astype(np.float16) for name, array in lstm_weights(framework, model).items()}
                    row |= with_counts({name: array.astype(float) for name, array in w.items()}, seed)
                    if seed == 0:
                        row["weights"] = {
                            name: [list(a.shape), base64.b64encode(a.tobytes()).decode()] for name, a in w.items()
                        }
                return row

            yield point


def read(model: Any, ids: np.ndarray, count: int = 64) -> float:
    """Return the bits per character of a text, read in lanes with the state carried along."""
    import torch

    x, y = (torch.from_numpy(a) for a in lanes(ids, count))
    with torch.no_grad():
        return float(torch.nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten()) / np.log(2))


def with_counts(w: dict[str, np.ndarray], seed: int) -> dict[str, object]:
    """Return what the LSTM and the 7-gram give together, and the words it writes."""
    train, test = (encode(texts()[name]) for name in ("train", "test"))
    of_network = probabilities(w, test)
    *_, (_, p, _) = ngram(train, test, 7, 10)
    p = p[1 : of_network.size + 1].reshape(of_network.shape)
    return {
        "rounded_test": bits(of_network), "counts_test": bits(p), "mean_test": bits((of_network + p) / 2),
        "words": describe(w, seed),
    }  # fmt: skip


def carry_part(framework: str) -> Iterator[Callable[[], dict[str, object]]]:
    """Yield a GRU trained on short and on longer pieces, with its state carried along or set to zero."""
    for length in CARRY_PIECES:
        for carried in (True, False):
            for seed in SEEDS:

                def point(length: int = length, carried: bool = carried, seed: int = seed) -> dict[str, object]:
                    import torch

                    model = torch_network("gru", CARRY_UNITS, seed)
                    ids = encode(texts()["train"][:CARRY_TEXT])
                    start = time.perf_counter()
                    train_in_lanes(model, ids, length=length, count=512 // length, carried=carried)
                    row = {"part": "carry", "framework": framework, "seed": seed, "piece": length, "carried": carried}
                    seconds = round(time.perf_counter() - start, 1)
                    valid = encode(texts()["valid"])
                    with torch.no_grad():
                        x, y = (torch.from_numpy(a) for a in cut(valid, length))
                        fresh = torch.nn.functional.cross_entropy(model(x).flatten(0, 1), y.flatten()) / np.log(2)
                    return {**row, "seconds": seconds, "valid": read(model, valid), "valid_fresh": float(fresh)}

                yield point


def train_in_lanes(model: Any, ids: np.ndarray, length: int, count: int, carried: bool) -> None:
    """Train two passes over the text in lanes: each step goes on where the one before it ended."""
    import torch

    x, y = (torch.from_numpy(a) for a in lanes(ids, count))
    steps = 2 * (x.shape[1] // length)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for number in range(steps):
        at = number % (steps // 2) * length
        state = model.state.detach() if carried and at else None
        logits = model(x[:, at : at + length], state)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y[:, at : at + length].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def memory_part(framework: str) -> Iterator[Callable[[], dict[str, object]]]:
    """Yield an LSTM that takes the same steps on little and on more text."""
    for seed in SEEDS:
        for amount in AMOUNTS:
            yield lambda amount=amount, seed=seed: memory_point(framework, amount, seed)


def memory_point(framework: str, amount: int, seed: int) -> dict[str, object]:
    """Train on so many characters; measure now and then, and keep what the last and the best network write."""
    import torch

    train, valid = texts()["train"][:amount], texts()["valid"]
    x, y = (torch.from_numpy(a) for a in cut(encode(train), PIECE))
    held, own = encode(valid[:20_000]), encode(train[:20_000])
    model = torch_network("lstm", UNITS, seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    rng = np.random.default_rng(seed)
    curve, best, kept = [], np.inf, {}
    for number in range(1, MEMORY_STEPS + 1):
        rows = torch.from_numpy(rng.integers(len(x), size=MEMORY_LANES))
        loss = torch.nn.functional.cross_entropy(model(x[rows]).flatten(0, 1), y[rows].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if number % MEMORY_EVERY == 0:
            now = read(model, held, 16)
            curve.append([number, round(read(model, own, 16), 4), round(now, 4)])
            if now < best:
                best, kept["best"] = now, (number, lstm_weights(framework, model))
    kept["last"] = (MEMORY_STEPS, lstm_weights(framework, model))
    row: dict[str, object] = {"part": "memory", "framework": framework, "seed": seed, "amount": amount, "curve": curve}
    for name, (number, w) in kept.items():
        samples = write({key: a.copy() for key, a in w.items()}, 0.7, 20, 200, seed)
        row[f"{name}_step"] = number
        row[f"{name}_runs"] = [longest_run(s, train) for s in samples]
        row[f"{name}_unseen_runs"] = [longest_run(s, texts()["valid"][:amount]) for s in samples]
    real = valid[-20 * 200 :]
    row["real_runs"] = [longest_run(real[i : i + 200], train) for i in range(0, len(real), 200)]
    return row


def rows_of(part: str, framework: str) -> Iterator[Callable[[], dict[str, object]]]:
    """Yield the points of a part, each as a function that computes its row."""
    if part == "counts":
        yield from (lambda row=row: row for row in counts_part())
    else:
        yield from {"lab": lab_part, "cell": cell_part, "memory": memory_part, "carry": carry_part}[part](framework)


def logged(log: Path, part: str, framework: str) -> list[dict[str, Any]]:
    """Return the rows of a part that are in the log."""
    rows = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [row for row in rows if (row["part"], row["framework"]) == (part, framework)]


def work(log: Path, part: str, framework: str) -> None:
    """Compute the points of a part that are not in the log yet, in their order."""
    done = len(logged(log, part, framework))
    for number, point in enumerate(rows_of(part, framework)):
        if number >= done:
            start = time.perf_counter()
            row = {**point(), "took": round(time.perf_counter() - start, 1)}
            with log.open("a") as file:
                file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, default=Path(tempfile.gettempdir()) / "characters.jsonl")
    parser.add_argument("only", nargs="*", help="a part and a framework; without them, all, and the results are stored")
    given = parser.parse_args()
    if given.only:
        work(given.log, *given.only)
    else:
        for names in PARTS:
            command = [sys.executable, "-m", "experiments.characters", "--log", str(given.log), *names]
            subprocess.run(command, check=True)
        every = [row for names in PARTS for row in logged(given.log, *names)]
        spent = sum(row.pop("took") for row in every)
        stamp.store("characters", every, SEEDS, ["numpy", "torch", "tensorflow", "keras"], spent)
        print(f"{len(every)} rows in {spent:.0f} s")
