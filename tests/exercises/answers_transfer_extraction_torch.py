"""Answers to the broken programs on pretrained networks, in PyTorch."""

from __future__ import annotations

import numpy as np
import torch
from gpulab import transfer
from gpulab.train import fit

from tests.exercises.walk import Answers

MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def only_once(network):
    """Evaluation mode, which the start of training undoes."""
    network.stages.requires_grad_(False)
    network.stages.eval()
    return network


def statistics_alone(network):
    """The statistics stay, and the layers still compute with those of the batch."""
    network.stages.requires_grad_(False)
    for module in network.stages.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.0
    return network


def everything(network):
    return transfer.freeze(network).requires_grad_(False)


def for_use(images):
    return ((images / 255 - MEAN) / STD).astype("float32")


def tuned(lr=1e-4, since="block11", batchnorm=False):
    """Return a ``fine_tune`` at a rate, from a stage on."""

    def fine_tune(network, data):
        transfer.unfreeze(network, since, batchnorm=batchnorm)
        fit(network, data, epochs=1, batch_size=8, lr=lr, verbose=False)
        return network

    return fine_tune


ANSWERS = {
    "transfer/broken-frozen-base-torch": Answers(
        transfer.freeze,
        [
            (only_once, "who switches that on again"),
            (statistics_alone, "From what does each layer take mean and variance"),
            (everything, "new head must still learn"),
            (lambda network: network, "No gradient may change"),
        ],
    ),
    "transfer/broken-normalization-torch": Answers(
        for_use,
        [
            (lambda x: ((x - MEAN) / STD).astype("float32"), "never divided by 255"),
            (lambda x: (x / 255).astype("float32"), "And then?"),
            (lambda x: for_use(x)[..., ::-1], "changed places"),
            (lambda x: (x / 255 - MEAN).astype("float32"), "the spread is missing"),
        ],
    ),
    "transfer/broken-fine-tuning-rate-torch": Answers(
        tuned(),
        [
            (tuned(3e-3), "How far does a weight move"),
            (tuned(since="head"), "The base must learn, too"),
            (tuned(batchnorm=True), "from a million images"),
            (lambda network, data: network, "The base must learn, too"),
        ],
    ),
}
