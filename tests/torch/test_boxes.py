"""The NumPy boxes agree with torchvision and torchmetrics."""

from __future__ import annotations

import numpy as np
import torch
from torchmetrics.detection import MeanAveragePrecision
from torchvision.ops import box_iou
from torchvision.ops import nms as torchvision_nms

from gpulab.data import scenes
from gpulab.vision import COCO_THRESHOLDS, Found, average_precision, iou, nms


def guesses(some, seed: int = 0) -> list[Found]:
    """Return noisy copies of the objects, some twice, some of a wrong class, and some boxes out of the blue."""
    rng, found = np.random.default_rng(seed), []
    for boxes, labels in zip(some.boxes, some.labels, strict=True):
        there = np.flatnonzero(labels >= 0)
        chosen = rng.choice(there, rng.integers(0, 6))
        noisy = boxes[chosen] + rng.normal(0, 2, (len(chosen), 4))
        noisy[:, 2:] = np.maximum(noisy[:, 2:], noisy[:, :2] + 1)
        kinds = np.where(rng.uniform(size=len(chosen)) < 0.2, rng.integers(0, 4, len(chosen)), labels[chosen])
        found.append(Found(noisy, rng.permutation(1000)[: len(chosen)] / 1000, kinds))
    return found


def test_iou_and_nms_are_those_of_torchvision() -> None:
    boxes = np.concatenate([one.boxes for one in guesses(scenes(40))])
    scores = np.random.default_rng(0).permutation(len(boxes)) / len(boxes)
    as_tensor = torch.from_numpy(boxes)
    assert np.allclose(iou(boxes, boxes), box_iou(as_tensor, as_tensor).numpy())
    for threshold in (0.2, 0.5, 0.8):
        right = torchvision_nms(as_tensor, torch.from_numpy(scores), threshold)
        assert nms(boxes, scores, threshold).tolist() == right.tolist()


def test_average_precision_is_that_of_torchmetrics() -> None:
    some = scenes(60)
    found = guesses(some)
    metric = MeanAveragePrecision(class_metrics=True)
    metric.update(
        [dict(boxes=torch.tensor(f.boxes), scores=torch.tensor(f.scores), labels=torch.tensor(f.labels)) for f in found],
        [
            dict(boxes=torch.tensor(b[k >= 0]), labels=torch.tensor(k[k >= 0]))
            for b, k in zip(some.boxes, some.labels, strict=True)
        ],
    )
    right = metric.compute()
    table = average_precision(found, some.boxes, some.labels, classes=4, thresholds=COCO_THRESHOLDS)
    assert 0.1 < table.mean() < 0.9
    assert np.isclose(table.mean(), right["map"].item(), atol=1e-6)
    assert np.isclose(table[0].mean(), right["map_50"].item(), atol=1e-6)
    assert np.isclose(table[5].mean(), right["map_75"].item(), atol=1e-6)
    assert np.allclose(table.mean(axis=0), right["map_per_class"].numpy(), atol=1e-6)
