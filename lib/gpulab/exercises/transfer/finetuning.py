"""Exercises on fine-tuning and its learning rates."""
