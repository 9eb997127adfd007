"""A run that is interrupted and resumed, against one that is not."""

import tempfile

import torch
from gpulab.data import load
from gpulab.models import reference_cnn
from gpulab.train import Callback, Checkpoint, fit


class PowerCut(Callback):
    """Ends the run in the middle of the second epoch."""

    def on_step(self, run):
        if run.steps_done == 12:
            raise KeyboardInterrupt


def fresh():
    torch.manual_seed(0)
    return reference_cnn("torch")


digits = load("digits").valid  # 500 images: 8 steps an epoch
whole, first, second = fresh(), fresh(), fresh()
fit(whole, digits, epochs=3)
with tempfile.TemporaryDirectory() as folder:
    try:
        fit(first, digits, epochs=3, callbacks=[PowerCut(), Checkpoint(folder, every=4)])
    except KeyboardInterrupt:
        print("interrupted")
    history = fit(second, digits, epochs=3, resume=folder)

print("epochs in the record:", history["epoch"])
same = [torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters())]
print("every weight the same, bit by bit:", all(same))
