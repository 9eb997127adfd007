"""Exercises on sentence encoders with few labels."""
