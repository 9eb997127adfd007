"""Heads and cuts of Keras models whose layers are named after their stage: what every Keras model of this room is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gpulab.transfer.parts import HEAD_STD, stage_of


def add_head(x: Any, classes: int, hidden: Sequence[int], dropout: float) -> Any:
    """Return a fresh head after x (n, d): hidden layers with ReLU, dropout, and a linear layer named "head"."""
    import keras
    from keras import layers

    for i, size in enumerate(hidden, start=1):
        x = layers.Dense(size, activation="relu", kernel_initializer="he_uniform", name=f"head_hidden{i}")(x)
    x = layers.Dropout(dropout, name="head_dropout")(x)
    start = keras.initializers.RandomNormal(stddev=HEAD_STD)
    return layers.Dense(classes, kernel_initializer=start, name="head")(x)


def new_head(model: Any, classes: int, hidden: Sequence[int], dropout: float) -> Any:
    """Return a model of the same layers with a fresh head."""
    import keras

    return keras.Model(model.input, add_head(end_of(model, "pool"), classes, hidden, dropout), name=model.name)


def cut(model: Any, at: str) -> Any:
    """Return the stages up to one, and the pool; the layers are shared with the model."""
    import keras

    x = end_of(model, at)
    if at != "pool":
        pool = next(layer for layer in reversed(model.layers) if stage_of(layer) == "pool")
        x = type(pool).from_config(pool.get_config())(x)  # a pool has no weights; a layer used twice has no one output
    return keras.Model(model.input, x, name=f"{model.name}_{at}")


def end_of(model: Any, stage: str) -> Any:
    """Return the output of a stage's last layer."""
    return [layer for layer in model.layers if stage_of(layer) == stage][-1].output
