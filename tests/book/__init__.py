"""Tests of the built book."""
