"""A convolution layer in PyTorch: shapes and parameters."""

import torch
from torch import nn

images = torch.zeros(8, 3, 128, 128)  # eight photographs, channels first
layer = nn.Conv2d(in_channels=3, out_channels=4, kernel_size=3)
strided = nn.Conv2d(3, 4, kernel_size=3, stride=2, padding=1)
dilated = nn.Conv2d(3, 4, kernel_size=3, dilation=2)

print("weights   ", tuple(layer.weight.shape))
print("bias      ", tuple(layer.bias.shape))
print("parameters", sum(p.numel() for p in layer.parameters()))
layers = {"plain": layer, "stride 2": strided, "dilation 2": dilated}
for name, each in layers.items():
    print(f"{name:10}", tuple(each(images).shape))
