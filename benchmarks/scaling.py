"""How time and memory grow with the data: the reference CNN on the digits, once, twice, four and eight times over."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import workloads

FACTORS = (1, 2, 4, 8)


def run(framework: str, factor: int) -> dict[str, float]:
    """Train two epochs on so many copies of the data; return the second's seconds, and the process's peak memory."""
    from gpulab.train import fit

    x, y = (np.concatenate([part] * factor) for part in workloads.arrays("cnn"))
    model: Any = workloads.torch_model("cnn") if framework == "torch" else workloads.keras_model("cnn")
    history = fit(model, (x, y), epochs=2, batch_size=workloads.BATCH, verbose=False)
    return {
        "samples": len(x),
        "data_mb": (x.nbytes + y.nbytes) / 1e6,
        "seconds": history["seconds"][-1],
        "peak_mb": history.peak_memory_mb,
    }
