"""The NumPy measures of masks are those of torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gpulab.vision import masks
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix, MulticlassJaccardIndex
from torchmetrics.segmentation import DiceScore, MeanIoU

RNG = np.random.default_rng(0)
TRUE = RNG.choice(5, p=[0.8, 0.1, 0.05, 0.03, 0.02], size=(4, 32, 32))
ANSWERED = np.where(RNG.random(TRUE.shape) < 0.3, RNG.integers(0, 5, TRUE.shape), TRUE)
COUNTS = masks.confusion(TRUE, ANSWERED, 5)


def of_torchmetrics(metric: object) -> np.ndarray:
    return metric(torch.from_numpy(ANSWERED), torch.from_numpy(TRUE)).numpy()


def test_confusion() -> None:
    assert np.array_equal(of_torchmetrics(MulticlassConfusionMatrix(5)), COUNTS)


def test_iou_and_its_mean() -> None:
    assert of_torchmetrics(MulticlassJaccardIndex(5, average="none")) == pytest.approx(masks.iou(COUNTS), abs=1e-6)
    mean = masks.mean_over_classes(masks.iou(COUNTS))
    assert float(of_torchmetrics(MulticlassJaccardIndex(5))) == pytest.approx(mean, abs=1e-6)


def test_dice() -> None:
    # Over all pixels at once: as one long image, since torchmetrics averages over the images.
    score = DiceScore(5, average="none", input_format="index")
    one = [torch.from_numpy(mask.reshape(1, -1)) for mask in (ANSWERED, TRUE)]
    assert score(*one).numpy().ravel() == pytest.approx(masks.dice(COUNTS), abs=1e-6)


def test_pixel_accuracy() -> None:
    accuracy = float(of_torchmetrics(MulticlassAccuracy(5, average="micro")))
    assert accuracy == pytest.approx(masks.pixel_accuracy(COUNTS), abs=1e-6)


def test_the_mean_over_images_is_another_number() -> None:
    by_image = float(of_torchmetrics(MeanIoU(5, input_format="index")))
    each = [masks.iou(masks.confusion(t, a, 5)) for t, a in zip(TRUE, ANSWERED, strict=True)]
    assert by_image == pytest.approx(np.mean([masks.mean_over_classes(shares) for shares in each]), abs=1e-6)
    assert abs(by_image - masks.mean_over_classes(masks.iou(COUNTS))) > 1e-3
