"""Which remedies help a CNN that has only 300 digits? Each one alone, then a few together; and with 30 % wrong labels.

PyTorch and Keras, three seeds; a seed draws the digits, the first weights, the order and the wrong labels. Runs with
right labels take the same number of steps, also those with more digits; only early stopping may end sooner. Each
framework runs in processes of its own. The validation part is for choices; the test part is in the rows and is read
for what was chosen.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from gpulab.train import Callback, EarlyStopping, Run, shift

from experiments import stamp

SEEDS = (0, 1, 2)
FRAMEWORKS = ("torch", "keras")
DIGITS, EPOCHS, BATCH, RATE = 300, 16, 32, 2e-3
WRONG = 0.3  # share of wrong labels
NOISY_EPOCHS = 24  # wrong labels take longer to learn by heart
SMOOTH = 0.1
WATCHED = ("none", "tiny network")  # with a validation after each epoch, for learning curves
# Each is a change of the plain run: of the network (drop, norm, tiny), of `fit`, or of the digits.
CLEAN: dict[str, dict[str, Any]] = {
    "none": {},
    "1200 digits": {"digits": 1200},
    "2400 digits": {"digits": 2400},
    "weight decay 0.1": {"decay": 0.1},
    "weight decay 1": {"decay": 1.0},
    "dropout": {"drop": 0.5},
    "batch norm": {"norm": True},
    "shifts": {"pixels": 2},
    "label smoothing": {"smooth": SMOOTH},
    "early stopping": {"patience": 5},
    "shifts, batch norm": {"pixels": 2, "norm": True},
    "tiny network": {"tiny": True, "rate": 0.2},
}
NOISY: dict[str, dict[str, Any]] = {
    "none": {},
    "dropout": {"drop": 0.5},
    "shifts": {"pixels": 2},
    "label smoothing": {"smooth": SMOOTH},
    "early stopping": {"patience": 5},
}


def torch_network(drop: float, norm: bool, tiny: bool) -> Any:
    """Return the reference CNN, with dropout before dense layers or batch norm before ReLUs; or a tiny linear network."""
    from torch import nn

    if tiny:
        return nn.Sequential(nn.AvgPool2d(7), nn.Flatten(), nn.Linear(16, 10))
    parts: list[Any] = []
    for inputs, outputs, pool in ((1, 32, True), (32, 64, True), (64, 64, False)):
        parts += [nn.Conv2d(inputs, outputs, 3), *([nn.BatchNorm2d(outputs)] if norm else []), nn.ReLU()]
        parts += [nn.MaxPool2d(2)] if pool else []
    dropout = [nn.Dropout(drop)] if drop else []
    return nn.Sequential(*parts, nn.Flatten(), *dropout, nn.Linear(576, 64), nn.ReLU(), *dropout, nn.Linear(64, 10))


def keras_network(drop: float, norm: bool, tiny: bool) -> Any:
    """Return the same in Keras; its batch norm follows the running mean as fast as PyTorch's."""
    import keras
    from keras import layers

    image = keras.Input((28, 28, 1))
    if tiny:
        return keras.Sequential([image, layers.AveragePooling2D(7), layers.Flatten(), layers.Dense(10)])
    parts: list[Any] = []
    for outputs, pool in ((32, True), (64, True), (64, False)):
        normal = [layers.BatchNormalization(momentum=0.9, epsilon=1e-5)] if norm else []
        parts += [layers.Conv2D(outputs, 3), *normal, layers.ReLU()]
        parts += [layers.MaxPooling2D(2)] if pool else []
    first, second = ([layers.Dropout(drop)] if drop else [] for _ in range(2))
    dense = [*first, layers.Dense(64, activation="relu"), *second, layers.Dense(10)]
    return keras.Sequential([image, *parts, layers.Flatten(), *dense])


def network(framework: str, seed: int, drop: float = 0.0, norm: bool = False, tiny: bool = False) -> Any:
    """Seed the framework, and return a network with fresh weights."""
    if framework == "torch":
        import torch

        torch.manual_seed(seed)
        return torch_network(drop, norm, tiny)
    import keras

    keras.utils.set_random_seed(seed)
    return keras_network(drop, norm, tiny)


def smoothed(framework: str) -> Callable[..., Any]:
    """Return the cross-entropy with targets of 1 - SMOOTH for the label, and SMOOTH shared out over all ten classes."""
    if framework == "torch":
        from torch.nn.functional import cross_entropy

        return lambda outputs, y: cross_entropy(outputs, y, label_smoothing=SMOOTH)
    import keras

    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=SMOOTH)
    return lambda y, outputs: loss(keras.ops.one_hot(keras.ops.cast(keras.ops.reshape(y, (-1,)), "int32"), 10), outputs)


def some_digits(seed: int, digits: int = DIGITS) -> tuple[np.ndarray, np.ndarray]:
    """Return the training digits of a seed; with more digits, the first ones are the same."""
    from gpulab.data import load

    chosen = np.random.default_rng(seed).permutation(3500)[:digits]
    train = load("digits").train
    return train.x[chosen], train.y[chosen]


def wrong_labels(y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels of which some are another class, and where."""
    rng = np.random.default_rng(seed)
    places = rng.permutation(len(y))[: round(WRONG * len(y))]
    given = y.copy()
    given[places] = (y[places] + rng.integers(1, 10, len(places))) % 10
    return given, places


class Memory(Callback):
    """After each epoch: what does the network say of the images with a wrong label?"""

    def __init__(self, x: np.ndarray, given: np.ndarray, true: np.ndarray) -> None:
        self.x, self.labels = x, {"as given": given, "as true": true}
        self.shares: dict[str, list[float]] = {name: [] for name in self.labels}

    def on_epoch(self, run: Run) -> None:
        """Note the shares of answers that are the wrong label, and the true one."""
        from gpulab.train import predict

        answers = predict(run.model, self.x).argmax(axis=1)
        for name, labels in self.labels.items():
            self.shares[name].append(round(float((answers == labels).mean()), 4))


def point(framework: str, part: str, name: str, seed: int) -> dict[str, object]:
    """Train one network; return one row."""
    from gpulab.data import load
    from gpulab.train import evaluate, fit

    change = {"clean": CLEAN, "noisy": NOISY}[part][name]
    data = load("digits")
    x, y = some_digits(seed, change.get("digits", DIGITS))
    given, places = wrong_labels(y, seed) if part == "noisy" else (y, [])
    memory = [Memory(x[places], given[places], y[places])] if part == "noisy" else []
    model = network(framework, seed, change.get("drop", 0.0), change.get("norm", False), change.get("tiny", False))
    how: dict[str, Any] = {"lr": change.get("rate", RATE), "seed": seed, "batch_size": BATCH, "verbose": False}
    how |= {"optimizer": "adamw", "weight_decay": change["decay"]} if "decay" in change else {}
    how |= {"augment": shift(change["pixels"])} if "pixels" in change else {}
    how |= {"loss": smoothed(framework)} if "smooth" in change else {}
    stopping = [EarlyStopping("valid_loss", change["patience"])] if "patience" in change else []
    watched = stopping or name in WATCHED  # validation takes time, and changes nothing in the others
    epochs = NOISY_EPOCHS if part == "noisy" else EPOCHS * DIGITS // len(x)
    history = fit(
        model, (x, given), data.valid if watched else None, epochs=epochs, callbacks=[*memory, *stopping], **how
    )
    row: dict[str, object] = {"framework": framework, "part": part, "remedy": name, "seed": seed}
    for where, samples in (("train", (x, given)), ("valid", data.valid), ("test", data.test)):
        found = evaluate(model, samples)
        row |= {where: round(found["accuracy"], 4), f"{where}_loss": float(f"{found['loss']:.4g}")}
    columns = ("loss", "accuracy", *(("valid_loss", "valid_accuracy") if watched else ()))
    row["curves"] = {column: [float(f"{value:.4g}") for value in history[column]] for column in columns}
    return row | ({"memory": memory[0].shares} if memory else {})


def rows_of(framework: str, part: str) -> Iterator[dict[str, object]]:
    """Yield the rows of one framework and part."""
    for name in {"clean": CLEAN, "noisy": NOISY}[part]:
        yield from (point(framework, part, name, seed) for seed in SEEDS)


def compute() -> list[dict[str, object]]:
    """Return every row, each framework's from processes of its own."""
    rows = []
    for framework in FRAMEWORKS:
        for part in ("clean", "noisy"):
            command = [sys.executable, "-m", "experiments.remedies", framework, part]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            rows += [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return rows


if __name__ == "__main__":
    if len(sys.argv) > 1:
        for row in rows_of(*sys.argv[1:3]):
            print(json.dumps(row), flush=True)
    else:
        stamp.run("remedies", compute, SEEDS, ["numpy", "torch", "tensorflow", "keras"])
