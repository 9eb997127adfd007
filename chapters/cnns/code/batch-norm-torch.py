"""Batch normalization by hand, and by PyTorch."""

import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
x = rng.normal(5, 2, (8, 3, 4, 4)).astype("float32")  # images, channels, rows, columns
layer = nn.BatchNorm2d(3, momentum=0.1, eps=1e-5)

n = 8 * 4 * 4  # numbers of a channel in this batch
mean = x.mean(axis=(0, 2, 3), keepdims=True)
var = x.var(axis=(0, 2, 3), keepdims=True)
by_hand = (x - mean) / np.sqrt(var + 1e-5)
layer.train()
found = layer(torch.from_numpy(x)).detach().numpy()
print("training:", np.allclose(found, by_hand, atol=1e-5))

running_mean = 0.9 * 0 + 0.1 * mean.ravel()
running_var = 0.9 * 1 + 0.1 * var.ravel() * n / (n - 1)  # divided by n - 1, not n
print("running mean:", np.allclose(layer.running_mean, running_mean))
print("running variance:", np.allclose(layer.running_var, running_var))

layer.eval()
found = layer(torch.from_numpy(x)).detach().numpy()
shaped = (running_mean[:, None, None], running_var[:, None, None])
by_hand = (x - shaped[0]) / np.sqrt(shaped[1] + 1e-5)
print("evaluation:", np.allclose(found, by_hand, atol=1e-5))
print(f"mean of the outputs in evaluation: {found.mean():.1f}")
