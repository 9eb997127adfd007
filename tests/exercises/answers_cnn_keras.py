"""Answers to the exercises on convolutional networks that are solved in Keras."""

from __future__ import annotations

import keras
from gpulab.data import load
from gpulab.train import fit
from keras import layers

from tests.exercises.walk import Answers, Made


def network(width=16):
    return keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(width, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(10),
    ])  # fmt: skip


def small(epochs=6, **options):
    """Return a function that trains a small network."""

    def make():
        keras.utils.set_random_seed(0)
        model, digits = network(**options), load("digits")
        fit(model, digits.train, epochs=epochs, lr=1e-2, schedule="one_cycle", verbose=False)
        return model

    return Made(make)


def large():
    return keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(64), layers.Dense(10)])


def compiled(model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model


def compiled_with(loss):
    """Return a function that compiles with some loss."""

    def compile_model(model):
        model.compile(optimizer="adam", loss=loss)
        return model

    return compile_model


def nothing_returned(model):
    compiled(model)


def compiled_by_name(model):
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return model


ANSWERS = {
    "cnn/small-network": Answers(
        small(),
        [
            (Made(large), "fewer than 20,000"),
            (Made(network), "was it trained at all"),
            (small(epochs=1, width=1), "it learns, but not enough"),
            (Made(lambda: network), "the network itself"),
            (Made(lambda: keras.Sequential([network(), layers.Softmax()])), "at the model's end out.\nHint"),
            (Made(lambda: keras.Sequential([network(), layers.Softmax()])), "validation part to `evaluate`"),
        ],
    ),
    "cnn/repair-compile": Answers(
        compiled,
        [
            (compiled_with("mse"), "for numbers"),
            (nothing_returned, "`return` missing"),
            (compiled_by_name, "which argument of the loss"),
            (lambda model: model, "compile"),
            (lambda model: model, "a Keras model that ends with a dense layer"),
        ],
    ),
}
