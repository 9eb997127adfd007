"""The four kinds of an epoch in PyTorch: each a function without arguments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from gpulab import transfer
from torch import Tensor, nn

from benchmarks.cached_features.__main__ import BATCH, EPOCHS, IMAGES, PIXELS


def prepare(threads: int) -> dict[str, Callable[[], object]]:
    """Return the calls by kind."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    images = np.random.default_rng(0).random((IMAGES, PIXELS, PIXELS, 3), dtype=np.float32)
    x, y = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), torch.arange(IMAGES) % 10
    full = transfer.unfreeze(transfer.load("mobilenet-v2", "torch", classes=10), "stem")
    frozen = transfer.freeze(transfer.load("mobilenet-v2", "torch", classes=10))
    base = transfer.cut(frozen, "pool")
    features = base.eval()(x).detach()
    return {
        "full": _epoch(full, x, y),
        "frozen": _epoch(frozen, x, y),
        "extract": lambda: _extract(base, x),
        "cached": _epoch(nn.Linear(features.shape[1], 10), features, y, EPOCHS),
    }


def _epoch(network: nn.Module, x: Tensor, y: Tensor, epochs: int = 1) -> Callable[[], None]:
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-5, fused=True)

    def epoch() -> None:
        network.train()
        for part in (part for _ in range(epochs) for part in torch.randperm(len(x)).split(BATCH)):
            loss = nn.functional.cross_entropy(network(x[part]), y[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


@torch.no_grad()
def _extract(base: nn.Module, x: Tensor) -> list[Tensor]:
    base.eval()
    return [base(part) for part in x.split(BATCH)]
