"""Answers to the exercises of the broken programs in PyTorch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from tests.exercises.walk import Answers


def layers():
    return [nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 1)]


def build():
    return nn.Sequential(*layers(), nn.Sigmoid(), nn.Flatten(0)), nn.BCELoss(), 0.5


def built(last, loss, limit):
    """Return a function that builds a network with some layers at its end."""
    return lambda: (nn.Sequential(*layers(), *last, nn.Flatten(0)), loss, limit)


def still_sigmoid():
    network = nn.Sequential(*layers(), nn.Sigmoid(), nn.Flatten(0))  # only the weight of a seven is new
    return network, nn.BCEWithLogitsLoss(pos_weight=torch.tensor(9.0)), 0.5


def epoch_with(clear, pieces=16, step_each_piece=False, share=lambda piece, batch: len(batch)):
    """Return an epoch that clears the gradients at some place."""

    def run(network, optimizer, x, y, order):
        for batch in order.split(64):
            if clear == "batch":
                optimizer.zero_grad()
            for piece in batch.split(pieces):
                if clear == "piece":
                    optimizer.zero_grad()
                loss = cross_entropy(network(x[piece]), y[piece], reduction="sum")
                (loss / share(piece, batch)).backward()
                if step_each_piece:
                    optimizer.step()
            if clear == "before the step":
                optimizer.zero_grad()
            if not step_each_piece:
                optimizer.step()
            if clear == "after the step":
                optimizer.zero_grad()

    return run


def accuracy(network, x, y):
    training = network.training
    share = always_training(network, x, y)
    return network.train(training) and share


def always_training(network, x, y):
    network.eval()
    with torch.inference_mode():
        share = (network(x).argmax(dim=1) == y).float().mean().item()
    network.train()
    return share


def measured(network, x, y):
    with torch.no_grad():
        return (torch.cat([network(part).argmax(dim=1) for part in x.split(100)]) == y).float().mean().item()


def left_in_eval(network, x, y):
    network.eval()
    return measured(network, x, y)


def seeded(network, x, y):
    torch.manual_seed(0)
    return measured(network, x, y)


def only_dropout(network, x, y):
    training = network.training
    for layer in network.modules():
        if isinstance(layer, nn.Dropout):
            layer.eval()
    share = measured(network, x, y)
    network.train(training)
    return share


def only_norm(network, x, y):
    training = network.training
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.eval()
    share = measured(network, x, y)
    network.train(training)
    return share


def state_restored(network, x, y):
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    share = measured(network, x, y)
    network.load_state_dict(kept)
    return share


ANSWERS = {
    "cnn/broken-loss-torch": Answers(
        build,
        [
            (built([], nn.BCEWithLogitsLoss(), 0.5), "more likely than a no"),
            (built([nn.Sigmoid()], nn.BCELoss(), 0.0), "more likely than a no"),
            (built([nn.Sigmoid()], nn.MSELoss(), 0.5), "squared error"),
            (built([nn.Sigmoid()], nn.BCEWithLogitsLoss(), 0.6), "which numbers can the network give"),
            (still_sigmoid, "what does the last step"),
            (built([], nn.BCEWithLogitsLoss(pos_weight=torch.tensor(9.0)), 0.0), "costs more than the other"),
            (built([], nn.BCELoss(), 0.0), "what does the last step"),
            (lambda: build()[:2], "three things"),
            (lambda: (nn.Sequential(*layers()), nn.BCEWithLogitsLoss(), 0.0), "returns the shape (2, 1)"),
        ],
    ),
    "cnn/broken-gradient-torch": Answers(
        epoch_with("after the step"),
        [
            (epoch_with("piece"), "only the last piece"),
            (epoch_with("never"), "left over"),
            (epoch_with("before the step"), "do not move"),
            (epoch_with("piece", step_each_piece=True), "not after each"),
            (epoch_with("batch", share=lambda piece, batch: len(piece)), "mean over the *batch*"),
            (epoch_with("batch", share=lambda piece, batch: 1), "far too long"),
            (epoch_with("batch", pieces=64), "holds 16 images"),
        ],
    ),
    "cnn/broken-evaluation-torch": Answers(
        accuracy,
        [
            (left_in_eval, "in which mode"),
            (always_training, "note the mode first"),
            (seeded, "switched off at random"),
            (only_dropout, "compared with the others"),
            (only_norm, "switched off at random"),
            (state_restored, "switched off at random"),
            (lambda network, x, y: 100 * accuracy(network, x, y), "between 0 and 1"),
            (lambda network, x, y: None, "return"),
        ],
    ),
}
