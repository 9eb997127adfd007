"""The exercises of the part on convolutional networks."""

from gpulab.exercises.cnn import head, labs, layers, repairs, speed, training

__all__ = ["head", "labs", "layers", "repairs", "speed", "training"]
