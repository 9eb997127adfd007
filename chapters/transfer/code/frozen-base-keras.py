"""Freezing in Keras: one flag on the base, and a network that is compiled after it was set."""

import keras
import numpy as np
from keras import layers

keras.utils.set_random_seed(0)
images, classes = np.random.rand(8, 16, 16, 3).astype("float32"), np.arange(8) % 10


def moved(frozen: bool) -> tuple[bool, bool]:
    """One step of training: did the base's weights move, and its statistics?"""
    inside = [layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(), layers.Flatten()]
    base = keras.Sequential([keras.Input((16, 16, 3)), *inside])
    base.trainable = not frozen  # no gradient; BatchNorm computes as in evaluation, too
    inputs = keras.Input((16, 16, 3))
    outputs = layers.Dense(10)(base(inputs, training=False if frozen else None))
    network = keras.Model(inputs, outputs)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.SGD(0.1), loss)  # after `trainable` was set
    kernel, mean = inside[0].kernel.numpy(), inside[1].moving_mean.numpy()
    network.fit(images, classes, verbose=0)
    same = np.array_equal(kernel, inside[0].kernel), np.array_equal(mean, inside[1].moving_mean)
    return not same[0], not same[1]


for frozen in (False, True):
    weights, statistics = moved(frozen)
    print(f"trainable {not frozen}: weights moved {weights}, statistics {statistics}")
