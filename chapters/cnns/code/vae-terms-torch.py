"""The two terms of the loss in PyTorch, and the gradient through the draw."""

import torch
import torch.nn.functional as F

mean = torch.tensor([[0.0, 1.0], [2.0, -1.0]], requires_grad=True)  # (n, k)
log_var = torch.tensor([[0.0, -2.0], [1.0, 0.0]], requires_grad=True)
noise = torch.tensor([[1.0, -1.0], [0.5, 2.0]])  # else torch.randn_like(mean)
z = mean + torch.exp(log_var / 2) * noise

x = torch.tensor([[0.0, 1.0], [1.0, 0.0]])  # two images of two pixels
logits = 3 * z  # a very small decoder
pixels = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
kl = 0.5 * (mean**2 + log_var.exp() - 1 - log_var)
loss = (pixels.sum(dim=1) + kl.sum(dim=1)).mean()
loss.backward()

print("reconstruction", [round(v, 3) for v in pixels.sum(dim=1).tolist()])
print("KL            ", [round(v, 3) for v in kl.sum(dim=1).tolist()])
for name, part in (("mean   ", mean), ("log_var", log_var)):
    print("gradient for", name, part.grad.double().numpy().round(3).tolist())
