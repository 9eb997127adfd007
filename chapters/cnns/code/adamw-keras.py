"""Weight decay beside Adam's step: Keras' AdamW. In the loss it would be `kernel_regularizer=L2(...)`."""

import keras
import numpy as np

gradient = np.array([0.0, 0.01, 1.0])  # of the loss, the same in every step
lr, decay = 0.01, 0.5


def by_hand(decoupled: bool) -> np.ndarray:
    w, m, s = np.ones(3), np.zeros(3), np.zeros(3)
    for t in range(1, 11):
        g = gradient + (0 if decoupled else decay * w)
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
        w = w - lr * decay * w if decoupled else w
        w = w - lr * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return w


def by_keras(optimizer: keras.optimizers.Optimizer, in_loss: float) -> np.ndarray:
    w = keras.Variable(np.ones(3), dtype="float64")
    optimizer.build([w])
    for _ in range(10):
        optimizer.apply([keras.ops.convert_to_tensor(gradient + in_loss * w.numpy())])
    return w.numpy()


decoupled = keras.optimizers.AdamW(lr, weight_decay=decay, epsilon=1e-8)
inside = keras.optimizers.Adam(lr, epsilon=1e-8)
for name, optimizer, in_loss in (("AdamW", decoupled, 0), ("Adam", inside, decay)):
    w = by_keras(optimizer, in_loss)
    print(f"{name:5}", np.round(w, 3), "same as by hand:", np.allclose(w, by_hand(not in_loss), rtol=1e-5))
