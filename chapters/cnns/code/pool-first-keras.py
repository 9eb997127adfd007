"""ReLU after the pooling in Keras: the same outputs, and the same gradients of the weights."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(0)
images, conv = tf.random.uniform((4, 28, 28, 1)), layers.Conv2D(32, 3)
relu, pool = layers.Activation("relu"), layers.MaxPooling2D(2)
results = []
for parts in ((conv, relu, pool), (conv, pool, relu)):
    model = keras.Sequential(parts)
    with tf.GradientTape() as tape:
        maps = model(images)
        loss = tf.reduce_sum(maps**2)
    results.append((maps, tape.gradient(loss, conv.kernel.value)))

(maps, slope), (other_maps, other_slope) = results
print("numbers that ReLU sees:", 32 * 26 * 26, "or", 32 * 13 * 13)
print("equal maps:", np.array_equal(maps, other_maps))
print("equal gradients:", np.allclose(slope, other_slope, rtol=1e-4, atol=1e-2))
