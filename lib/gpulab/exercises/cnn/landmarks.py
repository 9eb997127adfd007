"""Exercises on landmark networks: what they cost, and their blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gpulab.exercises.cases import Case, Mistake, called
from gpulab.exercises.compare import Array, Difference, Integer, Pair, Shape, a, show
from gpulab.exercises.engine import exercise


@exercise("cnn/stacked-filters", "function", "a function stacked(n, c)")
def stacked_filters(answer: Any) -> Iterator[Case]:
    """Compute the receptive field and the parameters of n convolutions of 3 x 3."""

    def parts(field: Callable[[int], int], one: Callable[[int], int], many: bool = True) -> Callable[[int, int], Any]:
        return lambda n, c: (field(n), (n if many else 1) * one(c))

    def right(n: int) -> int:
        return len(range(-n, n + 1))

    def layer(c: int) -> int:
        return np.zeros((3, 3, c, c)).size + np.zeros(c).size

    mistakes = [
        Mistake("Each filter has a bias, too: one for each channel that comes out.", gives=parts(right, lambda c: 9 * c * c)),
        Mistake("One bias for each layer is too few.", gives=parts(right, lambda c: 9 * c * c + 1)),
        Mistake("A filter reads all c channels, and there are c filters.", gives=parts(right, lambda c: 9 * c + c)),
        Mistake("All n layers have parameters.", gives=parts(right, layer, many=False)),
        Mistake("The next layer looks at places that overlap: it adds two rows, not three.", gives=parts(lambda n: 3 * n, layer)),
        Mistake("Each layer adds a row on both sides.", gives=parts(lambda n: n + 2, layer)),
        Mistake("First the receptive field, then the parameters.", gives=lambda n, c: (n * layer(c), right(n))),
        Mistake(
            "The first number is the count of rows, not of pixels.", gives=parts(lambda n: right(n) ** 2, layer)
        ),
    ]  # fmt: skip
    hint = "How many rows does one layer see? And a second one on top of it? Count the parameters of one layer first."
    for call in ((1, 1), (2, 1), (2, 4), (3, 64), (5, 8)):
        n, c = call
        yield from called(
            answer, call, Pair((right(n), n * layer(c))), name="stacked", mistakes=mistakes, hint=hint
        )  # fmt: skip


@exercise("cnn/separable-work", "function", "a function separable(size, k, c_in, c_out)")
def separable_work(answer: Any) -> Iterator[Case]:
    """Count the FLOP of a depthwise convolution with a 1 x 1 convolution after it."""

    def right(size: int, k: int, c_in: int, c_out: int) -> int:
        depthwise = sum(2 * k * k for _ in range(c_in))
        across = sum(2 * c_in for _ in range(c_out))
        return size * size * (depthwise + across)

    mistakes = [
        Mistake("These are multiply-adds. How many operations is one?", gives=lambda *call: right(*call) // 2),
        Mistake(
            "This is the usual convolution. In a depthwise one, each filter reads one channel.",
            gives=lambda size, k, c_in, c_out: 2 * size**2 * k * k * c_in * c_out,
        ),
        Mistake("The 1 × 1 convolution works, too.", gives=lambda size, k, c_in, c_out: 2 * size**2 * k * k * c_in),
        Mistake("The depthwise convolution works, too.", gives=lambda size, k, c_in, c_out: 2 * size**2 * c_in * c_out),
        Mistake(
            "The depthwise convolution has as many channels out as in: c_out comes only after the 1 × 1.",
            gives=lambda size, k, c_in, c_out: 2 * size**2 * (k * k * c_out + c_in * c_out),
        ),
        Mistake("This is the work at one place.", gives=lambda size, k, c_in, c_out: 2 * (k * k * c_in + c_in * c_out)),
        Mistake("The places are rows times columns.", gives=lambda size, k, c_in, c_out: right(1, k, c_in, c_out) * size),
        Mistake("A filter has k rows and k columns.", gives=lambda size, k, c_in, c_out: 2 * size**2 * (k * c_in + c_in * c_out)),
    ]  # fmt: skip
    hint = "Take one place of the output: how many products for the c_in small filters, how many for the 1 × 1 after them?"
    for call in ((1, 2, 1, 2), (2, 3, 3, 5), (7, 3, 96, 24), (14, 5, 672, 112)):
        yield from called(answer, call, Integer(right(*call)), name="separable", mistakes=mistakes, hint=hint)


@exercise("cnn/compound-scaling", "function", "a function growth(depth, width, side)")
def compound_scaling(answer: Any) -> Iterator[Case]:
    """Tell by which factors weights and multiply-adds grow when a network is scaled."""

    def right(depth: float, width: float, side: float) -> tuple[float, float]:
        layers, c, n = 8, 12, 10  # measured on a network: weights and products of layers from c to c channels
        weights = lambda d, w: layers * d * (c * w) * (c * w)  # noqa: E731
        grown = weights(depth, width) / weights(1, 1)
        return grown, grown * (n * side) * (n * side) / (n * n)

    mistakes = [
        Mistake("Channels come in and go out: both grow.", gives=lambda d, w, r: (d * w, d * w * r**2)),
        Mistake("An image has rows and columns: both grow.", gives=lambda d, w, r: (d * w**2, d * w**2 * r)),
        Mistake("Channels come in and go out, and images have rows and columns.", gives=lambda d, w, r: (d * w, d * w * r)),
        Mistake("The weights do not know how large the image is.", gives=lambda d, w, r: (d * w**2 * r**2, d * w**2 * r**2)),
        Mistake("First the weights, then the multiply-adds.", gives=lambda d, w, r: right(d, w, r)[::-1]),
        Mistake("More layers add work. They do not multiply it with itself.", gives=lambda d, w, r: (d**2 * w**2, d**2 * w**2 * r**2)),
        Mistake("Both factors are asked for.", when=lambda got: isinstance(got, int | float)),
    ]  # fmt: skip
    hint = "Change one factor at a time, and think of one convolution: which of its sizes grow?"
    for call in ((2.0, 1.0, 1.0), (1.0, 2.0, 1.0), (1.0, 1.0, 2.0), (1.2, 1.1, 1.15), (3.1, 2.0, 1.7)):
        yield from called(answer, call, Array(right(*call)), name="growth", mistakes=mistakes, hint=hint)


@exercise("cnn/bottleneck-parameters", "function", "a function bottleneck(c, r)")
def bottleneck_parameters(answer: Any) -> Iterator[Case]:
    """Count the parameters of a bottleneck block, with batch normalization."""

    def right(c: int, r: int) -> int:
        middle = c // r
        shapes = ((1, c, middle), (3, middle, middle), (1, middle, c))
        return sum(np.zeros((k, k, i, o)).size + 2 * o for k, i, o in shapes)

    def weights(c: int, r: int) -> int:
        return right(c, r) - 2 * (2 * (c // r) + c)

    mistakes = [
        Mistake("Batch normalization has learned numbers, too.", gives=weights),
        Mistake("Batch normalization learns two numbers for each channel.", gives=lambda c, r: (right(c, r) + weights(c, r)) // 2),
        Mistake(
            "The running mean and variance are measured, not learned.",
            gives=lambda c, r: right(c, r) + 2 * (2 * (c // r) + c),
        ),
        Mistake(
            "After each of the three convolutions comes a batch normalization, each with its own number of channels.",
            gives=lambda c, r: weights(c, r) + 3 * 2 * c,
        ),
        Mistake("There are no biases: batch normalization comes right after.", gives=lambda c, r: right(c, r) + 2 * (c // r) + c),
        Mistake("The 3 × 3 convolution works on few channels.", gives=lambda c, r: 2 * c * (c // r) + 9 * c * c + 2 * (2 * (c // r) + c)),
        Mistake("The third convolution goes back to c channels.", gives=lambda c, r: right(c, r) - c * (c // r) - 2 * c),
        Mistake("This is two convolutions of 3 × 3, without a bottleneck.", gives=lambda c, r: 18 * c * c + 4 * c),
    ]  # fmt: skip
    hint = "Write down the three convolutions: size, channels in, channels out. Each is followed by batch normalization."
    for call in ((4, 2), (4, 4), (64, 4), (256, 4), (2048, 4)):
        yield from called(answer, call, Integer(right(*call)), name="bottleneck", mistakes=mistakes, hint=hint)


@exercise("cnn/counts-apart", "function", "a function apart(channels)")
def counts_apart(answer: Any) -> Iterator[Case]:
    """Tell how many parameters Keras counts more than PyTorch, if its convolutions have biases."""
    mistakes = [
        Mistake("Batch normalization keeps two running numbers for each channel.", gives=lambda channels: 2 * sum(channels)),
        Mistake("These are the running numbers and the biases in part only: how many numbers has a channel?", gives=sum),
        Mistake("The learned scale and shift are counted in both.", gives=lambda channels: 5 * sum(channels)),
        Mistake("Both frameworks count the same learned numbers.", gives=lambda channels: 4 * sum(channels)),
        Mistake("A number for each layer is not enough: each channel has its own.", gives=lambda channels: 3 * len(channels)),
    ]  # fmt: skip
    hint = "Take one convolution with one channel. Which numbers does Keras have beside it that PyTorch does not count?"
    for channels in ([1], [4], [4, 4, 8], [64, 64, 64, 256, 256]):
        right = sum(len(("bias", "mean", "variance")) for c in channels for _ in range(c))
        yield from called(answer, (channels,), Integer(right), name="apart", mistakes=mistakes, hint=hint)


@exercise("cnn/residual-block", "function", "a residual block for 8 channels", needs=("torch", "keras"), seconds=30)
def residual_block(answer: Any) -> Iterator[Case]:
    """Write a residual block: right shape, right count, and the right outputs for filters that only multiply."""
    hint = "Hand in the block itself: in PyTorch a module, in Keras a model from maps (8, 8, 8) to maps (8, 8, 8)."
    yield Case("Your answer", lambda: answer, _Block(), hint=hint, verb="is")
    hint = "Maps keep their size if a convolution of 3 × 3 has a padding of 1 (in Keras: same). Channels stay 8."
    yield Case("For two inputs of 8 × 8 with 8 channels, the output's shape", lambda: _shape(answer), Shape((2, 8, 8, 8)), hint=hint, verb="is")  # fmt: skip
    mistakes = [
        Mistake("The convolutions have biases. Batch normalization comes right after, so leave them out.", when=lambda n: n == 1200),
        Mistake("Batch normalization is missing.", when=lambda n: n in (1152, 1168)),
        Mistake("This is one convolution. The block has two.", when=lambda n: n in (576, 592, 584, 600)),
        Mistake("A shortcut with weights is for blocks that change the shape.", when=lambda n: n in (1248, 1264)),
    ]  # fmt: skip
    hint = "Two convolutions of 3 × 3 from 8 to 8 channels without biases, each followed by batch normalization."
    yield Case("The number of trainable parameters", lambda: _trainable(answer), Integer(1184), mistakes, hint, verb="is")  # fmt: skip
    x = np.arange(1024, dtype=np.float32).reshape(2, 8, 8, 8) % 7 - 3
    low, high = np.maximum(-x, 0), np.maximum(x, 0)
    mistakes = [
        Mistake("Only F(x) comes through: the shortcut is missing.", when=lambda y: _alike(y, 2 * low)),
        Mistake("The shortcut hands the input on as it is: no ReLU on it.", when=lambda y: _alike(y, high + 2 * low)),
        Mistake("Between the two convolutions there is no ReLU.", when=lambda y: _alike(y, low)),
        Mistake("The convolutions are there, but what they compute is not used.", when=lambda y: _alike(y, high)),
    ]
    hint = "Follow one number through your block: convolution, ReLU, convolution, and then the input is added."
    wanted = Array(np.abs(x), rel=0.01)  # the normalizations divide by a little more than 1
    label = "If the first filters turn the sign and the second ones double, the output"
    yield Case(label, lambda: _with_filters(answer, (-1, 2), x), wanted, mistakes, hint, verb="is")
    mistakes = [
        Mistake("Negative numbers come through: a ReLU belongs after the addition.", when=lambda y: np.min(y) < 0),
        Mistake("F(x) may be negative: no ReLU between the second convolution and the addition.", when=lambda y: _alike(y, high)),
    ]  # fmt: skip
    wanted = Array(np.zeros_like(x), absolute=0.02)
    label = "If the first filters change nothing and the second ones multiply by -2, the output"
    yield Case(label, lambda: _with_filters(answer, (1, -2), x), wanted, mistakes, hint, verb="is")


def _alike(y: np.ndarray, other: np.ndarray) -> bool:
    return np.allclose(y, other, rtol=0.01, atol=0.02)


class _Block:
    """A torch module or a Keras model."""

    def difference(self, got: Any) -> Difference | None:
        if isinstance(got, type) or not (hasattr(got, "named_parameters") or hasattr(got, "trainable_weights")):
            return Difference(
                show(got) if not isinstance(got, type) else a(f"class {got.__name__}"),
                "; a torch module or a Keras model is asked for",
            )
        return None

    def secrets(self) -> list[str]:
        return []


def _trainable(block: Any) -> int:
    from gpulab.models import parameter_count

    return parameter_count(block, trainable=True)


def _shape(block: Any) -> tuple[int, ...]:
    return _run(block, np.zeros((2, 8, 8, 8), np.float32)).shape


def _run(block: Any, x: np.ndarray) -> np.ndarray:
    """Return what a block makes of maps (n, channels, rows, columns), as it is used after training."""
    from gpulab.models import framework_of

    if framework_of(block) == "keras":
        return np.asarray(block(x.transpose(0, 2, 3, 1), training=False)).transpose(0, 3, 1, 2)
    import torch

    before = block.training
    block.eval()
    try:
        with torch.no_grad():
            return block(torch.from_numpy(x)).cpu().numpy()
    finally:
        block.train(before)


def _with_filters(block: Any, factors: tuple[float, float], x: np.ndarray) -> np.ndarray:
    """Return the output while the filters of each convolution only multiply by a factor; the learner's come back."""
    from gpulab.models import framework_of

    keras = framework_of(block) == "keras"
    filters = [w for w in (block.trainable_weights if keras else block.parameters()) if len(w.shape) == 4]
    before = [np.array(w) if keras else w.detach().cpu().numpy().copy() for w in filters]
    try:
        for weight, factor in zip(filters, factors, strict=True):
            _set(weight, factor * _center(keras))
        return _run(block, x)
    finally:
        for weight, old in zip(filters, before, strict=True):
            _set(weight, old)


def _center(keras: bool) -> np.ndarray:
    """Return filters of 3 x 3 for 8 channels that hand each channel on as it is."""
    filters = np.zeros((8, 8, 3, 3), np.float32)
    filters[range(8), range(8), 1, 1] = 1
    return filters.transpose(2, 3, 1, 0) if keras else filters


def _set(weight: Any, value: np.ndarray) -> None:
    if hasattr(weight, "assign"):
        weight.assign(value)
    else:
        import torch

        with torch.no_grad():
            weight.copy_(torch.from_numpy(value))
