"""How much accuracy does the trained reference CNN lose when its weights are rounded to 8 bits?

One network, in PyTorch, with the best recipe of `digits_cnn` (random shifts) and seed 0. The rounded weights go into
`lib/gpulab/widgets/reference-cnn.json`: the book's pages compute feature maps with them.
"""

from __future__ import annotations

import json

import numpy as np

from experiments import stamp
from experiments.digits_cnn import RECIPES, seed_framework

SEED = 0
RECIPE = "shifts"


def compute() -> list[dict[str, object]]:
    """Train the network, store its rounded weights, and return one row."""
    from gpulab.data import load
    from gpulab.models import reference_cnn
    from gpulab.train import evaluate, fit, shift
    from gpulab.widgets import network

    digits = load("digits")
    seed_framework("torch", SEED)
    model = reference_cnn("torch")
    fit(model, digits.train, digits.valid, seed=SEED, augment=shift(2), verbose=False, **RECIPES[RECIPE])
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
    record = {
        "made_by": "python -m experiments.reference_weights",
        "network": "the course's reference CNN, trained on the training part of the digits",
        "weights": "8-bit whole numbers, times one scale for each output channel; base64, little-endian",
        "layers": network.pack(arrays),
    }
    network.FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n")
    network.stored.cache_clear()
    answers = network.forward(digits.test.x[..., 0])["logits"].argmax(axis=1)
    return [
        {
            "recipe": RECIPE,
            "seed": SEED,
            "valid": evaluate(model, digits.valid)["accuracy"],
            "test": evaluate(model, digits.test)["accuracy"],
            "test_8_bits": float(np.mean(answers == digits.test.y)),
            "file_sha256": network.digest(),
        }
    ]


if __name__ == "__main__":
    stamp.run("reference_weights", compute, [SEED], ["numpy", "torch"])
