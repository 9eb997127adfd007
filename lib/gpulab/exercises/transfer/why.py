"""Exercises on why transfer pays, and what it saves."""
