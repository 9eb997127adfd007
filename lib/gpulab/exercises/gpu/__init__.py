"""The exercises of the part on GPUs."""

from gpulab.exercises.gpu import catalog, choosing, energy, machine, measuring, predicting, roofline

__all__ = ["catalog", "choosing", "energy", "machine", "measuring", "predicting", "roofline"]
