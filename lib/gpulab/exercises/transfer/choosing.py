"""Exercises on scores that rank pretrained models."""
