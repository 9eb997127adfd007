"""Exercises on using a pretrained model as it is."""
