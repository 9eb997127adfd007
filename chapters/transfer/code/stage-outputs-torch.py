"""What each stage returns in PyTorch: walk through the stages one by one."""

import torch
from gpulab import transfer

model = transfer.load("mobilenet-v2", "torch").eval()
torch.manual_seed(0)
x = torch.rand(2, 3, 96, 96)  # two images, channels first

with torch.inference_mode():
    for name, stage in model.stages.items():
        x = stage(x)
        if name in ("preprocess", "stem", "block3", "block10", "top"):
            mean = x.mean(dim=(2, 3))  # over all places: the features
            print(f"{name:10} {str(tuple(x.shape)):17} features {tuple(mean.shape)}")
