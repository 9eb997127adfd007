"""Small or large, similar or different: which way of transfer wins and does the rule hold?

Sets: the photographs (near to ImageNet), the emoji (drawings), the digits (gray, far away). Small is 5 images a class;
large is all there are: 16 (photographs), about 54 (emoji), 350 (digits). Ways, all with MobileNetV2 of ImageNet but the
last: a linear head on the frozen "pool"; a linear head on the earlier stage that the validation images choose; that
head, then all stages fine-tuned (LP-FT, BatchNorm frozen); a small CNN from scratch. The rows of the kind "stages" tell
of each stage how well a linear head does on it, and how far the set's statistics are from those that BatchNorm stored.
Run it again, and it goes on where it stopped.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from experiments import rows

SIZES = {"photos": 96, "emoji": 96, "digits": 64}  # pixels that MobileNetV2 gets
SMALL = 5  # images of a class
SEEDS = (0, 1, 2)
EPOCHS = {  # of fine-tuning, and of the small CNN from scratch
    ("photos", "small"): (12, 60),
    ("photos", "large"): (8, 40),
    ("emoji", "small"): (12, 60),
    ("emoji", "large"): (5, 20),
    ("digits", "small"): (12, 60),
    ("digits", "large"): (1, 5),
}
WAYS = ("head", "earlier", "fine-tune", "scratch")
DEAR = ("fine-tune", "scratch")
TUNE = {"batch_size": 16, "optimizer": "adamw", "lr": 3e-4, "weight_decay": 1e-3, "schedule": "one_cycle"}
WIDTHS = (32, 64, 128, 128)  # of the small CNN
SCRATCH = {"batch_size": 32, "optimizer": "adamw", "lr": 2e-3, "weight_decay": 1e-3, "schedule": "one_cycle"}


def cases(side: str) -> list[dict[str, Any]]:
    """Return the runs, in PyTorch."""
    found = [{"kind": "stages", "set": name} for name in SIZES]
    runs = [{"set": n, "size": size, "way": way, "seed": seed} for seed in SEEDS for n, size in EPOCHS for way in WAYS]
    return found + sorted(runs, key=lambda run: (run["way"] in DEAR, run["size"] == "large"))


def measure(side: str, **case: Any) -> dict[str, Any]:
    """Run one case."""
    if case.get("kind") == "stages":
        return of_stages(case["set"])
    return of_way(side, case["set"], case["size"], case["way"], case["seed"])


@cache
def images(name: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the parts of a set as MobileNetV2 gets them: (n, size, size, 3), and labels."""
    from gpulab.data import load

    found = load(name)
    parts = {part: getattr(found, part) for part in ("train", "valid", "test")}
    fitting = enlarged if name == "digits" else lambda x: area(x, SIZES[name])
    return {part: (fitting(split.x), split.y) for part, split in parts.items()}


def enlarged(x: np.ndarray) -> np.ndarray:
    """Return digits (n, 28, 28, 1) at 64 pixels: each pixel twice, a black frame, three equal colors."""
    return np.pad(x.repeat(2, axis=1).repeat(2, axis=2), ((0, 0), (4, 4), (4, 4), (0, 0))).repeat(3, axis=3)


def area(x: np.ndarray, size: int) -> np.ndarray:
    """Return square images at another size: each new pixel is the mean over the area that it covers."""
    times = np.lcm(x.shape[1], size)
    grow, shrink = times // x.shape[1], times // size
    if (grow, shrink) == (1, 1):
        return x
    weights = np.repeat(np.eye(x.shape[1], dtype=np.float32), grow, axis=0).reshape(size, shrink, -1).mean(axis=1)
    return np.einsum("ai,nijc,bj->nabc", weights, x, weights, optimize=True).astype(np.float32)


def few(name: str, size: str, seed: int) -> np.ndarray:
    """Return the numbers of the training images that a run may use."""
    y = images(name)["train"][1]
    if size == "large":
        return np.arange(len(y))
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(np.flatnonzero(y == k))[:SMALL] for k in range(y.max() + 1)])


@cache
def pooled(name: str, part: str) -> dict[str, np.ndarray]:
    """Return what each stage of MobileNetV2 makes of a part of a set, averaged over all places: (n, d); in PyTorch."""
    import torch
    from gpulab import transfer

    model = transfer.load("mobilenet-v2", "torch")
    found: dict[str, list[np.ndarray]] = {}
    x = torch.from_numpy(images(name)[part][0]).permute(0, 3, 1, 2)
    with torch.no_grad():
        for batch in x.split(64):
            for stage, module in model.stages.items():
                batch = module(batch)
                if stage != "preprocess":
                    pooled_maps = batch.flatten(2).mean(2) if batch.ndim == 4 else batch
                    found.setdefault(stage, []).append(pooled_maps.numpy())
            found.setdefault("head", []).append(model.head(batch).numpy())
    return {stage: np.concatenate(maps) for stage, maps in found.items()}


def of_stages(name: str) -> dict[str, Any]:
    """Return, for each stage, the accuracy of a linear head on it, and the distance of the set's statistics."""
    from gpulab.transfer.scores import linear_probe

    y = {part: images(name)[part][1] for part in ("train", "valid", "test")}
    parts = {part: pooled(name, part) for part in y}
    valid, test = {}, {}
    for stage in parts["train"]:
        probe = linear_probe(parts["train"][stage], y["train"], parts["valid"][stage], y["valid"])
        valid[stage] = probe.accuracy
        test[stage] = float(((parts["test"][stage] @ probe.weight + probe.bias).argmax(axis=1) == y["test"]).mean())
    raw = {part: area(images(name)[part][0], 16).reshape(len(y[part]), -1) for part in y}
    logits = parts["test"]["head"]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    sure = (odds / odds.sum(axis=1, keepdims=True)).max(axis=1)
    return {
        "valid": valid,
        "test": test,
        "pixels": linear_probe(raw["train"], y["train"], raw["test"], y["test"]).accuracy,
        "distance": distances(name),
        "sure": float(sure.mean()),
    }


def distances(name: str, count: int = 200) -> dict[str, float]:
    """Return how far the channel means of a set are from the ones stored in BatchNorm, in stored spreads, by stage.

    The median over the channels: a channel that is always zero on ImageNet has a stored spread near 0, and would decide
    a mean alone.
    """
    import torch
    from gpulab import transfer

    model = transfer.load("mobilenet-v2", "torch")
    found: dict[str, list[np.ndarray]] = {}

    def watch(stage: str) -> Any:
        def look(norm: Any, inputs: Any) -> None:
            mean = inputs[0].mean(dim=(0, 2, 3))
            found.setdefault(stage, []).append(((mean - norm.running_mean).abs() / norm.running_var.sqrt()).numpy())

        return look

    for stage, module in model.stages.items():
        for inner in module.modules():
            if isinstance(inner, torch.nn.BatchNorm2d):
                inner.register_forward_pre_hook(watch(stage))
    x = images(name)["train"][0]
    x = x[np.random.default_rng(0).permutation(len(x))[:count]]
    with torch.no_grad():
        model(torch.from_numpy(x).permute(0, 3, 1, 2))
    return {stage: float(np.median(np.concatenate(values))) for stage, values in found.items()}


def seeded(side: str, seed: int) -> None:
    """Seed the framework."""
    if side == "torch":
        import torch

        torch.manual_seed(seed)
    else:
        import keras

        keras.utils.set_random_seed(seed)


def of_way(side: str, name: str, size: str, way: str, seed: int) -> dict[str, Any]:
    """Train one way on one target set; return its test accuracy."""
    chosen = few(name, size, seed)
    if way == "scratch":
        return from_scratch(side, name, size, chosen, seed)
    if way == "earlier":
        return earlier(name, chosen)
    return from_pretrained(side, name, size, way, chosen, seed)


def earlier(name: str, chosen: np.ndarray) -> dict[str, Any]:
    """Return the test accuracy of a linear head on the block that the validation images like best."""
    from gpulab.transfer.scores import linear_probe

    y = {part: images(name)[part][1] for part in ("train", "valid", "test")}
    parts = {part: pooled(name, part) for part in y}
    scores = {}
    for stage in parts["train"]:
        if stage.startswith("block"):
            probe = linear_probe(parts["train"][stage][chosen], y["train"][chosen], parts["valid"][stage], y["valid"])
            answers = (parts["test"][stage] @ probe.weight + probe.bias).argmax(axis=1)
            scores[stage] = probe.accuracy, float((answers == y["test"]).mean())
    best = max(scores, key=lambda stage: scores[stage][0])
    return {"images": len(chosen), "test": scores[best][1], "stage": best}


def from_pretrained(side: str, name: str, size: str, way: str, chosen: np.ndarray, seed: int) -> dict[str, Any]:
    """Return the test accuracy of a linear head on "pool", as it is or fine-tuned."""
    from gpulab import transfer
    from gpulab.train import evaluate, fit, shift

    (x, y), (test_x, test_y) = (images(name)[part] for part in ("train", "test"))
    seeded(side, seed)
    features, test_features = pooled(name, "train")["pool"][chosen], pooled(name, "test")["pool"]
    probe = transfer.scores.linear_probe(features, y[chosen], test_features, test_y)
    found = {"images": len(chosen), "test": probe.accuracy}
    if way == "head":
        return found
    model = transfer.load("mobilenet-v2", "torch", classes=int(y.max()) + 1)
    transfer.set_head(model, probe.weight, probe.bias)
    transfer.unfreeze(model, since="stem", batchnorm=False)
    epochs = EPOCHS[name, size][0]
    change = shift(4) if name == "digits" else mirrored  # moves fill in black: no good on a white background
    fit(model, (x[chosen], y[chosen]), epochs=epochs, augment=change, seed=seed, verbose=False, **TUNE)
    after = transfer.features(model, test_x)
    likeness = transfer.cka(test_features, after, debiased=True)
    return {**found, "before": probe.accuracy, "test": evaluate(model, (test_x, test_y))["accuracy"], "cka": likeness}


def mirrored(x: Any) -> Any:
    """Return a batch (n, 3, height, width) with about half of the images turned left to right."""
    import torch

    return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)


def from_scratch(side: str, name: str, size: str, chosen: np.ndarray, seed: int) -> dict[str, Any]:
    """Return the test accuracy of a small CNN that knows nothing at the start."""
    from gpulab.models import parameter_count
    from gpulab.train import evaluate, fit, shift

    parts = {part: (small_images(name, x), y) for part, (x, y) in images(name).items()}
    x, y = parts["train"]
    seeded(side, seed)
    model = small_cnn(x.shape[3], int(y.max()) + 1)
    epochs = EPOCHS[name, size][1]
    fit(model, (x[chosen], y[chosen]), epochs=epochs, augment=shift(2), seed=seed, verbose=False, **SCRATCH)
    found = {"images": len(chosen), "parameters": parameter_count(model)}
    return found | {"test": evaluate(model, parts["test"])["accuracy"]}


def small_images(name: str, x: np.ndarray) -> np.ndarray:
    """Return images as the small CNN gets them: 48 pixels in color, digits 32 pixels in gray; black outside."""
    if name == "digits":
        return x[:, ::2, ::2, :1]
    return 1 - area(x, 48)  # the images' white background becomes black, as the moves and the padding fill in


def small_cnn(colors: int, classes: int) -> Any:
    """Return four convolutions with batch normalization and pooling, the mean over all places, and a linear head."""
    from torch import nn

    layers: list[Any] = []
    for c_in, c_out in zip((colors, *WIDTHS), WIDTHS, strict=False):
        layers += [nn.Conv2d(c_in, c_out, 3, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, classes))


if __name__ == "__main__":
    rows.main("four_cases", cases, measure, packages=("numpy", "torch", "scikit-learn"), sides=("torch",))
