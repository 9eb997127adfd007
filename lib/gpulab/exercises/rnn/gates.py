"""Exercises on the gates of the LSTM and the GRU."""

from __future__ import annotations
