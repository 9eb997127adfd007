"""What do skip connections and the choice of the loss do for a small U-Net on composed scenes?

Recipes: the U-Net of the labs with cross-entropy ("skips"), the same without skip connections ("none") and without them
but with wider layers, so that it has no fewer parameters ("wide"); then the U-Net with the Dice loss ("dice"), and with
the sum of both losses ("sum"). "bare" and "bare dice" are "skips" and "dice" without batch normalization. All else is the
same. Three seeds, PyTorch and Keras, each in a process of its own. The settings were chosen with the validation part;
the rows are of the test part.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

from experiments import stamp

SEEDS = (0, 1, 2)
FRAMEWORKS = ("torch", "keras")
SIZE, TRAIN, TEST, CLASSES = 48, 400, 300, 5
SETTINGS = {"epochs": 5, "batch_size": 16, "lr": 1e-2, "schedule": "one_cycle"}
WIDTHS, WIDER = (8, 16, 32, 64), (9, 18, 36, 72)
RECIPES = {  # widths, skip connections, batch normalization, loss
    "skips": (WIDTHS, True, True, "cross_entropy"),
    "none": (WIDTHS, False, True, "cross_entropy"),
    "wide": (WIDER, False, True, "cross_entropy"),
    "dice": (WIDTHS, True, True, "dice"),
    "sum": (WIDTHS, True, True, "sum"),
    "bare": (WIDTHS, True, False, "cross_entropy"),
    "bare dice": (WIDTHS, True, False, "dice"),
}


def torch_side(widths: tuple[int, ...], skips: bool, normal: bool, loss: str, seed: int) -> tuple[Any, Any]:
    """Return the network and its loss in PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    def block(c_in: int, c_out: int) -> nn.Sequential:
        convolution = nn.Conv2d(c_in, c_out, 3, padding=1, bias=not normal)
        return nn.Sequential(convolution, nn.BatchNorm2d(c_out) if normal else nn.Identity(), nn.ReLU())

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            pairs = list(zip(widths, widths[1:], strict=False))
            self.down = nn.ModuleList([block(3, widths[0]), *(block(a, b) for a, b in pairs)])
            self.up = nn.ModuleList([block(b + a * skips, a) for a, b in reversed(pairs)])
            self.head = nn.Conv2d(widths[0], CLASSES, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            kept = []
            for layer in self.down:
                x = layer(F.max_pool2d(x, 2) if kept else x)
                kept.append(x)
            for layer, old in zip(self.up, kept[-2::-1], strict=True):
                x = F.interpolate(x, scale_factor=2)
                x = layer(torch.cat([x, old], dim=1) if skips else x)
            return self.head(x).permute(0, 2, 3, 1)

    def dice_loss(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        p, t = outputs.softmax(-1).flatten(0, -2), F.one_hot(y.flatten(), CLASSES)
        return 1 - ((2 * (p * t).sum(0) + 1) / (p.sum(0) + t.sum(0) + 1)).mean()

    def both(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(outputs.flatten(0, -2), y.flatten()) + dice_loss(outputs, y)

    torch.manual_seed(seed)
    return UNet(), {"dice": dice_loss, "sum": both}.get(loss, loss)


def keras_side(widths: tuple[int, ...], skips: bool, normal: bool, loss: str, seed: int) -> tuple[Any, Any]:
    """Return the network and its loss in Keras."""
    import keras
    from keras import layers, ops

    keras.utils.set_random_seed(seed)

    def block(x: Any, filters: int) -> Any:
        x = layers.Conv2D(filters, 3, padding="same", use_bias=not normal)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x) if normal else x)

    inputs = x = keras.Input((SIZE, SIZE, 3))
    kept = []
    for filters in widths:
        x = block(layers.MaxPooling2D(2)(x) if kept else x, filters)
        kept.append(x)
    for filters, old in zip(widths[-2::-1], kept[-2::-1], strict=True):
        x = layers.UpSampling2D(2)(x)
        x = block(layers.Concatenate()([x, old]) if skips else x, filters)
    network = keras.Model(inputs, layers.Conv2D(CLASSES, 1)(x))

    def dice_loss(y: Any, outputs: Any) -> Any:
        p = ops.reshape(ops.softmax(outputs), (-1, CLASSES))
        t = ops.one_hot(ops.reshape(ops.cast(y, "int32"), (-1,)), CLASSES)
        return 1 - ops.mean((2 * ops.sum(p * t, 0) + 1) / (ops.sum(p, 0) + ops.sum(t, 0) + 1))

    def both(y: Any, outputs: Any) -> Any:
        entropy = keras.losses.sparse_categorical_crossentropy(y, outputs, from_logits=True)
        return ops.mean(entropy) + dice_loss(y, outputs)

    return network, {"dice": dice_loss, "sum": both}.get(loss, loss)


def trainable(network: Any) -> int:
    """Return the number of trainable parameters; Keras would count the running means of normalization, too."""
    weights = getattr(network, "trainable_weights", None) or network.parameters()
    return sum(math.prod(weight.shape) for weight in weights)


def point(framework: str, recipe: str, seed: int) -> dict[str, object]:
    """Train one network; return one row."""
    from gpulab.data import scenes
    from gpulab.train import fit, predict
    from gpulab.vision import masks

    train, test = scenes(TRAIN, size=SIZE), scenes(TEST, part="test", size=SIZE)
    network, loss = (torch_side if framework == "torch" else keras_side)(*RECIPES[recipe], seed)
    history = fit(network, (train.images, train.masks), loss=loss, seed=seed, verbose=False, **SETTINGS)
    answers = predict(network, test.images).argmax(axis=-1)
    counts = masks.confusion(test.masks, answers, CLASSES)
    edge, right = masks.border(test.masks), answers == test.masks
    shares = masks.iou(counts)
    return {
        "framework": framework,
        "recipe": recipe,
        "seed": seed,
        "parameters": trainable(network),
        "mean_iou": round(masks.mean_over_classes(shares), 4),
        "mean_dice": round(masks.mean_over_classes(masks.dice(counts)), 4),
        "accuracy": round(masks.pixel_accuracy(counts), 4),
        "accuracy_border": round(float(right[edge].mean()), 4),
        "accuracy_inside": round(float(right[~edge].mean()), 4),
        "object_iou": round(float(masks.iou(masks.confusion((test.masks > 0) * 1, (answers > 0) * 1, 2))[1]), 4),
        "seconds": round(history.seconds, 1),
        **{f"iou {name}": round(float(v), 4) for name, v in zip(("background", *test.classes), shares, strict=True)},
    }


def compute() -> list[dict[str, object]]:
    """Return every row, each framework's from a process of its own."""
    rows = []
    for framework in FRAMEWORKS:
        command = [sys.executable, "-m", "experiments.segment_scenes", framework]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for recipe in sys.argv[2:] or RECIPES:
            for seed in SEEDS:
                print(json.dumps(point(sys.argv[1], recipe, seed)), flush=True)
    else:
        stamp.run("segment_scenes", compute, SEEDS, ["numpy", "torch", "tensorflow", "keras"])
