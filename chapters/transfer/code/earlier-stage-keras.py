"""A linear head on an earlier stage, in Keras."""

from gpulab import transfer
from gpulab.data import load

emoji = load("emoji")
x, y = emoji.train.x[::27, ::2, ::2], emoji.train.y[::27]  # 20 images of 48 pixels
model = transfer.load("mobilenet-v2", "keras")
for stage in ("block6", "block11", "pool"):
    print(stage, transfer.features(model, x, at=stage).shape)

shorter = transfer.cut(model, at="block11")  # the same weights, shared
print(*transfer.stages(shorter)[-3:])
