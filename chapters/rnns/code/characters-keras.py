"""A language model of characters in Keras, before training."""

import math

import keras
from keras import layers

keras.utils.set_random_seed(0)
symbols, units = 32, 128
model = keras.Sequential([
    keras.Input((None,), dtype="int32"),  # characters (n, T)
    layers.Embedding(symbols, 32),
    layers.LSTM(units, return_sequences=True),  # (n, T, units)
    layers.Dense(symbols),  # logits (n, T, V) for the next ones
])

text = keras.random.randint((4, 65), 0, symbols, seed=0)
x, y = text[:, :-1], text[:, 1:]  # the targets are one place further
logits = model(x)
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
loss = float(cross_entropy(y, logits))
print("inputs", tuple(x.shape), "logits", tuple(logits.shape))
print(f"{model.count_params():,} parameters")
print(f"{loss / math.log(2):.1f} bits per character")
