"""Recurrent layers in Keras read any number of steps."""

import numpy as np
from keras import Input, Sequential, layers

# None stands for any number of steps.
last = Sequential([Input((None, 10)), layers.SimpleRNN(64)])
each = layers.SimpleRNN(64, return_sequences=True)
every = Sequential([Input((None, 10)), each])
print("declared:", every.input_shape, "->", every.output_shape)
for steps in (3, 200):
    x = np.zeros((32, steps, 10), dtype="float32")
    print(steps, "steps: every state", every(x).shape, "last", last(x).shape)

relu = layers.SimpleRNN(64, activation="relu")
lstm = layers.LSTM(64, return_sequences=True, return_state=True)
parts = lstm(np.zeros((32, 7, 10), dtype="float32"))  # every state, last, cell
print("LSTM:", *(tuple(part.shape) for part in parts))
