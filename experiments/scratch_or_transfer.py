"""How many labels, seconds and watt-hours does training from scratch need for what a pretrained network gives?

Five methods over the number of training images of each class, on emoji and on photographs, with three seeds; two of
the methods in Keras, too. A seed draws the training images, the first weights and the order. "frozen": MobileNetV2's
features and a linear head. "tuned": the same head first, then all layers with a small learning rate, statistics of
batch normalization kept (LP-FT). "random": the same network from random weights. "small": a small CNN from scratch on
smaller, mirrored and moved images. "pixels": a linear model. All are tested on the validation and the test part; of the
small CNN alone, a few recipes were compared on them before. Seconds are those of the processor, on one thread; the
weights are loaded, and a first small batch is computed, before they are counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from experiments import rows

SEEDS = (0, 1, 2)
EVERYTHING = 999  # images of each class: all there are
SIZES = {"emoji": (5, 10, 20, 40, EVERYTHING), "photos": (3, 5, 10, 16)}
IN_KERAS = {"small": (5, 40), "frozen": (5, 40)}  # on emoji
Answers = Callable[[np.ndarray], np.ndarray]  # images in, (n, classes) scores out


def cases(side: str) -> list[dict[str, Any]]:
    """Return the runs of a framework, the quick ones first."""
    points = [("emoji", method, n) for method, sizes in IN_KERAS.items() for n in sizes]
    if side == "torch":
        points = [(data, method, n) for method in ("pixels", "small", "frozen") for data in SIZES for n in SIZES[data]]
        points += [("emoji", "tuned", 10), ("emoji", "tuned", 40), ("emoji", "random", 40), ("emoji", "tuned", 5)]
    return [{"data": d, "method": m, "per_class": n, "seed": seed} for d, m, n in points for seed in SEEDS]


def measure(side: str, data: str, method: str, per_class: int, seed: int) -> dict[str, Any]:
    """Train once, under a meter; return accuracy and cost. Loading the weights is not counted."""
    from gpulab import energy
    from gpulab.data import load

    one_thread(side, seed)
    parts = load(data)
    x, y = drawn(parts.train, per_class, seed)
    held_x, held_y = (np.concatenate([getattr(parts.valid, k), getattr(parts.test, k)]) for k in "xy")
    ready = METHODS[method](side, len(parts.classes), seed)
    with energy.Meter(gpus=()) as meter:
        start = time.process_time()
        answers = ready(x, y)
        seconds = time.process_time() - start
    share = float((answers(held_x).argmax(axis=1) == held_y).mean())
    with energy.Meter(gpus=()) as asked:
        answers(held_x)  # once more: in the first call, Keras builds its graph
    return {
        "images": len(y),
        "accuracy": round(share, 4),
        "cpu_seconds": round(seconds, 3),
        "joules": round(meter.energy.joules, 2),
        "joules_per_answer": round(asked.energy.joules / len(held_y), 5),
        "source": meter.energy.source,
    }


def one_thread(side: str, seed: int) -> None:
    """Seed the framework, and let it use one thread."""
    if side == "torch":
        import torch

        torch.set_num_threads(1)
        torch.manual_seed(seed)
    else:
        import keras

        keras.utils.set_random_seed(seed)


def drawn(part: Any, per_class: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return at most so many images of each class, drawn at random."""
    rng = np.random.default_rng(seed)
    kept = [rng.permutation(np.flatnonzero(part.y == c))[:per_class] for c in np.unique(part.y)]
    order = np.concatenate(kept)
    return part.x[order], part.y[order]


def smaller(x: np.ndarray, by: int) -> np.ndarray:
    """Average squares of ``by`` x ``by`` pixels of (n, height, width, channels)."""
    n, height, width, channels = x.shape
    tiles = x.reshape(n, height // by, by, width // by, by, channels)
    return tiles.mean(axis=(2, 4), dtype=np.float32)


# --- The methods: what is prepared before the meter runs, and the training that it measures ------------------------


def pixels(side: str, classes: int, seed: int) -> Callable[[np.ndarray, np.ndarray], Answers]:
    """Train a linear model on the pixels, averaged in squares of 4 x 4."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def seen(x: np.ndarray) -> np.ndarray:
        return smaller(x, 4).reshape(len(x), -1)

    def train(x: np.ndarray, y: np.ndarray) -> Answers:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000)).fit(seen(x), y)
        return lambda images: model.predict_proba(seen(images))

    return train


def small(side: str, classes: int, seed: int) -> Callable[[np.ndarray, np.ndarray], Answers]:
    """Train a small CNN on smaller images (emoji 48, photos 32 pixels), white turned into 0, mirrored and moved."""
    from gpulab.train import fit, predict, shift

    model = (small_torch if side == "torch" else small_keras)(classes)

    def seen(x: np.ndarray) -> np.ndarray:
        return 1 - smaller(x, 2 if x.shape[1] == 96 else 4)

    def train(x: np.ndarray, y: np.ndarray) -> Answers:
        epochs = int(np.clip(6000 / len(y), 12, 60)) // 2
        moves = shift(4 if x.shape[1] == 96 else 2)
        x, y = np.concatenate([x, x[:, :, ::-1]]), np.concatenate([y, y])
        recipe = {"batch_size": 16, "optimizer": "adamw", "lr": 3e-3, "weight_decay": 0.01, "schedule": "one_cycle"}
        fit(model, (seen(x), y), epochs=epochs, augment=moves, seed=seed, verbose=False, **recipe)
        return lambda images: predict(model, seen(images))

    return train


def small_torch(classes: int) -> Any:
    """Return four convolutions with batch normalization, pooling, and a dense layer."""
    from torch import nn

    layers, before = [], 3
    for channels in (32, 64, 128, 128):
        layers += [nn.Conv2d(before, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        before = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(before, classes))


def small_keras(classes: int) -> Any:
    """Return the same network, with the same numbers in batch normalization."""
    import keras
    from keras import layers

    x = inputs = keras.Input((None, None, 3))
    for channels in (32, 64, 128, 128):
        start = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")  # as torch's
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False, kernel_initializer=start)(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        x = layers.MaxPooling2D(2)(layers.ReLU()(x))
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(classes)(x))


def frozen(side: str, classes: int, seed: int) -> Callable[[np.ndarray, np.ndarray], Answers]:
    """Compute MobileNetV2's features, and train a linear head on them."""
    from gpulab import transfer

    model = transfer.load("mobilenet-v2", side)
    warm(model)

    def train(x: np.ndarray, y: np.ndarray) -> Answers:
        weight, bias = probe(transfer.features(model, x), y)
        return lambda images: transfer.features(model, images) @ weight + bias

    return train


def tuned(side: str, classes: int, seed: int) -> Callable[[np.ndarray, np.ndarray], Answers]:
    """Train the head as above, put it on top, then train all layers with a small rate; statistics stay."""
    from gpulab import transfer
    from gpulab.train import fit, predict

    model = transfer.load("mobilenet-v2", side, classes=classes)
    transfer.unfreeze(model, since=transfer.stages(model)[0], batchnorm=False)
    warm(model)

    def train(x: np.ndarray, y: np.ndarray) -> Answers:
        transfer.set_head(model, *probe(transfer.features(model, x), y))
        epochs = int(np.clip(1200 / len(y), 5, 15))
        recipe = {"batch_size": 16, "optimizer": "adamw", "lr": 3e-4, "weight_decay": 0.001, "schedule": "one_cycle"}
        fit(model, (x, y), epochs=epochs, seed=seed, verbose=False, **recipe)
        return lambda images: predict(model, images, batch_size=64)

    return train


def random(side: str, classes: int, seed: int) -> Callable[[np.ndarray, np.ndarray], Answers]:
    """Train MobileNetV2 from random weights."""
    from gpulab import transfer
    from gpulab.train import fit, predict

    model = transfer.load("mobilenet-v2", side, classes=classes, source=None)

    def train(x: np.ndarray, y: np.ndarray) -> Answers:
        epochs = int(np.clip(4500 / len(y), 12, 30))
        recipe = {"batch_size": 16, "optimizer": "adamw", "lr": 3e-3, "weight_decay": 0.01, "schedule": "one_cycle"}
        fit(model, (x, y), epochs=epochs, seed=seed, verbose=False, **recipe)
        return lambda images: predict(model, images, batch_size=64)

    return train


def warm(model: Any) -> None:
    """Compute a first small batch, and import what the head is trained with."""
    import sklearn.linear_model  # noqa: F401
    from gpulab import transfer

    transfer.features(model, np.zeros((2, 96, 96, 3), np.float32))


def probe(features: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Train a linear head: weight (d, classes) and bias (classes,)."""
    from gpulab.transfer import scores

    found = scores.linear_probe(features, y, features, y)
    return found.weight, found.bias


METHODS = {"pixels": pixels, "small": small, "frozen": frozen, "tuned": tuned, "random": random}


if __name__ == "__main__":
    packages = ("numpy", "scikit-learn", "torch", "tensorflow", "keras")
    rows.main("scratch_or_transfer", cases, measure, packages=packages)
