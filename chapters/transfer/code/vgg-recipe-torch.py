"""The popular recipe in PyTorch: VGG16 without its top, frozen, and a dense head. Shapes only."""

import torch
from torch import nn
from torchvision.models import vgg16

with torch.device("meta"):  # shapes without numbers: no memory, no time
    # weights="IMAGENET1K_V1" downloads 528 MB
    base = vgg16(weights=None).features
    first, last = nn.Linear(25_088, 128), nn.Linear(128, 10)
    head = nn.Sequential(nn.Flatten(), first, nn.ReLU(), last)
    images = torch.empty(1, 3, 224, 224)
base.requires_grad_(False)  # frozen
maps = base(images)
print("the base returns", tuple(maps.shape[1:]), "=", maps[0].numel(), "numbers")


def count(layer: nn.Module) -> int:
    return sum(weight.numel() for weight in layer.parameters())


parts = {"base": base, "first dense": first, "last dense": last}
for name, layer in parts.items():
    print(f"{name:12} {count(layer):>12,} parameters")
print("logits:", tuple(head(maps).shape))
