"""Arithmetic on a device: matrix products, a convolution, an LSTM, and what it costs to start anything at all.

Every function measures one operation and returns one :class:`Measurement`. ``device`` is the fastest one by default,
``threads`` all that torch uses, ``budget`` the seconds of timings. Where the device cannot do it,
:class:`Unsupported` tells why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gpulab.bench import devices
from gpulab.bench.report import Measurement, Unsupported
from gpulab.bench.timing import BUDGET, summary, torch_times

if TYPE_CHECKING:
    import torch


def matmul(
    size: int = 1024,
    precision: str = "fp32",
    device: str | None = None,
    threads: int | None = None,
    budget: float = BUDGET,
) -> Measurement:
    """Time the product of two square matrices: 2 size^3 operations.

    Parameters
    ----------
    size : int
        Rows and columns.
    precision : {"fp32", "tf32", "bf16", "fp16", "fp64"}
        "fp32" is true single precision, also on cards that could use TF32.
    """

    def build(place: str, kind: torch.dtype) -> Callable[[], Any]:
        left, right = (_normal(size, size, device=place, dtype=kind) for _ in range(2))
        out = _torch().empty_like(left)
        return lambda: _torch().matmul(left, right, out=out)

    return measure("matmul", str(size), precision, device, threads, budget, 2 * size**3, build)


def convolution(
    batch: int = 8,
    channels: int = 64,
    side: int = 56,
    precision: str = "fp32",
    device: str | None = None,
    threads: int | None = None,
    budget: float = BUDGET,
) -> Measurement:
    """Time a 3 x 3 convolution that keeps the number of channels: 2 x batch x side^2 x channels^2 x 9 operations.

    The operations are counted as in NVIDIA's *Convolutional Layers User's Guide*. The default size is that of the
    first stage of a ResNet. Images and filters lie channels last in memory.
    """

    def build(place: str, kind: torch.dtype) -> Callable[[], Any]:
        last = _torch().channels_last
        images = _normal(batch, channels, side, side, device=place, dtype=kind).to(memory_format=last)
        filters = _normal(channels, channels, 3, 3, device=place, dtype=kind).to(memory_format=last)
        return lambda: _torch().nn.functional.conv2d(images, filters, padding=1)

    work = 2 * batch * side**2 * channels**2 * 9
    return measure("convolution", f"{batch}x{channels}x{side}x{side}", precision, device, threads, budget, work, build)


def lstm(
    batch: int = 32,
    hidden: int = 128,
    steps: int = 64,
    precision: str = "fp32",
    device: str | None = None,
    threads: int | None = None,
    budget: float = BUDGET,
) -> Measurement:
    """Time an LSTM layer over a whole sequence, forward: steps x batch x 2 x 4 hidden x (hidden + hidden) operations.

    The input has as many features as the state. Counted are the products only, as by Appleyard et al. (2016,
    arXiv:1604.01946).
    """

    def build(place: str, kind: torch.dtype) -> Callable[[], Any]:
        layer = _torch().nn.LSTM(hidden, hidden, device=place, dtype=kind)
        inputs = _normal(steps, batch, hidden, device=place, dtype=kind)
        return lambda: layer(inputs)

    size = f"{steps}x{batch}x{hidden}"
    return measure("lstm", size, precision, device, threads, budget, steps * _lstm_work(batch, hidden), build)


def lstm_step(
    batch: int = 32,
    hidden: int = 128,
    precision: str = "fp32",
    device: str | None = None,
    threads: int | None = None,
    budget: float = BUDGET,
) -> Measurement:
    """Time one time step of an LSTM, forward: batch x 2 x 4 hidden x (hidden + hidden) operations."""

    def build(place: str, kind: torch.dtype) -> Callable[[], Any]:
        cell = _torch().nn.LSTMCell(hidden, hidden, device=place, dtype=kind)
        inputs = _normal(batch, hidden, device=place, dtype=kind)
        state = (inputs.clone(), inputs.clone())
        return lambda: cell(inputs, state)

    work = _lstm_work(batch, hidden)
    return measure("lstm step", f"{batch}x{hidden}", precision, device, threads, budget, work, build)


def _lstm_work(batch: int, hidden: int) -> int:
    return batch * 2 * 4 * hidden * (hidden + hidden)


def launch(device: str | None = None, budget: float = BUDGET) -> Measurement:
    """Time one addition to a single number, many in a row: the cost of starting an operation.

    On a GPU the host does not wait between two; the time is that of the slower one of host and device.
    """

    def build(place: str, kind: torch.dtype) -> Callable[[], Any]:
        number = _torch().zeros(1, device=place, dtype=kind)
        return lambda: number.add_(1)

    return measure("launch", "1", "fp32", device, 1, budget, 1, build, unit="call")


def round_trip(device: str | None = None, budget: float = BUDGET) -> Measurement:
    """Time one addition to a single number, and wait for it each time: the shortest a step that waits can be.

    Raises
    ------
    Unsupported
        The device is the CPU, which does not run beside the program.
    """
    place = devices.find(device)
    if place == "cpu":
        raise Unsupported("the CPU finishes an operation before the next line; there is nothing to wait for")

    def build(place: str, kind: torch.dtype) -> Callable[[], Any]:
        number, wait = _torch().zeros(1, device=place, dtype=kind), _torch().accelerator.synchronize
        return lambda: (number.add_(1), wait())

    return measure("round trip", "1", "fp32", place, 1, budget, 1, build, unit="call")


def measure(
    name: str,
    size: str,
    precision: str,
    device: str | None,
    threads: int | None,
    budget: float,
    work: float,
    build: Callable[[str, torch.dtype], Callable[[], Any]],
    *,
    unit: str = "FLOP",
    note: str = "",
) -> Measurement:
    """Build an operation, time it, and give its memory back; what the device refuses becomes :class:`Unsupported`."""
    torch = _torch()
    place = devices.find(device)
    kind = devices.dtype(precision, place)
    threads = threads or torch.get_num_threads()
    try:
        with torch.inference_mode(), devices.tf32(allowed=precision == "tf32"):
            times = torch_times(build(place, kind), threads, budget)
    except (RuntimeError, TypeError) as error:  # also torch's own out of memory
        raise Unsupported(f"torch refuses: {str(error).splitlines()[0]}") from None
    finally:
        if place != "cpu":
            getattr(torch, place).empty_cache()
    return summary(times, name, size, precision, place, threads, unit, work, note)


def _torch() -> Any:
    return devices.load_torch()


def _normal(*shape: int, device: str, dtype: torch.dtype) -> torch.Tensor:
    """Return random numbers: zeros would let a card save power and run faster than it does with data."""
    torch = _torch()
    generator = torch.Generator(device).manual_seed(0)
    return torch.randn(*shape, generator=generator, device=device).to(dtype)
