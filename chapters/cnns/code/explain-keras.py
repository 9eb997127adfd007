"""Saliency and Grad-CAM of a tiny network in Keras."""

import tensorflow as tf
from keras import Input, Sequential, layers

ones, twos = "ones", lambda shape, dtype=None: tf.fill(shape, 2.0)
conv = layers.Conv2D(1, 3, padding="same", use_bias=False, kernel_initializer=ones)
features = Sequential([Input((4, 4, 1)), conv, layers.ReLU()])
dense = layers.Dense(1, use_bias=False, kernel_initializer=twos)
head = Sequential([Input((4, 4, 1)), layers.GlobalAveragePooling2D(), dense])

pixels = tf.ones((1, 4, 4, 1))
with tf.GradientTape() as tape:
    tape.watch(pixels)  # an input is not watched by itself
    maps = features(pixels)  # 1 image, 4 rows, 4 columns, 1 channel
    logit = head(maps)[0, 0]
by_pixel, by_map = tape.gradient(logit, (pixels, maps))

print("logit", float(logit))
print("saliency, row 0", tf.abs(by_pixel)[0, 0, :, 0].numpy().tolist())
print("saliency, row 1", tf.abs(by_pixel)[0, 1, :, 0].numpy().tolist())
alpha = tf.reduce_mean(by_map, axis=(1, 2), keepdims=True)
cam = tf.nn.relu(tf.reduce_sum(alpha * maps, axis=-1))
print("Grad-CAM, row 1", cam[0, 1].numpy().tolist())
