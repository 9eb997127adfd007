"""An LSTM layer and a Transformer layer of equal width on three cards: predicted seconds of a training step.

Run from the root, with PyTorch (it traces the layers and computes nothing)::

    python -m experiments.sequence_on_cards

The layers of one width, in 16 bits, forward and backward. Once the length of the sequences grows at a fixed batch, once
the batch at a fixed length. Nothing here is random, and the rows are the same on every machine.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from experiments import stamp
from gpulab.estimate import Subject, predict, workload

CARDS = ("rtx-3060-12gb", "a100-sxm-80gb", "h100-sxm")
WIDTH, HEADS, WIDE = 512, 8, 2048
BATCH, STEPS = 16, 256
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
KINDS = ("lstm", "transformer")


class Recurrent(nn.Module):
    """An LSTM that returns the states of all steps."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(WIDTH, WIDTH, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the states, (n, T, width)."""
        return self.lstm(x)[0]


def layer(kind: str) -> nn.Module:
    """Return a layer; both map (n, T, width) to (n, T, width)."""
    if kind == "lstm":
        return Recurrent()
    return nn.TransformerEncoderLayer(WIDTH, HEADS, WIDE, dropout=0.0, batch_first=True)


def subject(kind: str, steps: int) -> Subject:
    """Return a training step of a layer, for the trace."""

    def build(batch: int) -> tuple[Any, ...]:
        x = torch.zeros(batch, steps, WIDTH, requires_grad=True)
        return layer(kind), (x,), lambda out: out.float().square().mean()

    return Subject(kind, build, "sgd")


def rows_of(part: str, kind: str, steps: int, batch: int) -> list[dict[str, Any]]:
    """Trace a step once, and predict it for each card."""
    work = workload(subject(kind, steps), batch, "fp16")
    rows = []
    for card in CARDS:
        found = predict(work, card, "fp16")
        chain = found.by_class.get("rnn", 0.0) / sum(found.by_class.values())
        row = {"part": part, "kind": kind, "card": card, "steps": steps, "batch": batch, "bound_by": found.bound_by}
        numbers = {
            "step_s": found.step_time_s,
            "utilization": found.utilization,
            "chain": chain,
            "memory_gb": found.peak_memory_gb,
        }
        row |= {name: float(f"{value:.5g}") for name, value in numbers.items()}
        rows.append(row | {"parameters": work.parameters, "flops": work.flops})
    return rows


def compute() -> list[dict[str, Any]]:
    """Return all rows."""
    cases = [("length", kind, steps, BATCH) for kind in KINDS for steps in LENGTHS]
    cases += [("batch", kind, STEPS, batch) for kind in KINDS for batch in BATCHES]
    return [row for case in cases for row in rows_of(*case)]


if __name__ == "__main__":
    stamp.run("sequence_on_cards", compute, [], ["torch"])
