"""Freezing in Keras: one flag on the base, and a network that is compiled after it was set."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
images = np.random.rand(8, 16, 16, 3).astype("float32")
classes = np.arange(8) % 10


def moved(frozen: bool) -> tuple[bool, bool]:
    """One step of training: did the base's weights move, and its statistics?"""
    conv, norm = layers.Conv2D(4, 3), layers.BatchNormalization()
    base = keras.Sequential([keras.Input((16, 16, 3)), conv, norm])
    base.trainable = not frozen  # BatchNorm computes as in evaluation, too
    inputs = keras.Input((16, 16, 3))
    maps = base(inputs, training=False if frozen else None)
    outputs = layers.Dense(10)(layers.Flatten()(maps))
    network = keras.Model(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.SGD(0.1), loss)  # after `trainable`
    kernel, mean = conv.kernel.numpy(), norm.moving_mean.numpy()
    network.fit(images, classes, verbose=0)
    now = conv.kernel.numpy(), norm.moving_mean.numpy()
    return not np.array_equal(kernel, now[0]), not np.array_equal(mean, now[1])


for frozen in (False, True):
    weights, statistics = moved(frozen)
    print(f"trainable {not frozen}: weights moved {weights}, "
          f"statistics {statistics}")
