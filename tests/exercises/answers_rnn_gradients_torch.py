"""Answers to the broken program in PyTorch whose memory leaks."""

from __future__ import annotations

import torch

from tests.exercises.walk import Answers


def steps(x):
    return (x != 0).any(dim=2).sum(dim=1)


def answers(network, x):
    states, _ = network.layer(x)
    return network.head(states[torch.arange(len(x)), steps(x) - 1])


def leaking(start, kept):
    """Return a function that starts from some state, and keeps some other one."""

    def run(network, x):
        states, _ = network.layer(x, start(network, x))
        last = states[torch.arange(len(x)), steps(x) - 1]
        network.state = kept(network, last)
        return network.head(last)

    return run


def of_the_last_step(network, x):
    return network.head(network.layer(x)[0][:, -1])


def cut_off(network, x):
    states, _ = network.layer(x)
    return network.head(states[torch.arange(len(x)), steps(x) - 1].detach())


def without_gradient(network, x):
    with torch.no_grad():
        states = network.layer(x)[0]
    return network.head(states[torch.arange(len(x)), steps(x) - 1])


def same_size(network, x):
    return network.state if network.state is not None and network.state.shape[1] == len(x) else None


def zeros_of_six(network, x):
    return torch.zeros(1, 6, 32, dtype=x.dtype)


ANSWERS = {
    "rnn/broken-state-torch": Answers(
        answers,
        [
            (leaking(same_size, lambda network, last: last.detach()[None]), "what other people said"),
            (leaking(same_size, lambda network, last: last[None]), "what other people said"),
            (leaking(same_size, lambda network, last: 0.1 * last.detach()[None]),
             "what other people said"),
            (leaking(lambda network, x: same_size(network, x) if network.training else None,
                     lambda network, last: last.detach()[None]), "while it trains"),
            (leaking(zeros_of_six, lambda network, last: None), "another size"),
            (of_the_last_step, "last step of each recording"),
            (cut_off, "cuts the gradient off"),
            (without_gradient, "cuts the gradient off"),
            (lambda network, x: answers(network, x).argmax(dim=1), "shape (6, 9)"),
        ],
    ),
}  # fmt: skip
