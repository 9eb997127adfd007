"""Answers to the exercises on convolutional networks that are solved in PyTorch."""

from __future__ import annotations

import torch
from gpulab.data import load
from gpulab.train import fit
from torch import nn
from torch.nn.functional import cross_entropy

from tests.exercises.walk import Answers, Made


def network(last=(), width=16):
    return nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, width, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(25 * width, 10), *last,
    )  # fmt: skip


def small(epochs=6, **options):
    """Return a function that trains a small network."""

    def make():
        torch.manual_seed(0)
        model, digits = network(**options), load("digits")
        fit(model, digits.train, epochs=epochs, lr=1e-2, schedule="one_cycle", verbose=False)
        return model

    return Made(make)


def large():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


def step(model, optimizer, x, y):
    optimizer.zero_grad()
    loss = cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


def cleared_too_early(model, optimizer, x, y):
    loss = cross_entropy(model(x), y)
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def without_a_step(model, optimizer, x, y):
    optimizer.zero_grad()
    loss = cross_entropy(model(x), y)
    loss.backward()
    return loss.item()


def with_rate(change):
    """Return a step that changes the learning rate, and still keeps the old gradients."""

    def slower(model, optimizer, x, y):
        for group in optimizer.param_groups:
            group["lr"] = change(group["lr"])
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return slower


def never_cleared(model, optimizer, x, y):
    loss = cross_entropy(model(x), y)  # the lines were changed, the mistake is still there
    loss.backward()
    optimizer.step()
    return float(loss)


def returns_a_tensor(model, optimizer, x, y):
    optimizer.zero_grad()
    loss = cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def nothing_returned(model, optimizer, x, y):
    step(model, optimizer, x, y)


def loss_after_the_step(model, optimizer, x, y):
    step(model, optimizer, x, y)
    return cross_entropy(model(x), y).item()


def uphill(model, optimizer, x, y):
    optimizer.zero_grad()
    (-cross_entropy(model(x), y)).backward()
    optimizer.step()


def detached(model, optimizer, x, y):
    optimizer.zero_grad()
    cross_entropy(model(x).detach(), y).backward()
    optimizer.step()


ANSWERS = {
    "cnn/small-network": Answers(
        small(),
        [
            (Made(large), "fewer than 20,000"),
            (Made(network), "was it trained at all"),
            (small(epochs=1, width=1), "it learns, but not enough"),
            (Made(lambda: network), "the network itself"),
            (Made(lambda: nn.Sequential(*network(), nn.Softmax(dim=1))), "at the model's end out.\nHint"),
            (Made(lambda: nn.Sequential(*network(), nn.Softmax(dim=1))), "validation part to `evaluate`"),
        ],
    ),
    "cnn/repair-step": Answers(
        step,
        [
            (cleared_too_early, "do not move"),
            (without_a_step, "is there a step at all"),
            (uphill, "against the gradient"),
            (detached, "does not require grad"),
            (detached, "cannot be computed: the code stops with"),
            (detached, "a layer `nn.Linear(2, 2)`"),
            (with_rate(lambda rate: rate / 10), "learning rate says"),
            (with_rate(lambda rate: 0.05), "learning rate says"),
            (never_cleared, "left over from the first"),
            (never_cleared, "the network's weights are an array"),
            (returns_a_tensor, "a Tensor; a float is asked for"),
            (nothing_returned, "`return` missing"),
            (loss_after_the_step, "before the step"),
        ],
    ),
}
