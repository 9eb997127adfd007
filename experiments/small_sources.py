"""Two networks of one architecture learn two tasks, digits and emoji: the course's own sources of transfer.

It writes their weights, rounded to 16 bits, to ``lib/gpulab/transfer/own-digits.npz`` and ``own-emoji.npz``. Both see
gray images of 28 x 28 pixels, and the training part of their data only.
"""

from __future__ import annotations

from experiments import rows

EPOCHS = {"digits": 6, "emoji": 30}


def cases(side: str) -> list[rows.Case]:
    """Return the two tasks; the second seed's weights are not kept, it shows how far two runs are apart."""
    return [{"source": source, "seed": seed} for source in EPOCHS for seed in (0, 1)]


def measure(side: str, source: str, seed: int) -> rows.Row:
    """Train one network and store it."""
    import torch

    from gpulab.data import load
    from gpulab.models import parameter_count
    from gpulab.train import evaluate, fit, shift
    from gpulab.transfer.own import as_digits, own, store

    data = load(source)
    parts = [
        (part.x if source == "digits" else as_digits(part.x), part.y) for part in (data.train, data.valid, data.test)
    ]
    torch.manual_seed(seed)
    model = own(None, "torch")
    recipe = {"batch_size": 32, "lr": 3e-3, "schedule": "one_cycle", "augment": shift(2), "verbose": False}
    fit(model, parts[0], parts[1], epochs=EPOCHS[source], seed=seed, **recipe)
    before = evaluate(model, parts[2])["accuracy"]
    if seed == 0:
        store(model, source)
        model = own(source, "torch")
    found = [round(evaluate(model, part)["accuracy"], 4) for part in parts]
    return {
        "parameters": parameter_count(model),
        "before_rounding": round(before, 4),
        **dict(zip(("train", "valid", "test"), found, strict=True)),
    }


if __name__ == "__main__":
    rows.main("small_sources", cases, measure, packages=("numpy", "torch"), sides=("torch",))
