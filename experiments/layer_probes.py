"""What is in a feature? Linear probes on features made by hand and learned, stage by stage, and maps in two dimensions.

Frozen features, no training but that of the probes. ``featurizer``: a linear probe and the nearest neighbors, for pixels,
colors, HOG and MobileNetV2, random and trained. ``stage``: after each stage of MobileNetV2, averaged over all places, how
well can one read the class, the mean color of the object, and the directions of its edges; with all numbers of a stage,
and with 16 principal components. ``map``: the photographs in two dimensions. ``copies``: how often is a changed copy of a
photograph farther from it than another photograph is? Both frameworks compute the same features
(the labs show it), so the runs are in PyTorch. A run that was stopped goes on where it was.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from experiments import rows

SETS = ("photos", "emoji")
FEATURIZERS = ("pixels", "colors", "hog", "hog and colors", "random", "trained")
SEEDS = (0, 1, 2)
STAGES = ("preprocess", "stem", *(f"block{i}" for i in range(1, 18)), "top")
NEIGHBORS = 10  # whose company in the map is asked for
CHANGES = ("moved by 8 pixels", "darker", "mirrored")
MAPS = (("pca", 0, 0), ("tsne", 2, 0), ("tsne", 30, 0), ("tsne", 30, 1))  # method, perplexity, seed


def cases(side: str) -> list[dict[str, Any]]:
    """Return what is run."""
    found: list[dict[str, Any]] = []
    for data in SETS:
        found += [{"what": "featurizer", "data": data, "features": f, "seed": s} for f in FEATURIZERS for s in SEEDS]
        found += [
            {"what": "stage", "data": data, "weights": w, "stage": stage, "seed": s}
            for w in ("trained", "random")
            for s in SEEDS
            for stage in STAGES
        ]
    for features in ("hog", "trained", "noise"):
        kinds = MAPS if features == "trained" else MAPS[:3]
        found += [{"what": "map", "features": features, "method": m, "perplexity": p, "seed": s} for m, p, s in kinds]
    found += [{"what": "copies", "features": f, "change": c} for f in FEATURIZERS if f != "hog and colors" for c in CHANGES]
    return found


def measure(side: str, what: str, **case: Any) -> dict[str, Any]:
    """Run one case."""
    return {"featurizer": featurizer, "stage": stage_probe, "map": flat_map, "copies": copies}[what](**case)


def featurizer(data: str, features: str, seed: int) -> dict[str, Any]:
    """Probe one kind of features: half of each class to learn from, the other half to test."""
    from gpulab.transfer import scores

    x, y = every(data)
    found = features_of(data, features, seed)
    a, b = halves(y, seed)
    probe = scores.linear_probe(found[a], y[a], found[b], y[b])
    return {"numbers": found.shape[1], "probe": probe.accuracy, "knn": scores.knn(found, y)}


def stage_probe(data: str, weights: str, stage: str, seed: int) -> dict[str, Any]:
    """Read class, color and edges from the output of one stage."""
    from gpulab.transfer import scores

    _, y = every(data)
    found = network_features(data, weights, seed if weights == "random" else 0)[stage]
    color, edges = targets(data)
    a, b = halves(y, seed)
    out: dict[str, Any] = {"numbers": found.shape[1]}
    for name, x in (("", found), ("_16", components(found, a, 16))):
        out[f"class{name}"] = scores.linear_probe(x[a], y[a], x[b], y[b]).accuracy
        out[f"color{name}"] = explained(x, color, a, b)
        out[f"edges{name}"] = explained(x, edges, a, b)
    return out


def flat_map(features: str, method: str, perplexity: int, seed: int) -> dict[str, Any]:
    """Put the photographs, or noise, into two dimensions."""
    from sklearn.manifold import TSNE

    from gpulab.transfer import scores

    x, y = every("photos")
    if features == "noise":
        found = np.random.default_rng(0).normal(size=(len(y), 50))  # as many points, and nothing in them
    else:
        found = features_of("photos", features, 0)
        found = (found - found.mean(axis=0)) / np.where(found.std(axis=0) > 0, found.std(axis=0), 1)
    if method == "pca":
        flat = components(found, np.arange(len(y)), 2, scale=False)
    else:
        flat = TSNE(perplexity=perplexity, random_state=seed, init="pca").fit_transform(found)
    return {
        "x": flat[:, 0].round(3).tolist(),
        "y": flat[:, 1].round(3).tolist(),
        "kept": company(found, flat),
        "knn": scores.knn(flat, y),
    }


def copies(features: str, change: str) -> dict[str, float]:
    """Compare each photograph with its changed copy and with the nearest other photograph."""
    x, y = every("photos")
    turned = {"moved by 8 pixels": np.roll(x, 8, axis=2), "darker": 0.7 * x, "mirrored": x[:, :, ::-1]}[change]
    one, other = described(x, features), described(np.ascontiguousarray(turned), features)
    squared = (one**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squared[:, None] + squared - 2 * one @ one.T, 0))
    np.fill_diagonal(distances, np.inf)
    return {"farther": float((np.linalg.norm(one - other, axis=1) > distances.min(axis=1)).mean())}


# --- Data and features -------------------------------------------------------------------------------------------------


@cache
def every(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return all images of a data set, and their classes."""
    from gpulab.data import load

    data = load(name)
    parts = (data.train, data.valid, data.test)
    return np.concatenate([part.x for part in parts]), np.concatenate([part.y for part in parts])


def halves(y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return half of the places of each class, and the other half."""
    rng = np.random.default_rng(seed)
    order = [rng.permutation(np.flatnonzero(y == k)) for k in range(y.max() + 1)]
    return np.concatenate([o[: len(o) // 2] for o in order]), np.concatenate([o[len(o) // 2 :] for o in order])


def features_of(data: str, kind: str, seed: int) -> np.ndarray:
    """Return one vector for each image of a data set."""
    if kind in ("random", "trained"):
        return network_features(data, kind, seed if kind == "random" else 0)["top"]
    return described(every(data)[0], kind)


def described(x: np.ndarray, kind: str) -> np.ndarray:
    """Return one vector for each image."""
    from gpulab.vision.hog import color_histogram, hog

    if kind in ("random", "trained"):
        return stages_of(x, kind, 0)["top"].astype(np.float64)
    if kind == "pixels":  # 16 x 16 means, each of three colors
        side = x.shape[1] // 16
        return x.reshape(len(x), 16, side, 16, side, 3).mean(axis=(2, 4)).reshape(len(x), -1)
    parts = {"hog": lambda: hog(x, cell=16), "colors": lambda: color_histogram(x)}
    return np.hstack([parts[name]() for name in kind.split(" and ")])


@cache
def network_features(data: str, weights: str, seed: int) -> dict[str, np.ndarray]:
    """Return the output of each stage of MobileNetV2 for a data set."""
    return stages_of(every(data)[0], weights, seed)


def stages_of(x: np.ndarray, weights: str, seed: int) -> dict[str, np.ndarray]:
    """Return the output of each stage of MobileNetV2, averaged over all places."""
    import torch

    from gpulab import transfer

    torch.manual_seed(seed)
    model = transfer.load("mobilenet-v2", "torch", source="package" if weights == "trained" else None).eval()
    found: dict[str, list[np.ndarray]] = {name: [] for name in STAGES}
    for i in range(0, len(x), 32):
        with torch.inference_mode():
            batch = torch.from_numpy(x[i : i + 32]).permute(0, 3, 1, 2)  # channels last in memory
            for name in STAGES:
                batch = model.stages[name](batch)
                found[name].append(batch.mean(dim=(2, 3)).numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


@cache
def targets(data: str) -> tuple[np.ndarray, np.ndarray]:
    """Return of each image the mean color of the object (3), and the shares of 8 directions in its edges."""
    from gpulab.vision.hog import cells

    x, _ = every(data)
    ink = x.min(axis=-1, keepdims=True) < 0.95  # what is not white
    color = (x * ink).sum(axis=(1, 2)) / ink.sum(axis=(1, 2))
    edges = cells(x, cell=x.shape[1], bins=8)[:, 0, 0]
    return color, edges / edges.sum(axis=1, keepdims=True)


# --- Measures ----------------------------------------------------------------------------------------------------------


def components(x: np.ndarray, fitted: np.ndarray, k: int, *, scale: bool = True) -> np.ndarray:
    """Return the k first principal components (fewer where there are fewer), found on some of the rows."""
    mean, spread = x[fitted].mean(axis=0), x[fitted].std(axis=0)
    x = (x - mean) / (np.where(spread > 1e-7, spread, 1) if scale else 1)
    directions = np.linalg.svd(x[fitted].astype(np.float64), full_matrices=False)[2][:k]
    return x @ directions.T


def explained(x: np.ndarray, target: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Return the share of a target's variance that ridge regression explains on the places b."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 5, 7))).fit(x[a], target[a])
    left = ((model.predict(x[b]) - target[b]) ** 2).sum()
    return float(1 - left / ((target[b] - target[a].mean(axis=0)) ** 2).sum())


def company(x: np.ndarray, flat: np.ndarray) -> float:
    """Return which share of the nearest neighbors of a sample are its nearest neighbors in the map, too."""

    def nearest(points: np.ndarray) -> np.ndarray:
        squared = (points**2).sum(axis=1)
        distances = squared[:, None] + squared - 2 * points @ points.T
        np.fill_diagonal(distances, np.inf)
        return np.argsort(distances, axis=1)[:, :NEIGHBORS]

    pairs = zip(nearest(np.asarray(x, np.float64)), nearest(np.asarray(flat, np.float64)), strict=True)
    return float(np.mean([len(set(one) & set(other)) / NEIGHBORS for one, other in pairs]))


if __name__ == "__main__":
    rows.main(
        "layer_probes", cases, measure, sides=("torch",), packages=("numpy", "scikit-learn", "torch", "torchvision")
    )
