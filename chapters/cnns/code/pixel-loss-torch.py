"""The cross-entropy of a class for each pixel in PyTorch: the classes stand on axis 1."""

import torch
from torch import nn

logits = torch.tensor([[[2.0, 0, 0], [0, 1, 0]], [[0, 0, 0], [3, 0, 1]]])
mask = torch.tensor([[0, 1], [2, 0]])  # rows, columns
logits, mask = logits[None], mask[None]  # a batch of one image
print("classes last: ", tuple(logits.shape), "and the mask", tuple(mask.shape))
first = logits.permute(0, 3, 1, 2)  # classes on axis 1
print("classes first:", tuple(first.shape))
print(f"loss {nn.functional.cross_entropy(first, mask):.4f}")
