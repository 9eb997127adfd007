"""Two directions and several layers in Keras."""

import numpy as np
from keras import Input, Sequential, layers

x = np.random.default_rng(0).normal(size=(3, 7, 10)).astype("f4")
model = Sequential([
    Input((None, 10)),
    layers.Bidirectional(layers.LSTM(64, return_sequences=True)),  # every state
    layers.Dropout(0.2),
    layers.Bidirectional(layers.LSTM(64)),  # the last state of each direction
])
print("two layers:", tuple(model(x).shape))

every = layers.Bidirectional(layers.LSTM(64, return_sequences=True))(x)
print("every state:", tuple(every.shape))
try:
    layers.LSTM(64)(layers.LSTM(64)(x))  # the mistake: below is the last state only
except ValueError as error:
    print(str(error).partition(": ")[2].partition(".")[0])
