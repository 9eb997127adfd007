"""A run that is interrupted and resumed, against one that is not."""

import tempfile

import keras
import numpy as np
from gpulab.data import load
from gpulab.models import reference_cnn
from gpulab.train import Callback, Checkpoint, fit


class PowerCut(Callback):
    """Ends the run in the middle of the second epoch."""

    def on_step(self, run):
        if run.steps_done == 12:
            raise KeyboardInterrupt


def fresh():
    keras.utils.set_random_seed(0)
    return reference_cnn("keras")


digits = load("digits").valid  # 500 images: 8 steps an epoch
whole, first, second = fresh(), fresh(), fresh()
fit(whole, digits, epochs=3)
with tempfile.TemporaryDirectory() as folder:
    try:
        fit(first, digits, epochs=3, callbacks=[PowerCut(), Checkpoint(folder)])
    except KeyboardInterrupt:
        print("interrupted")
    history = fit(second, digits, epochs=3, resume=folder)

print("epochs in the record:", history["epoch"])
same = [np.array_equal(a, b) for a, b in zip(whole.get_weights(), second.get_weights())]
print("every weight the same, bit by bit:", all(same))
