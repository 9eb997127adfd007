"""The exercises of the part on GPUs."""

from gpulab.exercises.gpu import catalog, energy, machine, measuring, predicting, roofline

__all__ = ["catalog", "energy", "machine", "measuring", "predicting", "roofline"]
