"""The four kinds of an epoch in Keras on TensorFlow: each a function without arguments, its graph built once."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from gpulab import transfer

from benchmarks.cached_features.__main__ import BATCH, EPOCHS, IMAGES, PIXELS


def prepare(threads: int) -> dict[str, Callable[[], object]]:
    """Return the calls by kind."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    keras.utils.set_random_seed(0)
    x, y = np.random.default_rng(0).random((IMAGES, PIXELS, PIXELS, 3), dtype=np.float32), np.arange(IMAGES) % 10
    full = transfer.unfreeze(transfer.load("mobilenet-v2", "keras", classes=10), "stem")
    frozen = transfer.freeze(transfer.load("mobilenet-v2", "keras", classes=10))
    base = transfer.cut(frozen, "pool")
    features = base.predict(x, batch_size=BATCH, verbose=0)
    head = keras.Sequential([keras.Input((features.shape[1],)), keras.layers.Dense(10)])
    return {
        "full": _epoch(full, x, y),
        "frozen": _epoch(frozen, x, y),
        "extract": lambda: base.predict(x, batch_size=BATCH, verbose=0),
        "cached": _epoch(head, features, y, EPOCHS),
    }


def _epoch(network: keras.Model, x: np.ndarray, y: np.ndarray, epochs: int = 1) -> Callable[[], object]:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(1e-5), loss)
    return lambda: network.fit(x, y, epochs=epochs, batch_size=BATCH, verbose=0)
