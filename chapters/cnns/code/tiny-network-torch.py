import torch

x, t = torch.tensor([1.0, 3.0]), torch.tensor(1.5)
W1 = torch.tensor([[0.5, -1.0], [0.5, 0.5]], requires_grad=True)
b1 = torch.tensor([-0.5, 0.0], requires_grad=True)
w2 = torch.tensor([3.0, -2.0], requires_grad=True)
b2 = torch.tensor(0.5, requires_grad=True)

h = torch.relu(x @ W1 + b1)
y = h @ w2 + b2
loss = (y - t) ** 2
loss.backward()  # one backward pass: every parameter now has its .grad

for name, parameter in {"W1": W1, "b1": b1, "w2": w2, "b2": b2}.items():
    print(name, parameter.grad.tolist())
