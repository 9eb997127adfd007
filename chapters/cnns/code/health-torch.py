import math

import torch
from gpulab.data import load
from torch import nn
from torch.nn.functional import cross_entropy

digits = load("digits")
x = torch.from_numpy(digits.train.x[::50]).permute(0, 3, 1, 2)
y = torch.from_numpy(digits.train.y[::50])  # 70 images of all classes


def network():
    torch.manual_seed(0)
    hidden = [nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*hidden, nn.Linear(64, 10))


def first_loss(model, x):  # a fresh network knows nothing
    return abs(cross_entropy(model(x), y).item() - math.log(10)) < 0.3


def same_twice(model):  # a measurement has no chance in it
    with torch.no_grad():
        return torch.equal(model(x), model(x))


def same_gradient(model, clear):  # same weights, same batch
    seen = []
    for _ in range(2):
        clear()
        cross_entropy(model(x), y).backward()
        seen.append(model[1].weight.grad.clone())
    return torch.allclose(*seen)


def one_batch(model):  # the network can learn 70 images by heart
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item() < 0.1


def apart(train, valid):  # no image is in both parts
    return not {i.tobytes() for i in train} & {i.tobytes() for i in valid}


def show(test, healthy, fault, broken):
    print(f"{test:14} healthy: {healthy}   {fault}: {broken}")


model, twice = network().eval(), nn.Sequential(*network().eval(), nn.Softmax(dim=1))
a, b = digits.train.x, digits.valid.x
bright = first_loss(model, 255 * x)
show("first loss", first_loss(model, x), "inputs to 255", bright)
show("same twice", same_twice(model), "no eval()", same_twice(network()))
kept = same_gradient(model, lambda: None)
show("same gradient", same_gradient(model, model.zero_grad), "no zero_grad()", kept)
show("one batch", one_batch(model), "softmax at the end", one_batch(twice))
show("apart", apart(a, b), "one image in both", apart(a, [*b, a[7]]))
