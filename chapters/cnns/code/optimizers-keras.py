"""Momentum and Adam by hand, and by Keras: the same steps."""

import keras
import numpy as np

curvature = np.array([1.0, 10.0, 100.0])  # the loss is sum(curvature * w**2) / 2
w_momentum, w_adam = np.ones(3), np.ones(3)
v, m, s = np.zeros(3), np.zeros(3), np.zeros(3)
for t in range(1, 21):
    v = 0.9 * v + curvature * w_momentum
    w_momentum = w_momentum - 0.01 * v
    g = curvature * w_adam
    m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
    w_adam = w_adam - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)


def steps(optimizer: keras.optimizers.Optimizer) -> np.ndarray:
    w = keras.Variable(np.ones(3), dtype="float64")
    optimizer.build([w])
    for _ in range(20):
        gradient = curvature * w.numpy()  # of this loss, written out
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
    return w.numpy()


by_sgd = steps(keras.optimizers.SGD(0.01, momentum=0.9))
by_adam = steps(keras.optimizers.Adam(0.01, epsilon=1e-8))
print("momentum", np.round(by_sgd, 3), "same as by hand:", np.allclose(by_sgd, w_momentum, rtol=1e-5))
print("Adam    ", np.round(by_adam, 3), "same as by hand:", np.allclose(by_adam, w_adam, rtol=1e-4))
