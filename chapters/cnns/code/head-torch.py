import torch

logits = torch.tensor([[2.0, 1.0, 0.0]], requires_grad=True)
loss = torch.nn.functional.cross_entropy(logits, torch.tensor([0]))
loss.backward()
print("loss:    ", round(loss.item(), 4))
print("gradient:", [round(value, 4) for value in logits.grad[0].tolist()])
