"""Exercises on feature extraction, and the broken programs."""
