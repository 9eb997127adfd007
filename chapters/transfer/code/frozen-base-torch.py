"""Freezing in PyTorch takes two things: no gradient, and evaluation mode."""

import torch
from torch import nn

torch.manual_seed(0)
images = torch.rand(8, 3, 16, 16)


def moved(evaluation: bool) -> tuple[bool, bool]:
    """One step on a frozen base: did its weights move, and its statistics?"""
    conv, norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
    base = nn.Sequential(conv, norm, nn.ReLU(), nn.Flatten())
    network = nn.Sequential(base, nn.Linear(4 * 14 * 14, 10))
    base.requires_grad_(False)  # 1: no gradient
    network.train()
    if evaluation:
        base.eval()  # 2: after train(), which sets all layers
    weight, mean = conv.weight.clone(), norm.running_mean.clone()
    trained = [p for p in network.parameters() if p.requires_grad]
    network(images).square().mean().backward()
    torch.optim.SGD(trained, lr=0.1).step()
    same = torch.equal(weight, conv.weight), torch.equal(mean, norm.running_mean)
    return not same[0], not same[1]


for evaluation in (False, True):
    weights, statistics = moved(evaluation)
    print(f"evaluation mode {evaluation}: weights moved {weights}, "
          f"statistics {statistics}")

base = nn.Conv2d(3, 4, 3)
with torch.no_grad():  # for features: nothing is kept for a backward pass
    print("features need a backward pass:", base(images).requires_grad)
