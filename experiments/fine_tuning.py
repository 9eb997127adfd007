"""Five ways to use a pretrained model, in one harness; and the learning rate that destroys it.

Images: 15 emoji of each class at 64 x 64 pixels ("emoji-8": 8 of each, which the labs run again), MobileNetV2. Text:
100 sentences of reviews, MiniLM. Ways: "frozen" (a linear probe on the features), "full" (a fresh head, every stage
trained), "lp-ft" (the probe's head, every stage trained), "gradual" (a fresh head, groups of stages opened one after
the other, each stage at its own rate), "lora" (a fresh head, adapters beside frozen weights). The rates were set by hand
after a few tries on the first seed in torch, and are the same in both frameworks; torch also trains like "full" at other
rates. Each side runs in a process of its own.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np

from experiments import rows
from gpulab import transfer
from gpulab.data import load
from gpulab.train import evaluate, fit
from gpulab.transfer.scores import linear_probe

SEEDS = (0, 1, 2)
WAYS = ("frozen", "full", "lp-ft", "gradual", "lora")
SWEEP = (3e-5, 1e-3, 1e-2)  # and 3e-4: that is "full"
RATES = {
    "emoji": {"full": 3e-4, "lp-ft": 3e-4, "gradual": 1e-3, "lora": 1e-3},
    "snippets": {"full": 1e-4, "lp-ft": 1e-4, "gradual": 3e-4, "lora": 1e-3},
}
RATES["emoji-8"] = RATES["emoji"]
EPOCHS = {"emoji": 5, "emoji-8": 2, "snippets": 4}
BATCHES = {"emoji": 16, "emoji-8": 8, "snippets": 8}
Part = tuple[np.ndarray, np.ndarray]


def cases(side: str) -> list[rows.Case]:
    """Return the runs of a side: Keras has one seed of text, and no sweep over the rates."""
    images = [{"data": "emoji", "way": way, "lr": None, "seed": seed} for seed in SEEDS for way in WAYS]
    labs = [{"data": "emoji-8", "way": way, "lr": None, "seed": seed} for seed in SEEDS for way in WAYS[:3]]
    read = SEEDS if side == "torch" else SEEDS[:1]
    text = [{"data": "snippets", "way": way, "lr": None, "seed": seed} for seed in read for way in WAYS]
    sweep = [{"data": "emoji", "way": "full", "lr": lr, "seed": seed} for seed in SEEDS[:2] for lr in SWEEP]
    if side == "torch":
        return [*images, *labs, *sweep, {"data": "emoji", "way": "shuffled", "lr": None, "seed": 0}, *text]
    return [*labs, *images, *text]


def smaller(x: np.ndarray) -> np.ndarray:
    """Make images of 96 x 96 pixels 64 x 64: three pixels become two, by the area that they cover."""
    for axis in (1, 2):
        a, b, c = (np.take(x, range(k, 96, 3), axis) for k in range(3))
        both = np.stack([(2 * a + b) / 3, (b + 2 * c) / 3], axis + 1)
        x = both.reshape(*x.shape[:axis], 64, *x.shape[axis + 1 :])
    return x.astype(np.float32)


def few(part: Any, n: int, seed: int) -> Part:
    """Return n samples of each class, drawn at random."""
    rng, classes = np.random.default_rng(seed), int(part.y.max()) + 1
    chosen = np.concatenate([rng.permutation(np.flatnonzero(part.y == c))[:n] for c in range(classes)])
    return part.x[chosen], part.y[chosen]


@cache
def drawn(name: str, seed: int) -> tuple[Part, Part]:
    """Return what is learned from, and what is tested on."""
    data = load(name.removesuffix("-8"))
    if name.startswith("emoji"):
        x, y = few(data.train, 8 if name.endswith("8") else 15, seed)
        return (smaller(x), y), (smaller(data.test.x), data.test.y)
    tokens = transfer.tokenizer("minilm")
    x, y = few(data.train, 50, seed)
    return (tokens(list(x), 40), y), (tokens(list(data.test.x[:400]), 40), data.test.y[:400])


def start(side: str, name: str, seed: int) -> Any:
    """Return a pretrained model with a fresh head."""
    if side == "torch":
        import torch

        torch.manual_seed(seed)
    else:
        import keras

        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
    kind, classes = ("minilm", 2) if name == "snippets" else ("mobilenet-v2", 10)
    return transfer.load(kind, side, classes=classes)


def groups(model: Any, name: str) -> list[tuple[str, ...]]:
    """Return the groups of stages in the order in which they are opened, below the head."""
    stages = [stage for stage in transfer.stages(model) if stage not in ("preprocess", "pool")]
    if name == "emoji":
        return [tuple(stages[-4:]), tuple(stages[-11:-4]), tuple(stages[:-11])]
    return [("block6", "block5"), ("block4", "block3"), ("block2", "block1", "embeddings")]


def measure(side: str, data: str, way: str, lr: float | None, seed: int) -> rows.Row:
    """Train in one way; return accuracy, cost, and how much the features have changed."""
    train, test = drawn(data, seed)
    model = start(side, data, seed)
    before = transfer.features(model, test[0])
    if way == "shuffled":  # how high CKA is where nothing goes together
        return {"cka": similar(before, before[np.random.default_rng(seed).permutation(len(before))])}
    begin = time.perf_counter()
    if way in ("frozen", "lp-ft"):
        inside = transfer.features(model, train[0])
        probe = linear_probe(inside, train[1], before, test[1])
        model = transfer.set_head(model, probe.weight, probe.bias)
    rate = lr or RATES[data].get(way)
    recipe: dict[str, Any] = {"optimizer": "adamw", "lr": rate, "schedule": "one_cycle"}
    first = transfer.stages(model)[0]
    if way in ("full", "lp-ft", "gradual"):
        transfer.unfreeze(model, first)
    if way == "frozen":
        transfer.freeze(model)
    if way == "lora":
        transfer.lora(model, rank=8, alpha=16)
    if way == "gradual":
        recipe["optimizer"] = transfer.group_rates(model, rate, decay=0.9 if data == "emoji" else 0.8)
        recipe["callbacks"] = [transfer.GradualUnfreezing(groups(model, data))]
    losses: list[float] = []
    steps = []
    if way != "frozen":
        history = fit(model, train, epochs=EPOCHS[data], batch_size=BATCHES[data], clip=1.0, verbose=False, **recipe)
        losses, steps = history["loss"], history["seconds"]
    seconds = time.perf_counter() - begin
    return {
        "rate": rate,
        "test": evaluate(model, test)["accuracy"],
        "train": evaluate(model, train)["accuracy"],
        "losses": [round(float(loss), 4) for loss in losses],
        "seconds": round(seconds, 2),
        "epoch_seconds": [round(float(s), 3) for s in steps],
        "trainable": sum(row.trainable for row in transfer.parameters(model)),
        "kept_mb": kept(model, train[0][:16]) if side == "torch" else None,
        "cka": similar(before, transfer.features(model, test[0])),
    }


def similar(before: np.ndarray, after: np.ndarray) -> float:
    """Return linear CKA; 0 where all inputs have the same features, so that nothing is left to compare."""
    try:
        return round(float(transfer.cka(before, after)), 4)
    except transfer.TransferError:
        return 0.0


def kept(model: Any, x: np.ndarray) -> float:
    """Return the MB that torch keeps of a batch of 16 for the backward pass, beside the weights."""
    import torch

    own = {weight.untyped_storage().data_ptr() for weight in (*model.parameters(), *model.buffers())}
    sizes: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    tensor = torch.as_tensor(x).permute(0, 3, 1, 2).contiguous() if x.ndim == 4 else torch.as_tensor(x)
    model.train()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        out = model(tensor)
    del out
    model.eval()
    return round(sum(sizes.values()) / 1e6, 2)


if __name__ == "__main__":
    rows.main(
        "fine_tuning", cases, measure, packages=("numpy", "torch", "peft", "tensorflow", "keras", "scikit-learn")
    )
