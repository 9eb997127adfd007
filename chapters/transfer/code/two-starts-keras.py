"""One network, two starts: ImageNet's weights and random ones. A linear head on both, in Keras."""

import keras
from gpulab import transfer
from gpulab.data import load

keras.utils.set_random_seed(0)
x, y = load("emoji").train
mine, other = slice(0, None, 4), slice(1, None, 4)  # 135 drawings each

accuracy = {}
for start in ("package", None):  # the course's file of weights; none
    model = transfer.load("mobilenet-v2", "keras", source=start)
    a, b = transfer.features(model, x[mine]), transfer.features(model, x[other])
    head = transfer.scores.linear_probe(a, y[mine], b, y[other])
    accuracy[start] = head.accuracy
    print("start:", start, "- features", a.shape, "- head", head.weight.shape)
gain = accuracy["package"] - accuracy[None]
print("pretrained is better by more than 10 points:", gain > 0.1)
