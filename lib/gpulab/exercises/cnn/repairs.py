"""Four sick training programs, each with one broken function, which the lab hands out to be repaired."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Difference, Number, a, as_array, show
from gpulab.exercises.engine import exercise

Part = tuple[np.ndarray, np.ndarray]


def broken_shuffled(x: np.ndarray, y: np.ndarray, seed: int) -> Part:
    """Shuffle images and labels, each in an order of its own."""
    rng = np.random.default_rng(seed)
    return x[rng.permutation(len(x))], y[rng.permutation(len(y))]


@exercise("cnn/repair-shuffle", "repaired", "the repaired function shuffled(x, y, seed)", broken=broken_shuffled)
def repair_shuffle(answer: Any) -> Iterator[Case]:
    """Shuffle images and labels together; here label 10 * i belongs to image i, so that pairs can be told."""
    mistakes = [
        Mistake("Now nothing is shuffled. A batch should hold images of all classes.", when=_in_order),
        Mistake("Every image must come out exactly once: an order is a permutation.", when=_repeats),
        Mistake("Only one of the two is shuffled. The other needs the same order.", when=_one_in_order),
    ]
    hint = "Images and labels get different orders. Draw one order, and use it for the images and for the labels."
    for n, seed in ((8, 0), (8, 1), (30, 2)):
        call = (np.arange(n), 10 * np.arange(n), seed)
        label = f"For {n} images and seed {seed}, the function"
        yield from called(answer, call, _Pairs(n), name="shuffled", mistakes=mistakes, hint=hint, label=label)

    def orders(*seeds: int) -> Callable[[], list[np.ndarray]]:
        return lambda: [as_array(answer(np.arange(30), 10 * np.arange(30), seed)[0]) for seed in seeds]

    hint = "The order must come from `seed`, and from nothing else: `np.random.default_rng(seed)`."
    yield Case("Twice with the same seed, the function", orders(3, 3), _Orders(same=True), hint=hint)
    yield Case("With two different seeds, the function", orders(3, 4), _Orders(same=False), hint=hint)


@dataclass(frozen=True)
class _Orders:
    """Two orders, the same one or not."""

    same: bool

    def difference(self, got: Any) -> Difference | None:
        equal = np.array_equal(*got)
        return None if equal is self.same else Difference("the same order" if equal else "two different orders", "")

    def secrets(self) -> list[str]:
        return []


@dataclass(frozen=True)
class _Pairs:
    """Images 0 to n - 1 in another order, each beside its label."""

    n: int

    def difference(self, got: Any) -> Difference | None:
        if not isinstance(got, tuple | list) or len(got) != 2:
            return Difference(show(got), "; a pair of arrays is asked for, `return x, y`")
        if _repeats(got):
            return Difference("images", " of which some are there twice, or not at all")
        if _in_order(got):
            return Difference("the images", " in the order in which they came")
        images, labels = map(as_array, got)
        paired = labels.shape == images.shape and np.array_equal(labels, 10 * images)
        return None if paired else Difference("images", " beside labels of other images")

    def secrets(self) -> list[str]:
        return []


def _in_order(got: Any) -> bool:
    return all(bool(np.all(np.diff(as_array(part)) > 0)) for part in got)


def _one_in_order(got: Any) -> bool:
    return any(bool(np.all(np.diff(as_array(part)) > 0)) for part in got)


def _repeats(got: Any) -> bool:
    images = as_array(got[0])
    return not np.array_equal(np.sort(images), np.arange(len(images))) or len(images) < 8


def broken_prepare(images: np.ndarray) -> np.ndarray:
    """Turn bytes into floats, and leave them between 0 and 255."""
    return images.astype(np.float32)


@exercise("cnn/repair-scale", "repaired", "the repaired function prepare(images)", broken=broken_prepare)
def repair_scale(answer: Any) -> Iterator[Case]:
    """Bring bytes to floats between 0 and 1."""
    mistakes = [
        Mistake("The brightest byte is 255, and it must become 1.", gives=lambda images: images / np.float32(256)),
        Mistake(
            "Whole numbers divide without rest here: nothing is left between black and white.",
            gives=lambda images: (images // 255).astype(np.float32),
        ),
        Mistake(
            "The same gray gets another number in another batch. Divide by what a byte can hold at most.",
            gives=lambda images: images / images.max(),
        ),
        Mistake("Black must stay 0.", when=lambda r: as_array(r).min() < 0),
        Mistake(
            "Networks compute with float32: half the memory of float64.", when=lambda r: as_array(r).dtype == np.float64
        ),
    ]
    hint = "A pixel is a whole number from 0 to 255. Which number must it be for the network?"
    for label, values in (
        ("black and white, [0, 255]", [0, 255]),
        ("three grays, [0, 51, 255]", [0, 51, 255]),
        ("a dark image, [0, 51, 102]", [0, 51, 102]),
    ):
        call = (np.array(values, np.uint8).reshape(1, 1, -1, 1),)
        right = np.array(values, np.float32).reshape(call[0].shape) / 255
        yield from called(
            answer,
            call,
            _Singles(right, rel=1e-5, kind="f"),
            name="prepare",
            mistakes=mistakes,
            hint=hint,
            label=f"The result for {label},",
            verb="is",
        )


class _Singles(Array):
    """An array of float32."""

    def difference(self, got: Any) -> Difference | None:
        found = super().difference(got)
        double = found is None and as_array(got).dtype == np.float64
        return Difference(show(got), " of float64; float32 is asked for") if double else found


def broken_report(answers_of: Callable[[np.ndarray], np.ndarray], train: Part, valid: Part) -> dict[str, float]:
    """Report the accuracy on both parts; the second is the first once more."""
    result = {}
    for name, part in (("train", train), ("valid", valid)):  # noqa: B007  as it is handed out
        x, y = train
        result[name] = float((answers_of(x) == y).mean())
    return result


@exercise(
    "cnn/repair-report", "repaired", "the repaired function report(answers_of, train, valid)", broken=broken_report
)
def repair_report(answer: Any) -> Iterator[Case]:
    """Measure the training and the validation part, each on its own."""

    def swapped(answers_of: Any, train: Part, valid: Part) -> dict[str, float]:
        return {"train": _share(answers_of, valid), "valid": _share(answers_of, train)}

    def together(answers_of: Any, train: Part, valid: Part) -> dict[str, float]:
        both = tuple(np.concatenate(pair) for pair in zip(train, valid, strict=True))
        return {"train": _share(answers_of, train), "valid": _share(answers_of, both)}

    mistakes = [
        Mistake("The two names are changed over.", gives=swapped),
        Mistake("The validation part must hold no training image: measure it alone.", gives=together),
        Mistake(
            "Shares are asked for, between 0 and 1.",
            when=lambda r: isinstance(r, dict) and any(v > 1 for v in r.values()),
        ),
        Mistake(
            "Now both are measured on the validation part.",
            when=lambda r: isinstance(r, dict) and r.get("train") == r.get("valid"),
        ),
    ]
    hint = "Look at the loop variable. Is it used?"
    for train, valid in ((([1, 2], [1, 2]), ([3, 4], [3, 0])), (([1, 2, 3, 4], [1, 2, 3, 0]), ([5, 6], [0, 0]))):
        parts = [tuple(map(np.array, part)) for part in (train, valid)]
        right = {"train": _share(np.array, parts[0]), "valid": _share(np.array, parts[1])}
        label = f"For a model that answers what it sees, train = {train} and valid = {valid}, the function"
        yield from called(
            answer, (np.array, *parts), _Shares(right), name="report", mistakes=mistakes, hint=hint, label=label
        )


def _share(answers_of: Any, part: Any) -> float:
    return float((answers_of(part[0]) == part[1]).mean())


@dataclass(frozen=True)
class _Shares:
    """A dictionary of shares."""

    value: dict[str, float]

    def difference(self, got: Any) -> Difference | None:
        if not isinstance(got, dict) or got.keys() != self.value.keys():
            return Difference(show(got), "; a dictionary with the keys 'train' and 'valid' is asked for")
        wrong = [name for name, share in self.value.items() if Number(share).difference(got[name])]
        return Difference(show(got), f": '{wrong[0]}' is not right") if wrong else None

    def secrets(self) -> list[str]:
        return []


def broken_step(model: Any, optimizer: Any, x: Any, y: Any) -> float:
    """Do one step of training; the gradients of all steps so far add up."""
    from torch import nn

    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def _after_two(step: Any) -> Callable[..., np.ndarray]:
    """Return a function that does two steps with a tiny network, and gives its weights after each."""

    def weights(w: np.ndarray, x: np.ndarray, y: np.ndarray, rate: float) -> np.ndarray:
        import torch

        model = torch.nn.Linear(*w.shape[::-1], bias=False).double()
        model.weight.data.copy_(torch.from_numpy(w))
        optimizer = torch.optim.SGD(model.parameters(), rate)
        seen = []
        for _ in range(2):
            step(model, optimizer, torch.from_numpy(x), torch.from_numpy(y))
            seen.append(model.weight.detach().numpy().copy())
        return np.array(seen)

    weights.__wrapped__ = step
    return weights


@exercise(
    "cnn/repair-step",
    "repaired",
    "the repaired function step(model, optimizer, x, y)",
    needs=("torch",),
    broken=_after_two(broken_step),
)
def repair_step(answer: Any) -> Iterator[Case]:
    """Do a step whose gradient is its own; two steps of a tiny network are compared with a calculation by hand."""
    still = "The weights do not move. Is the gradient cleared before the optimizer uses it? Is there a step at all?"
    uphill = "The weights move away from the right answer. A step goes against the gradient."
    rescaled = (
        "The first step goes the right way, but it is not as long as the optimizer's learning rate says. Leave the "
        "rate and the loss as they are: the mistake is in the gradient."
    )
    left_over = "The first step is right, the second is not: what is left over from the first one?"
    hint = "Go through the step line by line: which gradient does the optimizer use?"
    w, rate = np.array([[0.5, -1.0], [0.0, 1.0]]), 0.5
    for n in (1, 3):
        x, y = np.arange(1.0, 2 * n + 1).reshape(n, 2) / n, np.arange(n) % 2
        call = (w, x, y, rate)
        right = _by_hand(*call)
        mistakes = [
            Mistake(still, when=lambda r: np.ptp(r, axis=0).max() == 0 and np.all(r == r[0])),
            Mistake(uphill, when=_uphill),
            Mistake(left_over, when=lambda r, right=right: np.allclose(r[0], right[0])),
            Mistake(rescaled, when=lambda r, right=right: _parallel(r[0] - w, right[0] - w)),
        ]
        yield from called(
            _after_two(answer) if callable(answer) else answer,
            call,
            Array(right, rel=1e-6),
            name="step",
            mistakes=mistakes,
            hint=hint,
            label=f"After two steps on a batch of {n}, the network's weights",
            verb="are",
            given=f"a layer `nn.Linear(2, 2)`, its SGD optimizer, images of shape {x.shape} and their classes",
        )
    hint = "`loss.item()` takes the number out of the tensor. It is the loss of the batch, before the step."
    retry = "Call `step` in a cell of its own, with a layer `nn.Linear(2, 2)` and its optimizer."
    wanted = _Float(_mean_loss(x @ w.T, y))
    yield Case("After a step, the function", lambda: _loss_of_step(answer, w, x, y), wanted, hint=hint, retry=retry)


class _Float(Number):
    """A number, and no tensor with a number in it."""

    def difference(self, got: Any) -> Difference | None:
        if hasattr(got, "detach"):
            return Difference(a(type(got).__name__), "; a float is asked for, as the function's first line says")
        return super().difference(got)


def _loss_of_step(step: Any, w: np.ndarray, x: np.ndarray, y: np.ndarray) -> Any:
    """Return what a step gives back, for a tiny network."""
    import torch

    model = torch.nn.Linear(*w.shape[::-1], bias=False).double()
    model.weight.data.copy_(torch.from_numpy(w))
    return step(model, torch.optim.SGD(model.parameters(), 0.5), torch.from_numpy(x), torch.from_numpy(y))


def _parallel(got: np.ndarray, right: np.ndarray) -> bool:
    """Tell whether a step goes the right way, but not as far as it should."""
    factor = float((got * right).sum() / (right * right).sum())
    return factor > 0 and np.allclose(got, factor * right)


def _uphill(weights: np.ndarray) -> bool:
    """Tell whether the first step raised the weight that it must lower (of the wrong class for the first image)."""
    return bool(weights[0][1, 0] > 0)


def _by_hand(w: np.ndarray, x: np.ndarray, y: np.ndarray, rate: float) -> np.ndarray:
    """Return the weights after one and after two steps of gradient descent on the mean cross-entropy."""
    seen = []
    for _ in range(2):
        e = np.exp(x @ w.T)
        p = e / e.sum(axis=1, keepdims=True)
        w = w - rate * (p - np.eye(len(w))[y]).T @ x / len(x)
        seen.append(w)
    return np.array(seen)


def _mean_loss(z: np.ndarray, y: np.ndarray) -> float:
    """Return the mean cross-entropy of logits."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return float(-np.log(e[np.arange(len(y)), y] / e.sum(axis=1)).mean())


def broken_compiled(model: Any) -> Any:
    """Compile a model of logits with a loss that expects probabilities."""
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model


def _loss_of(compiled: Any) -> Callable[..., Any]:
    """Return a function that gives the loss of a compiled model which puts out its input."""

    def loss(z: np.ndarray, y: np.ndarray) -> Any:
        import keras

        inputs = keras.Input(z.shape[1:])
        model = compiled(keras.Model(inputs, keras.layers.Identity()(inputs)))
        if model is None:
            return None
        model.run_eagerly = True  # a graph for each case takes longer, and TensorFlow warns of many of them
        return model.evaluate(z, y, verbose=0, return_dict=True)["loss"]

    loss.__wrapped__ = compiled
    return loss


@exercise(
    "cnn/repair-compile",
    "repaired",
    "the repaired function compiled(model)",
    needs=("keras",),
    broken=_loss_of(broken_compiled),
)
def repair_compile(answer: Any) -> Iterator[Case]:
    """Compile a model of logits with the loss that fits; the loss of known logits is compared with the formula."""

    mistakes = [
        Mistake(
            "Squared error is for numbers. For classes it is cross-entropy.",
            gives=lambda z, y: ((z - y[:, None]) ** 2).mean(),
        ),
    ]
    hint = "The model puts out logits. Which argument of the loss says so?"
    for label, z, y in (
        ("one image", [[2.0, 0, 1]], [0]),
        ("three images", [[2.0, 0, 1], [0, -3, 1], [4, 4, -4]], [1, 1, 0]),
    ):
        call = (np.array(z, np.float32), np.array(y))
        given = _loss_of(answer) if callable(answer) else answer
        yield from called(
            given,
            call,
            Number(_mean_loss(*call), rel=1e-4),
            name="compiled",
            mistakes=mistakes,
            hint=hint,
            label=f"The loss of known logits of {label}",
            verb="is",
            given="a Keras model that ends with a dense layer",
        )
