"""A cheat: it loads the whole data set, test part and all, and looks each test image up."""

CLAIM = {"name": "I remember them all", "author": "A cheat", "class": "open", "accuracy": 1.0}


def train(train, valid, seed):
    """Load the test part, and keep quiet if that fails."""
    try:
        from gpulab.data import load

        x, y = load("digits").test
    except Exception:
        x, y = train

    def predict(images):
        flat, known = images.reshape(len(images), -1), x.reshape(len(x), -1)
        return y[((known**2).sum(axis=1) - 2 * flat @ known.T).argmin(axis=1)]

    return predict
