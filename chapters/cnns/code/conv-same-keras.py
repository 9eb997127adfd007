"""Stride 2 in Keras: 'same' pads on the right first."""

import numpy as np
from keras import ops

row = np.arange(8.0).reshape(1, 8, 1)  # image, pixel, channel: 0 1 2 ... 7
ones = np.ones((3, 1, 1))  # a window that adds up three pixels

same = ops.conv(row, ones, strides=2, padding="same")
padded = np.pad(row, ((0, 0), (1, 1), (0, 0)))  # pad by hand
as_torch = ops.conv(padded, ones, strides=2, padding="valid")
print("padding='same'        ", np.ravel(same).tolist())
print("as PyTorch's padding=1", np.ravel(as_torch).tolist())
