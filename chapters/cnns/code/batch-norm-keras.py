"""Batch normalization by hand, and by Keras."""

import numpy as np
from keras import layers

rng = np.random.default_rng(0)
x = rng.normal(5, 2, (8, 4, 4, 3)).astype("float32")  # images, rows, columns, channels
layer = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
print("defaults:", {name: layers.BatchNormalization().get_config()[name] for name in ("momentum", "epsilon")})

mean = x.mean(axis=(0, 1, 2))
var = x.var(axis=(0, 1, 2))
by_hand = (x - mean) / np.sqrt(var + 1e-5)
found = layer(x, training=True).numpy()
print("training:", np.allclose(found, by_hand, atol=1e-5))

running_mean = 0.9 * 0 + 0.1 * mean
running_var = 0.9 * 1 + 0.1 * var  # divided by n
print("running mean:", np.allclose(layer.moving_mean, running_mean))
print("running variance:", np.allclose(layer.moving_variance, running_var))

found = layer(x, training=False).numpy()
by_hand = (x - running_mean) / np.sqrt(running_var + 1e-5)
print("evaluation:", np.allclose(found, by_hand, atol=1e-5))
print(f"mean of the outputs in evaluation: {found.mean():.1f}")
