"""The broken programs of the part on transfer learning: what must hold is found out with a small network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array
from gpulab.exercises.engine import exercise
from gpulab.exercises.several import AllTrue, first_false

CLASSES = 4


@dataclass(frozen=True)
class Fact:
    """One thing that must hold of what a learner's function leaves behind.

    Attributes
    ----------
    otherwise : str
        What is said where it does not hold, to be read after "leaves".
    hint : str
    """

    otherwise: str
    hint: str


def _cases(
    answer: Any, measure: Callable[[Any, int], list[bool]], facts: Sequence[Fact], name: str, given: str, hint: str
) -> Iterator[Case]:
    """Yield the cases of a function whose effect is measured on small networks with other weights."""
    measured = _measured(answer, measure) if callable(answer) else answer
    mistakes = first_false({k: fact.hint for k, fact in enumerate(facts)})
    for seed in (0, 1):
        yield from called(
            measured,
            (seed,),
            AllTrue({k: fact.otherwise for k, fact in enumerate(facts)}),
            name=name,
            mistakes=mistakes,
            hint=hint,
            label=f"With a small network of {('some', 'other')[seed]} weights, `{name}`",
            verb="leaves",
            given=given,
        )


def _measured(function: Callable[..., Any], measure: Callable[[Any, int], list[bool]]) -> Callable[[int], list[bool]]:
    def run(seed: int) -> list[bool]:
        return measure(function, seed)

    run.__wrapped__ = function
    return run


def _small_torch(seed: int) -> Any:
    """Return a network with the parts of a pretrained one: stages with batch normalization, and a head with dropout."""
    import torch
    from torch import nn

    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            stem = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU())
            block = nn.Sequential(nn.Conv2d(6, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
            pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
            self.stages = nn.ModuleDict({"stem": stem, "block11": block, "pool": pool})
            self.head = nn.Sequential()
            self.head.add_module("dropout", nn.Dropout(0.2))
            self.head.add_module("linear", nn.Linear(8, CLASSES))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for stage in self.stages.values():
                x = stage(x)
            return self.head(x)

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Small()
        for weight in network.parameters():
            if weight.ndim > 1:
                nn.init.normal_(weight, std=0.2)
    return network.eval()


def _small_keras(seed: int) -> Any:
    """Return the same in Keras."""
    import keras
    from keras import layers

    start = keras.initializers.RandomNormal(stddev=0.2, seed=seed)
    inputs = x = keras.Input((12, 12, 3))
    for name, size in (("stem", 6), ("block11", 8)):
        x = layers.Conv2D(size, 3, kernel_initializer=start, name=f"{name}_conv")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
        x = layers.ReLU(name=f"{name}_act")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.2, seed=seed, name="head_dropout")(x)
    return keras.Model(inputs, layers.Dense(CLASSES, kernel_initializer=start, name="head")(x))


def _images(seed: int, n: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 12, 12, 3) whose color tells the class, and the classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, n)
    colors = rng.uniform(0, 1, (CLASSES, 3))
    x = np.clip(colors[y][:, None, None] + rng.normal(0, 0.1, (n, 12, 12, 3)), 0, 1)
    return x.astype(np.float32), y.astype(np.int64)


# --- A base that is frozen, or not ---------------------------------------------------------------------------------

FROZEN = (
    Fact("a head that training does not change", "The new head must still learn."),
    Fact("a base whose weights training changes", "No gradient may change a weight of the base."),
    Fact(
        "a base that makes other features of the same images after training",
        "Which numbers of the base are no parameters, and move without a gradient? And who switches that on again when "
        "training starts?",
    ),
    Fact(
        "a base that makes other features in training than in use",
        "The base must compute in training as it does in use. From what does each layer take mean and variance?",
    ),
)


def broken_freeze_torch(network: Any) -> Any:
    """Stop the gradients, and nothing else."""
    for weight in network.stages.parameters():
        weight.requires_grad_(False)
    return network


def _freezing(function: Any, seed: int) -> list[bool]:
    """Train after the learner's function has frozen the base; tell what holds."""
    import torch
    from torch import nn

    network = _small_torch(seed)
    network = function(network) or network
    if not hasattr(network, "stages"):
        return [False] * len(FROZEN)
    x, y = (torch.from_numpy(part) for part in _images(seed))
    x = x.permute(0, 3, 1, 2) * 2

    def features(training: bool) -> torch.Tensor:
        network.train(training)
        with torch.no_grad():
            out = x
            for stage in network.stages.values():
                out = stage(out)
        return out.clone()

    before = features(False)
    weights = [weight.detach().clone() for weight in network.stages.parameters()]
    head = [weight.detach().clone() for weight in network.head.parameters()]
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    if trained:
        optimizer = torch.optim.SGD(trained, lr=0.1)
        network.train()
        for part in range(0, 64, 16):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x[part : part + 16]), y[part : part + 16]).backward()
            optimizer.step()
    fixed = all(torch.equal(a, b) for a, b in zip(weights, network.stages.parameters(), strict=True))
    learned = not all(torch.equal(a, b) for a, b in zip(head, network.head.parameters(), strict=True))
    after = features(False)
    return [learned, fixed, not fixed or torch.equal(before, after), torch.allclose(features(True), after, atol=1e-6)]


@exercise(
    "transfer/broken-frozen-base-torch",
    "repaired",
    "the repaired function freeze(network)",
    needs=("torch",),
    broken=_measured(broken_freeze_torch, _freezing),
)
def repaired_freeze(answer: Any) -> Iterator[Case]:
    """Freeze a base, so that its features stay what they are; found out by training a small network."""
    yield from _cases(
        answer,
        _freezing,
        FROZEN,
        "freeze",
        "a network of `transfer.load`, and train it",
        "Compare the features of a few images before training and after it.",
    )


def broken_learn_keras(network: Any, data: Any, epochs: int) -> None:
    """Train the head with a loop of its own; the base is called as in training."""
    import keras
    import tensorflow as tf

    x, y = data
    base = keras.Model(network.input, network.get_layer("pool").output)
    head, optimizer = network.get_layer("head"), keras.optimizers.Adam(1e-2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    rng = np.random.default_rng(0)
    for _ in range(epochs):
        for part in np.array_split(rng.permutation(len(x)), len(x) // 32):
            features = base(x[part], training=True)
            with tf.GradientTape() as tape:
                error = loss(y[part], head(features))
            weights = head.trainable_variables
            optimizer.apply(tape.gradient(error, weights), weights)


def _learning(function: Any, seed: int) -> list[bool]:
    """Let the learner's function train a head; tell what holds."""
    import keras

    network = _small_keras(seed)
    base = keras.Model(network.input, network.get_layer("pool").output)
    x, y = _images(seed)
    seen: list[np.ndarray] = []
    pool = network.get_layer("pool")
    inner = pool.call

    def watched(*call: Any, **named: Any) -> Any:
        out = inner(*call, **named)
        if hasattr(out, "numpy"):
            seen.append(out.numpy())
        return out

    before = np.asarray(base(x, training=False))
    weights = [np.array(weight) for layer in base.layers for weight in layer._trainable_variables]
    head = [np.array(weight) for weight in network.get_layer("head").weights]
    pool.call = watched
    function(network, (x, y), 2)
    pool.call = inner
    after = [np.array(weight) for layer in base.layers for weight in layer._trainable_variables]
    learned = not all(map(np.array_equal, head, network.get_layer("head").weights))
    fixed = all(map(np.array_equal, weights, after))
    now = np.asarray(base(x, training=False))
    as_in_use = all(any(np.allclose(row, known, atol=1e-5) for known in now) for out in seen[-4:] for row in out)
    return [learned, fixed, not fixed or np.array_equal(before, now), as_in_use]


@exercise(
    "transfer/broken-frozen-base-keras",
    "repaired",
    "the repaired function learn(network, data, epochs)",
    needs=("keras",),
    broken=_measured(broken_learn_keras, _learning),
    seconds=30.0,
)
def repaired_learn(answer: Any) -> Iterator[Case]:
    """Train a head alone; found out by what is left of the base of a small network."""
    yield from _cases(
        answer,
        _learning,
        FROZEN,
        "learn",
        "a network of `transfer.load`, a few images with their classes, and 2",
        "Compare the features of a few images before training and after it.",
    )


# --- Images that are prepared in two ways --------------------------------------------------------------------------

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of ImageNet's photographs


def broken_for_use_torch(images: np.ndarray) -> np.ndarray:
    """Divide bytes by 255 after they were normalized, and not before."""
    return ((images - MEAN) / STD / 255).astype("float32")


def broken_for_use_keras(images: np.ndarray) -> np.ndarray:
    """Prepare bytes for another network: colors in another order, minus other means, divided by nothing."""
    from keras.applications.imagenet_utils import preprocess_input

    return preprocess_input(images.astype("float32"))


def _normalized(images: np.ndarray) -> np.ndarray:
    return np.stack([(images[..., k] / 255.0 - MEAN[k]) / STD[k] for k in range(3)], axis=-1)


def _for_use_cases(answer: Any) -> Iterator[Case]:
    """Yield the cases of a function that prepares bytes as the training images were prepared."""
    mistakes = [
        Mistake("Mean and spread are those of numbers from 0 to 1. Are the numbers from 0 to 1 when they are used?",
                gives=lambda x: (x - MEAN) / STD / 255),
        Mistake("The bytes were never divided by 255.", gives=lambda x: (x - MEAN) / STD),
        Mistake("The numbers go from 0 to 1 now. And then?", gives=lambda x: x / 255.0),
        Mistake("The numbers go from -1 to 1. Another network wants this; what were the training images given?",
                gives=lambda x: x / 127.5 - 1),
        Mistake("Red and blue have changed places.", gives=lambda x: _normalized(x[..., ::-1])),
        Mistake("Red and blue have changed places.", gives=lambda x: _normalized(x)[..., ::-1]),
        Mistake("These images were made equal to themselves: mean and spread are those of the network's card.",
                gives=lambda x: (x - x.mean(axis=(0, 1, 2))) / x.std(axis=(0, 1, 2))),
        Mistake("The mean is subtracted; the spread is missing.", gives=lambda x: x / 255.0 - MEAN),
        Mistake("This is how VGG16 of Keras wants its images. What were the training images given?",
                gives=lambda x: x[..., ::-1] - np.array([103.939, 116.779, 123.68])),
    ]  # fmt: skip
    rng = np.random.default_rng(5)
    for label, images in (
        ("one white pixel", np.full((1, 1, 1, 3), 255, np.uint8)),
        ("one pixel, red 200, green 100, blue 20", np.array([200, 100, 20], np.uint8).reshape(1, 1, 1, 3)),
        ("two images of random bytes", rng.integers(0, 256, (2, 4, 5, 3)).astype(np.uint8)),
    ):
        yield from called(
            answer,
            (images,),
            Array(_normalized(images), rel=1e-4, absolute=1e-4, kind="f"),
            name="for_use",
            mistakes=mistakes,
            hint="Take one image both ways, as pixels from 0 to 1 and as bytes. The network must get the same numbers.",
            label=f"For {label}, the result",
            verb="is",
        )


@exercise(
    "transfer/broken-normalization-torch",
    "repaired",
    "the repaired function for_use(images)",
    needs=("torch",),
    broken=broken_for_use_torch,
)
def repaired_for_use_torch(answer: Any) -> Iterator[Case]:
    """Prepare bytes as the training images were prepared."""
    yield from _for_use_cases(answer)


@exercise(
    "transfer/broken-normalization-keras",
    "repaired",
    "the repaired function for_use(images)",
    needs=("keras",),
    broken=broken_for_use_keras,
)
def repaired_for_use_keras(answer: Any) -> Iterator[Case]:
    """Prepare bytes as the training images were prepared."""
    yield from _for_use_cases(answer)


# --- A rate that forgets -------------------------------------------------------------------------------------------

TUNED = (
    Fact("a base that is what it was", "The base must learn, too: that is what fine-tuning means."),
    Fact("a head that is what it was", "The head must go on learning."),
    Fact(
        "a base that hardly knows its old weights",
        "How far does a weight move in one step, and how large is it? The base is to be changed a little.",
    ),
    Fact(
        "statistics of batch normalization that are those of a few small batches",
        "The stored means and variances come from a million images. Keep them.",
    ),
)
FAR = 0.04  # of the length of the base's weights; 1e-4 and Adam move it by 0.005, 1e-2 by 0.4


def broken_tuning(network: Any, data: Any) -> Any:
    """Train the last blocks at the rate of a fresh head."""
    from gpulab import transfer
    from gpulab.train import fit

    transfer.unfreeze(network, "block11")
    fit(network, data, epochs=1, batch_size=8, lr=1e-2, verbose=False)
    return network


def _tuning(side: str) -> Callable[[Any, int], list[bool]]:
    def measure(function: Any, seed: int) -> list[bool]:
        from gpulab import transfer

        network = transfer.freeze(_small_torch(seed) if side == "torch" else _small_keras(seed))

        def read() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            if side == "torch":
                base = [w.detach().numpy().ravel().copy() for w in network.stages.parameters()]
                head = [w.detach().numpy().ravel().copy() for w in network.head.parameters()]
                state = [v.numpy().ravel().copy() for n, v in network.stages.state_dict().items() if "running" in n]
            else:
                inner = [layer for layer in network.layers if not layer.name.startswith("head")]
                base = [np.ravel(w.numpy()) for layer in inner for w in layer._trainable_variables]
                head = [np.ravel(w.numpy()) for w in network.get_layer("head").weights]
                state = [np.ravel(w.numpy()) for layer in inner for w in layer._non_trainable_variables]
            return tuple(np.concatenate(part).astype(np.float64) for part in (base, head, state))

        before = read()
        function(network, _images(seed))
        after = read()
        far = np.linalg.norm(after[0] - before[0]) / np.linalg.norm(before[0])
        moved = not np.array_equal(before[1], after[1])
        return [bool(far > 1e-7), moved, bool(far < FAR), bool(np.array_equal(before[2], after[2]))]

    return measure


TUNING_TORCH, TUNING_KERAS = _tuning("torch"), _tuning("keras")


def _tuning_cases(answer: Any, measure: Callable[[Any, int], list[bool]]) -> Iterator[Case]:
    yield from _cases(
        answer,
        measure,
        TUNED,
        "fine_tune",
        "a network of `transfer.load`, and a pair of images and classes",
        "Compare the weights of the base before and after: by how much of their length did they move?",
    )


@exercise(
    "transfer/broken-fine-tuning-rate-torch",
    "repaired",
    "the repaired function fine_tune(network, data)",
    needs=("torch",),
    broken=_measured(broken_tuning, TUNING_TORCH),
)
def repaired_tuning_torch(answer: Any) -> Iterator[Case]:
    """Tune the last blocks a little; found out by how far the weights of a small network move."""
    yield from _tuning_cases(answer, TUNING_TORCH)


@exercise(
    "transfer/broken-fine-tuning-rate-keras",
    "repaired",
    "the repaired function fine_tune(network, data)",
    needs=("keras",),
    broken=_measured(broken_tuning, TUNING_KERAS),
    seconds=40.0,
)
def repaired_tuning_keras(answer: Any) -> Iterator[Case]:
    """Tune the last blocks a little; found out by how far the weights of a small network move."""
    yield from _tuning_cases(answer, TUNING_KERAS)
