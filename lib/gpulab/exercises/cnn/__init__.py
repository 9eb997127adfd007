"""The exercises of the part on convolutional networks."""

from gpulab.exercises.cnn import broken, detection, generation, head, inside, labs, landmarks, layers, regularization, repairs, segmentation, speed, speedrun, training

__all__ = ["broken", "detection", "generation", "head", "inside", "labs", "landmarks", "layers", "regularization", "repairs", "segmentation", "speed", "speedrun", "training"]
