"""Train a torch module or a Keras model in one way, and get one kind of record. Importing this loads no framework.

>>> from gpulab.train import schedules
>>> sorted(schedules.SCHEDULES)
['constant', 'cosine', 'one_cycle']
"""

from __future__ import annotations

from gpulab.train.api import evaluate, fit, predict
from gpulab.train.augment import Shift, shift
from gpulab.train.callbacks import Callback, Checkpoint, EarlyStopping, NaNGuard, Progress, Run
from gpulab.train.errors import TrainError
from gpulab.train.history import History

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "NaNGuard",
    "Progress",
    "Run",
    "Shift",
    "TrainError",
    "evaluate",
    "fit",
    "predict",
    "shift",
]
