"""A transposed convolution in PyTorch: its numbers, and the sizes it gives."""

import torch
from torch import nn

x = torch.arange(1.0, 5).reshape(1, 1, 2, 2)  # images, channels, rows, columns
layer = nn.ConvTranspose2d(1, 1, kernel_size=3, stride=2, bias=False)
with torch.no_grad():
    layer.weight.copy_(torch.arange(1.0, 10).reshape(1, 1, 3, 3))
    print(layer(x)[0, 0].int().numpy())

maps = torch.zeros(1, 64, 8, 8)
for padding, more in ((0, 0), (1, 0), (1, 1)):
    layer = nn.ConvTranspose2d(64, 32, 3, 2, padding, output_padding=more)
    print(f"padding {padding}, output_padding {more}:", tuple(layer(maps).shape))
print("weights (in, out, rows, columns):", tuple(layer.weight.shape))
