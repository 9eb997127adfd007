"""Saliency and Grad-CAM of a tiny network in PyTorch."""

import torch
from torch import nn

features = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, bias=False), nn.ReLU())
head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 1, bias=False))
nn.init.ones_(features[0].weight)
nn.init.constant_(head[2].weight, 2.0)

pixels = torch.ones(1, 1, 4, 4, requires_grad=True)
maps = features(pixels)  # 1 image, 1 channel, 4 rows, 4 columns
logit = head(maps)[0, 0]
by_pixel, by_map = torch.autograd.grad(logit, (pixels, maps))

print("logit", logit.item())
print("saliency, row 0", by_pixel[0, 0, 0].abs().tolist())
print("saliency, row 1", by_pixel[0, 0, 1].abs().tolist())
alpha = by_map.mean(dim=(2, 3), keepdim=True)
cam = (alpha * maps).sum(dim=1).relu()
print("Grad-CAM, row 1", cam[0, 1].tolist())
