"""Pretrained networks used as they are: eight whole photographs, right and wrong inputs, and 223 cut-out photographs.

No seed: nothing is random here. Each row is one model with one kind of input, in one framework.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments import rows

MODELS = ("mobilenet-v2", "efficientnet-lite0")
INPUTS = ("as expected", "not normalized", "bytes", "blue first")
EVERY = 20  # of the 1,000 logits, which ones are stored
# The places of some groups in ImageNet's list of classes, which is sorted by kinds of things. The last number is in.
GROUPS = {
    "bird": ((7, 24), (80, 100), (127, 146)),
    "mammal": ((101, 106), (147, 299), (330, 388)),
    "invertebrate": ((69, 79), (107, 126), (300, 329)),
    "fruit": ((948, 957),),
    "vegetable": ((936, 947),),
    "flower": ((985, 986),),
}


def cases(side: str) -> list[rows.Case]:
    """Return each model with what it expects, and the first one with wrong inputs, too; then the cut-out photographs."""
    wanted = [{"model": name, "inputs": INPUTS[0], "images": "whole"} for name in MODELS]
    wanted += [{"model": MODELS[0], "inputs": kind, "images": "whole"} for kind in INPUTS[1:]]
    return wanted + [{"model": name, "inputs": INPUTS[0], "images": "cut out"} for name in MODELS]


def measure(side: str, model: str, inputs: str, images: str) -> rows.Row:
    """Return the answers."""
    from gpulab import transfer
    from gpulab.train import predict

    network = transfer.load(model, side, preprocess=True if inputs == INPUTS[0] else None)
    if images == "cut out":
        return groups(network)
    x = given(np.stack([photograph.crop() for photograph in transfer.photographs()]), model, inputs)
    logits = predict(network, x)
    answers = {}
    for photograph, row, shares in zip(transfer.photographs(), logits, softmax(logits), strict=True):
        order = np.argsort(-row)[:5]
        answers[photograph.name] = {
            "top": [[transfer.labels("imagenet")[i], round(float(shares[i]), 4)] for i in order],
            "logits": [round(float(value), 4) for value in row[::EVERY]],
        }
    return {"answers": answers}


def given(x: np.ndarray, model: str, inputs: str) -> np.ndarray:
    """Return the images as a careless user would hand them over."""
    from gpulab import transfer

    if inputs == "bytes":
        return x * 255
    if inputs == "blue first":
        return np.ascontiguousarray(transfer.preprocess(model, x[..., ::-1]))
    return x


def groups(network: Any) -> rows.Row:
    """Return, for the cut-out photographs of each class, how often the first answer belongs to its group."""
    from gpulab.data import load
    from gpulab.train import predict

    photos = load("photos")
    parts = (photos.train, photos.valid, photos.test)
    x, y = (np.concatenate([getattr(part, name) for part in parts]) for name in "xy")
    shares = softmax(predict(network, x))
    found, counts = {}, {}
    for name, spans in GROUPS.items():
        inside = np.concatenate([np.arange(first, last + 1) for first, last in spans])
        mine = shares[y == photos.classes.index(name)]
        right = np.isin(mine.argmax(axis=1), inside)
        sure = mine.max(axis=1)
        found[name] = {"images": len(mine), "right": int(right.sum()), "sure": round(float(sure.mean()), 4)}
        counts[name] = len(inside)
    return {"groups": found, "names": counts}


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (n, classes)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


if __name__ == "__main__":
    rows.main("pretrained_photographs", cases, measure, packages=("numpy", "torch", "tensorflow", "keras", "timm"))
