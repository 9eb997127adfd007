"""Gradients of the states of a recurrent network in Keras, and clipping them."""

import keras
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
w_x, w_h = rng.normal(size=(8, 2)), 0.5 * rng.normal(size=(8, 8))
x = tf.constant(rng.normal(size=(4, 6, 2)))  # 4 sequences of 6 steps

cell = keras.layers.SimpleRNNCell(8, use_bias=False, dtype="float64")
cell.build((4, 2))
cell.set_weights([w_x.T, w_h.T])
h, states = tf.zeros((4, 8), tf.float64), []
with tf.GradientTape() as tape:
    for t in range(6):
        h, _ = cell(x[:, t], [h])
        states.append(h)
    loss = tf.reduce_sum(h**2)
found = tape.gradient(loss, [states, cell.trainable_variables])
print("states: ", *(f"{tf.norm(g):.2f}" for g in found[0]))

clipped, norm = tf.clip_by_global_norm(found[1], 1.0)
print(f"weights: {norm:.2f} before clipping, {tf.linalg.global_norm(clipped):.2f} after")
# The optimizer can do it; `clipnorm` would clip each weight by itself.
optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)
