"""Windows of a series into an LSTM in Keras: the last axis is the features, here one."""

import keras
import numpy as np
from keras import layers

windows = np.zeros((703, 24), "float32")
x = windows[..., None]
model = keras.Sequential(
    [
        keras.Input((24, 1)),
        layers.LSTM(32),  # returns the state after the last step
        layers.Dense(6),  # all steps of the horizon
    ]
)
print("in ", x.shape)
print("out", tuple(model(x).shape))
print(model.count_params(), "parameters")
