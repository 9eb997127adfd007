"""Predict step time, memory and energy of a model on any catalogued device without having it.

One true step is traced under fake tensors, operator by operator; each takes as long as its arithmetic or its memory
traffic needs on the device. Importing this loads no framework.

>>> from gpulab.estimate import estimate
>>> answer = estimate("resnet50", "rtx-3090", batch=64, precision="fp16")
>>> answer.fits, answer.bound_by
(True, 'memory')
"""

from __future__ import annotations

from gpulab.estimate.api import Estimate, estimate, largest_batch, predict, workload
from gpulab.estimate.errors import EstimateError
from gpulab.estimate.trace import Subject, trace
from gpulab.estimate.workload import Workload

__all__ = [
    "Estimate",
    "EstimateError",
    "Subject",
    "Workload",
    "estimate",
    "largest_batch",
    "predict",
    "trace",
    "workload",
]
