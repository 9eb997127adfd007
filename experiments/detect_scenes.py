"""How well does a small one-stage detector find the objects of composed scenes, and what goes wrong?

Recipes: the short run of the labs ("lab"), fewer and more scenes at about the same number of steps ("500", "6000"), the
box loss of YOLO v1 in place of the intersection over union ("squared"), and a longer run ("long"). Three seeds, PyTorch
and Keras, each in a process of its own. The long run of PyTorch with seed 0 also stores what it answers, for pictures:
the logits of the first test scenes, and what it finds in all of them, as text.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from experiments import stamp

SEEDS = (0, 1, 2)
FRAMEWORKS = ("torch", "keras")
SIZE, CELLS, TEST, PICTURES = 64, 8, 400, 12
FILTERS = ((16, 2), (32, 2), (64, 2), (64, 1), (64, 1))  # filters and stride of each convolution
RECIPES = {  # scenes, epochs, box loss
    "lab": (2000, 6, "iou"),
    "500": (500, 24, "iou"),
    "6000": (6000, 2, "iou"),
    "squared": (2000, 6, "squared"),
    "long": (6000, 8, "iou"),
}


def torch_side(classes: int, seed: int, box_loss: str) -> tuple[Any, Any]:
    """Return the network and its loss in PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Grid(nn.Module):
        def forward(self, maps: torch.Tensor) -> torch.Tensor:
            return maps.permute(0, 2, 3, 1)  # channels last, like the targets

    torch.manual_seed(seed)
    layers, c_in = [], 3
    for filters, stride in FILTERS:
        layers += [nn.Conv2d(c_in, filters, 3, stride, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]
        c_in = filters
    network = nn.Sequential(*layers, nn.Conv2d(c_in, 5 + classes, 1), Grid())

    def edges(box: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        center, half = box[..., :2] / CELLS, box[..., 2:] / 2
        return center - half, center + half

    def overlap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        (a0, a1), (b0, b1) = edges(a), edges(b)
        common = (torch.minimum(a1, b1) - torch.maximum(a0, b0)).clamp(min=0).prod(-1)
        return common / ((a1 - a0).prod(-1) + (b1 - b0).prod(-1) - common + 1e-7)

    def loss(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        there, boxes, targets = y[..., 0], outputs[..., 1:5].sigmoid(), y[..., 1:5]
        place = 3 * (1 - overlap(boxes, targets)) if box_loss == "iou" else 5 * ((boxes - targets) ** 2).sum(-1)
        kind = -(y[..., 5:] * outputs[..., 5:].log_softmax(-1)).sum(-1)
        found = F.binary_cross_entropy_with_logits(outputs[..., 0], there, reduction="sum")
        return (found + (there * (place + kind)).sum()) / there.sum().clamp(min=1)

    return network, loss


def keras_side(classes: int, seed: int, box_loss: str) -> tuple[Any, Any]:
    """Return the network and its loss in Keras."""
    import keras
    from keras import layers, ops

    keras.utils.set_random_seed(seed)
    network = keras.Sequential([layers.Input((SIZE, SIZE, 3))])
    for filters, stride in FILTERS:
        network.add(layers.Conv2D(filters, 3, stride, padding="same", use_bias=False))
        network.add(layers.BatchNormalization(momentum=0.9, epsilon=1e-5))
        network.add(layers.ReLU())
    network.add(layers.Conv2D(5 + classes, 1))

    def edges(box: Any) -> tuple[Any, Any]:
        center, half = box[..., :2] / CELLS, box[..., 2:] / 2
        return center - half, center + half

    def overlap(a: Any, b: Any) -> Any:
        (a0, a1), (b0, b1) = edges(a), edges(b)
        common = ops.prod(ops.relu(ops.minimum(a1, b1) - ops.maximum(a0, b0)), axis=-1)
        return common / (ops.prod(a1 - a0, axis=-1) + ops.prod(b1 - b0, axis=-1) - common + 1e-7)

    def loss(y: Any, outputs: Any) -> Any:
        there, boxes, targets = y[..., 0], ops.sigmoid(outputs[..., 1:5]), y[..., 1:5]
        if box_loss == "iou":
            place = 3 * (1 - overlap(boxes, targets))
        else:
            place = 5 * ops.sum((boxes - targets) ** 2, axis=-1)
        kind = -ops.sum(y[..., 5:] * ops.log_softmax(outputs[..., 5:]), axis=-1)
        found = ops.sum(ops.binary_crossentropy(there, outputs[..., 0], from_logits=True))
        return (found + ops.sum(there * (place + kind))) / ops.maximum(ops.sum(there), 1)

    return network, loss


def failures(found: list[Any], boxes: np.ndarray, labels: np.ndarray, least: float = 0.5) -> dict[str, int]:
    """Count what becomes of the boxes with a score of ``least`` or more, and which objects nobody finds."""
    from gpulab.vision import hits, iou

    names = ("right", "double", "wrong class", "poor box", "background", "missed")
    counts = dict.fromkeys(names, 0)
    for one, truth, kinds in zip(found, boxes, labels, strict=True):
        truth, kinds = truth[kinds >= 0], kinds[kinds >= 0]
        strong = one.scores >= least
        answers, scores, said = one.boxes[strong], one.scores[strong], one.labels[strong]
        right = np.zeros(len(answers), bool)
        for kind in set(said.tolist()):
            mine = said == kind
            right[mine] = hits(answers[mine], scores[mine], truth[kinds == kind])
        overlap = iou(answers, truth)
        for row, good, kind in zip(overlap, right, said, strict=True):
            same = row[kinds == kind].max(initial=0)
            if good:
                counts["right"] += 1
            elif same >= 0.5:
                counts["double"] += 1
            elif row.max(initial=0) >= 0.5:
                counts["wrong class"] += 1
            else:
                counts["poor box" if row.max(initial=0) >= 0.1 else "background"] += 1
        counts["missed"] += len(truth) - int(right.sum())
    return counts


def points(framework: str, seed: int) -> Iterator[dict[str, object]]:
    """Train every recipe with one seed; yield its rows."""
    from gpulab.data import scenes
    from gpulab.train import fit, predict
    from gpulab.vision import COCO_THRESHOLDS, average_precision, detect, encode

    test = scenes(TEST, part="test")
    classes = len(test.classes)
    for recipe, (n, epochs, box_loss) in RECIPES.items():
        train = scenes(n, seed=seed)
        y = encode(train.boxes, train.labels, size=SIZE, cells=CELLS, classes=classes)
        network, loss = (torch_side if framework == "torch" else keras_side)(classes, seed, box_loss)
        settings = {"batch_size": 32, "lr": 5e-3, "schedule": "one_cycle", "seed": seed, "verbose": False}
        history = fit(network, (train.images, y), epochs=epochs, loss=loss, **settings)
        outputs = predict(network, test.images)
        found = detect(outputs, size=SIZE)
        table = average_precision(found, test.boxes, test.labels, classes=classes, thresholds=COCO_THRESHOLDS)
        seen = detect(predict(network, train.images[:TEST]), size=SIZE)
        on_train = average_precision(seen, train.boxes[:TEST], train.labels[:TEST], classes=classes)
        yield {
            "framework": framework, "recipe": recipe, "seed": seed, "scenes": n, "epochs": epochs,
            "map50": round(float(table[0].mean()), 4), "map": round(float(table.mean()), 4),
            "train_map50": round(float(on_train.mean()), 4), "loss": round(history["loss"][-1], 4),
            "seconds": round(history.seconds, 1),
            **{f"ap50 {name}": round(float(ap), 4) for name, ap in zip(test.classes, table[0], strict=True)},
            **failures(found, test.boxes, test.labels),
        }  # fmt: skip
        if (framework, recipe, seed) == ("torch", "long", 0):
            for i, one in enumerate(found):
                lines = zip(one.boxes, one.scores, one.labels, strict=True)
                text = "; ".join(f"{' '.join(f'{v:.2f}' for v in b)} {s:.4f} {k}" for b, s, k in lines)
                logits = " ".join(f"{v:.2f}" for v in outputs[i].ravel()) if i < PICTURES else ""
                yield {"picture": i, "found": text, "logits": logits}


def compute() -> list[dict[str, object]]:
    """Return every row, those of each framework from a process of its own."""
    rows = []
    for framework in FRAMEWORKS:
        command = [sys.executable, "-m", "experiments.detect_scenes", framework]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for seed in SEEDS:
            for row in points(sys.argv[1], seed):
                print(json.dumps(row), flush=True)
    else:
        stamp.run("detect_scenes", compute, SEEDS, ["numpy", "torch", "tensorflow", "keras", "scikit-learn"])
