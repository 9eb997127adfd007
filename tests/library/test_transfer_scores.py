"""Transferability scores and CKA: against direct computations, their properties, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf

from gpulab.transfer.errors import TransferError
from gpulab.transfer.own import own, resized
from gpulab.transfer.scores import checked, h_score, knn, leep, linear_probe, logme, shrinkage
from gpulab.transfer.similarity import cka


def classes(n: int, d: int, k: int, signal: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return features of k classes whose means are some way apart."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    return rng.normal(size=(n, d)) + signal * rng.normal(size=(k, d))[y], y


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


# --- LogME -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "d", "signal"), [(30, 4, 0.5), (30, 4, 2.0), (24, 10, 1.0), (12, 40, 0.7)])
def test_logme_is_the_highest_evidence(n: int, d: int, signal: float) -> None:
    x, y = classes(n, d, 3, signal)
    best = []
    for k in range(3):
        target = (y == k).astype(float)

        def evidence(logs: np.ndarray, target: np.ndarray = target) -> float:
            alpha, beta = np.exp(logs)
            return -multivariate_normal.logpdf(target, np.zeros(n), x @ x.T / alpha + np.eye(n) / beta)

        found = [minimize(evidence, start, method="Nelder-Mead", bounds=[(-15, 25)] * 2) for start in ([0, 0], [3, 3])]
        best.append(-min(each.fun for each in found) / n)
    assert logme(x, y, steps=5000, tolerance=1e-9) == pytest.approx(np.mean(best), abs=2e-4)
    assert logme(x, y) == pytest.approx(np.mean(best), abs=5e-3)


def test_logme_does_not_change_with_the_scale_or_a_turn_and_grows_with_the_signal() -> None:
    x, y = classes(60, 10, 3, 1.0)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(10, 10)))[0]
    assert logme(1000 * x @ turn, y) == pytest.approx(logme(x, y), abs=1e-3)
    found = [logme(*classes(60, 10, 3, signal)) for signal in (0.0, 0.5, 1.0, 2.0)]
    assert found == sorted(found)


def test_logme_of_labels_that_the_features_hold_exactly_is_finite_and_high() -> None:
    y = np.arange(20) % 2
    assert np.isfinite(logme(np.eye(2)[y], y)) and logme(np.eye(2)[y], y) > logme(*classes(20, 2, 2, 1.0))


# --- H-score ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "d"), [(40, 5), (40, 30), (20, 60)])
def test_h_score_with_shrinkage_is_that_of_the_whole_matrices(n: int, d: int) -> None:
    x, y = classes(n, d, 3, 0.6)
    centered = x - x.mean(axis=0)
    fitted = LedoitWolf().fit(x)
    means = np.stack([centered[y == k].mean(axis=0) for k in range(3)])[y]
    between = means.T @ means / n
    right = np.trace(np.linalg.solve(fitted.covariance_, (1 - fitted.shrinkage_) * between))
    assert h_score(x, y, shrink=True) == pytest.approx(right, rel=1e-8)
    whole = np.linalg.svd(centered, compute_uv=False) ** 2 / n
    assert shrinkage((centered**2).sum(axis=1), whole, d) == pytest.approx(fitted.shrinkage_, rel=1e-8)
    if d < n - 1:
        covariance = centered.T @ centered / n
        assert h_score(x, y) == pytest.approx(np.trace(np.linalg.solve(covariance, between)), rel=1e-8)


def test_h_score_of_noise_reaches_its_bound_with_enough_features() -> None:
    rng, y = np.random.default_rng(0), np.arange(30) % 4
    found = [h_score(rng.normal(size=(30, d)), y) for d in (2, 10, 29, 200)]
    assert found[0] < found[1] < 2.9 and found[2] == pytest.approx(3) and found[3] == pytest.approx(3)


def test_h_score_does_not_change_with_a_linear_map() -> None:
    x, y = classes(50, 6, 3, 1.0)
    mix = np.random.default_rng(1).normal(size=(6, 6))
    assert h_score(x @ mix + 5, y) == pytest.approx(h_score(x, y), rel=1e-6)


# --- LEEP, neighbors -------------------------------------------------------------------------------------------------


def test_leep_is_that_of_loops() -> None:
    rng, y = np.random.default_rng(0), np.arange(12) % 3
    theta = softmax(rng.normal(size=(12, 5)))
    total = 0.0
    for i in range(12):
        answer = 0.0
        for z in range(5):
            joint = sum(theta[j, z] for j in range(12) if y[j] == y[i]) / 12
            answer += joint / (theta[:, z].sum() / 12) * theta[i, z]
        total += np.log(answer)
    assert leep(theta, y) == pytest.approx(total / 12)


def test_leep_is_between_guessing_and_perfect() -> None:
    y = np.arange(40) % 4
    assert leep(np.full((40, 7), 1 / 7), y) == pytest.approx(-np.log(4))
    assert leep(np.eye(4)[y], y) == pytest.approx(0)
    noise = softmax(np.random.default_rng(0).normal(size=(40, 1000)))
    assert -np.log(4) <= leep(noise, y) <= 0


def test_knn_is_that_of_scikit_learn() -> None:
    from sklearn.model_selection import LeaveOneOut, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    x, y = classes(60, 5, 3, 0.7)
    scaled = StandardScaler().fit_transform(x)
    right = cross_val_score(KNeighborsClassifier(1), scaled, y, cv=LeaveOneOut()).mean()
    assert knn(x, y, k=1) == pytest.approx(right)
    assert knn(100 * x + 3, y, k=5) == pytest.approx(knn(x, y, k=5))


def test_knn_lets_the_nearest_decide_between_equal_votes() -> None:
    x, y = [[0.0], [0.1], [0.3], [5.0], [5.1], [5.3]], [0, 0, 0, 1, 1, 1]
    assert knn(x, y, k=5) == 0.0  # of five neighbors, three are of the other class
    assert knn(x, y, k=4) == 1.0  # two and two: the nearest is of its own class


# --- The linear probe ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_probe_has_the_weights_of_logistic_regression_for_raw_features(k: int) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = classes(60, 6, k, 0.8)
    x = x * np.array([1, 10, 100, 1, 0.1, 0]) + 7
    other, other_y = classes(30, 6, k, 0.8, seed=1)
    probe = linear_probe(x, y, other, other_y, l2=2)
    right = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=3000)).fit(x, y)
    assert probe.weight.shape == (6, k) and probe.bias.shape == (k,) and probe.weight.dtype == np.float32
    assert np.allclose(softmax(probe.logits(x)), right.predict_proba(x), atol=2e-3)
    assert probe.train_accuracy == pytest.approx(right.score(x, y))
    assert probe.accuracy == pytest.approx((probe.logits(other).argmax(axis=1) == other_y).mean())


def test_a_stronger_penalty_gives_smaller_weights() -> None:
    x, y = classes(40, 50, 3, 0.5)
    sizes = [np.abs(linear_probe(x, y, x, y, l2=l2).weight).sum() for l2 in (0.1, 1, 10, 100)]
    assert sizes == sorted(sizes, reverse=True)


# --- CKA -------------------------------------------------------------------------------------------------------------


def test_cka_is_that_of_the_formula_and_symmetric() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 5)), rng.normal(size=(30, 7))
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)
    right = np.linalg.norm(x.T @ y) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert cka(a, b) == pytest.approx(right) and cka(b, a) == pytest.approx(right)
    assert cka(a, a) == pytest.approx(1) and cka(a, a, debiased=True) == pytest.approx(1)


def test_cka_keeps_under_turns_and_scales_but_not_under_any_linear_map() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 6)), rng.normal(size=(40, 6))
    turn = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    assert cka(1e-9 * a @ turn + 4, b) == pytest.approx(cka(a, b), abs=1e-6)
    assert cka(a, a * [100, 1, 1, 1, 1, 1]) < 0.7


def test_plain_cka_of_noise_is_high_with_many_features_and_the_debiased_one_is_not() -> None:
    rng = np.random.default_rng(0)
    pairs = [(rng.normal(size=(40, 800)), rng.normal(size=(40, 800))) for _ in range(5)]
    assert min(cka(a, b) for a, b in pairs) > 0.9
    assert abs(np.mean([cka(a, b, debiased=True) for a, b in pairs])) < 0.05


# --- What is refused -------------------------------------------------------------------------------------------------

X, Y = np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 1, 1, 1])
NOT_FINITE = np.where(X == 3, np.nan, X)
BAD = [
    (lambda: logme(X, Y[:5]), "features has 6 rows and y 5 labels"),
    (lambda: logme(X[:, 0], Y), r"features has the shape (6,); expected (n, d)"),
    (lambda: logme(NOT_FINITE, Y), "NaN or infinite values in 1 of 6 rows"),
    (lambda: logme("abc", Y), "features is no array of numbers"),
    (lambda: h_score(X, 0 * Y), "All labels are the same class"),
    (lambda: h_score(X, [0, 0, 0, 1, 1, 2]), "Class 2 has one sample"),
    (lambda: h_score(X, [0, 0, 0, 2, 2, 2]), "Class 1 has no sample"),
    (lambda: knn(X, Y / 1), "y has the shape (6,) and the type float64; expected whole numbers"),
    (lambda: knn(X, Y, k=6), "k=6: expected a whole number from 1 to 5"),
    (lambda: knn(X, Y, k=True), "k=True"),
    (lambda: leep(X, Y), "do not add up to 1"),
    (lambda: leep(np.log(np.full((6, 2), 0.5)), Y), "after the softmax"),
    (lambda: linear_probe(X, Y, X[:, :1], Y), "features has 2 columns and other_features 1"),
    (lambda: linear_probe(X, Y, X, Y + 1), "other_y has the class 2, and y ends at 1"),
    (lambda: linear_probe(X, Y, X, Y, l2=0), "l2=0: expected a number above 0"),
    (lambda: linear_probe(X, Y, X, Y[:2]), "other_features has 6 rows and other_y 2 labels"),
    (lambda: cka(X, X[:5]), "a has 6 rows and b 5"),
    (lambda: cka(X, np.ones((6, 3))), "All rows of b are the same"),
    (lambda: cka(X[:3], X[:3], debiased=True), "There are 3 samples; expected 4 at least"),
]


@pytest.mark.parametrize(("call", "words"), BAD, ids=[words[:40] for _, words in BAD])
def test_bad_input_is_named(call, words: str) -> None:
    with pytest.raises(TransferError) as caught:
        call()
    assert words in str(caught.value)


def test_checked_gives_wide_types() -> None:
    x, y = checked(X.astype(np.float32), Y.astype(np.uint8))
    assert x.dtype == np.float64 and y.dtype == np.int64


def test_a_feature_that_hardly_changes_gets_no_huge_weight() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = rng.normal(size=(60, 5)) + y[:, None]
    x[:, 2] *= 1e-32
    x[:, 3] *= 1e-8
    probe = linear_probe(x, y, x, y)
    assert abs(probe.weight).max() < 10


# --- The course's own networks --------------------------------------------------------------------------------------


def test_resizing_takes_the_mean_of_the_area_and_keeps_the_brightness() -> None:
    x = np.random.default_rng(0).random((2, 12, 12, 3)).astype(np.float32)
    right = x.reshape(2, 4, 3, 4, 3, 3).mean(axis=(2, 4))
    assert np.allclose(resized(x, 4), right, atol=1e-6) and np.allclose(resized(x, 12), x, atol=1e-6)
    assert resized(x, 5).mean() == pytest.approx(x.mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: resized(np.zeros((1, 4, 6, 3)), 2), "expected square ones"),
        (lambda: resized(np.zeros((1, 4, 4, 3)), 5), "size=5: expected a whole number from 1 to 4"),
        (lambda: own("digits", "jax"), "framework='jax': expected 'torch' or 'keras'"),
    ],
)
def test_what_the_own_networks_refuse(call, words: str) -> None:
    with pytest.raises(TransferError) as caught:
        call()
    assert words in str(caught.value)
