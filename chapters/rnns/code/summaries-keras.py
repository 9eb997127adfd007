"""Two ways to the last real state in Keras, and two other summaries."""

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(0)
steps = np.array([8, 3, 5])
real = np.arange(8) < steps[:, None]  # (3, 8)
x = np.random.default_rng(0).normal(size=(3, 8, 12)) * real[:, :, None]
x = x.astype("float32")  # recordings, steps, channels
lstm = layers.LSTM(64, return_sequences=True)

states = lstm(x)  # (3, 8, 64): reads the padding, too
last = ops.take_along_axis(states, steps[:, None, None] - 1, axis=1)[:, 0]
mean = layers.GlobalAveragePooling1D()(states, mask=real)
highest = ops.max(ops.where(real[:, :, None], states, -2.0), axis=1)  # -2: below all
print("each summary:", tuple(last.shape), tuple(mean.shape), tuple(highest.shape))

masked = lstm(x, mask=real)  # repeats the last real state in the padding
print("masked, the last state is the same:", np.allclose(masked[:, -1], last, atol=1e-6))
print("the state after the padding is the same:", np.allclose(last, states[:, -1]))
