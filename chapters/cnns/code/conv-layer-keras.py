"""A convolution layer in Keras: shapes and parameters."""

import numpy as np
from keras import layers

images = np.zeros((8, 128, 128, 3), dtype="float32")  # channels last
layer = layers.Conv2D(filters=4, kernel_size=3)  # reads c_in from its first input
strided = layers.Conv2D(4, 3, strides=2, padding="same")
dilated = layers.Conv2D(4, 3, dilation_rate=2)
outputs = {"plain": layer(images)}
outputs |= {"stride 2": strided(images), "dilation 2": dilated(images)}

print("weights   ", tuple(layer.kernel.shape))
print("bias      ", tuple(layer.bias.shape))
print("parameters", layer.count_params())
for name, each in outputs.items():
    print(f"{name:10}", tuple(each.shape))
