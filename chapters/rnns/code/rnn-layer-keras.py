"""A recurrent layer in Keras: shapes and parameters."""

import numpy as np
from keras import layers

names = np.zeros((8, 11, 26), dtype="float32")  # sequences, steps, features
every = layers.SimpleRNN(64, return_sequences=True)
print("all states:", tuple(every(names).shape))
layer = layers.SimpleRNN(64)
print("last state:", tuple(layer(names).shape))

for weight in layer.weights:
    print(f"{weight.name:16}", tuple(weight.shape))
print("parameters:", layer.count_params())
