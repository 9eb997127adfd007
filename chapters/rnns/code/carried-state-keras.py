"""A long text in pieces: the state is carried along, the gradient is not."""

import keras
import numpy as np

keras.utils.set_random_seed(0)
lanes = np.random.default_rng(0).normal(size=(4, 192, 8)).astype("float32")
cell = keras.layers.GRU(16, return_sequences=True, stateful=True)
whole = cell(lanes)  # 4 lanes of text, read beside each other

cell.reset_state()  # zeros
for at in range(0, 192, 64):
    h = cell(lanes[:, at : at + 64])  # begins where the last call ended
    # ... here: loss, gradients and a step of the optimizer ...
same = np.allclose(h[:, -1], whole[:, -1], atol=1e-5)
print("the last state is that of the whole text:", same)
cell.reset_state()
fresh = np.allclose(cell(lanes[:, 128:])[:, -1], whole[:, -1], atol=1e-5)
print("after a reset it is:", fresh)
