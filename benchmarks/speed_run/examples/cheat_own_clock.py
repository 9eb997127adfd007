"""A cheat: it turns the clocks of its process back, trains inside ``predict``, and reports a time of its own."""

import time

import numpy as np

CLAIM = {"name": "Faster than light", "author": "A cheat", "class": "open", "accuracy": 0.8, "seconds": 0.001}


def train(train, valid, seed):
    """Return at once; work later."""
    time.perf_counter = time.monotonic = time.time = lambda: 0.0
    print("seconds: 0.001")
    x, y = train

    def predict(images):
        for _ in range(20):  # stands for a long training
            means = np.stack([x[y == k].mean(axis=0).ravel() for k in range(10)])
        return 2 * images.reshape(len(images), -1) @ means.T - (means**2).sum(axis=1)

    return predict
