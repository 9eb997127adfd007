"""What the arguments of ``fit`` mean in torch: device, precision, optimizer, loss."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gpulab.train.errors import TrainError, unknown
from gpulab.train.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch import nn

    Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

DEVICES = ("cpu", "cuda", "mps", "xpu")


def find_device(name: str | None) -> torch.device:
    """Return the device of that name, or the fastest one there is.

    Raises
    ------
    TrainError
        The name is not known, or there is no such device here.
    """
    import torch

    if name is None:
        here = next((kind for kind in DEVICES[1:] if _available(kind)), "cpu")
        return torch.device(here)
    found = re.fullmatch(r"([a-z]+)(?::(\d+))?", str(name))
    if not found or found[1] not in DEVICES:
        raise unknown("device", str(name), DEVICES)
    if not _available(found[1]):
        raise TrainError(
            f"device={str(name)!r}: torch {torch.__version__} finds no such device here. "
            "Leave device out to take the fastest one there is, or use device='cpu'."
        )
    if found[1] == "cuda" and int(found[2] or 0) >= torch.cuda.device_count():
        raise TrainError(f"device={name!r}: this machine has {torch.cuda.device_count()} CUDA devices, counted from 0.")
    return torch.device(str(name))


def _available(kind: str) -> bool:
    import torch

    if kind == "cpu":
        return True
    module = torch.backends.mps if kind == "mps" else getattr(torch, kind, None)
    return module is not None and module.is_available()


def has_tf32(device: torch.device) -> bool:
    """Return whether a device is an NVIDIA card with TF32."""
    import torch

    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= (8, 0)


@contextmanager
def matmul_precision(precision: str) -> Iterator[None]:
    """Allow TF32 in matrix products and convolutions for tf32 only; put the settings back afterwards.

    torch has these settings twice, and refuses to read an older one that disagrees with its newer one. The older
    setters change both, so inside they agree; afterwards the newer ones are put back as they were.
    """
    import torch

    if not torch.cuda.is_available():
        yield
        return
    backends = torch.backends
    newer = (backends.cuda.matmul, backends.mkldnn.matmul, backends.cudnn.conv, backends.cudnn.rnn)
    before = [part.fp32_precision for part in newer]
    # Unreadable: the learner changed only the newer setting, so the older one has torch's default.
    products = _read(torch.get_float32_matmul_precision, "highest")
    convolutions = _read(lambda: backends.cudnn.allow_tf32, True)
    try:
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
        backends.cudnn.allow_tf32 = precision == "tf32"
        for part in newer:  # where the older setter leaves "none", torch.backends.fp32_precision would decide
            if part is not backends.mkldnn.matmul:
                part.fp32_precision = "tf32" if precision == "tf32" else "ieee"
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        backends.cudnn.allow_tf32 = convolutions
        for part, value in zip(newer, before, strict=True):
            part.fp32_precision = value


def _read(setting: Callable[[], Any], default: Any) -> Any:
    try:
        return setting()
    except RuntimeError:
        return default


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Draw random numbers from a seed on the host and on one device; put both back, and leave other devices alone."""
    import torch

    if device.type == "cpu":
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            yield
        return
    module: Any = torch.get_device_module(device)
    index = torch.accelerator.current_device_index() if device.index is None else device.index
    with torch.random.fork_rng(devices=[index], device_type=device.type):
        torch.default_generator.manual_seed(seed)
        if hasattr(module, "default_generators"):
            module.default_generators[index].manual_seed(seed)
        else:
            module.manual_seed(seed)  # MPS: there is one device
        yield


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Give every part of the model its mode (training or evaluation) back afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Use a model without training it: evaluation mode, no gradients."""
    import torch

    with modes_kept(model), torch.no_grad():
        model.eval()
        yield


def accelerator_for(device: torch.device | None, precision: str, accumulate: int) -> Accelerator:
    """Return a fresh Accelerator. It keeps its settings in shared state, which an earlier run may have left behind."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, GradientState

    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    mixed = precision if precision in ("bf16", "fp16") else "no"
    before = os.environ.get("ACCELERATE_TORCH_DEVICE")
    if device is not None and device.index is not None:  # otherwise Accelerate finds it, each process its own
        os.environ["ACCELERATE_TORCH_DEVICE"] = str(device)
    try:
        on_cpu = device is not None and device.type == "cpu"
        return Accelerator(cpu=on_cpu, mixed_precision=mixed, gradient_accumulation_steps=accumulate)
    finally:
        if before is None:
            os.environ.pop("ACCELERATE_TORCH_DEVICE", None)
        else:
            os.environ["ACCELERATE_TORCH_DEVICE"] = before


def make_optimizer(recipe: Recipe, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer by name, or the learner's own, or what their function makes of the parameters."""
    from torch import optim

    # Fused: one kernel changes all weights, in place of a dozen small ones for each parameter.
    fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)
    known: dict[str, Callable[[], optim.Optimizer]] = {
        "sgd": lambda: optim.SGD(parameters, recipe.lr, momentum=0.9),
        "adam": lambda: optim.Adam(parameters, recipe.lr, fused=fused),
        "adamw": lambda: optim.AdamW(parameters, recipe.lr, weight_decay=recipe.weight_decay, fused=fused),
    }
    if isinstance(recipe.optimizer, str):
        return known[recipe.optimizer]()
    found = recipe.optimizer
    if callable(found) and not isinstance(found, optim.Optimizer):
        found = found(parameters)
    if not isinstance(found, optim.Optimizer):
        raise TrainError(f"optimizer is a {type(found).__name__}; expected a name or a torch.optim.Optimizer.")
    held = {id(parameter) for group in found.param_groups for parameter in group["params"]}
    if not held & {id(parameter) for parameter in parameters}:
        raise TrainError("The optimizer holds no trainable parameter of this model. Make it from model.parameters().")
    return found


def losses() -> dict[str, tuple[Loss, Callable[..., Any]]]:
    """Return each loss by name with how right answers are counted for it."""
    import torch.nn.functional as F

    return {
        "cross_entropy": (lambda out, y: F.cross_entropy(out.flatten(0, -2), y.flatten()), right_class),
        "binary_cross_entropy": (
            lambda out, y: F.binary_cross_entropy_with_logits(out.reshape(y.shape), y.float()),
            lambda out, y: ((out.reshape(y.shape) > 0) == (y > 0.5)).sum(),
        ),
        "mse": (lambda out, y: F.mse_loss(out.reshape(y.shape), y.float()), lambda out, y: None),
    }


def right_class(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor | None:
    """Count where the largest logit is that of the true class; None where the targets are not classes."""
    if y.is_floating_point() or outputs.shape[:-1] != y.shape:
        return None
    return (outputs.argmax(-1) == y).sum()
