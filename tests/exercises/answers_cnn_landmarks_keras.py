"""Answers to the exercises on landmark networks that are solved in Keras."""

from __future__ import annotations

import keras
from keras import layers

from tests.exercises.walk import Answers, Made


def block(bias=False, norm=True, padding="same", shortcut=True, relu=True, convs=2, between=True, before=False):
    """Return a function that makes the right one, or one with a part changed."""

    def make():
        inputs = y = keras.Input((8, 8, 8))
        for i in range(convs):
            y = layers.Conv2D(8, 3, padding=padding, use_bias=bias)(y)
            y = layers.BatchNormalization()(y) if norm else y
            y = layers.ReLU()(y) if i == 0 and between else y
        y = layers.ReLU()(y) if before else y
        y = layers.Add()([y, inputs]) if shortcut else y
        return keras.Model(inputs, layers.ReLU()(y) if relu else y)

    return Made(make)


ANSWERS = {
    "cnn/residual-block": Answers(
        block(),
        [
            (block(bias=True), "leave them out"),
            (block(norm=False), "batch normalization is missing"),
            (block(padding="valid", shortcut=False), "in Keras: same"),
            (block(shortcut=False), "the shortcut is missing"),
            (block(relu=False), "after the addition"),
            (block(between=False), "between the two convolutions"),
            (block(before=True), "no ReLU between the second convolution"),
            (block(convs=1), "the block has two"),
            (block, "the block itself"),
        ],
    ),
}
