"""An LSTM layer in Keras: its weights, its states, and an open forget gate."""

import keras
import numpy as np
from gpulab.models import cells
from keras import layers

keras.utils.set_random_seed(0)
lstm = layers.LSTM(16, return_sequences=True, return_state=True)
x = np.random.default_rng(0).random((2, 9, 26), dtype="float32")
states, last, cell = lstm(x)  # x: (sequences, steps, features)
for weight in lstm.weights:
    print(f"{weight.name:16} {tuple(weight.shape)}")
print(f"{lstm.count_params():,} parameters")

print("states", tuple(states.shape), "cell state", tuple(cell.shape))
kernel, recurrent, bias = lstm.get_weights()
weights = {"weight_ih": kernel.T, "weight_hh": recurrent.T}
weights |= {"bias_ih": bias, "bias_hh": 0 * bias}
ours = cells.run("lstm", weights, x)
print("equal to NumPy:", np.allclose(ours.h, states, atol=1e-6))

forget = slice(16, 32)  # input 0-15, forget 16-31, proposal, output
print("forget bias at the start:", set(bias[forget].tolist()))
bias[forget] = 2.0  # for a longer memory
lstm.set_weights([kernel, recurrent, bias])
