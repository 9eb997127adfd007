"""Exercises on backpropagation through time and on gradients that vanish or explode."""

from __future__ import annotations
