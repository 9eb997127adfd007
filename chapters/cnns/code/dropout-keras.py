"""Dropout in Keras: what it does while training, and what it does not do afterwards."""

import numpy as np
from keras import layers

layer = layers.Dropout(0.25, seed=0)
x = np.random.default_rng(0).random((1000, 64), dtype="float32") + 1

y = layer(x, training=True).numpy()
kept = y != 0
print("training:   share kept about 3/4:", abs(kept.mean() - 0.75) < 0.01)
print("            kept ones are x / 0.75:", np.allclose(y[kept], x[kept] / 0.75))
print("            the mean stays:", abs(y.mean() / x.mean() - 1) < 0.01)
print("evaluation: nothing changes:", np.array_equal(layer(x, training=False), x))
