"""Pooling layers in Keras: shapes, ties, borders."""

import numpy as np
import tensorflow as tf
from keras import layers

maps = np.ones((8, 11, 11, 64), dtype="float32")  # images, rows, columns, channels
pools = [layers.MaxPooling2D(2), layers.AveragePooling2D(2)]
pools += [layers.MaxPooling2D(3, strides=2), layers.GlobalAveragePooling2D()]
for layer in pools:
    print(f"{type(layer).__name__:22}", tuple(layer(maps).shape))

ties = tf.Variable(tf.ones((1, 2, 2, 1)))
with tf.GradientTape() as tape:
    total = tf.reduce_sum(layers.MaxPooling2D(2)(ties))
gradient = tape.gradient(total, ties)
print("a tie: the gradient is", np.ravel(gradient).tolist())

average = layers.AveragePooling2D(3, strides=1, padding="same")
border = average(np.ones((1, 3, 3, 1), dtype="float32"))
print(f"average at the corner of ones: {float(border[0, 0, 0, 0]):.2f}")
