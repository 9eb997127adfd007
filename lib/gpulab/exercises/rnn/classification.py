"""Exercises on the classification of sequences."""

from __future__ import annotations
