"""An honest entry, and a weak one: the class whose average image is nearest. It shows the form; no framework is needed."""

import numpy as np

CLAIM = {"name": "Nearest average", "author": "The course", "class": "open", "accuracy": 0.8}


def train(train, valid, seed):
    """Average the images of each class."""
    x, y = train
    means = np.stack([x[y == k].mean(axis=0).ravel() for k in range(10)])

    def predict(images):
        return 2 * images.reshape(len(images), -1) @ means.T - (means**2).sum(axis=1)

    return predict
