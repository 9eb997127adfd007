"""MiniLM's torch half of a comparison, in a process of its own: python text_torch_side.py FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from gpulab import transfer


def main(folder: Path) -> None:
    """Write features, logits and gradients for the tokens in the folder."""
    x = np.load(folder / "x.npy")
    model = transfer.load("minilm", "torch", classes=2)
    transfer.set_head(model, np.load(folder / "weight.npy"), np.zeros(2))
    loss = torch.nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.arange(len(x)) % 2)
    loss.backward()
    layer = model.stages["block2"].layer
    np.savez(
        folder / "torch.npz",
        pool=transfer.features(model, x),
        block3=transfer.features(model, x, "block3"),
        logits=model(torch.from_numpy(x)).detach().numpy(),
        query=layer.attention.self.query.weight.grad.numpy().T,
        out=layer.attention.output.dense.weight.grad.numpy().T,
        wide=layer.intermediate.dense.weight.grad.numpy().T,
        first=model.stages["embeddings"].layer.position_embeddings.weight.grad[:4].numpy(),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
