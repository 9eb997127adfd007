"""Where transfer fails, and what helps: each failure made to happen with small networks, over several seeds.

``forget``: a network learns the digits 0-4, then 5-9; how much of 0-4 is left, with and without remedies? ``source``:
emoji in gray at 28 pixels, from scratch and from networks that learned digits, or digits with shuffled labels.
``domain``: a network of digits reads other images; statistics of BatchNorm from small batches. ``leak``: the source
contained the target's test images. ``head``: small and large heads on five photographs a class. ``speech``: sounds as
images. Run it again, and it goes on where it stopped.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from experiments import rows
from experiments.four_cases import few, pooled, seeded

SEEDS = (0, 1, 2)
OLD, NEW = range(5), range(5, 10)
FIRST = {"epochs": 6, "lr": 3e-3, "schedule": "one_cycle"}  # a network that starts from nothing
SECOND = {"epochs": 4, "lr": 1e-3}  # and one that goes on with other classes
REMEDIES = (
    [("none", 0.0)]
    + [("rehearse", kept) for kept in (1, 5, 20, 100)]
    + [("toward start", strength) for strength in (0.003, 0.01, 0.03, 0.1)]
    + [("elastic", strength) for strength in (10.0, 100.0, 1000.0)]
)
IN_KERAS = (("none", 0.0), ("rehearse", 5), ("toward start", 0.03), ("elastic", 100.0))  # enough to compare
DOMAINS = ("as they are", "inverted", "half as bright", "on gray", "turned by 90 degrees")


def cases(side: str) -> list[dict[str, Any]]:
    """Return the runs of one framework; what needs no training twice is run in PyTorch only."""
    found, remedies = [], REMEDIES if side == "torch" else IN_KERAS
    for seed in SEEDS:
        found += [{"kind": "forget", "remedy": name, "strength": s, "seed": seed} for name, s in remedies]
        found += [{"kind": "source", "source": source, "seed": seed} for source in ("nothing", "digits", "shuffled")]
        if side == "torch":
            found += [{"kind": "domain", "seed": seed}]
            found += [{"kind": "leak", "source": source, "seed": seed} for source in ("clean", "leaky")]
            found += [{"kind": "head", "hidden": hidden, "seed": seed} for hidden in ([], [1024], [1024, 1024])]
            found += [{"kind": "speech", "seed": seed}]
    return found


def measure(side: str, kind: str, **case: Any) -> dict[str, Any]:
    """Run one case."""
    runs = {"forget": forget, "source": source_task, "domain": domain, "leak": leak, "head": head, "speech": speech}
    return runs[kind](side, **case)


# --- Forgetting -------------------------------------------------------------------------------------------------------


@cache
def digits(part: str, classes: tuple[int, ...] = tuple(range(10))) -> tuple[np.ndarray, np.ndarray]:
    """Return the digits of some classes."""
    from gpulab.data import load

    split = getattr(load("digits"), part)
    kept = np.isin(split.y, classes)
    return split.x[kept], split.y[kept]


def forget(side: str, remedy: str, strength: float, seed: int) -> dict[str, Any]:
    """Learn 0-4, then 5-9 with a remedy; return the test accuracy of both halves, among ten classes and among five."""
    from gpulab.train import fit
    from gpulab.transfer.remedies import ElasticWeights, TowardStart, fisher

    old, new = digits("train", tuple(OLD)), digits("train", tuple(NEW))
    model = network(side, seed, norm=False)
    fit(model, old, seed=seed, verbose=False, **FIRST)
    before = accuracies(model)
    callbacks = []
    if remedy == "rehearse":
        new = with_some_old(new, old, int(strength), seed)
    elif remedy == "toward start":
        callbacks = [TowardStart(strength, skip=())]
    elif remedy == "elastic":
        some = np.random.default_rng(seed).permutation(len(old[0]))[:200]  # the digits are sorted by class
        callbacks = [ElasticWeights(fisher(model, old[0][some], seed=seed), strength, skip=())]
    fit(model, new, callbacks=callbacks, seed=seed, verbose=False, **SECOND)
    return {"before": before, "after": accuracies(model)}


def network(side: str, seed: int, *, norm: bool) -> Any:
    """Return a small plain network with fresh weights: (28, 28, 1) in, 10 logits out."""
    from gpulab.models import small

    seeded(side, seed)
    return small("vgg", side, blocks=1, width=16, norm=norm)


def with_some_old(new: Any, old: Any, kept: int, seed: int) -> Any:
    """Return the new samples, and a few old ones of each class, repeated until they are half as many."""
    rng = np.random.default_rng(seed)
    chosen = np.concatenate([rng.permutation(np.flatnonzero(old[1] == k))[:kept] for k in OLD])
    chosen = np.resize(chosen, len(new[1]) // 2)
    return tuple(np.concatenate([a, b[chosen]]) for a, b in zip(new, old, strict=True))


def accuracies(model: Any) -> dict[str, float]:
    """Return the shares of right answers among all ten classes, and among the five of the half."""
    from gpulab.train import predict

    found = {}
    for name, classes in (("old", OLD), ("new", NEW)):
        x, y = digits("test", tuple(classes))
        logits = predict(model, x)
        found[name] = float((logits.argmax(axis=1) == y).mean())
        found[f"{name}, half known"] = float((logits[:, list(classes)].argmax(axis=1) + classes[0] == y).mean())
    return found


# --- A source that misleads -------------------------------------------------------------------------------------------


@cache
def emoji(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the emoji as the digits are: gray, 28 x 28, the background black."""
    from gpulab.data import load

    split = getattr(load("emoji"), part)
    gray = 1 - split.x[:, 6:90, 6:90].mean(axis=3)
    return gray.reshape(-1, 28, 3, 28, 3).mean(axis=(2, 4))[..., None].astype(np.float32), split.y


def source_task(side: str, source: str, seed: int) -> dict[str, Any]:
    """Learn a source task, then the emoji: a linear head on the frozen network, and all of it fine-tuned."""
    from gpulab.train import evaluate, fit, predict
    from gpulab.transfer.scores import linear_probe

    model = network(side, seed, norm=True)
    x, y = digits("train")
    if source == "digits":
        fit(model, (x, y), seed=seed, verbose=False, **FIRST)
    elif source == "shuffled":
        chosen = np.random.default_rng(seed).permutation(len(y))
        wrong = y[chosen[:1000]], x[chosen[-1000:]]  # labels of other images
        fit(model, wrong[::-1], seed=seed, verbose=False, **FIRST | {"epochs": 40})
    body = without_head(side, model)
    (tx, ty), (ex, ey) = emoji("train"), emoji("test")
    frozen = linear_probe(predict(body, tx), ty, predict(body, ex), ey).accuracy
    seeded(side, seed + 100)
    fresh_head(side, model)
    history = fit(model, (tx, ty), epochs=20, batch_size=32, lr=2e-3, schedule="one_cycle", seed=seed, verbose=False)
    return {"frozen": frozen, "tuned": evaluate(model, (ex, ey))["accuracy"], "train": history["accuracy"][-1]}


def without_head(side: str, model: Any) -> Any:
    """Return the network up to its 64 features."""
    if side == "torch":
        from torch import nn

        return nn.Sequential(*list(model.children())[:-1])
    import keras

    return keras.Model(model.input, model.get_layer("average").output)


def fresh_head(side: str, model: Any) -> None:
    """Give the last layer new random weights."""
    if side == "torch":
        from torch import nn

        nn.init.normal_(model.dense.weight, std=model.dense.in_features**-0.5)
        nn.init.zeros_(model.dense.bias)
    else:
        layer = model.get_layer("dense")
        layer.kernel.assign(np.random.default_rng(0).normal(0, layer.kernel.shape[0] ** -0.5, layer.kernel.shape))
        layer.bias.assign(np.zeros(layer.bias.shape))


# --- Other images, and the statistics of BatchNorm --------------------------------------------------------------------


def changed(x: np.ndarray, how: str) -> np.ndarray:
    """Return digits as another domain has them."""
    change = {
        "as they are": lambda x: x,
        "inverted": lambda x: 1 - x,
        "half as bright": lambda x: 0.5 * x,
        "on gray": lambda x: 0.3 + 0.7 * x,
        "turned by 90 degrees": lambda x: np.rot90(x, axes=(1, 2)),
    }[how]
    return np.ascontiguousarray(change(x), dtype=np.float32)


def domain(side: str, seed: int) -> dict[str, Any]:
    """Train on digits; return the accuracy in other domains, and with the statistics of batches."""
    import copy

    from gpulab.train import evaluate, fit

    x, y = digits("test")
    model = network(side, seed, norm=True)
    fit(model, digits("train"), seed=seed, verbose=False, **FIRST)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(y))
    by_class = np.argsort(y, kind="stable")
    train_x, train_y = digits("train")
    labeled = np.concatenate([rng.permutation(np.flatnonzero(train_y == k))[:20] for k in range(10)])
    found: dict[str, Any] = {"stored": {}, "own": {}, "tuned": {}, "ruined": {}}
    for how in DOMAINS:
        z = changed(x, how)
        found["stored"][how] = evaluate(model, (z, y))["accuracy"]
        found["own"][how] = by_batches(model, z[order], y[order], 100)
        tuned = copy.deepcopy(model)
        few_changed = changed(train_x[labeled], how)
        fit(tuned, (few_changed, train_y[labeled]), epochs=10, batch_size=32, lr=1e-3, seed=seed, verbose=False)
        found["tuned"][how] = evaluate(tuned, (z, y))["accuracy"]
    found["batches"] = {str(n): by_batches(model, x[order], y[order], n) for n in (1, 2, 4, 8, 16, 32, 100)}
    found["sorted"] = {str(n): by_batches(model, x[by_class], y[by_class], n) for n in (2, 4, 8, 16, 32, 100)}
    for n in (2, 4, 8, 16, 64):  # the weights stay, the stored statistics do not
        ruined = copy.deepcopy(model)
        one = (train_x[labeled], train_y[labeled])
        fit(ruined, one, epochs=2, batch_size=n, optimizer="sgd", lr=1e-12, seed=seed, verbose=False)
        found["ruined"][str(n)] = evaluate(ruined, (x, y))["accuracy"]
    return found


def by_batches(model: Any, x: np.ndarray, y: np.ndarray, size: int) -> float:
    """Return the accuracy where BatchNorm uses the statistics of the batch that it sees."""
    import copy

    import torch

    model = copy.deepcopy(model).train()
    right = 0
    with torch.no_grad():
        for start in range(0, len(x), size):
            batch = torch.from_numpy(x[start : start + size]).permute(0, 3, 1, 2)
            right += int((model(batch).argmax(dim=1).numpy() == y[start : start + size]).sum())
    return right / len(x)


# --- Test images in the source ----------------------------------------------------------------------------------------


def leak(side: str, source: str, seed: int) -> dict[str, Any]:
    """Learn 600 digits, then "odd or even" from 100 others; return the accuracy on two halves of the test images.

    The leaky source has the first half of the test images among its 600.
    """
    from gpulab.train import fit, predict
    from gpulab.transfer.scores import linear_probe

    (x, y), (test_x, test_y) = digits("train"), digits("test")
    rng = np.random.default_rng(seed)
    train, test = rng.permutation(len(y)), rng.permutation(len(test_y))
    seen, unseen, labeled = test[:300], test[300:600], train[1000:1100]
    own = train[:300] if source == "leaky" else train[:600]
    parts = (x[own], test_x[seen]), (y[own], test_y[seen])
    data = tuple(map(np.concatenate, parts)) if source == "leaky" else (x[own], y[own])
    model = network(side, seed, norm=True)
    fit(model, data, seed=seed, verbose=False, **FIRST | {"epochs": 30})
    body = without_head(side, model)
    known = predict(body, x[labeled]), y[labeled] % 2
    return {
        name: linear_probe(*known, predict(body, test_x[part]), test_y[part] % 2).accuracy
        for name, part in (("seen", seen), ("unseen", unseen))
    }


# --- Large heads, and sounds as images --------------------------------------------------------------------------------


def head(side: str, hidden: list[int], seed: int) -> dict[str, Any]:
    """Train a head on frozen features of five photographs a class; return accuracy and loss on both sides."""
    from gpulab.data import load
    from gpulab.models import parameter_count
    from gpulab.train import evaluate, fit
    from torch import nn

    chosen = few("photos", "small", seed)
    data = load("photos")
    train = pooled("photos", "train")["pool"][chosen], data.train.y[chosen]
    test = pooled("photos", "test")["pool"], data.test.y
    seeded(side, seed)
    layers: list[Any] = []
    width = 1280
    for units in hidden:
        layers += [nn.Linear(width, units), nn.ReLU()]
        width = units
    model = nn.Sequential(*layers, nn.Linear(width, 8))
    fit(model, train, epochs=100, batch_size=16, lr=1e-3, seed=seed, verbose=False)
    found = {"parameters": parameter_count(model), "train": evaluate(model, train)["accuracy"]}
    return found | {"test": evaluate(model, test)["accuracy"], "test_loss": evaluate(model, test)["loss"]}


def speech(side: str, seed: int) -> dict[str, Any]:
    """Show recordings of vowels to MobileNetV2 as images; return the accuracy of linear heads for the nine speakers."""
    from gpulab import transfer
    from gpulab.data import lengths, load

    data = load("vowels")
    (x, y), (test_x, test_y) = data.train, data.test
    low, high = x.min(), x.max()

    def as_images(x: np.ndarray) -> np.ndarray:
        picture = np.clip((x - low) / (high - low), 0, 1).transpose(0, 2, 1)  # (n, 12, 29)
        picture = np.pad(picture.repeat(5, axis=1).repeat(2, axis=2), ((0, 0), (2, 2), (3, 3)))
        return picture[..., None].repeat(3, axis=3).astype(np.float32)  # (n, 64, 64, 3)

    def score(one: np.ndarray, other: np.ndarray) -> float:
        return transfer.scores.linear_probe(one, y, other, test_y).accuracy

    found = {
        "means": score(x.sum(axis=1) / lengths(x)[:, None], test_x.sum(axis=1) / lengths(test_x)[:, None]),
        "values": score(x.reshape(len(x), -1), test_x.reshape(len(test_x), -1)),
    }
    for name, source in (("imagenet", "package"), ("random", None)):
        seeded(side, seed)
        model = transfer.load("mobilenet-v2", side, source=source)
        found[name] = score(transfer.features(model, as_images(x)), transfer.features(model, as_images(test_x)))
    return found


if __name__ == "__main__":
    rows.main("limits", cases, measure, packages=("numpy", "torch", "tensorflow", "keras", "scikit-learn"))
