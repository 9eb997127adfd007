"""Heads on a frozen MobileNetV2: flatten or pool, hidden layers, the scale of the features, augmented copies.

Run from the root::

    .venv/bin/python -m experiments.frozen_heads

Target: emoji at 96 pixels, some images of each of the 10 classes, drawn anew for each seed; measured on the 224 test
images. The base is used once for each image, and the heads are trained on what it returns. A part of the rows compares
bases: on photographs at 96 pixels.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from gpulab import transfer
from gpulab.data import load
from gpulab.train import evaluate, fit

from experiments import rows

SEEDS = (0, 1, 2)
EACH = 20  # images of each class
HEADS = {"flatten, 128": (True, (128,)), "flatten": (True, ()), "pool, 128": (False, (128,)), "pool": (False, ())}
L2 = (0.01, 1.0, 10.0, 100.0, 1000.0, 10000.0)
COPIES = (1, 2, 4, 8)
STARTS = {"zero": 0.0, "PyTorch's": 1 / 1280**0.5, "Keras's": (6 / 1290) ** 0.5}  # of the weights: uniform, up to this
FEW = 5  # images of each class where copies are tried
BASES = ("mobilenet-v2", "vgg16-edges", "vgg16-random")


def cases(side: str) -> list[rows.Case]:
    """Return the runs of one framework."""
    found = [{"part": "head", "kind": head, "seed": seed} for head in HEADS for seed in SEEDS]
    if side == "torch":
        found += [
            {"part": "scale", "kind": kind, "l2": l2, "seed": seed}
            for kind in ("raw", "standardized")
            for l2 in L2
            for seed in SEEDS
        ]
        found += [{"part": "copies", "kind": str(copies), "seed": seed} for copies in COPIES for seed in SEEDS]
        found += [{"part": "start", "kind": kind, "seed": seed} for kind in STARTS for seed in SEEDS]
        found += [{"part": "base", "kind": base, "seed": seed} for base in BASES for seed in SEEDS]
    return found


def measure(side: str, part: str, kind: str, seed: int, l2: float = 0.0) -> rows.Row:
    """Return what one run found."""
    if part == "base":
        return base_row(side, kind, seed)
    emoji = load("emoji")
    x, y, other = maps(side, "train"), emoji.train.y, maps(side, "test")
    some = chosen(y, FEW if part == "copies" else EACH, seed)
    if part == "head":
        flat, hidden = HEADS[kind]
        turn = (lambda a: a.reshape(len(a), -1)) if flat else (lambda a: a.mean(axis=(1, 2)))
        return head_row(side, turn(x[some]), y[some], turn(other), emoji.test.y, hidden, seed)
    x, other = x.mean(axis=(1, 2)), other.mean(axis=(1, 2))
    if part == "scale":
        return scale_row(x[some], y[some], other, emoji.test.y, kind == "standardized", l2)
    if part == "start":
        return head_row(side, x[some], y[some], other, emoji.test.y, (), seed, start=STARTS[kind])
    copies = int(kind)
    pictures = emoji.train.x[some]
    rng = np.random.default_rng(seed)
    several = [x[some], *(features(side, changed(pictures, rng)) for _ in range(copies - 1))]
    return head_row(
        side, np.concatenate(several), np.tile(y[some], copies), other, emoji.test.y, (), seed, epochs=160 // copies
    )


def head_row(
    side: str,
    x: Any,
    y: Any,
    other: Any,
    other_y: Any,
    hidden: tuple[int, ...],
    seed: int,
    epochs: int = 40,
    start: float | None = None,
) -> rows.Row:
    """Train a head on vectors (n, d), and measure it on others."""
    head = head_of(side, x.shape[1], hidden, seed)
    if start is not None:
        import torch

        torch.nn.init.uniform_(head[0].weight, -start, start)
    history = fit(head, (x, y), epochs=epochs, batch_size=32, lr=1e-3, verbose=False, seed=seed)
    return {
        "parameters": sum(int(np.prod(p.shape)) for p in weights_of(side, head)),
        "loss": history["loss"][-1],
        "train": evaluate(head, (x, y))["accuracy"],
        "test": evaluate(head, (other, other_y))["accuracy"],
    }


def head_of(side: str, d: int, hidden: tuple[int, ...], seed: int) -> Any:
    """Return dense layers: d numbers in, 10 logits out."""
    sizes = (d, *hidden, 10)
    if side == "torch":
        import torch
        from torch import nn

        torch.manual_seed(seed)
        layers: list[Any] = []
        for a, b in zip(sizes[:-1], sizes[1:], strict=True):
            layers += [nn.Linear(a, b), nn.ReLU()]
        return nn.Sequential(*layers[:-1])
    import keras

    keras.utils.set_random_seed(seed)
    inside = [keras.layers.Dense(size, activation="relu") for size in hidden]
    return keras.Sequential([keras.Input((d,)), *inside, keras.layers.Dense(10)])


def weights_of(side: str, head: Any) -> list[Any]:
    """Return the weights of a head."""
    return list(head.parameters()) if side == "torch" else head.trainable_variables


def scale_row(x: Any, y: Any, other: Any, other_y: Any, standardized: bool, l2: float) -> rows.Row:
    """Fit a logistic regression with a penalty of l2 / 2 for the squared weights."""
    from sklearn.linear_model import LogisticRegression

    if standardized:
        mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-8
        x, other = (x - mean) / spread, (other - mean) / spread
    model = LogisticRegression(C=1 / l2, max_iter=5000).fit(x, y)
    shares = {"train": float(model.score(x, y)), "test": float(model.score(other, other_y))}
    return {**shares, "steps": int(model.n_iter_[0])}


def base_row(side: str, kind: str, seed: int) -> rows.Row:
    """Measure a linear probe on a base's features of photographs."""
    photos = load("photos")
    some = chosen(photos.train.y, 14, seed)
    x, other = base_features(side, kind)
    probe = transfer.scores.linear_probe(x[some], photos.train.y[some], other, photos.test.y)
    return {"train": probe.train_accuracy, "test": probe.accuracy}


@cache
def base_features(side: str, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the features of all training and test photographs at 96 pixels."""
    import torch

    torch.manual_seed(0)
    name = kind.replace("random", "edges")
    base = transfer.load(name, side, source=None if kind == "vgg16-random" else "package")
    photos = load("photos")
    return tuple(transfer.features(base, part.x[:, 16:112, 16:112], batch_size=32) for part in (photos.train, photos.test))


@cache
def base(side: str) -> Any:
    """Return the frozen base."""
    return transfer.load("mobilenet-v2", side)


def features(side: str, x: np.ndarray) -> np.ndarray:
    """Return pooled features (n, 1280)."""
    return transfer.features(base(side), x)


@cache
def maps(side: str, part: str) -> np.ndarray:
    """Return the maps (n, 3, 3, 1280) of a part of the emoji."""
    x = getattr(load("emoji"), part).x
    if side == "torch":
        import torch

        network = base(side).eval()
        stages = [network.stages[name] for name in transfer.stages(network) if name != "pool"]
        found = []
        with torch.no_grad():
            for i in range(0, len(x), 64):
                y = torch.from_numpy(np.ascontiguousarray(x[i : i + 64].transpose(0, 3, 1, 2)))
                for stage in stages:
                    y = stage(y)
                found.append(y.numpy().transpose(0, 2, 3, 1))
        return np.concatenate(found)
    import keras

    network = base(side)
    last = [layer for layer in network.layers if layer.name.startswith("top")][-1]
    return keras.Model(network.input, last.output).predict(x, batch_size=64, verbose=0)


def changed(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a copy of images with white edges: mirrored or not, moved by up to 8 pixels, a little brighter or darker."""
    out = np.empty_like(x)
    for i, image in enumerate(x):
        image = image[:, ::-1] if rng.random() < 0.5 else image
        dy, dx = rng.integers(0, 17, 2)
        out[i] = np.pad(image, ((8, 8), (8, 8), (0, 0)), mode="edge")[dy : dy + 96, dx : dx + 96]
        out[i] = np.clip(out[i] * rng.uniform(0.8, 1.2), 0, 1)
    return out


def chosen(y: np.ndarray, each: int, seed: int) -> np.ndarray:
    """Return the places of so many images of each class (all, where there are fewer)."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(np.flatnonzero(y == k))[:each] for k in range(int(y.max()) + 1)])


if __name__ == "__main__":
    rows.main("frozen_heads", cases, measure, packages=("numpy", "torch", "tensorflow", "keras", "scikit-learn"))
