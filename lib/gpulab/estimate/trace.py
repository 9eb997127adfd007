"""Trace one true step of a torch module under fake tensors: no memory, no arithmetic, every operator seen.

Fake CUDA tensors fail without a GPU, and CUDA's autocast switches itself off there. So the step is traced on fake CPU
tensors under the CPU's autocast, and what a GPU does differently is put in its place: fused dropout, FP32 softmax and
layer normalization under mixed precision, and one operator for a whole recurrent layer.
"""

from __future__ import annotations

import contextlib
import logging
import math
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gpulab.estimate.errors import EstimateError
from gpulab.estimate.operators import class_of, is_free, short_name
from gpulab.estimate.workload import Memory, Op, Workload, through_two_points

OPTIMIZERS = ("sgd", "adam", "adamw")


@dataclass(frozen=True)
class Subject:
    """A model with what one step needs. Made anew for every trace, under fake tensors.

    Attributes
    ----------
    name : str
    build : callable
        Returns ``(model, inputs, loss)``: a torch module, a tuple or a mapping of example inputs whose first axis is
        the batch, and a function from the model's output to a scalar (None: the mean of the first floating output).
    optimizer : str
        What this model is usually trained with.
    whole : bool
        In 16 bits, whether all of the network is (the optimizer keeps a copy of the weights in 32 bits, and is one fused
        kernel), as in the published measurements of BERT. Otherwise PyTorch's autocast decides for each operator.
    """

    name: str
    build: Callable[[int], tuple[Any, Any, Callable[[Any], Any] | None]]
    optimizer: str = "sgd"
    whole: bool = False


def trace(
    subject: Subject, batch: int, half: bool = False, mode: str = "train", optimizer: str | None = None
) -> Workload:
    """Return what one step of a model costs, true for any batch size where the counts grow linearly.

    Parameters
    ----------
    subject : Subject
    batch : int
        Samples in a step.
    half : bool
        Mixed precision: products in 16 bits, weights kept in 32.
    mode : {"train", "infer"}
    optimizer : {"sgd", "adam", "adamw"}, optional
        SGD has momentum. Without it, the subject's own.

    Raises
    ------
    EstimateError
        The model fails in its step; the message says where.
    """
    optimizer = optimizer or subject.optimizer
    if mode not in ("train", "infer"):
        raise EstimateError(f"mode is train or infer, not {mode!r}")
    if optimizer not in OPTIMIZERS:
        raise EstimateError(f"no optimizer {optimizer!r}. There are: {', '.join(OPTIMIZERS)}")
    sizes = (max(batch // 2, 2), max(batch // 2, 2) * 2)
    small, large = (_step(subject, size, half, mode, optimizer) for size in sizes)
    both = through_two_points(small, large)
    return both.with_batch(batch) if both else _step(subject, batch, half, mode, optimizer)


def _step(subject: Subject, batch: int, half: bool, mode: str, optimizer: str) -> Workload:
    from torch._subclasses.fake_tensor import FakeTensorMode

    recorder = make_recorder()
    try:
        with _quiet(), FakeTensorMode(allow_non_fake_inputs=True):
            model, inputs, loss = subject.build(batch)
            parts = _run(recorder, model, inputs, loss, half, mode, optimizer, subject.whole)
    except EstimateError:
        raise
    except Exception as error:  # whatever a learner's model raises: shown in one line
        first = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise EstimateError(f"{subject.name} failed in its step: {type(error).__name__}: {first}") from error
    weights, gradients, states, parameters = parts
    held = weights + gradients + states
    memory = Memory(weights, gradients, states, (max(recorder.peak - held, 0.0), 0.0), (recorder.workspace, 0.0))
    return Workload(subject.name, batch, tuple(recorder.ops), memory, mode, optimizer if mode == "train" else "",
                    half, parameters, exact_batch=batch)  # fmt: skip


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep fake tensors from logging a traceback of a failure that is told in one line anyway."""
    log = logging.getLogger("torch._subclasses.fake_tensor")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)


def _run(
    recorder: Any, model: Any, inputs: Any, loss: Any, half: bool, mode: str, optimizer: str, whole: bool
) -> tuple[float, float, float, int]:
    """Run the step; return the bytes of weights, gradients and optimizer states, and the number of parameters."""
    import torch

    training = mode == "train"
    model.train(training)
    if half and whole:
        _halve(model)
        inputs = _halved(inputs)
    weights = [*model.parameters(), *model.buffers()]
    trained = [p for p in model.parameters() if p.requires_grad] if training else []
    masters = [p.detach().float().requires_grad_() for p in trained] if half and whole else trained
    updater = _optimizer(masters, optimizer, fused=whole) if trained else None
    states = [t for s in updater.state.values() for t in s.values() if isinstance(t, torch.Tensor)] if updater else []
    states += masters if masters is not trained else []
    recorder.hold([*weights, *states, *_tensors(inputs)])
    casts = torch.autocast("cpu", torch.float16, enabled=half and not whole)
    with recorder, torch.set_grad_enabled(training):
        with casts, gpu_functions(recorder, half, half and not whole):
            result = model(**inputs) if isinstance(inputs, Mapping) else model(*inputs)
            value = (loss(result) if loss else first_mean(result)) if training else result
        if training:
            if not value.requires_grad:
                raise EstimateError("no weight can be trained: the loss depends on none. Use mode infer")
            value.backward()
            del result, value
            if half:
                recorder.unscale(trained)
            _update(updater, trained, masters)
    return _bytes(weights), _bytes(trained), _bytes(states), sum(p.numel() for p in model.parameters())


def _update(updater: Any, trained: Sequence[Any], masters: Sequence[Any]) -> None:
    """Step the optimizer; where it has its own copies of the weights, gradients go there and weights come back."""
    import torch

    if updater is None:
        return
    if masters is not trained:
        grown = [each for each in zip(trained, masters, strict=True) if each[0].grad is not None]
        for weight, master in grown:
            master.grad = torch.empty_like(master)
        torch._foreach_copy_([master.grad for _, master in grown], [weight.grad for weight, _ in grown])
    updater.step()
    if masters is not trained:
        with torch.no_grad():
            torch._foreach_copy_(list(trained), list(masters))


def _halve(model: Any) -> None:
    """Put 16-bit parameters and buffers in the place of a module's: ``half()`` cannot swap fake tensors."""
    import torch

    new: dict[int, Any] = {}
    for module in model.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                fresh = torch.nn.Parameter(weight.detach().half(), requires_grad=weight.requires_grad)
                module._parameters[name] = new.setdefault(id(weight), fresh)
        for name, buffer in module._buffers.items():
            if buffer is not None and buffer.is_floating_point():
                module._buffers[name] = buffer.half()
        if isinstance(module, torch.nn.RNNBase):
            module._flat_weights = [module._parameters[name] for name in module._flat_weights_names]


def _halved(thing: Any) -> Any:
    """Return inputs with their floating tensors in 16 bits."""
    if isinstance(thing, Mapping):
        return {name: _halved(each) for name, each in thing.items()}
    if isinstance(thing, (list, tuple)):
        return type(thing)(_halved(each) for each in thing)
    return thing.half() if hasattr(thing, "is_floating_point") and thing.is_floating_point() else thing


def _optimizer(trained: Sequence[Any], name: str, fused: bool) -> Any:
    """Return the optimizer after a first step, so that its states are there. One kernel works on many tensors."""
    import torch

    how = {"fused": True} if fused else {"foreach": True}
    makers = {
        "sgd": lambda: torch.optim.SGD(trained, lr=0.1, momentum=0.9, weight_decay=1e-4, **how),
        "adam": lambda: torch.optim.Adam(trained, **how),
        "adamw": lambda: torch.optim.AdamW(trained, **how),
    }
    updater = makers[name]()
    for each in trained:
        each.grad = torch.empty_like(each)
    updater.step()
    updater.zero_grad(set_to_none=True)
    return updater


def first_mean(result: Any) -> Any:
    """Return a model's own loss if it gives one, else the mean of the first floating tensor in its output."""
    own = getattr(result, "loss", None)
    if own is not None:
        return own
    return next(tensor for tensor in _tensors(result) if tensor.is_floating_point()).float().mean()


def _tensors(thing: Any) -> list[Any]:
    import torch

    if isinstance(thing, torch.Tensor):
        return [thing]
    if isinstance(thing, Mapping):
        thing = thing.values()
    elif not isinstance(thing, (list, tuple)):
        return []
    return [tensor for part in thing for tensor in _tensors(part)]


def _bytes(tensors: Sequence[Any]) -> float:
    return float(sum(tensor.numel() * tensor.element_size() for tensor in tensors))


def _seen(tensor: Any) -> float:
    """Return the bytes a kernel touches of a tensor: an expanded one has fewer than its shape says."""
    whole = tensor.numel() * tensor.element_size()
    return float(min(whole, tensor.untyped_storage().nbytes()))


@dataclass
class Alive:
    """Bytes of the storages alive, and the most there ever was."""

    now: float = 0.0
    peak: float = 0.0
    known: dict[int, float] = field(default_factory=dict)

    def add(self, tensor: Any) -> None:
        """Count a tensor's storage until nothing refers to it any more."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self.known:
            return
        size = float(math.ceil(storage.nbytes() / 512) * 512)  # PyTorch's allocator hands out multiples of 512 bytes
        self.known[key] = size
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._drop, key)

    def _drop(self, key: int) -> None:
        self.now -= self.known.pop(key, 0.0)


def make_recorder() -> Any:
    """Return a new recorder: a dispatch mode (torch is imported here, not with the module)."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recorder(TorchDispatchMode):
        """Sees every operator below autograd, and writes down what a GPU would do for it."""

        def __init__(self) -> None:
            super().__init__()
            self.ops: list[Op] = []
            self.alive = Alive()
            self.workspace = 0.0
            self.silent = False

        @property
        def peak(self) -> float:
            return self.alive.peak

        def hold(self, tensors: Sequence[Any]) -> None:
            """Count tensors that were there before the step."""
            for tensor in tensors:
                self.alive.add(tensor)

        def unscale(self, trained: Sequence[Any]) -> None:
            """Count the loss scaler's pass over the gradients: divide, and look for infinities."""
            size = 2 * _bytes(trained)
            self.ops.append(Op("optimizer", "_amp_foreach_unscale_", (0.0, 0.0), (size, 0.0), 32))

        def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
            result = func(*args, **(kwargs or {}))
            outs = _tensors(result)
            for tensor in outs:
                self.alive.add(tensor)
            if not self.silent and not func.is_view:
                name = short_name(str(func))
                if not is_free(name) and str(func).startswith("aten."):
                    self.ops += describe(name, func, args, kwargs or {}, outs)
                    if name.startswith("convolution"):
                        self.workspace = max(self.workspace, min(_bytes(_tensors(args)[:1]), 2.0**28))
            return result

    return Recorder()


def describe(name: str, func: Any, args: tuple, kwargs: Mapping[str, Any], outs: Sequence[Any]) -> list[Op]:
    """Return the records of one operator."""
    ins = _tensors(args) + _tensors(kwargs)
    kind = class_of(name)
    written = {id(args[i]) for i, a in enumerate(func._schema.arguments) if _writes(a) and i < len(args)}
    if kind == "conv":
        return _convolution(name, args, outs)
    flops = flop_count(func, args, kwargs, outs)
    read = _unique(ins)
    if name.startswith(("native_batch_norm", "_native_batch_norm")) and "backward" not in name and args[5]:
        read += _seen(ins[0])  # once for the mean and variance, once more to normalize
    elif name.startswith("native_batch_norm_backward") or name.startswith("native_layer_norm_backward"):
        read += sum(_seen(t) for t in ins[:2])
    elif kind == "gather":
        read = sum(min(_seen(t), max((_seen(o) for o in outs), default=0.0)) for t in ins)
    if name.startswith("_fused"):
        read, wrote = _bytes(ins), _bytes(_tensors((args[0], *args[2:5])))  # all but the gradients are written
    elif name.startswith("_foreach"):
        wrote = _bytes(_tensors(args[0])) if name.endswith("_") else _bytes(outs)
        read = _bytes(_tensors(args[1])) if name == "_foreach_copy_" else _bytes(ins)
    else:
        wrote = sum(_seen(o) for o in outs if id(o) not in written) + sum(_seen(a) for a in args if id(a) in written)
    if name in ("copy_", "fill_", "zero_", "bernoulli_", "normal_", "uniform_"):
        read = sum(_seen(t) for t in ins[1:])
    bits = 16 if any(t.element_size() == 2 and t.is_floating_point() for t in ins[:2]) else 32
    return [Op(kind, name, (flops, 0.0), (read + wrote, 0.0), bits, kernels=_kernels(name))]


def _writes(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def _unique(tensors: Sequence[Any]) -> float:
    return sum(_seen(tensor) for tensor in {id(t): t for t in tensors}.values())


def _kernels(name: str) -> float:
    return 2.0 if name.startswith(("native_batch_norm", "native_layer_norm_backward", "_scaled_dot")) else 1.0


def _convolution(name: str, args: tuple, outs: Sequence[Any]) -> list[Op]:
    """Return a convolution's records: one kernel forward; two backward, for the images and for the weights."""
    backward = "backward" in name
    images, weight = (args[1], args[2]) if backward else (args[0], args[1])
    grown, groups = (args[0], args[9]) if backward else (outs[0], args[8])
    transposed = args[7] if backward else args[6]
    depthwise = groups > 1 and groups == images.shape[1]
    kind = "depthwise" if depthwise else "conv"
    spots = images if transposed else grown
    flops = 2.0 * spots.numel() * (math.prod(weight.shape[1:]))
    bits = 16 if images.element_size() == 2 else 32
    sizes = [_seen(images), _seen(weight), _seen(grown)]
    ops = []
    passes = tuple(args[10][:2]) if backward else (True,)
    for done, label in zip(passes, ("images", "weights") if backward else ("forward",), strict=True):
        if done:
            ops.append(Op(kind, f"conv_{label}", (flops, 0.0), (sum(sizes), 0.0), bits))
            if bits == 16 and not depthwise:
                ops.append(Op("layout", "layout", (0.0, 0.0), (2 * (sizes[0] + sizes[2]), 0.0), bits, kernels=2.0))
    return ops


def flop_count(func: Any, args: tuple, kwargs: Mapping[str, Any], outs: Sequence[Any]) -> float:
    """Return an operator's operations by PyTorch's own formulas; 0 where it has none."""
    from torch.utils.flop_counter import flop_registry

    formula = flop_registry.get(func.overloadpacket)
    if formula is not None:
        out = outs[0] if len(outs) == 1 else tuple(outs)
        return float(formula(*args, **kwargs, out_val=out))
    name = short_name(str(func))
    if name.startswith("_scaled_dot_product_flash_attention_for_cpu"):
        backward = "backward" in name
        query, key, value = args[1:4] if backward else args[:3]
        lead = math.prod(query.shape[:-1]) * key.shape[-2]
        return 2.0 * lead * (query.shape[-1] + value.shape[-1]) * (2.5 if backward else 1.0)
    return 0.0


@contextlib.contextmanager
def gpu_functions(recorder: Any, half: bool, casts: bool) -> Iterator[None]:
    """Put a GPU's operators in the place of the CPU's, while a model runs forward."""
    import torch
    import torch.nn.functional as F
    from torch.overrides import TorchFunctionMode

    full = {F.layer_norm, F.nll_loss, F.group_norm, F.mse_loss, torch.layer_norm, torch.exp, torch.pow,
            torch.Tensor.pow, torch.cumsum, torch.norm, F.normalize}  # fmt: skip
    soft = {F.softmax, torch.softmax, torch.Tensor.softmax}

    class OnGPU(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
            kwargs = kwargs or {}
            if casts and func in full:
                args = tuple(a.float() if _is_half(a) else a for a in args)
            if casts and func in soft and _is_half(args[0]) and kwargs.get("dtype") in (None, torch.float32):
                return torch._softmax(args[0], kwargs.get("dim", args[1] if len(args) > 1 else -1), True)
            if (
                casts
                and func is F.cross_entropy
                and _is_half(args[0])
                and not args[1].is_floating_point()
                and args[0].dim() == 2
            ):
                return F.nll_loss(torch._log_softmax(args[0], 1, True), *args[1:], **_known(kwargs))
            if func is F.dropout:
                return _dropout(*args, **kwargs)
            if func in (torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu) and isinstance(args[3], bool):
                return _recurrent(recorder, func.__name__, args, half)
            return func(*args, **kwargs)

    with OnGPU():
        yield


def _known(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kwargs[name] for name in ("weight", "ignore_index", "reduction") if kwargs.get(name) is not None}


def _is_half(thing: Any) -> bool:
    import torch

    return isinstance(thing, torch.Tensor) and thing.dtype in (torch.bfloat16, torch.float16)


def _dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    import torch

    return torch.native_dropout(input, p, True)[0] if training and p > 0 else input


def _recurrent(recorder: Any, name: str, args: tuple, half: bool) -> Any:
    """Return a recurrent layer's outputs of the right shape, and write down what cuDNN does for it."""
    from gpulab.estimate.recurrent import run

    return run(recorder, name, args, half)
