"""The smoothed cross-entropy by hand, and by Keras."""

import keras
import numpy as np

logits = np.random.default_rng(0).normal(0, 2, (5, 10))
y, smoothing = np.array([3, 1, 4, 1, 5]), 0.1

targets = (1 - smoothing) * np.eye(10)[y] + smoothing / 10
log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
by_hand = -(targets * log_p).sum(axis=1).mean()
loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
found = float(loss(np.eye(10)[y], logits))  # one-hot targets
print(f"by hand {by_hand:.4f}, Keras {found:.4f}")
