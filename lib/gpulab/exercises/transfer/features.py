"""Exercises on hand-made and learned features."""
