"""An example of an entry: the reference CNN, trained with gpulab's fit. Copy it, and make it faster.

    python -m benchmarks.speed_run.referee benchmarks/speed_run/examples/reference.py

Import at the top: the clock begins after the imports.
"""

import torch
import torch._dynamo  # the first optimizer imports it: better before the clock begins
from gpulab.models import reference_cnn
from gpulab.train import fit, predict, shift

CLAIM = {"name": "Example", "author": "The course", "class": "reference", "accuracy": 0.975}


def train(train, valid, seed):
    """Train on pairs of images (n, 28, 28, 1) and labels (n,); return a function that answers images."""
    torch.manual_seed(seed)
    model = reference_cnn("torch")
    recipe = {"epochs": 10, "batch_size": 64, "lr": 3e-3, "schedule": "one_cycle", "augment": shift(2)}
    fit(model, train, seed=seed, verbose=False, **recipe)
    return lambda images: predict(model, images)
