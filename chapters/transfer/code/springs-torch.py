"""Hold the weights near the start, in PyTorch."""

import numpy as np
import torch
from gpulab import transfer
from gpulab.train import fit
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
x, y = rng.normal(size=(64, 5)).astype("float32"), rng.integers(0, 3, 64)
model = nn.Sequential(nn.Linear(5, 3))

importance = transfer.fisher(model, x)  # of what the model knows now
print({name: value.shape for name, value in importance.items()})
start = model[0].weight.detach().clone()
elastic = transfer.ElasticWeights(importance, strength=1, skip=())
fit(model, (x, y), epochs=5, batch_size=8, callbacks=[elastic], verbose=False)
print("moved:", bool((model[0].weight - start).abs().max() > 1e-4))
