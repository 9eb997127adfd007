"""Momentum and Adam by hand, and by PyTorch: the same steps."""

import numpy as np
import torch

curvature = np.array([1.0, 10.0, 100.0])  # the loss is sum(curvature * w**2) / 2
w_momentum, w_adam = np.ones(3), np.ones(3)
v, m, s = np.zeros(3), np.zeros(3), np.zeros(3)
for t in range(1, 21):
    v = 0.9 * v + curvature * w_momentum
    w_momentum = w_momentum - 0.01 * v
    g = curvature * w_adam
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    w_adam = w_adam - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)


def steps(make) -> np.ndarray:
    w = torch.ones(3, dtype=torch.float64, requires_grad=True)
    optimizer = make([w])
    for _ in range(20):
        optimizer.zero_grad()
        (torch.from_numpy(curvature) * w**2 / 2).sum().backward()
        optimizer.step()
    return w.detach().numpy()


by_sgd = steps(lambda w: torch.optim.SGD(w, lr=0.01, momentum=0.9))
by_adam = steps(lambda w: torch.optim.Adam(w, lr=0.01))
print("momentum", np.round(by_sgd, 3), "same as by hand:", np.allclose(by_sgd, w_momentum))
print("Adam    ", np.round(by_adam, 3), "same as by hand:", np.allclose(by_adam, w_adam))
