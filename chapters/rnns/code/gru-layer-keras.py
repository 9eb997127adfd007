"""A GRU layer in Keras, equal to NumPy, with the reset gate before or after the product."""

import keras
import numpy as np
from gpulab.models import cells
from keras import layers

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).random((2, 9, 26), dtype="float32")
for layer in (layers.SimpleRNN(64), layers.GRU(64), layers.LSTM(64)):
    layer(x)
    print(f"{type(layer).__name__:9} {layer.count_params():6,} parameters")
before = layers.GRU(64, reset_after=False)
before(x)
print(f"GRU, reset before: {before.count_params():,}")

gru = layers.GRU(64, return_sequences=True)  # reset_after=True
states = gru(x)
kernel, recurrent, biases = gru.get_weights()  # biases: (2, 192)


def rows(columns: np.ndarray) -> np.ndarray:
    """Keras has the update gate first, PyTorch the reset gate."""
    update, reset, new = np.split(columns, 3, axis=-1)
    return np.concatenate([reset, update, new], axis=-1).T


weights = {"weight_ih": rows(kernel), "weight_hh": rows(recurrent)}
weights |= {"bias_ih": rows(biases[0]), "bias_hh": rows(biases[1])}
ours = cells.run("gru", weights, x).h
print("equal to NumPy:", np.allclose(ours, states, atol=1e-6))

biases[0, :64], biases[1, :64] = 2.0, 0.0  # open the update gates; they come first
gru.set_weights([kernel, recurrent, biases])
