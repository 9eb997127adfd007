"""The popular recipe in PyTorch: VGG16 without its top, frozen, and a dense head. Shapes only."""

import torch
from torch import nn
from torchvision.models import vgg16

with torch.device("meta"):  # shapes without numbers: no memory, no time
    base = vgg16(weights=None).features  # weights="IMAGENET1K_V1" downloads 528 MB
    head = [nn.Flatten(), nn.Linear(25_088, 128), nn.ReLU(), nn.Linear(128, 10)]
    images = torch.empty(1, 3, 224, 224)
base.requires_grad_(False)  # frozen
maps = base(images)
print("the base returns", tuple(maps.shape[1:]), "=", maps[0].numel(), "numbers")


def count(layer: nn.Module) -> int:
    return sum(weight.numel() for weight in layer.parameters())


for name, layer in [("base", base), ("first dense", head[1]), ("last dense", head[3])]:
    print(f"{name:12} {count(layer):>12,} parameters")
print("logits:", tuple(nn.Sequential(*head)(maps).shape))
