"""Which pretrained model for a target? Scores before training, and the accuracy after it, for ten candidates.

Two targets: all cut-out photographs, and 30 emoji of each group, at 64 pixels. A seed divides the images of each class
into 60 % for training and the rest for the test. Scores see the training part only. ``probe`` is logistic regression
and ``head`` a linear layer that ``fit`` trains, both on frozen features; ``tune`` trains the whole network for a short
time. ``cka`` compares layers on the photographs; ``trap`` is the network that learned emoji, judged on emoji that it
has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from experiments import rows

SIZE, SEEDS = 64, (0, 1, 2)
LAYERS = {"mobilenet-v2 block3": "block3", "mobilenet-v2 block13": "block13", "mobilenet-v2": "pool"}
OTHERS = ("efficientnet-lite0", "vgg16-edges", "mobilenet-v2 random", "own digits", "own emoji", "own random", "pixels")
CANDIDATES = (*LAYERS, *OTHERS)
TUNED = ("mobilenet-v2", "efficientnet-lite0", "own digits", "own emoji", "own random")
COMPARED: dict[str, Sequence[str]] = {
    "mobilenet-v2": ("stem", "block1", "block3", "block5", "block7", "block10", "block13", "block16", "top"),
    "efficientnet-lite0": ("stem", "block1", "block3", "block5", "block8", "block11", "block15", "top"),
    "vgg16-edges": ("block5",),
}


def cases(side: str) -> list[rows.Case]:
    """Return what is run: in Keras the photographs only, since it says the same."""
    targets = ("photos", "emoji") if side == "torch" else ("photos",)
    found: list[rows.Case] = [
        {"kind": "scores", "target": target, "candidate": name, "seed": seed}
        for target in targets
        for name in CANDIDATES
        if (target, name) != ("emoji", "own emoji")
        for seed in SEEDS
    ]
    if side == "torch":
        found += [{"kind": "trap", "candidate": name} for name in ("mobilenet-v2", "own digits", "own emoji")]
        found += [{"kind": "cka"}]
        found += [
            {"kind": "tune", "target": "photos", "candidate": name, "seed": seed} for name in TUNED for seed in SEEDS
        ]
    return found


def measure(side: str, kind: str, **case: Any) -> rows.Row:
    """Run one case."""
    return {"scores": scores_of, "trap": trap, "cka": similarities, "tune": tune}[kind](side, **case)


@cache
def images(target: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images (n, 64, 64, 3) and the classes of a target."""
    from gpulab.data import load
    from gpulab.transfer.own import resized

    data = load(target)
    x, y = (np.concatenate([getattr(part, a) for part in (data.train, data.valid, data.test)]) for a in "xy")
    if target == "emoji":
        kept = np.sort(np.concatenate([np.flatnonzero(y == k)[:30] for k in range(10)]))
        x, y = x[kept], y[kept]
    return resized(x, SIZE), y


def halves(y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which images are for training, and which for the test: of each class 60 % and 40 %."""
    rng, train = np.random.default_rng(seed), []
    for k in range(y.max() + 1):
        members = rng.permutation(np.flatnonzero(y == k))
        train.append(members[: round(0.6 * len(members))])
    chosen = np.sort(np.concatenate(train))
    return chosen, np.setdiff1d(np.arange(len(y)), chosen)


@cache
def network(side: str, name: str) -> Any:
    """Return the network of a candidate; random ones always the same."""
    from gpulab import transfer
    from gpulab.transfer.own import own

    seeded(side, 0)
    if name.startswith("own"):
        source = name.removeprefix("own ")
        model = own(None if source == "random" else source, side)
        return model.eval() if side == "torch" else model
    base = name.partition(" ")[0]
    return transfer.load(base, side, source=None if name.endswith("random") else "package")


def seeded(side: str, seed: int) -> None:
    """Seed the framework."""
    if side == "torch":
        import torch

        torch.manual_seed(seed)
    else:
        import keras

        keras.utils.set_random_seed(seed)


@cache
def features(side: str, name: str, target: str) -> np.ndarray:
    """Return what a candidate makes of a target's images, (n, d)."""
    x, _ = images(target)
    return features_of(side, name, x)


def features_of(side: str, name: str, x: np.ndarray) -> np.ndarray:
    """Return what a candidate makes of images (n, 64, 64, 3)."""
    from gpulab import transfer
    from gpulab.train import predict
    from gpulab.transfer.own import as_digits, resized

    if name == "pixels":
        return resized(x, 8).reshape(len(x), -1)
    if not name.startswith("own"):
        base = name if name.endswith("random") else name.partition(" ")[0]
        return transfer.features(network(side, base), x, at=LAYERS.get(name, "pool"))
    model = network(side, name)
    if side == "torch":
        from torch import nn

        return predict(nn.Sequential(*list(model.children())[:-1]), as_digits(x))
    import keras

    return predict(keras.Model(model.input, model.get_layer("average").output), as_digits(x))


@cache
def answers(side: str, name: str, target: str) -> np.ndarray | None:
    """Return the probabilities of the source's classes, if the candidate has any."""
    from gpulab.train import predict
    from gpulab.transfer.own import as_digits

    if name in ("pixels", "vgg16-edges") or LAYERS.get(name, "pool") != "pool":
        return None
    x, _ = images(target)
    logits = predict(network(side, name), as_digits(x) if name.startswith("own") else x).astype(np.float64)
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def scores_of(side: str, target: str, candidate: str, seed: int) -> rows.Row:
    """Return the scores of a candidate on a training part, and what a head on it achieves on the rest."""
    from gpulab.transfer import scores

    _, y = images(target)
    train, test = halves(y, seed)
    x = features(side, candidate, target)
    probabilities = answers(side, candidate, target)
    probe = scores.linear_probe(x[train], y[train], x[test], y[test])
    return {
        **before_training(x[train], y[train], seed),
        "leep": None if probabilities is None else round(scores.leep(probabilities[train], y[train]), 4),
        "probe": round(probe.accuracy, 4),
        "head": round(head(side, x[train], y[train], x[test], y[test], seed), 4),
    }


def before_training(x: np.ndarray, y: np.ndarray, seed: int) -> rows.Row:
    """Return the scores that need features and labels only."""
    from sklearn.model_selection import StratifiedKFold

    from gpulab.transfer import scores

    folds = StratifiedKFold(3, shuffle=True, random_state=seed).split(x, y)
    cross = [scores.linear_probe(x[a], y[a], x[b], y[b]).accuracy for a, b in folds]
    return {
        "features": x.shape[1],
        "logme": round(scores.logme(x, y), 4),
        "h_score": round(scores.h_score(x, y), 4),
        "h_shrunk": round(scores.h_score(x, y, shrink=True), 4),
        "knn": round(scores.knn(x, y), 4),
        "cross": round(float(np.mean(cross)), 4),
    }


def head(side: str, x: np.ndarray, y: np.ndarray, other: np.ndarray, other_y: np.ndarray, seed: int) -> float:
    """Return the accuracy of a linear layer that ``fit`` trains on features with mean 0 and spread 1."""
    from gpulab.train import evaluate, fit
    from gpulab.transfer.scores import spread_of

    mean, spread = x.mean(axis=0), spread_of(x)
    x, other = (((a - mean) / spread).astype(np.float32) for a in (x, other))
    seeded(side, seed)
    classes = int(y.max()) + 1
    if side == "torch":
        from torch import nn

        model: Any = nn.Linear(x.shape[1], classes)
    else:
        import keras

        model = keras.Sequential([keras.Input((x.shape[1],)), keras.layers.Dense(classes)])
    recipe = {"batch_size": 32, "optimizer": "adamw", "lr": 3e-3, "weight_decay": 0.1, "verbose": False}
    fit(model, (x, y), epochs=40, seed=seed, **recipe)
    return evaluate(model, (other, other_y))["accuracy"]


def trap(side: str, candidate: str) -> rows.Row:
    """Judge a candidate on the emoji that the network "own emoji" was trained on, and on emoji that it never saw."""
    from gpulab.data import load
    from gpulab.transfer import scores
    from gpulab.transfer.own import resized

    data = load("emoji")
    unseen_x, unseen_y = (np.concatenate([getattr(part, a) for part in (data.valid, data.test)]) for a in "xy")
    seen, unseen = (features_of(side, candidate, resized(x, SIZE)) for x in (data.train.x, unseen_x))
    found = {}
    for name, x, y in (("seen", seen, data.train.y), ("unseen", unseen, unseen_y)):
        found[name] = before_training(x, y, 0)
    probe = scores.linear_probe(seen, data.train.y, unseen, unseen_y)
    return {**found, "probe": round(probe.accuracy, 4)}


def similarities(side: str) -> rows.Row:
    """Return the linear CKA of each two layers on the photographs; a map is averaged over all its places."""
    from gpulab import transfer

    x, _ = images("photos")
    found = {
        f"{name} {stage}": transfer.features(network(side, name), x, at=stage)
        for name, stages in COMPARED.items()
        for stage in stages
    }
    found |= {name: features(side, name, "photos") for name in CANDIDATES if name.startswith(("own", "pixels"))}
    found["mobilenet-v2 random"] = features(side, "mobilenet-v2 random", "photos")
    layers = list(found.values())
    plain, debiased = (
        [[round(transfer.cka(a, b, debiased=way), 3) for b in layers] for a in layers] for way in (False, True)
    )
    return {"layers": list(found), "plain": plain, "debiased": debiased}


def tune(side: str, target: str, candidate: str, seed: int) -> rows.Row:
    """Train a whole network on a target for a short time, from the candidate's weights; torch only."""
    import torch
    from torch import nn

    from gpulab import transfer
    from gpulab.train import evaluate, fit, shift
    from gpulab.transfer.own import as_digits, own
    from gpulab.transfer.scores import linear_probe

    x, y = images(target)
    train, test = halves(y, seed)
    classes = int(y.max()) + 1
    torch.manual_seed(seed)
    recipe: dict[str, Any] = {"schedule": "one_cycle", "optimizer": "adamw", "seed": seed, "verbose": False}
    if candidate.startswith("own"):
        source = candidate.removeprefix("own ")
        model = own(None if source == "random" else source, side)
        model.dense = nn.Linear(64, classes)
        x = as_digits(x)
        recipe |= {"epochs": 20, "lr": 3e-3, "batch_size": 32, "augment": shift(2)}
    else:
        model = transfer.load(candidate, side, classes=classes)
        made = features(side, candidate, target)
        probe = linear_probe(made[train], y[train], made[test], y[test])
        transfer.set_head(model, probe.weight, probe.bias)  # the head first, then everything
        transfer.unfreeze(transfer.freeze(model), since="stem")  # BatchNorm stays frozen
        recipe |= {"epochs": 6, "lr": 3e-4, "batch_size": 16, "augment": shift(4)}
    fit(model, (x[train], y[train]), **recipe)
    return {"tuned": round(evaluate(model, (x[test], y[test]))["accuracy"], 4)}


if __name__ == "__main__":
    rows.main("choose_model", cases, measure, packages=("numpy", "scikit-learn", "torch", "tensorflow", "keras"))
