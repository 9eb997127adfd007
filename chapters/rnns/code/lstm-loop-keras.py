"""The ready LSTM, and the same as a loop over its cell, in Keras."""

import numpy as np
from keras import layers, ops

layer = layers.LSTM(4, return_sequences=True, dtype="float64")
layer.build((None, None, 5))
cell = layer.cell  # the same weights
x = np.random.default_rng(0).normal(size=(3, 50, 5))  # sequences, steps, features

ready = layer(x)
state = [ops.zeros((3, 4), dtype="float64")] * 2
states = []
for step in ops.unstack(ops.convert_to_tensor(x), axis=1):
    h, state = cell(step, state)
    states.append(h)
loop = ops.stack(states, axis=1)
print("states:", tuple(ready.shape))
print("equal: ", np.allclose(ready, loop, rtol=0, atol=1e-12))
