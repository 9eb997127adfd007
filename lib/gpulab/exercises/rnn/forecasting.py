"""Exercises on forecasting."""

from __future__ import annotations
