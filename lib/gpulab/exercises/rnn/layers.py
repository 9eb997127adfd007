"""Exercises on recurrent layers, padding, masking and packing."""

from __future__ import annotations
