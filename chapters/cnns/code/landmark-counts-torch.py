"""Parameters of landmark networks in torchvision, built without weights."""

import torch
from torchvision import models

for name in ("vgg16", "inception_v3", "resnet50", "efficientnet_b0"):
    unset = {"init_weights": False} if name == "inception_v3" else {}  # no warning
    with torch.device("meta"):  # shapes only, no numbers
        net = models.get_model(name, weights=None, **unset)
    learned = sum(p.numel() for p in net.parameters())
    running = sum(p.numel() for n, p in net.named_buffers() if "running" in n)
    print(f"{name:15} {learned:11,} and {running:6,} running")
