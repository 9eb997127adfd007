"""Keras models through their layers: operations, bytes and memory from shapes alone, no tensor made.

A layer's forward operations follow from its kernel: every output position costs two operations for each weight of the
kernel (Dense and convolutions alike). Backward costs as much for the weights and once more for the inputs, which the
first layer doesn't need. Layers that this doesn't know are counted as one pass over their input and output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gpulab.estimate.errors import EstimateError
from gpulab.estimate.recurrent import layer_ops
from gpulab.estimate.workload import Memory, Op, Workload, through_two_points

FREE = ("InputLayer", "Flatten", "Reshape", "Permute", "RepeatVector", "Masking")
NORMS = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization", "Softmax")
RECURRENT = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn_tanh"}
STATES = {"sgd": 4.0, "adam": 8.0, "adamw": 8.0}  # bytes of an optimizer's states per weight; SGD with momentum


@dataclass(frozen=True)
class Costs:
    """What a count needs to know beside the layer."""

    batch: int
    half: bool
    train: bool

    @property
    def size(self) -> int:
        """Bytes of a number in the activations."""
        return 2 if self.half else 4

    @property
    def bits(self) -> int:
        """Width that products are computed in."""
        return 16 if self.half else 32


def count(model: Any, batch: int, half: bool, mode: str, optimizer: str) -> Workload:
    """Return what one step of a built Keras model costs, for any batch size.

    Parameters
    ----------
    model : keras.Model
        Sequential or functional, with known input shapes.
    batch : int
    half : bool
        Mixed precision.
    mode : {"train", "infer"}
    optimizer : {"sgd", "adam", "adamw"}

    Raises
    ------
    EstimateError
        The model isn't built, or its shapes aren't known.
    """
    if mode not in ("train", "infer"):
        raise EstimateError(f"mode is train or infer, not {mode!r}")
    if optimizer not in STATES:
        raise EstimateError(f"no optimizer {optimizer!r}. There are: {', '.join(STATES)}")
    small, large = (_step(model, size, half, mode, optimizer) for size in (2, 4))
    return through_two_points(small, large).with_batch(batch)


def _step(model: Any, batch: int, half: bool, mode: str, optimizer: str) -> Workload:
    costs = Costs(batch, half, mode == "train")
    ops: list[Op] = []
    alive, largest, first = 0.0, 0.0, True
    for layer in _leaves(model):
        ins, outs = _shapes(layer, batch)
        found = _layer(layer, ins, outs, costs, first)
        first = first and not any(op.flops[0] for op in found)
        ops += found
        # A layer keeps its output for the backward pass, and once more what an activation inside it has made of it.
        kept = 0.0 if type(layer).__name__ in FREE else _elements(outs) * costs.size * (1 + _has_activation(layer))
        alive += kept
        largest = max(largest, (_elements(ins) + _elements(outs)) * costs.size)
    weights = sum(math.prod(weight.shape) for weight in model.weights)
    trained = sum(math.prod(weight.shape) for weight in model.trainable_weights) if costs.train else 0
    if costs.train:
        ops.append(Op("optimizer", optimizer, (0.0, 0.0), (trained * (12 + 2 * STATES[optimizer]), 0.0), 32))
    activations = alive + largest / 2 if costs.train else largest
    memory = Memory(4.0 * weights, 4.0 * trained, trained * STATES[optimizer], (activations, 0.0), (largest / 4, 0.0))
    return Workload(model.name, batch, tuple(ops), memory, mode, optimizer if costs.train else "", half, weights,
                    exact_batch=batch)  # fmt: skip


def _leaves(model: Any) -> Iterator[Any]:
    """Yield the layers of a model, those of models inside it too."""
    if not getattr(model, "built", False) or not getattr(model, "layers", None):
        raise EstimateError(
            f"the Keras model {getattr(model, 'name', '')} has no input shape yet: add a keras.Input, or call it once"
        )
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _leaves(layer)
        else:
            yield layer


def _shapes(layer: Any, batch: int) -> tuple[list[tuple], list[tuple]]:
    """Return the shapes a layer takes and gives, with the batch put in."""
    try:
        given, made = layer.input, layer.output
    except (AttributeError, ValueError) as error:
        raise EstimateError(
            f"the shapes of layer {layer.name} are not known ({error}): use a functional or sequential model"
        ) from None
    return _with_batch(given, batch), _with_batch(made, batch)


def _with_batch(tensors: Any, batch: int) -> list[tuple]:
    each = (
        list(tensors.values())
        if isinstance(tensors, dict)
        else tensors
        if isinstance(tensors, (list, tuple))
        else [tensors]
    )
    shapes = [(batch, *tensor.shape[1:]) for tensor in each]
    if any(size is None for shape in shapes for size in shape):
        raise EstimateError(f"a shape is open: {shapes[0]}. Give keras.Input every size but the batch")
    return shapes


def _elements(shapes: Sequence[tuple]) -> float:
    return float(sum(math.prod(shape) for shape in shapes))


def _has_activation(layer: Any) -> bool:
    return getattr(getattr(layer, "activation", None), "__name__", "linear") not in ("linear", "softmax")


def _layer(layer: Any, ins: list[tuple], outs: list[tuple], costs: Costs, first: bool) -> list[Op]:
    """Return the operators of one layer, forward and backward."""
    kind = type(layer).__name__
    if kind in FREE or (kind == "Dropout" and not costs.train):
        return []
    if kind == "Bidirectional" or kind in RECURRENT:
        return _recurrent(layer, ins, costs)
    if kind == "Embedding":
        return _passes("gather", kind, 2 * _elements(outs) * costs.size, costs, extra=_weight_bytes(layer))
    if kind == "MultiHeadAttention":
        return _attention(layer, ins, costs)
    kernels = [weight for weight in layer.weights if len(weight.shape) >= 2]
    if not kernels:
        moved = (_elements(ins) + _elements(outs)) * costs.size
        norm = kind in NORMS
        reduce = "Pooling" in kind
        return _passes(
            "norm" if norm else "reduce" if reduce else "pointwise", kind, moved * (1.5 if norm else 1.0), costs
        )
    ops = []
    for kernel in kernels:
        ops += _products(kind, kernel.shape, ins, outs, costs, first)
    inner = 1 + _has_activation(layer) if getattr(layer, "use_bias", False) else _has_activation(layer)
    for _ in range(inner):
        ops += _passes("pointwise", f"{kind}_activation", 2 * _elements(outs) * costs.size, costs)
    return ops


def _products(kind: str, kernel: tuple, ins: list[tuple], outs: list[tuple], costs: Costs, first: bool) -> list[Op]:
    """Return a Dense or convolution layer's products: forward, for its weights and for its inputs."""
    depthwise = "Depthwise" in kind or ("Separable" in kind and kernel[-1] == 1)
    conv = "Conv" in kind
    label = "depthwise" if depthwise else "conv" if conv else "matmul"
    spots = ins[0] if "Transpose" in kind else outs[0]
    positions = math.prod(spots) / spots[-1]
    flops = 2.0 * positions * math.prod(kernel)
    moved = (_elements(ins) + _elements(outs) + math.prod(kernel)) * costs.size
    names = ["conv_forward" if conv else "dense"]
    if costs.train:
        names += ["conv_weights" if conv else "dense_weights"]
        names += [] if first else ["conv_images" if conv else "dense_inputs"]
    return [Op(label, name, (flops, 0.0), (moved, 0.0), costs.bits) for name in names]


def _passes(kind: str, name: str, moved: float, costs: Costs, extra: float = 0.0) -> list[Op]:
    """Return a pass over the numbers forward, and half as much more backward."""
    ops = [Op(kind, name, (0.0, 0.0), (moved, 0.0), costs.bits)]
    if costs.train:
        ops.append(Op(kind, f"{name}_backward", (0.0, 0.0), (1.5 * moved + extra, 0.0), costs.bits))
    return ops


def _weight_bytes(layer: Any) -> float:
    return 4.0 * sum(math.prod(weight.shape) for weight in layer.weights)


def _recurrent(layer: Any, ins: list[tuple], costs: Costs) -> list[Op]:
    """Return a recurrent layer's operators, as cuDNN runs them."""
    inner = getattr(layer, "forward_layer", layer)
    ways = 2 if inner is not layer else 1
    kind = RECURRENT.get(type(inner).__name__)
    if kind is None:
        raise EstimateError(f"the recurrent layer {layer.name} is none of {', '.join(RECURRENT)}")
    batch, steps, width = ins[0]
    ops = layer_ops(kind, batch, steps, width, inner.units, costs.half, False, ways)
    return ops + (layer_ops(kind, batch, steps, width, inner.units, costs.half, True, ways) if costs.train else [])


def _attention(layer: Any, ins: list[tuple], costs: Costs) -> list[Op]:
    """Return multi-head attention's operators: four projections, scores, softmax and their use."""
    (batch, tokens), others = ins[0][:2], ins[-1][1]
    heads, width = layer.num_heads, layer.key_dim
    kernels = [math.prod(weight.shape) for weight in layer.weights if len(weight.shape) == 3]
    scores = float(batch * heads * tokens * others)
    times = 3 if costs.train else 1
    ops = []
    for size in kernels:
        moved = (2 * batch * tokens * heads * width + size) * costs.size
        ops += [Op("matmul", "projection", (2.0 * batch * tokens * size, 0.0), (float(moved), 0.0), costs.bits)] * times
    product = Op("matmul", "scores", (2.0 * scores * width, 0.0), (scores * costs.size, 0.0), costs.bits)
    times = 4 if costs.train else 0
    return [*ops, product, product, *([product] * times), *_passes("norm", "softmax", 2 * scores * costs.size, costs)]
