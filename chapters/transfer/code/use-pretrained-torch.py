"""A pretrained network names photographs, in PyTorch."""

import numpy as np
from gpulab import transfer
from gpulab.train import predict

model = transfer.load("mobilenet-v2", "torch")  # 1,000 logits, in evaluation mode
names = transfer.labels("imagenet")
photographs = transfer.photographs()
x = np.stack([photograph.crop() for photograph in photographs])  # 0..1
for photograph, logits in zip(photographs, predict(model, x)):
    powers = np.exp(logits - logits.max())
    share = powers.max() / powers.sum()
    print(f"{photograph.name:10} {names[logits.argmax()]:14} {share:.2f}")

print(list(model.stages)[:4], "...", list(model.stages)[-2:])
print(model.head.linear)
