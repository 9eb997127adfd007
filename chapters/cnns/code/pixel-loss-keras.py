"""The cross-entropy of a class for each pixel in Keras: the classes stand last."""

import keras
import numpy as np

logits = np.array([[[2.0, 0, 0], [0, 1, 0]], [[0, 0, 0], [3, 0, 1]]], "float32")
mask = np.array([[0, 1], [2, 0]])  # rows, columns
logits, mask = logits[None], mask[None]  # a batch of one image
print("classes last: ", tuple(logits.shape), "and the mask", tuple(mask.shape))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
print(f"loss {float(loss(mask, logits)):.4f}")
