"""Exercises on sequences, the hidden state, and recurrent cells from scratch."""

from __future__ import annotations
