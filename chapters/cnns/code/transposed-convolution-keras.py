"""A transposed convolution in Keras: its numbers, and the sizes it gives."""

import numpy as np
from keras import layers

x = np.arange(1.0, 5, dtype="float32").reshape(1, 2, 2, 1)  # rows, columns, channels
layer = layers.Conv2DTranspose(1, kernel_size=3, strides=2, use_bias=False)
layer.build(x.shape)
layer.set_weights([np.arange(1.0, 10).reshape(3, 3, 1, 1)])
print(np.asarray(layer(x))[0, :, :, 0].astype("int32"))

maps = np.zeros((1, 8, 8, 64), dtype="float32")
for padding in ("valid", "same"):
    layer = layers.Conv2DTranspose(32, 3, strides=2, padding=padding)
    print(f"padding {padding}:", tuple(layer(maps).shape))
print("weights (rows, columns, out, in):", tuple(layer.kernel.shape))
