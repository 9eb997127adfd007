"""The two losses of a GAN in PyTorch, and who gets a gradient."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
generator, discriminator = nn.Linear(4, 6), nn.Linear(6, 1)
real, z = torch.ones(5, 6), torch.randn(5, 4)
fake = generator(z)

on_real, on_fake = discriminator(real), discriminator(fake.detach())
d_loss = (F.softplus(-on_real) + F.softplus(on_fake)).mean()
d_loss.backward()  # detach: nothing goes back into the generator
print("after the discriminator's loss, the generator's gradient is", generator.weight.grad)

discriminator.zero_grad()
g_loss = F.softplus(-discriminator(fake)).mean()  # "call my fakes real"
g_loss.backward()
for name, network in (("generator", generator), ("discriminator", discriminator)):
    print(f"after the generator's loss, {name}:", bool(network.weight.grad.abs().sum() > 0))
