"""Five broken programs, each with one function to repair; and the exercises of the page on debugging."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Difference, Number, as_array, show
from gpulab.exercises.engine import exercise
from gpulab.exercises.several import Holds, kept, of

Part = tuple[np.ndarray, np.ndarray]
BATCH, PIECE = 64, 16  # images of a step, and of a piece of it
COPIES = 8


# --- One question: network, loss and limit must fit together -----------------------------------------------------


def broken_build_torch() -> Any:
    """Return a network with a sigmoid at its end, and a loss that applies another one."""
    from torch import nn

    layers = [nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 1)]
    network = nn.Sequential(*layers, nn.Sigmoid(), nn.Flatten(0))
    return network, nn.BCEWithLogitsLoss(), 0.5


def broken_build_keras() -> Any:
    """Return a network with a sigmoid at its end, and a loss that applies another one."""
    import keras
    from keras import layers

    hidden = [layers.Flatten(), layers.Dense(64, activation="relu")]
    last = [layers.Dense(1, activation="sigmoid"), layers.Reshape(())]
    network = keras.Sequential([keras.Input((28, 28, 1)), *hidden, *last])
    return network, keras.losses.BinaryCrossentropy(from_logits=True), 0.5


class _NoTriple(TypeError):
    """What a ``build`` returns that cannot be used."""


class _NotOneEach(ValueError):
    """Outputs that are not one number an image."""


def _one_each(outputs: Any) -> None:
    """Refuse outputs of another shape than the targets': (2, 1) against (2,) would be compared with each other."""
    if tuple(outputs.shape) != (2,):
        shape = tuple(outputs.shape)
        raise _NotOneEach(f"the targets of two images have shape (2,), and `network` returns the shape {shape}")


def _three(built: Any) -> tuple[Any, Any, float]:
    """Return the network, the loss and the limit."""
    if not isinstance(built, tuple | list) or len(built) != 3:
        raise _NoTriple("`build` must return three things: network, loss, limit")
    network, loss, limit = built
    return network, loss, float(limit)


def _costs_torch(build: Callable[[], Any]) -> Callable[[float], list[float]]:
    """Return a function that gives, for a sum of the last layer, the cost of "yes", of "no", and the answer."""

    def costs(z: float) -> list[float]:
        import torch

        network, loss, limit = _three(build())
        last = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)][-1]
        with torch.no_grad():
            last.weight.zero_()
            last.bias.fill_(z)
            outputs = network(torch.zeros(2, 1, 28, 28))
            _one_each(outputs)
            each = [loss(outputs, torch.full_like(outputs, float(y))).item() for y in (1, 0)]
            return [*each, float(outputs.flatten()[0] > limit)]

    costs.__wrapped__ = build
    return costs


def _costs_keras(build: Callable[[], Any]) -> Callable[[float], list[float]]:
    """Return a function that gives, for a sum of the last layer, the cost of "yes", of "no", and the answer."""

    def costs(z: float) -> list[float]:
        import keras

        network, loss, limit = _three(build())
        last = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)][-1]
        last.set_weights([np.zeros_like(last.get_weights()[0]), np.full_like(last.get_weights()[1], z)])
        outputs = network(np.zeros((2, 28, 28, 1), np.float32))
        _one_each(outputs)
        each = [float(loss(np.full(outputs.shape, y, np.float32), outputs)) for y in (1, 0)]
        return [*each, float(np.asarray(outputs).ravel()[0] > limit)]

    costs.__wrapped__ = build
    return costs


def _right_costs(z: float) -> list[float]:
    return [math.log1p(math.exp(-z)), math.log1p(math.exp(z)), float(z > 0)]


def _sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


@dataclass(frozen=True)
class _Costs:
    """Two costs and an answer."""

    z: float

    def difference(self, got: Any) -> Difference | None:
        if got is None:
            return Difference("nothing")
        for name, value, right in zip(("a seven", "another digit"), got, _right_costs(self.z), strict=False):
            if not math.isclose(value, right, rel_tol=1e-3, abs_tol=1e-4):
                return Difference(f"a loss of `{value:.4f}` for {name}")
        if got[2] != float(self.z > 0):
            return Difference(f"the answer {'yes' if got[2] else 'no'}")
        return None

    def secrets(self) -> list[str]:
        return [f"{cost:.4f}" for cost in _right_costs(self.z)[:2]]


def _build_cases(answer: Any, costs_of: Callable[[Any], Any]) -> Iterator[Case]:
    """Yield the cases of a network, a loss and a limit for a question with the answers yes and no."""

    def without_limit(got: Any, z: float) -> bool:
        return np.allclose(got[:2], _right_costs(z)[:2], rtol=1e-3)

    given = costs_of(answer) if callable(answer) else answer
    for z in (0.0, 2.0, -2.0, 0.3, -0.3):
        p = _sigmoid(z)
        mistakes = [
            Mistake(
                "The loss expects any number, and makes a probability of it. Which numbers can the network give?",
                gives=lambda z: [math.log1p(math.exp(-_sigmoid(z))), math.log1p(math.exp(_sigmoid(z))), float(z > 0)],
            ),
            Mistake(
                "Squared error is for numbers. For yes or no it is cross-entropy.", when=lambda g, p=p: _squared(g, p)
            ),
            Mistake(
                "The loss is right now. But from which output on is a yes more likely than a no?",
                when=lambda g, z=z: without_limit(g, z),
            ),
            Mistake(
                "One kind of image costs more than the other. The images were not the fault: repair the cause first.",
                when=lambda g, z=z: _one_is_scaled(g, z),
            ),
        ]
        yield from called(
            given,
            (z,),
            _Costs(z),
            name="build",
            mistakes=mistakes,
            hint="What does the last step of the network return, and what does the loss expect?",
            label=f"With a last layer that sums to {z:g} for every image, the program",
            verb="has",
            given="no arguments, and its network with a batch of two images",
        )


def _squared(got: Any, p: float) -> bool:
    return any(np.allclose(got[:2], [(q - 1) ** 2, q**2], rtol=1e-3) for q in (p, math.log(p / (1 - p))))


def _one_is_scaled(got: Any, z: float) -> bool:
    right = _right_costs(z)
    return sum(math.isclose(g, r, rel_tol=1e-3) for g, r in zip(got[:2], right, strict=False)) == 1


@exercise(
    "cnn/broken-loss-torch",
    "repaired",
    "the repaired function build()",
    needs=("torch",),
    broken=_costs_torch(broken_build_torch),
)
def broken_loss_torch(answer: Any) -> Iterator[Case]:
    """Make network, loss and limit fit together; the costs are compared with the formula."""
    yield from _build_cases(answer, _costs_torch)


@exercise(
    "cnn/broken-loss-keras",
    "repaired",
    "the repaired function build()",
    needs=("keras",),
    broken=_costs_keras(broken_build_keras),
)
def broken_loss_keras(answer: Any) -> Iterator[Case]:
    """Make network, loss and limit fit together; the costs are compared with the formula."""
    yield from _build_cases(answer, _costs_keras)


# --- A step from four pieces --------------------------------------------------------------------------------------


def broken_epoch_torch(network: Any, optimizer: Any, x: Any, y: Any, order: Any) -> None:
    """Clear the gradients once an epoch."""
    from torch.nn.functional import cross_entropy

    optimizer.zero_grad()
    for batch in order.split(64):
        for piece in batch.split(16):
            loss = cross_entropy(network(x[piece]), y[piece], reduction="sum")
            (loss / len(batch)).backward()
        optimizer.step()


def cross_entropy(y: Any, outputs: Any) -> Any:
    """Return the sum of the cross-entropies of a batch, in Keras; the lab's own is of this name, too."""
    import keras

    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")(y, outputs)


def broken_epoch_keras(network: Any, optimizer: Any, x: Any, y: Any, order: Any) -> None:
    """Clear the sum of the gradients once an epoch."""
    import tensorflow as tf

    weights = network.trainable_variables
    added = [0.0] * len(weights)
    for batch in np.split(order, range(64, len(order), 64)):
        for piece in np.split(batch, range(16, len(batch), 16)):
            with tf.GradientTape() as tape:
                loss = cross_entropy(y[piece], network(x[piece])) / len(batch)
            added = [a + g for a, g in zip(added, tape.gradient(loss, weights))]  # noqa: B905  as it is handed out
        optimizer.apply(added, weights)


class _TooMany(MemoryError):
    """More images at once than the memory holds."""


def _in_memory(images: int) -> None:
    """Refuse more images at once than the author's memory holds."""
    if images > PIECE:
        raise _TooMany(f"the memory holds {PIECE} images at a time, and the network got {images}")


def _after_torch(epoch: Any) -> Callable[..., np.ndarray]:
    """Return a function that gives a tiny network's weights after an epoch."""

    def after(w: np.ndarray, x: np.ndarray, y: np.ndarray, rate: float) -> np.ndarray:
        import torch

        network = torch.nn.Linear(*w.shape[::-1], bias=False).double()
        network.weight.data.copy_(torch.from_numpy(w))
        network.register_forward_pre_hook(lambda _, inputs: _in_memory(len(inputs[0])))
        optimizer = torch.optim.SGD(network.parameters(), rate)
        data = torch.from_numpy(x), torch.from_numpy(y), torch.arange(len(x))
        epoch(network, optimizer, *data)
        return network.weight.detach().numpy()

    after.__wrapped__ = epoch
    return after


def _after_keras(epoch: Any) -> Callable[..., np.ndarray]:
    """Return a function that gives a tiny network's weights after an epoch."""

    def after(w: np.ndarray, x: np.ndarray, y: np.ndarray, rate: float) -> np.ndarray:
        import keras

        images = [0]

        class Dense(keras.layers.Dense):
            def call(self, inputs: Any, *others: Any, **more: Any) -> Any:
                images.append(inputs.shape[0] or 0)
                return super().call(inputs, *others, **more)

        dense = Dense(len(w), use_bias=False, dtype="float64")
        network = keras.Sequential([keras.Input((w.shape[1],), dtype="float64"), dense])
        dense.set_weights([w.T])
        epoch(network, keras.optimizers.SGD(rate), x, y, np.arange(len(x)))
        _in_memory(max(images))  # not while it runs: Keras would wrap the message in its own
        return dense.get_weights()[0].T

    after.__wrapped__ = epoch
    return after


def _simulated(clear: str = "batch", step: str = "batch", scale: str = "batch") -> Callable[..., np.ndarray]:
    """Return a calculation by hand of an epoch: when gradients are cleared, when a step is made, what a mean is of."""

    def after(w: np.ndarray, x: np.ndarray, y: np.ndarray, rate: float) -> np.ndarray:
        w, added = w.copy(), np.zeros_like(w)
        for batch in np.split(np.arange(len(x)), range(BATCH, len(x), BATCH)):
            added = np.zeros_like(w) if clear == "batch" else added
            for piece in np.split(batch, range(PIECE, len(batch), PIECE)):
                e = np.exp(x[piece] @ w.T)
                p = e / e.sum(axis=1, keepdims=True)
                gradient = (p - np.eye(len(w))[y[piece]]).T @ x[piece]
                share = {"batch": len(batch), "piece": len(piece), "sum": 1}[scale]
                added = gradient / share + (0 if clear == "piece" else added)
                if step == "piece":
                    w = w - rate * added
                    added = np.zeros_like(w) if clear != "never" else added
            w = w - rate * added if step == "batch" else w
        return w

    return after


def _epoch_cases(answer: Any, after: Callable[[Any], Any]) -> Iterator[Case]:
    """Yield the cases of an epoch whose steps learn from 64 images, in pieces of 16."""
    rng = np.random.default_rng(0)
    w, rate = np.array([[0.5, -1.0, 0.25], [0.0, 1.0, -0.5]]), 0.5
    too_early = "A step is due when all pieces of a batch are in, not after each."
    given = after(answer) if callable(answer) else answer

    def first_is_right(got: Any, n: int, call: tuple[Any, ...]) -> bool:
        return n > BATCH and np.allclose(got, _simulated("never")(*call), rtol=1e-4)

    for n in (BATCH, 2 * BATCH, BATCH + PIECE, 2 * BATCH + PIECE + 6):
        x = rng.normal(size=(n, 3))
        call = (w, x, (x[:, 0] + x[:, 1] > 0).astype(np.int64), rate)
        mistakes = [
            Mistake(
                "The first step is right, the next ones are not: what is left over from the steps before?",
                when=lambda got, n=n, call=call: first_is_right(got, n, call),
            ),
            Mistake(
                "Only the last piece counts. A step must learn from all its images.",
                when=_like(_simulated("piece"), call),
            ),
            Mistake(too_early, when=_like(_by_piece, call)),
            Mistake(too_early, when=_like(_by_piece_mean, call)),
            Mistake("The step is too long: the loss is the mean over the *batch*.", when=_like(_by_mean, call)),
            Mistake("The step is far too long: the loss is the mean over the batch.", when=_like(_by_sum, call)),
            Mistake(
                "The weights do not move. Is something cleared before the optimizer uses it? Is there a step at all?",
                when=lambda got: np.allclose(got, w),
            ),
        ]
        yield from called(
            given,
            call,
            Array(_simulated()(*call), rel=1e-4),
            name="epoch",
            mistakes=mistakes,
            hint="Go through the epoch line by line, and write down which images are in the gradient of each step.",
            label=f"After an epoch of {n} images, a tiny network's weights",
            verb="are",
            given="a network of one layer without activation, its optimizer, images of shape "
            f"{x.shape}, their classes and the order 0, 1, 2, ...",
        )


_by_piece = _simulated(clear="piece", step="piece")
_by_piece_mean = _simulated(clear="piece", step="piece", scale="piece")
_by_mean = _simulated(scale="piece")
_by_sum = _simulated(scale="sum")


def _like(way: Callable[..., np.ndarray], call: tuple[Any, ...]) -> Callable[[Any], bool]:
    """Return a test: are the weights those that a way of computing leads to?"""
    return lambda got: np.allclose(got, way(*call), rtol=1e-4)


@exercise(
    "cnn/broken-gradient-torch",
    "repaired",
    "the repaired function epoch(network, optimizer, x, y, order)",
    needs=("torch",),
    broken=_after_torch(broken_epoch_torch),
)
def broken_gradient_torch(answer: Any) -> Iterator[Case]:
    """Make each step learn from its own batch; the weights are compared with a calculation by hand."""
    yield from _epoch_cases(answer, _after_torch)


@exercise(
    "cnn/broken-gradient-keras",
    "repaired",
    "the repaired function epoch(network, optimizer, x, y, order)",
    needs=("keras",),
    broken=_after_keras(broken_epoch_keras),
)
def broken_gradient_keras(answer: Any) -> Iterator[Case]:
    """Make each step learn from its own batch; the weights are compared with a calculation by hand."""
    yield from _epoch_cases(answer, _after_keras)


# --- Measuring ----------------------------------------------------------------------------------------------------


def broken_accuracy_torch(network: Any, x: Any, y: Any) -> float:
    """Measure a network in the mode in which it is."""
    import torch

    with torch.no_grad():
        answers = [network(part).argmax(dim=1) for part in x.split(100)]
    return (torch.cat(answers) == y).float().mean().item()


def broken_accuracy_keras(network: Any, x: Any, y: Any) -> float:
    """Measure a network in training mode."""
    parts = np.split(x, range(100, len(x), 100))
    outputs = np.concatenate([network(part, training=True) for part in parts])
    return float((outputs.argmax(axis=1) == y).mean())


KINDS = ("dropout", "batch normalization")
RIGHT_SHARE = 0.75


def _images(n: int) -> np.ndarray:
    """Return images (n, 2, 2, 1) of positive numbers; without dropout, and with the stored mean of 0, class 0 wins."""
    return np.linspace(1, 2, 4 * n).reshape(n, 2, 2, 1).astype(np.float32)


def _classes(n: int) -> np.ndarray:
    """Return classes (n,): three quarters are 0, and the brightest images are 1."""
    return (np.arange(n) >= RIGHT_SHARE * n).astype(np.int64)


def _subject_torch(kind: str) -> Any:
    """Return a tiny network, in training mode, that answers class 0 for all positive images when it is measured."""
    import torch
    from torch import nn

    layer = nn.Dropout(0.9) if kind == "dropout" else nn.BatchNorm1d(4)
    last = nn.Linear(4, 2)
    with torch.no_grad():
        last.weight.copy_(torch.tensor([[1.0] * 4, [0.0] * 4]))
        last.bias.copy_(torch.tensor([0.0, 0.5]))
    return nn.Sequential(nn.Flatten(), layer, last)


def _subject_keras(kind: str) -> Any:
    """Return a tiny network that answers class 0 for all positive images when it is measured."""
    import keras

    layer = keras.layers.Dropout(0.9, seed=0) if kind == "dropout" else keras.layers.BatchNormalization()
    last = keras.layers.Dense(2)
    network = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), layer, last])
    last.set_weights([np.array([[1.0, 0]] * 4), np.array([0.0, 0.5])])
    return network


def _measured_torch(accuracy: Any) -> Callable[[str, int], dict[str, Any]]:
    """Return a function that measures a tiny network, and looks at what the measurement did to it."""

    def measured(kind: str, n: int) -> dict[str, Any]:
        import torch

        network = _subject_torch(kind)
        before = {name: value.clone() for name, value in network.state_dict().items()}
        x = torch.from_numpy(_images(n)).permute(0, 3, 1, 2)
        random = torch.random.get_rng_state()
        torch.manual_seed(0)  # so that the function as it was handed out can be told from others
        try:
            share = accuracy(network, x, torch.from_numpy(_classes(n)))
        finally:
            torch.random.set_rng_state(random)
        same = all(torch.equal(before[name], value) for name, value in network.state_dict().items())
        training = all(layer.training for layer in network.modules())
        network.eval()
        accuracy(network, x, torch.from_numpy(_classes(n)))
        resting = not any(layer.training for layer in network.modules())
        return {"share": share, "same": same, "training": training, "resting": resting}

    measured.__wrapped__ = accuracy
    return measured


def _measured_keras(accuracy: Any) -> Callable[[str, int], dict[str, Any]]:
    """Return a function that measures a tiny network, and looks at what the measurement did to it."""

    def measured(kind: str, n: int) -> dict[str, Any]:
        network = _subject_keras(kind)
        before = network.get_weights()
        trainable = len(network.trainable_variables)
        share = accuracy(network, _images(n), _classes(n))
        same = all(map(np.array_equal, before, network.get_weights()))
        training = len(network.trainable_variables) == trainable
        return {"share": share, "same": same, "training": training, "resting": True}

    measured.__wrapped__ = accuracy
    return measured


class _Measurement(Number):
    """A share that is right, of a network that is as it was before."""

    def difference(self, got: Any) -> Difference | None:
        if got["share"] is None:
            return Difference("nothing", "; a share is asked for: is a `return` missing?")
        wrong = super().difference(got["share"])
        if wrong is not None:
            return wrong
        if not got["same"]:
            return Difference("the right one, but afterward the network has other numbers in it", " than before")
        if not (got["training"] and got["resting"]):
            return Difference("the right one, but afterward the network is not as it was", "")
        return None

    def secrets(self) -> list[str]:
        return []


def _share_is_right(got: Any, but_not: str) -> bool:
    return not got[but_not] and Number(RIGHT_SHARE).difference(got["share"]) is None


def _accuracy_cases(answer: Any, measured: Callable[[Any], Any], left: str) -> Iterator[Case]:
    """Yield the cases of a measurement: of networks with dropout and with batch normalization."""
    given = measured(answer) if callable(answer) else answer
    mistakes = [
        Mistake("A share is asked for, between 0 and 1.", when=lambda got: float(got["share"]) > 1),
        Mistake("A measurement must not change what it measures.", when=lambda got: _share_is_right(got, "same")),
        Mistake(left, when=lambda got: _share_is_right(got, "training")),
        Mistake(
            "A network that was not training before the measurement is training after it. Note the mode first.",
            when=lambda got: _share_is_right(got, "resting"),
        ),
    ]
    hints = (
        "In this network, units are switched off at random while it trains. And now, while it is measured?",
        "In this network, an image is compared with the others of its group while it trains. And when it is measured?",
    )
    for kind, hint in zip(KINDS, hints, strict=True):
        for n in (40, 240):
            yield from called(
                given,
                (kind, n),
                _Measurement(RIGHT_SHARE),
                name="accuracy",
                mistakes=mistakes,
                hint=hint,
                label=f"The accuracy of a tiny network with {kind} on {n} images",
                verb="is",
                given=f"a network with {kind}",
            )


@exercise(
    "cnn/broken-evaluation-torch",
    "repaired",
    "the repaired function accuracy(network, x, y)",
    needs=("torch",),
    broken=_measured_torch(broken_accuracy_torch),
)
def broken_evaluation_torch(answer: Any) -> Iterator[Case]:
    """Measure a network as it will be used, and leave it as it was."""
    left = "The program goes on training with this network. In which mode does it do so now?"
    yield from _accuracy_cases(answer, _measured_torch, left)


@exercise(
    "cnn/broken-evaluation-keras",
    "repaired",
    "the repaired function accuracy(network, x, y)",
    needs=("keras",),
    broken=_measured_keras(broken_accuracy_keras),
)
def broken_evaluation_keras(answer: Any) -> Iterator[Case]:
    """Measure a network as it will be used, and leave it as it was."""
    left = "The program goes on training with this network. Which of its weights can still learn?"
    yield from _accuracy_cases(answer, _measured_keras, left)


# --- Labels and names ---------------------------------------------------------------------------------------------


def broken_coding(labels: np.ndarray) -> tuple[np.ndarray, str]:
    """Count from 0, and name the classes from 0."""
    return labels - 1, "0123456789"


@exercise("cnn/broken-labels", "repaired", "the repaired function coding(labels)", broken=kept(broken_coding))
def broken_labels(answer: Any) -> Iterator[Case]:
    """Give each label a class from 0 to 9, and each class the name of its digit."""
    hint = "Go through one image of each digit by hand: label, class, name."
    last = "The digits 1 to 9 are right, and one is not. Look up what the file says about it."
    for labels in ([1], [9], [10], list(range(1, 11)), [10, 3, 3, 1]):
        call = (np.array(labels),)
        yield from called(
            kept(answer),
            call,
            Holds(lambda got, labels=labels: _coding_fault(got, labels)),
            name="coding",
            hint=last if labels == [10] else hint,
            label=f"For the labels {labels}, the function",
        )


def _names(got: Any) -> str:
    classes, names = got
    return "".join(str(names[int(k)]) for k in as_array(classes))


def _coding_fault(got: Any, labels: list[int]) -> str:
    """Return what is wrong with classes and names, in words."""
    if not isinstance(got, tuple | list) or len(got) != 2:
        return "; two things are asked for, classes and names"
    classes, names = as_array(got[0]), got[1]
    if classes.dtype.kind not in "iu" or classes.shape != (len(labels),):
        return "; its classes are no array of whole numbers, one for each label"
    if len(names) != 10:
        return f" with {len(names)} names; ten are asked for"
    if classes.min() < 0 or classes.max() > 9:
        return " with a class that the network has no output for; they go from 0 to 9"
    named = zip(labels, _names(got), strict=True)
    wrong = [(label, name) for label, name in named if name != str(label % 10)]
    return f" that names an image with label {wrong[0][0]} a {wrong[0][1]}, which is not right" if wrong else ""


# --- Two parts ----------------------------------------------------------------------------------------------------


def broken_parts(x: np.ndarray, y: np.ndarray, copies: Callable[..., Part], seed: int) -> tuple[Part, Part]:
    """Copy, and then divide."""
    x, y = copies(x, y, seed)
    order = np.random.default_rng(seed).permutation(len(x))
    valid, train = order[: len(x) // 5], order[len(x) // 5 :]
    return (x[train], y[train]), (x[valid], y[valid])


def _eight(x: np.ndarray, y: np.ndarray, seed: int) -> Part:
    """Return eight changed copies of each image: image 7 becomes 7.1 to 7.8."""
    return np.concatenate([x + k / 10 for k in range(1, COPIES + 1)]), np.tile(y, COPIES)


@exercise("cnn/broken-split", "repaired", "the repaired function parts(x, y, copies, seed)", broken=kept(broken_parts))
def broken_split(answer: Any) -> Iterator[Case]:
    """Divide first and copy the training part; here image i is the number i, so that copies can be told."""
    mistakes = [
        Mistake("A validation image has a twin in the training part. What is a new image?", when=of(_leaks)),
        Mistake("The validation part is like the images in use: as it is, each once.", when=of(_valid_is_copied)),
        Mistake("The training part has lost its copies: they are there to make it learn better.", when=of(_no_copies)),
        Mistake("The training part is what `copies` returns, and nothing beside it.", when=of(_more_than_copies)),
        Mistake("The images come sorted by class, so a part without a random order lacks classes.", when=of(_unmixed)),
        Mistake("Some labels stand beside other images than before.", when=of(_mixed_up)),
    ]
    hint = "Follow one image through the function: where do its copies end up?"
    for n, seed in ((10, 0), (30, 1), (200, 2)):
        x = np.arange(n, dtype=float).reshape(n, 1, 1, 1)
        yield from called(
            kept(answer),
            (x, np.arange(n), _eight, seed),
            Holds(lambda got, n=n: _parts_fault(got, n)),
            name="parts",
            mistakes=mistakes,
            hint=hint,
            label=f"For {n} images and seed {seed}, the function",
        )
    x = np.arange(50, dtype=float).reshape(50, 1, 1, 1)

    def validation_images(*seeds: int) -> Callable[[], str]:
        def run() -> str:
            sets = [set(_numbers(answer(x, np.arange(50), _eight, seed)[1])) for seed in seeds]
            return "the same part" if sets[0] == sets[1] else "another part"

        return run

    same = Holds(lambda got: "" if got == "the same part" else "; the order must come from the seed")
    other = Holds(lambda got: "" if got == "another part" else "; the order must come from the seed")
    hint = "`np.random.default_rng(seed)` gives an order that depends on `seed`, and on nothing else."
    yield Case("Called twice with one seed, the function", validation_images(3, 3), same, hint=hint)
    yield Case("Called with two seeds, the function", validation_images(3, 4), other, hint=hint)


def _numbers(part: Any) -> list[int]:
    """Return the number of each image of a part, copied or not."""
    return [int(value + 1e-6) for value in as_array(part[0]).ravel()]


def _leaks(got: Any) -> bool:
    return bool(set(_numbers(got[0])) & set(_numbers(got[1])))


def _valid_is_copied(got: Any) -> bool:
    values = as_array(got[1][0]).ravel()
    return not np.allclose(values, np.round(values)) or len(set(_numbers(got[1]))) < len(values)


def _no_copies(got: Any) -> bool:
    return len(set(_numbers(got[0]))) * COPIES > len(as_array(got[0][0]))


def _more_than_copies(got: Any) -> bool:
    return len(as_array(got[0][0])) > COPIES * len(set(_numbers(got[0])))


def _unmixed(got: Any) -> bool:
    numbers = sorted(_numbers(got[1]))
    return len(numbers) > 3 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _mixed_up(got: Any) -> bool:
    return any(_numbers(part) != as_array(part[1]).tolist() for part in got)


def _parts_fault(got: Any, n: int) -> str:
    """Return what is wrong with two parts, in words."""
    if not isinstance(got, tuple | list) or len(got) != 2 or any(len(part) != 2 for part in got):
        return "; two pairs are asked for, `(x, y), (x, y)`: training and validation"
    if _mixed_up(got):
        return " with labels of other images"
    train, valid = set(_numbers(got[0])), set(_numbers(got[1]))
    if both := len(train & valid):
        return f"; {both} of its validation images are in the training part, too"
    if _valid_is_copied(got):
        return " whose validation part is not made of images as they came, each once"
    if len(valid) != n // 5:
        return f" with {len(valid)} validation images; a fifth of the images is asked for"
    if len(train) != n - n // 5:
        return f" with {len(train)} different images to train on, and the others are lost"
    if _no_copies(got) or len(as_array(got[0][0])) < COPIES * len(train):
        return " whose training part lacks copies"
    if _more_than_copies(got):
        return " whose training part has more images than `copies` returns"
    if _unmixed(got):
        return " whose validation part is cut out of one piece"
    return ""


# --- The page on debugging ----------------------------------------------------------------------------------------


def _baselines(y: Any) -> np.ndarray:
    shares = np.bincount(y) / len(y)
    shares = shares[shares > 0]
    return np.array([shares.max(), -(shares * np.log(shares)).sum()])


@exercise("cnn/know-nothing", "function", "a function know_nothing(y)")
def know_nothing(answer: Any) -> Iterator[Case]:
    """Return the accuracy and the loss that need no image."""

    def uniform(y: np.ndarray) -> np.ndarray:
        classes = len(np.unique(y))
        return np.array([1 / classes, np.log(classes)])

    def with_log2(y: np.ndarray) -> np.ndarray:
        return np.array([_baselines(y)[0], _baselines(y)[1] / np.log(2)])

    mistakes = [
        Mistake("The classes are not equally frequent. A program that looks at no image can use that.", gives=uniform),
        Mistake("The logarithm of this course is the natural one: nats, not bits.", gives=with_log2),
        Mistake(
            "Always answering the most frequent class gives the accuracy. For the loss, give each class its share.",
            gives=lambda y: np.array([_baselines(y)[0], -np.log(_baselines(y)[0])]),
        ),
        Mistake("First the accuracy, then the loss.", gives=lambda y: _baselines(y)[::-1]),
        Mistake(
            "A class without any image has share 0, and 0 times the logarithm of 0 is not a number for NumPy.",
            when=lambda got: bool(np.isnan(as_array(got)).any()),
        ),
    ]
    hint = "Which single answer is right most often? And which ten probabilities have the smallest mean loss?"
    for y in ([0, 1], [0, 0, 0, 1], [2, 0, 0, 0, 0, 0, 0, 2], [1] * 9 + [0], [0, 1, 2, 3, 3, 3]):
        call = (np.array(y),)
        yield from called(
            answer,
            call,
            Array(_baselines(*call)),
            name="know_nothing",
            mistakes=mistakes,
            hint=hint,
            label=f"`know_nothing(np.array({y}))`",
        )


def _near(valid: np.ndarray, train: np.ndarray, limit: float) -> np.ndarray:
    return np.array([i for i, image in enumerate(valid) if any(np.abs(image - t).mean() <= limit for t in train)], int)


@exercise("cnn/near-copies", "function", "a function near_copies(valid, train, limit)")
def near_copies(answer: Any) -> Iterator[Case]:
    """Return the places of validation images that have a near copy in the training part."""

    def exact(valid: np.ndarray, train: np.ndarray, limit: float) -> np.ndarray:
        return _near(valid, train, 0.0)

    def swapped(valid: np.ndarray, train: np.ndarray, limit: float) -> np.ndarray:
        return _near(train, valid, limit)

    def signed(valid: np.ndarray, train: np.ndarray, limit: float) -> np.ndarray:
        return np.array([i for i, v in enumerate(valid) if any((v - t).mean() <= limit for t in train)], int)

    def mean_of_all(valid: np.ndarray, train: np.ndarray, limit: float) -> np.ndarray:
        return np.array([i for i, v in enumerate(valid) if np.abs(v - train).mean() <= limit], int)

    def largest(valid: np.ndarray, train: np.ndarray, limit: float) -> np.ndarray:
        return np.array([i for i, v in enumerate(valid) if any(np.abs(v - t).max() <= limit for t in train)], int)

    def at_same_place(valid: np.ndarray, train: np.ndarray, limit: float) -> np.ndarray:
        pairs = zip(valid, train, strict=False)
        return np.array([i for i, (v, t) in enumerate(pairs) if np.abs(v - t).mean() <= limit], int)

    mistakes = [
        Mistake("This finds exact copies only. A copy may be changed a little.", gives=exact),
        Mistake("The places of validation images are asked for, not those of training images.", gives=swapped),
        Mistake("Differences above and below zero cancel. What is the size of a difference?", gives=signed),
        Mistake("One twin is enough. Look for the *nearest* training image, not at the mean.", gives=mean_of_all),
        Mistake("The mean difference of a pixel is asked for, not the largest.", gives=largest),
        Mistake("A twin may stand anywhere in the training part, not only at the same place.", gives=at_same_place),
        Mistake("Whole numbers are asked for: places, not true or false.", when=_is_mask),
    ]
    hint = "For each validation image: how far is its nearest training image?"
    rng = np.random.default_rng(0)
    train = rng.uniform(size=(5, 2, 2, 1))
    valid = rng.uniform(size=(4, 2, 2, 1))
    near = valid.copy()
    near[1] = train[4] + 0.01
    near[3] = train[0]
    bright = np.concatenate([near, train[:1] - 0.2, train[:1] + 0.02])
    one_pixel = near.copy()
    one_pixel[0] = train[2]
    one_pixel[0, 0, 0, 0] += 0.06
    for name, images in (
        ("no copy", valid),
        ("two copies, one of them a little brighter", near),
        ("a darker and a brighter copy", bright),
        ("a copy with one other pixel", one_pixel),
    ):
        call = (images, train, 0.03)
        yield from called(
            answer,
            call,
            _Places(_near(*call)),
            name="near_copies",
            mistakes=mistakes,
            hint=hint,
            label=f"For {len(images)} validation images with {name}, 5 training images and the limit 0.03, it",
        )


def _is_mask(got: Any) -> bool:
    return as_array(got).dtype.kind == "b"


class _Places(Array):
    """Whole numbers, in ascending order; lists will do."""

    def difference(self, got: Any) -> Difference | None:
        array = as_array(got)
        if array.size == 0 and np.size(self.value) == 0:
            return None
        if array.dtype.kind not in "iu":
            return Difference(show(got), "; an array of whole numbers is asked for")
        shown = f"the places `{array.ravel().tolist()}`"
        return None if array.ravel().tolist() == list(self.value) else Difference(shown)

    def secrets(self) -> list[str]:
        return []
