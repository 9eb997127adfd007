"""A residual block in Keras, and what it does if its filters are zero."""

import keras
import numpy as np
from keras import layers


def residual(x: keras.KerasTensor) -> keras.KerasTensor:
    """y = ReLU(F(x) + x), with two convolutions in F."""
    y = x
    for last in (False, True):
        y = layers.Conv2D(x.shape[-1], 3, padding="same", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        y = y if last else layers.ReLU()(y)  # the last ReLU comes after the sum
    return layers.ReLU()(layers.Add()([y, x]))


inputs = keras.Input((14, 14, 64))
block = keras.Model(inputs, residual(inputs))
maps = np.random.default_rng(0).random((2, 14, 14, 64), dtype="float32")
print("shape", tuple(block(maps).shape))
learned = sum(w.shape.num_elements() for w in block.trainable_weights)
print(f"{learned:,} parameters, and {block.count_params() - learned:,} running")
for layer in block.layers:
    if isinstance(layer, layers.Conv2D):
        layer.kernel.assign(np.zeros(layer.kernel.shape))
print("filters of zero: the identity is", np.array_equal(block(maps), maps))
