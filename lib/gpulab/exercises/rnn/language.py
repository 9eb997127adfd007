"""Exercises on language models of characters."""

from __future__ import annotations
