"""Reference recurrent networks computed by NumPy, for the tests of both frameworks: each is held to these numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gpulab.models import cells

LENGTHS = np.array([4, 1, 6, 3])
CASES: dict[str, dict[str, Any]] = {
    f"{cell}{'-tokens' * bool(vocabulary)}-{layers}{'-both-ways' * both}": {
        "cell": cell,
        "features": 3,
        "vocabulary": vocabulary,
        "units": 5,
        "outputs": outputs,
        "layers": layers,
        "bidirectional": both,
    }
    for cell, vocabulary, outputs, layers, both in (
        ("rnn", 0, 1, 1, False),
        ("lstm", 0, 1, 1, False),
        ("gru", 0, 1, 1, False),
        ("rnn", 9, 1, 1, True),
        ("lstm", 9, 4, 2, True),
        ("gru", 0, 2, 2, True),
        ("lstm", 0, 1, 3, False),
    )
}


def weights(case: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return weights for a case, float32, under PyTorch's names; all biases are far from zero."""
    rng, ways = np.random.default_rng(0), 2 if case["bidirectional"] else 1
    arrays: dict[str, np.ndarray] = {}
    if case["vocabulary"]:
        arrays["embedding.weight"] = rng.normal(size=(case["vocabulary"], case["features"]))
    width = case["features"]
    for depth in range(case["layers"]):
        for end in ("", "_reverse")[:ways]:
            for name, shape in cells.shapes(case["cell"], width, case["units"]).items():
                arrays[f"rnn.{name}_l{depth}{end}"] = rng.normal(size=shape) / 2
        width = ways * case["units"]
    arrays["head.weight"] = rng.normal(size=(case["outputs"], width))
    arrays["head.bias"] = rng.normal(size=case["outputs"])
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def store(case: dict[str, Any], folder: Path) -> Path:
    """Write a case's weights to a file; return its path."""
    from safetensors.numpy import save_file

    save_file(weights(case), folder / "truth.safetensors")
    return folder / "truth.safetensors"


def inputs(case: dict[str, Any], longest: int = 6, front: bool = False) -> np.ndarray:
    """Return four sequences of the lengths in ``LENGTHS``, padded with zeros to ``longest``."""
    rng = np.random.default_rng(1)
    shape = (longest,) if case["vocabulary"] else (longest, case["features"])
    x = np.zeros((len(LENGTHS), *shape), dtype=np.int64 if case["vocabulary"] else np.float32)
    for row, length in zip(x, LENGTHS, strict=True):
        part = rng.integers(1, 9, length) if case["vocabulary"] else rng.normal(size=(length, case["features"]))
        row[longest - length :] = part if front else row[longest - length :]
        row[:length] = row[:length] if front else part
    return x


def logits(case: dict[str, Any]) -> np.ndarray:
    """Return the logits of each sequence alone, without padding, in float64, (4, outputs)."""
    w = {name: array.astype(np.float64) for name, array in weights(case).items()}
    rows = []
    for row, length in zip(inputs(case), LENGTHS, strict=True):
        steps = w["embedding.weight"][row[:length]] if case["vocabulary"] else row[:length].astype(np.float64)
        for depth in range(case["layers"]):
            ways = [layer(case, w, steps, f"_l{depth}")]
            if case["bidirectional"]:
                ways.append(layer(case, w, steps[::-1], f"_l{depth}_reverse")[::-1])
            steps = np.concatenate(ways, axis=1)
        last = steps[-1].copy()
        if case["bidirectional"]:
            last[case["units"] :] = steps[0, case["units"] :]  # the way back has read everything at the first step
        rows.append(w["head.weight"] @ last + w["head.bias"])
    return np.array(rows)


def layer(case: dict[str, Any], w: dict[str, np.ndarray], steps: np.ndarray, end: str) -> np.ndarray:
    """Return the states of one layer in one direction, (T, units)."""
    own = {name: w[f"rnn.{name}{end}"] for name in cells.shapes(case["cell"], 1, 1)}
    return cells.run(case["cell"], own, steps[None]).h[0]
