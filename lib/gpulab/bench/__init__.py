"""Measure this machine: arithmetic, memory, copies to a device, launches. Importing this loads no framework.

Every number is a median of several timings after a warm-up, with its quartiles. :func:`run` does the whole round, and
the command ``python -m gpulab bench`` too; a report is plain data, which needs no framework to be read.
"""

from __future__ import annotations

from gpulab.bench.kernels import convolution, launch, lstm, lstm_step, matmul, round_trip
from gpulab.bench.memory import bandwidth, copy_to_device, copy_to_host
from gpulab.bench.report import BenchError, Measurement, Report, Skip, Unsupported
from gpulab.bench.roof import roofline
from gpulab.bench.suite import GROUPS, run
from gpulab.bench.ways import compare, numpy_matmul, python_matmul

__all__ = [
    "GROUPS",
    "BenchError",
    "Measurement",
    "Report",
    "Skip",
    "Unsupported",
    "bandwidth",
    "compare",
    "convolution",
    "copy_to_device",
    "copy_to_host",
    "launch",
    "lstm",
    "lstm_step",
    "matmul",
    "numpy_matmul",
    "python_matmul",
    "roofline",
    "round_trip",
    "run",
]
