"""What is trained in every measurement of speed: the same data, models and optimizer for everybody.

- ``cnn``: the course's reference CNN on the 3,500 real training digits, 28 x 28.
- ``lstm``: LSTM(64) and a dense layer over synthetic sequences, 50 steps of 10 features. Speed does not depend on
  what the numbers mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras
    from torch import nn

NAMES = ("cnn", "lstm")
BATCH = 128
LR = 1e-3
EPOCHS = 6  # the first one warms up and is left out
SEQUENCES, STEPS, FEATURES, UNITS, CLASSES = 4096, 50, 10, 64, 2


def arrays(workload: str) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and labels: images (n, 28, 28, 1) or sequences (n, 50, 10), float32; labels int64."""
    if workload == "cnn":
        from gpulab.data import load

        digits = load("digits").train
        return digits.x, digits.y.astype(np.int64)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(SEQUENCES, STEPS, FEATURES)).astype(np.float32)
    return x, (x[:, :, 0].sum(1) > 0).astype(np.int64)


def tensors(workload: str) -> tuple[Any, Any]:
    """Return the data as torch people have it: images channels first, in torch's default order in memory."""
    import torch

    x, y = (torch.from_numpy(part) for part in arrays(workload))
    return (x[..., 0].unsqueeze(1) if workload == "cnn" else x), y


def torch_model(workload: str) -> nn.Module:
    """Return the model in torch, with the same fresh weights each time."""
    import torch
    from gpulab.models import reference_cnn
    from torch import nn

    class LastStep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(FEATURES, UNITS, batch_first=True)
            self.dense = nn.Linear(UNITS, CLASSES)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.dense(self.lstm(x)[0][:, -1])

    torch.manual_seed(0)
    return reference_cnn("torch") if workload == "cnn" else LastStep()


def keras_model(workload: str) -> keras.Model:
    """Return the model in Keras, with the same fresh weights each time."""
    import keras
    from gpulab.models import reference_cnn
    from keras import layers

    keras.utils.set_random_seed(0)
    if workload == "cnn":
        return reference_cnn("keras")
    return keras.Sequential([keras.Input((STEPS, FEATURES)), layers.LSTM(UNITS), layers.Dense(CLASSES)])
