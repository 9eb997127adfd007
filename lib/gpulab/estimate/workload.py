"""What one step of a model costs, whatever device runs it: plain data that needs no framework.

>>> step = Workload("tiny", batch=2, ops=[Op("matmul", "mm", flops=(0.0, 4.0), bytes=(8.0, 2.0), bits=32)])
>>> step.with_batch(10).flops
40.0
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from gpulab.estimate.errors import EstimateError

Affine = tuple[float, float]  # a + b x batch


def value(part: Affine, batch: float) -> float:
    """Return a part's value at a batch size."""
    return part[0] + part[1] * batch


@dataclass(frozen=True)
class Op:
    """One operator of a step, or several equal ones.

    Attributes
    ----------
    kind : str
        Its class, one of ``gpulab.estimate.operators.CLASSES``.
    name : str
        PyTorch's bare name of it, or a layer's.
    flops, bytes : (float, float)
        Operations (a multiply-add counts as two), and bytes read and written: a fixed part and a part for each sample.
    bits : int
        16 or 32: width of the numbers it computes with.
    count : int
        How many equal ones the step has.
    kernels : float
        Kernels that each of them starts.
    steps : float
        Products that must run one after the other, in a recurrent layer.
    """

    kind: str
    name: str
    flops: Affine
    bytes: Affine
    bits: int
    count: int = 1
    kernels: float = 1.0
    steps: float = 0.0


@dataclass(frozen=True)
class Memory:
    """Bytes of one step: each part fixed plus per sample.

    Attributes
    ----------
    weights, gradients, optimizer : float
        Bytes of the parameters and buffers, of their gradients, of the optimizer's states.
    activations : (float, float)
        What else is alive at the moment of the highest use.
    workspace : (float, float)
        Scratch memory of the largest convolution or product.
    """

    weights: float = 0.0
    gradients: float = 0.0
    optimizer: float = 0.0
    activations: Affine = (0.0, 0.0)
    workspace: Affine = (0.0, 0.0)


@dataclass(frozen=True)
class Workload:
    """One step of a model: its operators and its memory.

    Attributes
    ----------
    model, mode, optimizer : str
        What was traced.
    batch : int
        The batch size asked for.
    half : bool
        Whether it was traced under mixed precision.
    ops : sequence of Op
    memory : Memory
    parameters : int
    exact_batch : int or None
        The only batch size it is true for, where the counts do not grow linearly; None: any.
    """

    model: str
    batch: int
    ops: Sequence[Op]
    memory: Memory = field(default_factory=Memory)
    mode: str = "train"
    optimizer: str = "sgd"
    half: bool = False
    parameters: int = 0
    exact_batch: int | None = None

    @property
    def flops(self) -> float:
        """Operations of one step."""
        return sum(value(op.flops, self.batch) * op.count for op in self.ops)

    @property
    def bytes(self) -> float:
        """Bytes that the step's operators read and write."""
        return sum(value(op.bytes, self.batch) * op.count for op in self.ops)

    def with_batch(self, batch: int) -> Workload:
        """Return the same step at another batch size.

        Raises
        ------
        EstimateError
            The counts are true for one batch size only.
        """
        if batch < 1:
            raise EstimateError(f"a batch has at least one sample, not {batch}")
        if self.exact_batch not in (None, batch):
            raise EstimateError(f"{self.model} was counted at batch {self.exact_batch} only: trace it again at {batch}")
        return replace(self, batch=batch)

    def save(self, path: str | Path) -> None:
        """Store it as JSON."""
        record = asdict(self)
        record["ops"] = [[getattr(op, name) for name in OP_COLUMNS] for op in self.ops]
        Path(path).write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Workload:
        """Read what ``save`` stored; no framework is needed.

        Raises
        ------
        EstimateError
            The file is missing or is not a stored workload.
        """
        try:
            record: Mapping = json.loads(Path(path).read_text(encoding="utf-8"))
            ops = tuple(Op(**{name: _tupled(part) for name, part in zip(OP_COLUMNS, row, strict=True)})
                        for row in record["ops"])  # fmt: skip
            memory = Memory(**{name: _tupled(part) for name, part in record["memory"].items()})
            return cls(**{**record, "ops": ops, "memory": memory})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EstimateError(f"{path} is not a stored workload ({error}). Make it with Workload.save") from None


OP_COLUMNS = ("kind", "name", "flops", "bytes", "bits", "count", "kernels", "steps")


def _tupled(part: object) -> object:
    return tuple(part) if isinstance(part, list) else part


def merge(ops: Sequence[Op]) -> tuple[Op, ...]:
    """Return the operators with equal ones counted together.

    Examples
    --------
    >>> one = Op("norm", "layer_norm", (0.0, 0.0), (0.0, 8.0), 32)
    >>> [op.count for op in merge([one, one])]
    [2]
    """
    counts: dict[Op, int] = {}
    for op in ops:
        single = replace(op, count=1)
        counts[single] = counts.get(single, 0) + op.count
    return tuple(replace(op, count=count) for op, count in counts.items())


def through_two_points(small: Workload, large: Workload) -> Workload | None:
    """Return the workload for any batch size, from one step at each of two sizes; None if the steps differ.

    Operations and bytes grow linearly with the batch: a fixed part (weights, the optimizer) and one per sample.
    """
    if [(op.kind, op.name) for op in small.ops] != [(op.kind, op.name) for op in large.ops]:
        return None
    sizes = (small.batch, large.batch)
    ops = [
        replace(a, flops=line(sizes, a.flops[0], b.flops[0]), bytes=line(sizes, a.bytes[0], b.bytes[0]))
        for a, b in zip(small.ops, large.ops, strict=True)
    ]
    memory = replace(
        small.memory,
        activations=line(sizes, small.memory.activations[0], large.memory.activations[0]),
        workspace=line(sizes, small.memory.workspace[0], large.memory.workspace[0]),
    )
    return replace(large, ops=merge(ops), memory=memory, exact_batch=None)


def line(sizes: tuple[int, int], low: float, high: float) -> Affine:
    """Return the line through two points, as a fixed part and a part for each sample; neither is negative.

    Examples
    --------
    >>> line((2, 4), 10, 14)
    (6.0, 2.0)
    """
    slope = max((high - low) / (sizes[1] - sizes[0]), 0.0)
    return float(max(low - slope * sizes[0], 0.0)), float(slope)
