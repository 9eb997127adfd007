"""The exercises of the part on recurrent networks."""

from gpulab.exercises.rnn import classification, forecasting, gates, gradients, language, layers, recurrence, sequences

__all__ = ["classification", "forecasting", "gates", "gradients", "language", "layers", "recurrence", "sequences"]
