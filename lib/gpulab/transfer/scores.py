"""Scores that rank pretrained models for a target before anything is trained.

All take what a frozen model makes of the target's training images, and their labels. NumPy is enough; the linear probe
is scikit-learn's.

>>> rng = np.random.default_rng(0)
>>> y = np.arange(60) % 3
>>> good = rng.normal(size=(60, 8)) + 3 * np.eye(8)[y]
>>> poor = rng.normal(size=(60, 8))
>>> logme(good, y) > logme(poor, y), knn(good, y) > knn(poor, y)
(True, True)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gpulab.transfer.errors import TransferError

TINY = np.finfo(np.float64).tiny


def logme(features: Any, y: Any, *, steps: int = 200, tolerance: float = 1e-4) -> float:
    """Return LogME: the logarithm of the evidence of a linear model of the labels, per sample and class.

    Each class is a regression of its column of 0 and 1 on the features. The weights have a normal prior of precision
    alpha, the errors one of precision beta; both are chosen so that the evidence (the probability of the labels with
    the weights integrated out) is highest, by MacKay's fixed point.

    Parameters
    ----------
    features : array_like, (n, d)
        As the frozen model gives them. Their scale does not matter; there is no bias, so a shift does.
    y : array_like of int, (n,)
        Classes from 0, each with two samples at least.
    steps : int
        At most so many steps of the fixed point; ten are usual.
    tolerance : float
        It stops when alpha / beta changes by less, relative to its size.

    Returns
    -------
    float
        Larger is better. It may be negative. Compare scores of the same samples and labels only.

    Raises
    ------
    TransferError
        Features or labels are not usable.

    References
    ----------
    You, Liu, Wang and Long, 2021, and its longer version, You et al., 2022. MacKay, 1992.

    Examples
    --------
    >>> round(logme([[1.0, 0], [1, 0.1], [0, 1], [0.1, 1]], [0, 0, 1, 1]), 3)
    0.077
    """
    x, y = checked(features, y)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    kept = s > s.max() * max(x.shape) * np.finfo(np.float64).eps
    u, squares, n = u[:, kept], s[kept] ** 2, len(x)
    evidences = []
    for k in range(y.max() + 1):
        target = (y == k).astype(np.float64)  # (n,)
        z2 = (u.T @ target) ** 2
        outside = max(float(target @ target - z2.sum()), 0.0)  # what no weights can explain
        ratio = 1.0  # alpha / beta
        for _ in range(steps):
            used = (squares / (ratio + squares)).sum()  # how many of the weights the data determine
            size = (squares * z2 / (ratio + squares) ** 2).sum()  # squared length of the mean weights
            error = ((ratio / (ratio + squares)) ** 2 * z2).sum() + outside
            alpha, beta = used / max(size, TINY), max(n - used, TINY) / max(error, TINY)
            before, ratio = ratio, max(alpha / beta, 1e-12 * squares.max())
            if abs(ratio - before) < tolerance * before:
                break
        evidences.append(_evidence(ratio, squares, z2, outside, n))
    return float(np.mean(evidences)) / n


def _evidence(ratio: float, squares: np.ndarray, z2: np.ndarray, outside: float, n: int) -> float:
    """Return the logarithm of the evidence at alpha / beta, with the beta that is best for it."""
    left = (ratio / (ratio + squares) * z2).sum() + outside
    beta = n / max(left, TINY)
    return float(n / 2 * (np.log(beta / (2 * np.pi)) - 1) - np.log1p(squares / ratio).sum() / 2)


def h_score(features: Any, y: Any, *, shrink: bool = False) -> float:
    """Return the H-score: how much of the features' spread lies between the classes, in units of the whole spread.

    The trace of (covariance of the features)^-1 (covariance of their class means).

    Parameters
    ----------
    features : array_like, (n, d)
    y : array_like of int, (n,)
    shrink : bool
        Shrink the covariance toward a multiple of the identity, by the amount of Ledoit and Wolf. Without it the
        score of *any* features reaches its bound as soon as d >= n - 1.

    Returns
    -------
    float
        Between 0 and the number of classes less one. Larger is better.

    Raises
    ------
    TransferError
        Features or labels are not usable.

    References
    ----------
    Bao et al., 2019; the shrinkage by Ibrahim, Ponomareva and Mazumder, 2022.

    Examples
    --------
    >>> round(h_score([[0.0, 1], [0, -1], [1, 1], [1, -1]], [0, 0, 1, 1]), 3)
    1.0
    >>> rng, y = np.random.default_rng(0), np.arange(20) % 2
    >>> noise = rng.normal(size=(20, 100))
    >>> round(h_score(noise, y), 3), round(h_score(noise, y, shrink=True), 2)
    (1.0, 0.41)
    """
    x, y = checked(features, y)
    n, d = x.shape
    x = x - x.mean(axis=0)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    kept = s > s.max() * max(x.shape) * np.finfo(np.float64).eps
    turned, spread = (u * s)[:, kept], s[kept] ** 2 / n  # the features along their main axes, and the variances there
    means = np.stack([turned[y == k].mean(axis=0) for k in range(y.max() + 1)])[y]  # (n, axes)
    between = (means**2).mean(axis=0)
    if not shrink:
        return float((between / spread).sum())
    amount = shrinkage((x**2).sum(axis=1), spread, d)
    return float(((1 - amount) * between / ((1 - amount) * spread + amount * spread.sum() / d)).sum())


def shrinkage(lengths: np.ndarray, spread: np.ndarray, d: int) -> float:
    """Return Ledoit and Wolf's amount of shrinkage, from the squared lengths of centered samples and the variances.

    >>> shrinkage(np.array([1.0, 1.0, 1.0, 1.0]), np.array([0.5, 0.5]), 2)
    1.0
    """
    n, mean, square = len(lengths), spread.sum() / d, (spread**2).sum()
    noise = ((lengths**2).mean() - square) / n
    away = square - d * mean**2
    return float(min(noise, away) / away) if away > 1e-12 * square else 1.0


def leep(probabilities: Any, y: Any) -> float:
    """Return LEEP: how well the classes of the source, as the model answers them, tell the classes of the target.

    Parameters
    ----------
    probabilities : array_like, (n, source classes)
        The source model's answers to the target's samples, after the softmax: each row adds up to 1.
    y : array_like of int, (n,)
        Classes of the target.

    Returns
    -------
    float
        A mean log-likelihood: 0 is perfect, minus the logarithm of the number of classes is guessing.

    Raises
    ------
    TransferError
        Features or labels are not usable, or the rows are no probabilities.

    References
    ----------
    Nguyen, Hassner, Seeger and Archambeau, 2020.

    Examples
    --------
    >>> y = [0, 0, 1, 1]
    >>> leep([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]], y) == 0, round(leep([[0.5, 0.5]] * 4, y), 3)
    (True, -0.693)
    """
    theta, y = checked(probabilities, y, "probabilities")
    if theta.min() < -1e-6 or abs(theta.sum(axis=1) - 1).max() > 1e-3:
        raise TransferError(
            "The rows of probabilities do not add up to 1. Expected the answers of the source model after the softmax, "
            "not its logits or its features."
        )
    joint = np.stack([theta[y == k].sum(axis=0) for k in range(y.max() + 1)]) / len(y)  # (classes, source classes)
    given = joint / np.maximum(joint.sum(axis=0), TINY)  # class of the target, given the class of the source
    return float(np.log(np.maximum((theta * given[y]).sum(axis=1), TINY)).mean())


def knn(features: Any, y: Any, *, k: int = 5) -> float:
    """Return the leave-one-out accuracy of the k nearest neighbors.

    Each sample gets the class that most of its k nearest other samples have; of classes with equally many, the one
    whose sample is nearest. Distances are Euclidean, after each feature got the mean 0 and the spread 1.

    Parameters
    ----------
    features : array_like, (n, d)
    y : array_like of int, (n,)
    k : int
        Neighbors that vote.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    TransferError
        Features or labels are not usable, or there are not so many neighbors.

    Examples
    --------
    >>> knn([[0.0], [0.1], [1.0], [1.1]], [0, 0, 1, 1], k=1)
    1.0
    """
    x, y = checked(features, y)
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k < len(x):
        raise TransferError(
            f"k={k!r}: expected a whole number from 1 to {len(x) - 1}, since there are {len(x)} samples."
        )
    x = (x - x.mean(axis=0)) / spread_of(x)
    lengths = (x**2).sum(axis=1)
    distances = lengths[:, None] + lengths - 2 * x @ x.T
    np.fill_diagonal(distances, np.inf)
    nearest = y[np.argsort(distances, axis=1, kind="stable")[:, :k]]  # (n, k), the nearest first
    votes = np.stack([(nearest == c).sum(axis=1) for c in range(y.max() + 1)], axis=1)  # (n, classes)
    most = votes[np.arange(len(y))[:, None], nearest] == votes.max(axis=1, keepdims=True)
    return float((nearest[np.arange(len(y)), most.argmax(axis=1)] == y).mean())


@dataclass(frozen=True)
class Probe:
    """A linear probe.

    Attributes
    ----------
    weight : ndarray, float32, (d, classes)
        For the features as they are: ``features @ weight + bias`` are the logits.
    bias : ndarray, float32, (classes,)
    accuracy : float
        On the other samples.
    train_accuracy : float
        On those it was fitted to.
    """

    weight: np.ndarray
    bias: np.ndarray
    accuracy: float
    train_accuracy: float

    def logits(self, features: Any) -> np.ndarray:
        """Return the logits (n, classes) of features (n, d)."""
        return np.asarray(features, dtype=np.float64) @ self.weight + self.bias

    def __repr__(self) -> str:
        d, classes = self.weight.shape
        shares = f"accuracy {self.accuracy:.3f}, on its own samples {self.train_accuracy:.3f}"
        return f"Probe of {d} features for {classes} classes: {shares}"


def linear_probe(features: Any, y: Any, other_features: Any, other_y: Any, *, l2: float = 10.0) -> Probe:
    """Fit a linear head to frozen features: logistic regression, the strongest "cheap" answer to which model is best.

    Parameters
    ----------
    features, y : array_like, (n, d) and (n,)
        To fit it to. Each feature gets the mean 0 and the spread 1 first.
    other_features, other_y : array_like, (m, d) and (m,)
        To measure it on; classes of ``y`` only.
    l2 : float
        Weight of the squared weights in the sum of the losses: 1 / C of scikit-learn's LogisticRegression.

    Returns
    -------
    Probe
        Its weights are those for the features as they are, so ``transfer.set_head(model, probe.weight, probe.bias)``
        gives a model that answers the same.

    Raises
    ------
    TransferError
        Features or labels are not usable.

    Examples
    --------
    >>> x, y = [[0.0, 5], [0.1, 4], [1, 5], [1.1, 4]], [0, 0, 1, 1]
    >>> linear_probe(x, y, x, y)
    Probe of 2 features for 2 classes: accuracy 1.000, on its own samples 1.000
    """
    from sklearn.linear_model import LogisticRegression

    x, y = checked(features, y)
    if isinstance(l2, bool) or not isinstance(l2, int | float | np.number) or not 0 < l2 < np.inf:
        raise TransferError(f"l2={l2!r}: expected a number above 0, such as 10.")
    other, other_y = _samples(other_features, "other_features"), _labels(other_y, "other_y")
    _same_length(other, other_y, "other_features", "other_y")
    if other.shape[1] != x.shape[1]:
        raise TransferError(
            f"features has {x.shape[1]} columns and other_features {other.shape[1]}. "
            "Expected features of the same model."
        )
    if other_y.max() > y.max():
        raise TransferError(f"other_y has the class {other_y.max()}, and y ends at {y.max()}: it cannot be learned.")
    mean, spread = x.mean(axis=0), spread_of(x)
    model = LogisticRegression(C=1 / float(l2), max_iter=3000).fit((x - mean) / spread, y)
    weight, bias = model.coef_.T, model.intercept_
    if weight.shape[1] == 1:  # two classes: scikit-learn gives the difference of their logits
        weight, bias = np.hstack([-weight / 2, weight / 2]), np.concatenate([-bias / 2, bias / 2])
    weight = weight / spread[:, None]
    bias = bias - mean @ weight
    shares = [float(((a @ weight + bias).argmax(axis=1) == b).mean()) for a, b in ((other, other_y), (x, y))]
    return Probe(weight.astype(np.float32), bias.astype(np.float32), *shares)


def spread_of(x: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each feature, and 1 for one that never changes.

    A feature that changes by a millionth of what the others do counts as one that never does: MiniLM has two whose
    values are about 1e-32 and 1e-8, and a head that weighs them up by as much cannot be trained further.
    """
    spread = x.std(axis=0)
    least = np.maximum(1e-7 * abs(x).max(axis=0), 1e-6 * spread.max(initial=0.0))
    return np.where(spread > least, spread, 1.0)


def checked(features: Any, y: Any, name: str = "features") -> tuple[np.ndarray, np.ndarray]:
    """Return features (n, d) as float64 and labels (n,) as integers, if they go together.

    Raises
    ------
    TransferError
        They do not.
    """
    x, labels = _samples(features, name), _labels(y, "y")
    _same_length(x, labels, name, "y")
    counts = np.bincount(labels)
    if len(counts) < 2:
        raise TransferError("All labels are the same class: there is nothing to tell apart. Expected two at least.")
    if counts.min() < 2:
        few = int(counts.argmin())
        have = "no sample" if counts[few] == 0 else "one sample"
        raise TransferError(
            f"Class {few} has {have}; expected two at least of each class from 0 to {len(counts) - 1}. Number the "
            "classes that there are from 0, or take more samples."
        )
    return x, labels


def _samples(features: Any, name: str) -> np.ndarray:
    """Return an array (n, d) of finite float64."""
    try:
        x = np.asarray(features, dtype=np.float64)
    except (TypeError, ValueError):
        raise TransferError(f"{name} is no array of numbers. Expected one row a sample, (n, d).") from None
    if x.ndim != 2 or 0 in x.shape:
        raise TransferError(
            f"{name} has the shape {x.shape}; expected (n, d), one row a sample. "
            "transfer.features(model, images) gives such rows."
        )
    if not np.isfinite(x).all():
        rows = int((~np.isfinite(x)).any(axis=1).sum())
        raise TransferError(
            f"{name} has NaN or infinite values in {rows} of {len(x)} rows; expected finite numbers. "
            "Look at what the model got."
        )
    return x


def _labels(y: Any, name: str) -> np.ndarray:
    """Return whole numbers (n,) from 0."""
    labels = np.asarray(y)
    if labels.ndim != 1 or not len(labels) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise TransferError(
            f"{name} has the shape {labels.shape} and the type {labels.dtype}; "
            "expected whole numbers from 0, one a sample."
        )
    return labels.astype(np.int64)


def _same_length(x: np.ndarray, y: np.ndarray, name: str, other: str) -> None:
    if len(x) != len(y):
        raise TransferError(f"{name} has {len(x)} rows and {other} {len(y)} labels. Expected one label a row.")
