"""Three sequences of different lengths in one batch: masked, and read with their padding."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
sequences = [rng.normal(size=(steps, 4)).astype("f4") for steps in (2, 5, 3)]
batch = keras.utils.pad_sequences(  # the default is "pre": zeros at the front
    sequences, dtype="float32", padding="post"
)
layer = layers.LSTM(8)
alone = np.concatenate([layer(sequence[None]) for sequence in sequences])

masking = layers.Masking(0.0)
masked = keras.Sequential([keras.Input((None, 4)), masking, layer])
print("mask of the first:", np.asarray(masking.compute_mask(batch))[0].tolist())
print("masked, as alone:", np.allclose(masked(batch), alone, atol=1e-6))

read = layer(batch)  # the mistake: no mask, so the padding is read
same = [bool(np.allclose(a, b, atol=1e-6)) for a, b in zip(read, alone)]
print("last column, as alone:", same)
