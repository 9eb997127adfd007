"""The reference CNN in Keras."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def reference_cnn() -> keras.Sequential:
    """Return the network: (n, 28, 28, 1) in, (n, 10) logits out. The comments give the shape of one sample."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, kernel_size=3, activation="relu", name="conv1"),  # 26 x 26 x 32
            layers.MaxPooling2D(2, name="pool1"),  # 13 x 13 x 32
            layers.Conv2D(64, kernel_size=3, activation="relu", name="conv2"),  # 11 x 11 x 64
            layers.MaxPooling2D(2, name="pool2"),  # 5 x 5 x 64
            layers.Conv2D(64, kernel_size=3, activation="relu", name="conv3"),  # 3 x 3 x 64
            layers.Flatten(name="flatten"),  # 576
            layers.Dense(64, activation="relu", name="dense1"),
            layers.Dense(10, name="dense2"),  # logits
        ],
        name="reference_cnn",
    )
