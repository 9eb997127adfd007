"""Weight decay beside Adam's step, and in the loss: PyTorch's AdamW and Adam."""

import numpy as np
import torch

gradient = np.array([0.0, 0.01, 1.0])  # of the loss, the same in every step
lr, decay = 0.01, 0.5


def by_hand(decoupled: bool) -> np.ndarray:
    w, m, s = np.ones(3), np.zeros(3), np.zeros(3)
    for t in range(1, 11):
        g = gradient + (0 if decoupled else decay * w)
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
        w = w - lr * decay * w if decoupled else w
        w = w - lr * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return w


def by_torch(kind: type) -> np.ndarray:
    w = torch.ones(3, dtype=torch.float64, requires_grad=True)
    optimizer = kind([w], lr=lr, weight_decay=decay)
    for _ in range(10):
        w.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
    return w.detach().numpy()


for name, kind, decoupled in (("AdamW", torch.optim.AdamW, True), ("Adam", torch.optim.Adam, False)):
    w = by_torch(kind)
    print(f"{name:5}", np.round(w, 3), "same as by hand:", np.allclose(w, by_hand(decoupled)))
