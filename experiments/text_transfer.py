"""Few labels: does a review praise or blame? Plain counting, an LSTM, and MiniLM frozen, fine-tuned and with LoRA.

From 50 to 4,000 labeled sentences, three seeds, each with sentences of its own; 1,000 test sentences, the same for all.
"frozen" is a linear head on the sentence embeddings; "tuned" starts from that head and trains the six blocks;
"lora" trains adapters beside them. "tf-idf" counts words and pairs of words. The strength of the linear heads' penalty
was chosen on 400 validation sentences; the other settings are usual ones, set before. Each side runs in a process of
its own.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np

from experiments import rows, stamp
from gpulab import transfer
from gpulab.data import load
from gpulab.transfer.scores import linear_probe

SEEDS = (0, 1, 2)
SIZES = (50, 200, 1000, 4000)
POOL, TEST, LENGTH = 4000, 1000, 40
EPOCHS = {50: 10, 200: 6, 1000: 2}
LSTM_EPOCHS = {50: 40, 200: 20, 1000: 10, 4000: 4}
RECIPE: dict[str, Any] = {"batch_size": 16, "optimizer": "adamw", "schedule": "one_cycle", "clip": 1.0}
RATES = {"tuned": 1e-4, "lora": 1e-3}
L2 = 300.0  # penalty of the linear heads
Part = tuple[np.ndarray, np.ndarray]  # tokens, labels


def cases(side: str) -> list[rows.Case]:
    """Return the runs of a side: the cheap ones with every size, training the encoder with up to 1,000 sentences."""
    if side == "none":
        return [{"method": "tf-idf", "n": n, "seed": seed} for n in SIZES for seed in SEEDS]
    found = [{"method": "frozen", "n": n, "seed": seed} for n in SIZES for seed in SEEDS]
    if side == "keras":
        return found + [{"method": m, "n": n, "seed": 0} for m, n in (("tuned", 200), ("tuned", 50), ("lora", 200))]
    plan = [("tuned", 200), ("tuned", 1000), ("lora", 200), ("tuned", 50), *(("lstm", n) for n in SIZES)]
    return found + [{"method": m, "n": n, "seed": seed} for m, n in plan for seed in SEEDS]


def drawn(n: int, seed: int) -> np.ndarray:
    """Return which sentences of the pool are labeled: as many bad as good ones; more labels contain the fewer."""
    y = load("snippets").train.y[:POOL]
    rng = np.random.default_rng(seed)
    chosen = []
    for label in (0, 1):
        found = rng.permutation(np.flatnonzero(y == label))
        chosen.append(found[: n // 2])
    return np.concatenate(chosen) if n < POOL else np.arange(POOL)


@cache
def parts() -> tuple[Part, Part]:
    """Return the pool and the test sentences as tokens."""
    data, cut = load("snippets"), transfer.tokenizer("minilm")
    pool, test = data.train.x[:POOL], data.test.x[:TEST]
    return (cut(list(pool), LENGTH), data.train.y[:POOL]), (cut(list(test), LENGTH), data.test.y[:TEST])


@cache
def embedded(side: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the embeddings of the pool and of the test sentences, and the seconds that 1,000 sentences take."""
    folder = stamp.ROOT / "_build" / f"text_transfer_{side}"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "embeddings.npz"
    if not file.exists():
        encoder = transfer.load("minilm", side)
        (pool, _), (test, _) = parts()
        transfer.features(encoder, test[:64])
        start = time.perf_counter()
        found = transfer.features(encoder, test)
        seconds = time.perf_counter() - start
        np.savez(file, pool=transfer.features(encoder, pool), test=found, seconds=seconds)
    kept = np.load(file)
    return kept["pool"], kept["test"], float(kept["seconds"])


def measure(side: str, method: str, n: int, seed: int) -> rows.Row:
    """Train by a method on n sentences; return the accuracy on the test sentences and the seconds of the training."""
    chosen = drawn(n, seed)
    if method == "tf-idf":
        return counted(chosen)
    if method == "frozen":
        pool, test, seconds = embedded(side)
        (_, y), (_, test_y) = parts()
        start = time.perf_counter()
        probe = linear_probe(pool[chosen], y[chosen], test, test_y, l2=L2)
        took = time.perf_counter() - start + seconds * n / TEST
        return {"test": probe.accuracy, "train_s": round(took, 2), "predict_s": round(seconds, 2), "loss": None}
    return trained(side, method, chosen, seed)


def counted(chosen: np.ndarray) -> rows.Row:
    """Count words and pairs of words, weigh them, and fit a linear model: no pretraining, no network."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    data = load("snippets")
    counter = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = make_pipeline(counter, LogisticRegression(C=10, max_iter=1000))
    start = time.perf_counter()
    model.fit(data.train.x[chosen], data.train.y[chosen])
    fitted = time.perf_counter()
    test = float(model.score(data.test.x[:TEST], data.test.y[:TEST]))
    seconds = {"train_s": round(fitted - start, 3), "predict_s": round(time.perf_counter() - fitted, 3)}
    return {"test": test, **seconds, "loss": None}


def trained(side: str, method: str, chosen: np.ndarray, seed: int) -> rows.Row:
    """Train a network with fit."""
    from gpulab.train import evaluate, fit

    (tokens, y), test = parts()
    n = len(chosen)
    seeded(side, seed)
    if method == "lstm":
        model = lstm(side)
        recipe = {**RECIPE, "epochs": LSTM_EPOCHS[n], "lr": 3e-3}
    else:
        model = transfer.load("minilm", side, classes=2)
        pool, test_embedded, _ = embedded(side)
        probe = linear_probe(pool[chosen], y[chosen], test_embedded, test[1], l2=L2)
        transfer.set_head(model, probe.weight, probe.bias)
        model = transfer.freeze(model, "embeddings") if method == "tuned" else transfer.lora(model, rank=8)
        recipe = {**RECIPE, "epochs": EPOCHS[n], "lr": RATES[method]}
    start = time.perf_counter()
    history = fit(model, (tokens[chosen], y[chosen]), seed=seed, verbose=False, **recipe)
    fitted = time.perf_counter()
    found = evaluate(model, test)["accuracy"]
    seconds = {"train_s": round(fitted - start, 1), "predict_s": round(time.perf_counter() - fitted, 1)}
    return {"test": found, **seconds, "loss": round(history["loss"][-1], 4)}


def seeded(side: str, seed: int) -> None:
    """Seed the framework."""
    if side == "torch":
        import torch

        torch.manual_seed(seed)
    else:
        import keras

        keras.utils.set_random_seed(seed)


def lstm(side: str) -> Any:
    """Return an LSTM that reads the same tokens and knows nothing: 64 numbers for a token, 64 units, the maximum."""
    if side == "torch":
        import torch
        from torch import nn

        class Reader(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.words = nn.Embedding(30522, 64, padding_idx=0)
                self.rnn = nn.LSTM(64, 64, batch_first=True)
                self.drop, self.head = nn.Dropout(0.4), nn.Linear(64, 2)

            def forward(self, tokens: torch.Tensor) -> torch.Tensor:
                states, _ = self.rnn(self.drop(self.words(tokens)))
                states = states.masked_fill((tokens == 0)[:, :, None], -2)
                return self.head(self.drop(states.amax(dim=1)))

        return Reader()
    import keras
    from keras import layers, ops

    tokens = keras.Input((None,), dtype="int32")
    x = layers.Dropout(0.4)(layers.Embedding(30522, 64)(tokens))
    states = layers.LSTM(64, return_sequences=True)(x)
    states = ops.where(ops.expand_dims(ops.equal(tokens, 0), 2), -2.0, states)
    return keras.Model(tokens, layers.Dense(2)(layers.Dropout(0.4)(ops.max(states, axis=1))))


if __name__ == "__main__":
    packages = ("numpy", "scikit-learn", "tokenizers", "transformers", "torch", "peft", "tensorflow", "keras")
    rows.main("text_transfer", cases, measure, packages=packages, sides=("none", "torch", "keras"))
